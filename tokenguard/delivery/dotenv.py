"""Delivery into one variable of one .env file: whole or not at all, its rights kept, never where git tracks it."""

import contextlib
import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tokenguard.delivery.dotenv_text import VARIABLE, is_behind_bom, is_other_format, values_of, with_value
from tokenguard.delivery.git_tracking import Tracking, tracking
from tokenguard.delivery.payload import one_text
from tokenguard.delivery.throwaway import is_throwaway, refuse_throwaway
from tokenguard.domain.secret import Secret, Value
from tokenguard.domain.token import Consumer
from tokenguard.errors import InputError, Unreachable
from tokenguard.file_replacement import check_kept, replace_kept
from tokenguard.files import read_limited, shell_word, shown
from tokenguard.ports.delivery import ConsumerVerdict

LIMIT = 1 << 20
_LOCK_TRIES = 100
_LOCK_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Target:
    """Where the value goes."""

    path: Path
    variable: str

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read `/ABSOLUTE/PATH#VARIABLE`; InputError (exit 2)."""
        path, _, variable = text.rpartition("#")
        if not path.startswith("/") or Path(path).name in {"", ".."} or not VARIABLE.fullmatch(variable):
            raise InputError(
                "not a .env target", hint="write dotenv:PATH#VARIABLE, for example dotenv:/srv/app/.env#API_TOKEN"
            )
        return cls(Path(path), variable)


class DotenvDelivery:
    """Implements `ports.delivery.Delivery` for `dotenv:PATH#VARIABLE`.

    Args:
        environ: of this process; a job of a CI is known by it.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ or {}

    def check(self, consumer: Consumer) -> None:
        """Refuse a path we must not write, a file git tracks, one that ends with a CI's job, and an ambiguous one."""
        target = Target.parse(consumer.target)
        refuse_throwaway(target.path, self._environ)
        with _translated(target.path):
            _check_place(target.path)
            if tracking(target.path) is Tracking.TRACKED:
                raise InputError(
                    f"git tracks {shown(target.path)}: the token would be committed",
                    hint=f"git rm --cached {shell_word(target.path)} and list it in .gitignore, or use another file",
                )
            with _naming(target.path):
                text = _text(target.path)
                if not values_of(text, target.variable) and is_other_format(text):
                    raise _other_format(target)
            check_kept(target.path)

    def warnings(self, consumer: Consumer) -> tuple[str, ...]:
        """Warnings about a valid target; read-only."""
        path = Target.parse(consumer.target).path
        told = []
        if tracking(path) is Tracking.EXPOSED:
            told.append(f"{shown(path)} is inside a git repository that does not ignore it")
        info = _identity(path)
        reached = path.parent.stat().st_mode & stat.S_IXOTH
        if info is not None and info.st_mode & stat.S_IROTH and reached:
            told.append(
                f"every user of this machine can read {shown(path)}, and its mode is kept: chmod o-r {shell_word(path)}"
            )
        return tuple(told)

    def push(self, consumer: Consumer, value: Value) -> None:
        """Set the variable everywhere it is set, or append it.

        A file that is missing is created 0600; one that is there keeps owner, group, mode, ACL and attributes.
        """
        self.check(consumer)
        target = Target.parse(consumer.target)
        fresh = Secret(one_text(value))
        with _translated(target.path), _locked(target.path.parent):
            _sweep(target.path)
            before = _identity(target.path)
            text = _text(target.path)
            with _naming(target.path):
                wanted = with_value(text, target.variable, fresh.reveal())
            if wanted == text and before is not None:
                return
            if _changed(before, _identity(target.path)):
                raise Unreachable(f"{shown(target.path)} was changed by another program", hint="try again")
            replace_kept(target.path, wanted.encode("utf-8", "surrogateescape"))

    def verify(self, consumer: Consumer, value: Value) -> ConsumerVerdict:
        """Read the file back: THIS only if every line that sets the variable sets this value, for every program."""
        target = Target.parse(consumer.target)
        if is_throwaway(target.path, self._environ):
            return ConsumerVerdict.UNKNOWN
        with _translated(target.path):
            if not target.path.parent.is_dir():  # the consumer may be on another machine
                return ConsumerVerdict.UNKNOWN
            _check_place(target.path)
            text = _text(target.path)
            with _naming(target.path):
                found = values_of(text, target.variable)
        wanted = value.token
        alike = found and all(Secret(each) == wanted for each in found)
        return (
            ConsumerVerdict.EXPECTED
            if alike and not is_behind_bom(text, target.variable)
            else ConsumerVerdict.DIFFERENT
        )


def _other_format(target: Target) -> InputError:
    return InputError(
        f"{shown(target.path)} does not set {target.variable}, and looks like YAML, JSON, XML or INI: a line added to "
        "it would have no effect",
        hint="name a .env file, or let a command write this one (command:NAME); if programs read it as a .env file "
        f"all the same, add the line {target.variable}= to it",
    )


def _check_place(path: Path) -> None:
    folder = path.parent.stat()
    if not stat.S_ISDIR(folder.st_mode):
        raise InputError(f"not a directory: {shown(path.parent)}", hint="create the directory first")
    if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        raise InputError(
            f"every user can replace files in {shown(path.parent)}", hint=(f"chmod o-w {shell_word(path.parent)}")
        )
    info = _identity(path)
    if info is None:
        return
    if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1 or info.st_uid != os.geteuid():
        raise InputError(
            f"not a regular file that you own: {shown(path)}",
            hint="links, devices and other people's files are refused; name the file itself, as its owner",
        )
    if info.st_mode & stat.S_IWOTH:
        raise InputError(f"every user can write {shown(path)}", hint=f"chmod o-w {shell_word(path)}")


def _identity(path: Path) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _changed(before: os.stat_result | None, after: os.stat_result | None) -> bool:
    def key(info: os.stat_result | None) -> tuple[int, ...]:
        return () if info is None else (info.st_dev, info.st_ino, info.st_size, info.st_ctime_ns, info.st_mode)

    return key(before) != key(after)


def _text(path: Path) -> str:
    try:
        data = read_limited(path, LIMIT)
    except FileNotFoundError:
        return ""
    if b"\0" in data:
        raise InputError(f"not a text file: {shown(path)}", hint="a .env file is plain text in UTF-8")
    return data.decode("utf-8", "surrogateescape")


def _sweep(path: Path) -> None:
    """Remove what a killed push left beside the file: it holds a value."""
    leftover = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{12}}", re.ASCII)
    for entry in os.scandir(path.parent):
        if leftover.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                Path(entry.path).unlink()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep two runners from losing each other's line in one file. Locks the directory, so no lock file stays."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for left in reversed(range(_LOCK_TRIES)):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not left:
                    raise Unreachable(f"another program has locked {shown(folder)}", hint="try again") from None
                time.sleep(_LOCK_PAUSE)
            except OSError:
                break  # a file system without locks: the comparison before the replacement still guards
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say of which file a refusal of its text is: a token may have several."""
    try:
        yield
    except InputError as error:
        text = error.message if shown(path) in error.message else f"{shown(path)}: {error.message}"
        raise InputError(text, hint=error.hint) from None


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"no such directory: {shown(path.parent)}", hint="create the directory first") from None
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "EIO")
        raise Unreachable(
            f"cannot use {shown(path)} ({code})", hint="check permissions and free space, then try again"
        ) from None
