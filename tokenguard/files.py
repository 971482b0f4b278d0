"""Private, atomic, fsynced files.

0600, created with O_EXCL and O_NOFOLLOW, replaced by temp + fsync + rename + fsync(dir).
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tokenguard import posix
from tokenguard.errors import InputError, TokenguardError, Unreachable
from tokenguard.posix import COMMON_FLAGS, IS_POSIX, NO_LINK, group_ids, open_to_read, require_posix, set_mode, user_id
from tokenguard.text import safe_text

PRIVATE_DIR = 0o700
PRIVATE_FILE = 0o600
_OTHERS = 0o077
_WHY_UNREADABLE = {
    errno.ENOENT: "it does not exist",
    errno.EISDIR: "it is a directory",
    errno.ENOTDIR: "a part of its path is not a directory",
    errno.ELOOP: "it is a symbolic link, or links in its path form a loop",
    errno.ENAMETOOLONG: "its name is too long",
}
DISK_TROUBLES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the limit for the size of a file is exceeded",
    errno.EIO: "reading or writing failed",
}
"""Reasons for which no other name of a file would help."""
_OF_CONTENT = frozenset({"security.ima", "security.evm"})
"""Attributes that the system makes from a file's content."""


def shown(path: Path) -> str:
    """A path as it may be printed."""
    return safe_text(str(path), one_line=True, limit=200)


def expanded(text: str) -> Path:
    """A path that may begin with `~` or `~USER`; InputError if that has no home directory."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise InputError(f"there is no home directory for {shown(Path(text))}", hint="write an absolute path") from None


def resolved(path: Path) -> Path:
    """Where a path leads; of links in a circle as far as they lead, where pathlib's raises RuntimeError."""
    return Path(os.path.realpath(path))


def make_private_dir(path: Path) -> None:
    """Create `path` (and missing parents) as 0700, or check that it is ours and closed to others."""
    missing = [part for part in (path, *path.parents) if not os.path.lexists(part)]
    for part in reversed(missing):
        with contextlib.suppress(FileExistsError):
            part.mkdir(mode=PRIVATE_DIR)
            fsync_dir(part.parent)
    check_private_dir(path)


def check_private_dir(path: Path) -> None:
    """Refuse a directory that others could write to, or swap: ours, 0700 after repair, no writable ancestor.

    A sticky root-owned ancestor such as a temp dir is fine: others cannot rename what is ours there.
    """
    require_posix("a directory that is closed to others")
    info = os.lstat(path)
    if not stat.S_ISDIR(info.st_mode):
        raise InputError(f"not a directory: {shown(path)}", hint="give a directory that you own")
    if info.st_uid != user_id():
        raise InputError(f"the directory belongs to another user: {shown(path)}", hint="give a directory that you own")
    if info.st_mode & _OTHERS:
        path.chmod(PRIVATE_DIR)
    for parent in resolved(path).parents:
        above = parent.stat()
        if above.st_uid not in {0, user_id()} or (above.st_mode & 0o022 and not above.st_mode & stat.S_ISVTX):
            raise InputError(
                f"others can replace the directory above: {shown(parent)}",
                hint="choose a place below your home, or remove group and other write permission",
            )


def check_private_file(path: Path) -> None:
    """Refuse anything but a regular file of ours with one name, closed to others."""
    require_posix("a file that is closed to others")
    info = os.lstat(path)
    if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1 or info.st_uid != user_id():
        raise InputError(
            f"not a regular file that you own: {shown(path)}",
            hint="links, devices and other people's files are refused; name the file itself, as its owner",
        )
    if info.st_mode & _OTHERS:
        raise InputError(f"others can read or write {shown(path)}", hint=f"chmod 600 {shown(path)}")


def create_private(path: Path, data: bytes) -> None:
    """Create a new 0600 file; FileExistsError if anything is there."""
    write_new(path, data)
    fsync_dir(path.parent)


