"""Replaces a file as a whole or not at all: a new one beside it, made durable, takes its name."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tokenguard import posix
from tokenguard.errors import InputError
from tokenguard.files import PRIVATE_FILE, fsync_dir, shell_word, shown, write_new
from tokenguard.posix import COMMON_FLAGS, IS_POSIX, NO_LINK, group_ids, set_mode, user_id

_OF_CONTENT = frozenset({"security.ima", "security.evm"})
"""Attributes that the system makes from a file's content."""


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
            f"{shown(path)} cannot be replaced: {shown(found[0])} {found[1]}",
            hint=found[2].format(shell_word(found[0])),
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
