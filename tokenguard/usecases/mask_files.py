"""Masks the files that a program wrote into a folder, before they leave it: artifacts of CI, reports, logs.

Text is masked in place. What cannot be masked without breaking it, or cannot be searched, stays as it is and is named.
"""

import os
import stat
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from tokenguard.domain.finding import SkippedContent
from tokenguard.errors import InputError
from tokenguard.file_replacement import FileChanged, file_state, replacement_at
from tokenguard.files import resolved, shown
from tokenguard.redaction.known import MatchSource
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor, redact
from tokenguard.scanning.archives import is_archive, members
from tokenguard.scanning.content import MAX_BYTES, Blob
from tokenguard.scanning.decoding import decoded
from tokenguard.scanning.scan_budget import ScanBudget
from tokenguard.streams.failure import OutputWithheld
from tokenguard.streams.program import Ended
from tokenguard.streams.pump import CHUNK, write_all
from tokenguard.usecases.parts import HasProgress

_SHOWN = 20
"""Files that are named."""
_ROUNDS = 3
"""How often the folder is looked through, while files change."""
_TICK = 100_000_000
"""Nanoseconds within which a file may change twice without a new time."""
_TAIL = 65_600
"""Bytes of the end that tell a zip."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_Entry = tuple[str, os.stat_result | None]
"""A path below the folder, and what is there; None: it cannot be read."""


@dataclass(slots=True)
class MaskedFiles:
    """What became of the files of some folders."""

    found: Counter[MatchSource] = field(default_factory=Counter)
    """What was masked in them."""
    masked: dict[str, int] = field(default_factory=dict)
    """The number of values for each file that was masked."""
    left: dict[str, str] = field(default_factory=dict)
    """Why a file may still hold a value."""
    exposed: Counter[MatchSource] = field(default_factory=Counter)
    """Values that are still in them."""


def mask_output(parts: HasProgress, folders: Sequence["OutputFolder"], matcher: Matcher, ended: Ended) -> Ended:
    """Mask what a program wrote into folders, and name the files; files that are left make the run a failure."""
    files = MaskedFiles()
    for folder in folders:
        folder.mask(matcher, files)
    _list(parts, [f"masked in {told}: {count} value{'s' * (count != 1)}" for told, count in files.masked.items()])
    _list(parts, [f"not masked: {told}: {reason}" for told, reason in files.left.items()])
    left = len(files.left)
    failure = OutputWithheld(
        f"{left} file{'s' * (left != 1)} of --mask-files could not be masked",
        hint="delete what is named above before anything collects it, or write it elsewhere",
    )
    return replace(
        ended,
        found={**ended.found, "files": files.found},
        exposed=files.exposed,
        failure=ended.failure or (failure if left else None),
    )


def _list(parts: HasProgress, lines: Sequence[str]) -> None:
    for line in lines[:_SHOWN]:
        parts.progress.note(line)
    if len(lines) > _SHOWN:
        parts.progress.note(f"and {len(lines) - _SHOWN} more files")


class OutputFolder:
    """A folder that a program writes to.

    Args:
        path: its place. It may be missing; where it leads now is where it is looked for later.

    Raises:
        InputError: it is not a folder, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._shown = path
        self._root = resolved(path)
        self._known: dict[str, tuple[int, ...]] = {}
        begun = time.time_ns() - _TICK
        for name, info in self._entries():
            if info is None and not name:
                raise InputError(f"cannot read the folder {shown(path)}", hint="name a folder for the program's files")
            if info is not None and info.st_ctime_ns < begun:
                self._known[name] = file_state(info)

    def mask(self, matcher: Matcher, into: MaskedFiles) -> None:
        """Mask each file that was written since, and note what happened."""
        for _ in range(_ROUNDS):
            if not (fresh := self._fresh()):
                return
            for name, info in fresh:
                self._settle(name, info, matcher, into)
        into.left.update((self._say(name, matcher), "it is being written") for name, _ in self._fresh())

    def _fresh(self) -> list[_Entry]:
        """What is new or was changed."""
        return [(name, info) for name, info in self._entries() if self._known.get(name) != _state(info)]

    def _entries(self) -> Iterator[_Entry]:
        """Everything below the folder; links are not followed."""
        waiting = [""] if os.path.lexists(self._root) else []
        while waiting:
            folder = waiting.pop()
            try:
                below = self._listed(folder)
            except OSError:
                yield folder, None
                continue
            for entry in sorted(below):
                yield entry
                if stat.S_ISDIR(entry[1].st_mode):
                    waiting.append(entry[0])

    def _listed(self, folder: str) -> list[tuple[str, os.stat_result]]:
        descriptor = self._open(folder)
        try:
            prefix = f"{folder}/" if folder else ""
            with os.scandir(descriptor) as listed:
                return [(prefix + each.name, each.stat(follow_symlinks=False)) for each in listed]
        finally:
            os.close(descriptor)

    def _open(self, folder: str) -> int:
        """A folder below the root, reached without a link."""
        descriptor = os.open(self._root, _FOLDER)
        for part in folder.split("/") if folder else ():
            try:
                below = os.open(part, _FOLDER, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = below
        return descriptor

    def _settle(self, name: str, info: os.stat_result | None, matcher: Matcher, into: MaskedFiles) -> None:
        """Deal with one entry; one that changes meanwhile stays fresh."""
        told = self._say(name, matcher)
        if name not in self._known and (named := _found(matcher, os.fsencode(name))):
            into.exposed += named
            into.left[told] = "its name holds a value"
        try:
            if info is None:
                into.left[told] = "the folder cannot be read"
            elif stat.S_ISLNK(info.st_mode):
                self._check_link(name, told, matcher, into)
            elif stat.S_ISREG(info.st_mode):
                info = self._mask_file(name, told, matcher, into)
        except (FileChanged, FileNotFoundError):
            return
        except InputError:
            into.left[told] = "its owner, group, mode, ACL or attributes would be lost"
        except OSError:
            into.left[told] = "it cannot be read, or cannot be replaced"
        self._known[name] = _state(info)

    def _check_link(self, name: str, told: str, matcher: Matcher, into: MaskedFiles) -> None:
        """Programs that collect files may follow a link, to where nothing was masked."""
        place = self._root / name
        if exposed := _found(matcher, os.fsencode(place.readlink())):
            into.exposed += exposed
            into.left[told] = "a link whose target holds a value"
        elif not resolved(place).is_relative_to(self._root):
            into.left[told] = "a link that leads out of the folder"

    def _mask_file(self, name: str, told: str, matcher: Matcher, into: MaskedFiles) -> os.stat_result:
        """Mask one file; returns what is there then."""
        path = self._root / name
        folder = self._open(name.rpartition("/")[0])
        try:
            file = os.open(path.name, _FILE, dir_fd=folder)
            try:
                before = os.fstat(file)
                content = _search(file, matcher)
                if content.why_not:
                    into.left[told] = content.why_not
                    into.exposed += content.found
                elif content.found:
                    with replacement_at(folder, path, file) as new:
                        found = _copy(file, new, matcher)
                    into.masked[told] = found.total()
                    into.found += found
                    return os.stat(path.name, dir_fd=folder, follow_symlinks=False)
            finally:
                os.close(file)
        finally:
            os.close(folder)
        return before

    def _say(self, name: str, matcher: Matcher) -> str:
        """A path as it may be shown."""
        return shown(Path(os.fsdecode(redact(matcher, os.fsencode(self._shown / name)))))


class _Content(NamedTuple):
    """What is in a file."""

    found: Counter[MatchSource]
    why_not: str
    """Why it cannot be masked; empty: it can, or need not."""


def _state(info: os.stat_result | None) -> tuple[int, ...]:
    return file_state(info) if info else ()


def _chunks(file: int) -> Iterator[bytes]:
    os.lseek(file, 0, os.SEEK_SET)
    return iter(lambda: os.read(file, CHUNK), b"")


def _copy(file: int, new: int, matcher: Matcher) -> Counter[MatchSource]:
    """Write the masked content; returns what was masked."""
    stream = StreamRedactor(matcher)
    for chunk in _chunks(file):
        write_all(new, stream.feed(chunk))
    write_all(new, stream.finish())
    return stream.found


def _search(file: int, matcher: Matcher) -> _Content:
    """Search a file of any size."""
    stream, is_text, head, tail = StreamRedactor(matcher), True, b"", b""
    for chunk in _chunks(file):
        is_text = is_text and b"\0" not in chunk
        head, tail = head or chunk, (tail + chunk)[-_TAIL:]
        stream.feed(chunk)
    stream.finish()
    size = os.lseek(file, 0, os.SEEK_CUR)
    if is_text and not is_archive(head if size > MAX_BYTES else tail):
        return _Content(stream.found, "")
    if stream.found:
        return _Content(stream.found, "a binary file that holds a value")
    if size > MAX_BYTES:
        return _Content(Counter(), "an archive too large to be searched" if is_archive(head + tail) else "")
    return _search_inside(b"".join(_chunks(file)), matcher)


def _search_inside(data: bytes, matcher: Matcher) -> _Content:
    """Search text of two or four bytes a character, and the members of an archive."""
    if found := _found(matcher, _utf8(data)):
        return _Content(found, "a binary file that holds a value")
    for member in members(Blob(path="", data=data), ScanBudget()):
        if isinstance(member, SkippedContent):
            return _Content(Counter(), f"an archive that cannot be searched ({member.reason})")
        if found := _found(matcher, member.data) or _found(matcher, _utf8(member.data)):
            return _Content(found, "an archive that holds a value")
    return _Content(Counter(), "")


def _utf8(data: bytes) -> bytes:
    return decoded(data).text.encode("utf-8", "surrogatepass") if b"\0" in data else b""


def _found(matcher: Matcher, data: bytes) -> Counter[MatchSource]:
    found: Counter[MatchSource] = Counter()
    redact(matcher, data, found)
    return found