def private_secret(path: Path, size: int, *, what: str, hint: str, create: bool) -> bytes:
    """Read a private file with base64 of so many random bytes, or create it.

    Args:
        path: the file.
        size: bytes.
        what: names the file's content in errors: `a publisher's key`.
        hint: which file to give.
        create: whether a file that does not exist is created; a mistyped name would be a new key otherwise.

    Raises:
        InputError: it does not exist, is not private, or holds something else.
    """
    import binascii  # few commands have such a file
    import secrets

    if not os.path.lexists(path):
        if not create:
            raise InputError(f"there is no file {shown(path)}", hint=f"{hint}, or create {what} with --create-key")
        make_private_dir(path.absolute().parent)
        create_private(path, binascii.b2a_base64(secrets.token_bytes(size)))
    check_private_file(path)
    try:
        data = binascii.a2b_base64(read_limited(path, 4096).strip(), strict_mode=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != size:
        raise InputError(f"not {what}: {shown(path)}", hint=hint)
    return data


def replace_file(path: Path, data: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """Put `data` in place of `path`, whole or not at all, durable when this returns."""
    with _replacement(path) as temporary:
        write_new(temporary, data, mode)


def replace_kept(path: Path, data: bytes, *, fresh: int = PRIVATE_FILE) -> None:
    """As `replace_file`, for a file that is not ours alone: owner, group, mode, ACL and attributes stay as they are.

    Args:
        path: the file.
        data: its new content.
        fresh: the mode of a file that is not there yet.

    Raises:
        InputError: they cannot be kept, or it is a link or no plain file; it is as it was.
    """
    before = _plain(path)
    if before is None or not IS_POSIX:  # on Windows a new file has the access that its folder gives
        replace_file(path, data, mode=fresh)
        return
    with _replacement(path) as temporary:
        write_new(temporary, data)
        descriptor = os.open(temporary, os.O_RDWR | COMMON_FLAGS | NO_LINK)
        try:
            _dress(descriptor, path, before, path)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class FileChanged(InputError):
    """A file was written while its replacement was made."""


@contextlib.contextmanager
def replacement_at(folder: int, path: Path, old: int) -> Iterator[int]:
    """A descriptor for new content, which takes the place of an open file after the block, or is removed if that fails.

    For files of any size. The new file has no name until it is complete, where the system allows that. Only this name
    of the file is replaced; owner, group, mode, ACL and attributes stay as they are.

    Args:
        folder: its directory, open; nothing above it is looked up again.
        path: the file, as it may be shown; its last part is the name in the directory.
        old: the file, open.

    Raises:
        FileChanged: it was changed since it was opened.
        InputError: they cannot be kept.
    """
    before, temporary = os.fstat(old), f".{path.name[:200]}.{os.urandom(6).hex()}"
    new, named = _new_file(folder, temporary)
    try:
        yield new
        _dress(new, old, before, path)
        os.fsync(new)
        if not named:
            os.link(f"/proc/self/fd/{new}", temporary, dst_dir_fd=folder, follow_symlinks=True)
            named = True
        if file_state(os.stat(path.name, dir_fd=folder, follow_symlinks=False)) != file_state(before):
            raise FileChanged(f"{shown(path)} is being written", hint="stop the program that writes to it")
        os.rename(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        named = False
        os.fsync(folder)
    finally:
        os.close(new)
        if named:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=folder)


def file_state(info: os.stat_result) -> tuple[int, ...]:
    """What differs once a file was replaced, or its content, rights or name changed, as far as its times tell."""
    return info.st_dev, info.st_ino, info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def _new_file(folder: int, name: str) -> tuple[int, bool]:
    """A new file in a directory, and whether it has the name already."""
    try:
        unnamed = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC  # Linux
        return os.open(".", unnamed, PRIVATE_FILE, dir_fd=folder), False
    except (AttributeError, OSError):
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, PRIVATE_FILE, dir_fd=folder), True


@contextlib.contextmanager
def _replacement(path: Path) -> Iterator[Path]:
    """A name beside `path` for the new file, which takes its place after the block, or is removed if that fails."""
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    fsync_dir(path.parent)


def check_kept(path: Path) -> None:
    """Refuse what `replace_kept` would refuse; tested with an unnamed temporary file, without visible effects."""
    before = _plain(path)
    if (found := posix.why_not_replaced(path)) is not None:
        raise InputError(
            f"{shown(path)} cannot be replaced: {shown(found[0])} {found[1]}", hint=found[2].format(shown(found[0]))
        )
    if before is None or not IS_POSIX:
        return
    try:
        unnamed = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC  # Linux
        descriptor = os.open(path.parent, unnamed, PRIVATE_FILE)
    except (AttributeError, OSError):
        if before.st_uid != user_id() != 0 or (before.st_gid not in group_ids() and user_id()):
            raise _not_kept(path, before) from None
        return
    try:
        _dress(descriptor, path, before, path)
    finally:
        os.close(descriptor)


def _plain(path: Path) -> os.stat_result | None:
    """What is there now; None if nothing is."""
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
        raise InputError(
            f"a link, or not a regular file: {shown(path)}",
            hint="give the path of the file itself, without other hard links",
        )
    return info


def _dress(descriptor: int, old: Path | int, before: os.stat_result, path: Path) -> None:
    """Give a new file what the old one in its place has; InputError if that cannot be done."""
    try:
        wanted = _attributes(old)
        info = os.fstat(descriptor)
        if (info.st_uid, info.st_gid) != (before.st_uid, before.st_gid):
            os.fchown(descriptor, before.st_uid, before.st_gid)
        have = _attributes(descriptor)
        for name in have.keys() - wanted.keys():
            os.removexattr(descriptor, name)
        for name in wanted:
            if have.get(name) != wanted[name]:
                os.setxattr(descriptor, name, wanted[name])
        set_mode(descriptor, stat.S_IMODE(before.st_mode))
        kept = _rights(os.fstat(descriptor)) == _rights(before) and _attributes(descriptor) == wanted
    except OSError:
        kept = False
    if not kept:
        raise _not_kept(path, before)


def _attributes(file: Path | int) -> dict[str, bytes]:
    """ACL, security label and other extended attributes, but for those that are about the content."""
    if not hasattr(os, "listxattr"):
        return {}
    try:
        names = [name for name in os.listxattr(file) if name not in _OF_CONTENT]
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise
    return {name: os.getxattr(file, name) for name in names}


def _rights(info: os.stat_result) -> tuple[int, int, int]:
    return info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)


