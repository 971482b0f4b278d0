"""Where a repository's `.tokenguard.toml` is read from: the top of its working tree, or a revision that CI trusts."""

import os
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import read_limited
from tokenguard.policy.repository_overrides import FILE_NAME, MAX_BYTES, Tightening, read_tightening
from tokenguard.scanning.git import Git

_HINT = "it is read as a plain file at the top of the repository"


def repository_settings(git: Git, *, base: str = "") -> Tightening:
    """What the repository asks for beyond the organisation's policy; nothing where it has no such file.

    Args:
        git: the repository.
        base: a revision to read it from. In CI this is the branch that a change is to be merged into, so that the
            change cannot take away what it is held to.

    Raises:
        InputError: there is no such revision, or the file is not acceptable.
    """
    return _of_revision(git, base) if base else settings_of(git.root)


def settings_of(directory: Path) -> Tightening:
    """What the file directly in a directory asks for; InputError if it is not acceptable."""
    path = directory / FILE_NAME
    if not os.path.lexists(path):
        return Tightening()
    if path.is_symlink():
        raise InputError(f"{FILE_NAME} is a link", hint=_HINT)
    try:
        return read_tightening(read_limited(path, MAX_BYTES))
    except OSError:
        raise InputError(f"{FILE_NAME} cannot be read", hint=_HINT) from None


def _of_revision(git: Git, base: str) -> Tightening:
    rows = git.output("ls-tree", "-z", "--full-tree", git.commit(base), "--", FILE_NAME).split(b"\0")
    if rows == [b""]:
        return Tightening()
    mode, kind, blob = rows[0].partition(b"\t")[0].split()
    if kind != b"blob" or mode == b"120000":
        raise InputError(f"{FILE_NAME} of the base revision is not a plain file", hint=_HINT)
    if git.sizes([blob.decode()]).get(blob.decode(), MAX_BYTES + 1) > MAX_BYTES:
        raise InputError(f"{FILE_NAME} of the base revision is larger than {MAX_BYTES:,} bytes", hint=_HINT)
    return read_tightening(git.output("cat-file", "blob", blob.decode()), source=f"{base}:{FILE_NAME}")
