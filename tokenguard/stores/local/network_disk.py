"""Refusal of network file systems, whose locks and fsync do not keep what SQLite and the lock file promise."""

from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import resolved, shown

_MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "ceph", "fuse.sshfs", "fuse.glusterfs"})
_ESCAPES = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}


def refuse_network_disk(directory: Path) -> None:
    """InputError if `directory` is known to be on a network file system (asked on Linux only)."""
    try:
        mounts = _MOUNTS.read_text(errors="surrogateescape")
    except OSError:
        return
    kind = file_system_of(directory, mounts)
    if kind in _REMOTE:
        raise InputError(
            f"{shown(directory)} is on a network file system ({kind})",
            hint="its locks and syncs cannot be relied on: name a place on a local disk, or use a Vault or AWS store",
        )


def file_system_of(directory: Path, mounts: str) -> str:
    """The type of the file system that holds `directory`, from the kernel's list; empty if it is not in it."""
    path, longest, kind = resolved(directory), -1, ""
    for line in mounts.splitlines():
        left, separator, right = line.partition(" - ")
        fields = left.split(" ")
        if not separator or len(fields) < 5:  # noqa: PLR2004 - the fifth field is the mount point
            continue
        point = Path(_plain(fields[4]))
        if path.is_relative_to(point) and len(point.parts) >= longest:
            longest, kind = len(point.parts), right.split(" ")[0]
    return kind


def _plain(escaped: str) -> str:
    for code, char in _ESCAPES.items():
        escaped = escaped.replace(code, char)
    return escaped