def _not_kept(path: Path, before: os.stat_result) -> InputError:
    """With the command that lets it be kept."""
    if before.st_uid != user_id():
        hint = f"run this as its owner: sudo -u '#{before.st_uid}' tokenguard"
    elif before.st_gid not in group_ids():
        hint = f"run this as a member of its group: sg {_group(before.st_gid)} tokenguard"
    else:
        hint = f"run this as root, or see what it has with: getfattr -d -m - {shown(path)}"
    return InputError(f"owner, group, mode, ACL or attributes of {shown(path)} would be lost", hint=hint)


def _group(gid: int) -> str:
    import grp  # for this refusal only

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"{gid}"


def read_limited(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes; InputError beyond, OSError as the system says."""
    descriptor = open_to_read(path)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InputError(f"not a plain file: {shown(path)}", hint="name a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InputError(f"{shown(path)} is larger than {limit:,} bytes", hint="check that it is the right file")
    return data


def read_named(path: Path, limit: int, *, hint: str, instead: str = "") -> bytes:
    """Read a file named by the operator, as `read_limited`; InputError with this hint if it cannot be read.

    Args:
        path: the file.
        limit: the most bytes that it may have.
        hint: what to do.
        instead: what to call a path that leads nowhere, if the file holds a secret: it may be that secret, given in
            place of its file.
    """
    try:
        return read_limited(path, limit)
    except OSError as error:
        raise unreadable(path, error, hint=hint, instead=instead) from None


def unreadable(path: Path, error: OSError, *, hint: str, instead: str = "") -> InputError:
    """The refusal for a file that could not be read; as for `read_named`."""
    named = instead if instead and not os.path.lexists(path) else shown(path)
    return InputError(f"cannot read {named}: {why_unreadable(error)}", hint=hint)


def why_unreadable(error: OSError) -> str:
    """Why the system did not let a file be read, to follow its name."""
    return _WHY_UNREADABLE.get(error.errno or 0, "the system does not allow it")


def not_written(path: Path, error: OSError, *, hint: str) -> TokenguardError:
    """The refusal for a file that could not be written: Unreachable if the disk is full or fails, else InputError.

    Args:
        path: the file.
        error: what the system said.
        hint: what to do unless the disk is the reason.
    """
    why = DISK_TROUBLES.get(error.errno or 0)
    if why is None:
        return InputError(f"cannot write {shown(path)}", hint=hint)
    return Unreachable(f"cannot write {shown(path)}: {why}", hint="fix that, then run the command again")


def fsync_dir(path: Path) -> None:
    """Make the names in a directory durable; on Windows they are so without it."""
    if not IS_POSIX:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_new(path: Path, data: bytes, mode: int = PRIVATE_FILE) -> None:
    """Create a new file; its content is durable when this returns, its name once the directory is synced.

    If the system refuses to write, no file remains, and the OSError names it.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK | COMMON_FLAGS
    descriptor = os.open(path, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            set_mode(descriptor, mode)  # restore the bits removed by the umask
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        path.unlink(missing_ok=True)
        error.filename = str(path)
        raise
