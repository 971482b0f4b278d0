"""Content that is too large to be scanned at once, as windows that overlap.

Each window has a margin on both sides of its core. A match belongs to the window in whose core it begins, so that each
is told once, and one that is not longer than a margin is whole there.
"""

import codecs
from collections.abc import Callable, Iterator
from typing import AnyStr

from tokenguard.detection.match import TextMatch
from tokenguard.domain.finding import FindingKind, Origin, SkippedContent
from tokenguard.frozen import Frozen
from tokenguard.scanning.content import Blob, Source
from tokenguard.scanning.decoding import decoded
from tokenguard.scanning.git import Git

LARGEST = 512 << 20
"""Bytes of the largest file that is read in windows."""
CORE, MARGIN = 8 << 20, 256 << 10
_NEAR = 64 << 10
"""How far from its place a cut is moved to the end of a line."""
_WIDEST = 4
"""Bytes of a character of UTF-32: no cut divides one."""
_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Place = tuple[int, int]
"""Line and column, both from 1."""


class WindowPosition(Frozen, frozen=True):
    """A place in a window: counted in bytes, as those of known tokens are, and in the characters of its text."""

    in_bytes: Place
    in_text: Place


class Window(Blob, frozen=True, kw_only=True):
    """A part of a content, with what stands before it."""

    begins: bool
    """Whether nothing stands before it."""
    ends: bool
    new: int
    """The bytes that no window before it had."""
    core: tuple[WindowPosition, WindowPosition]
    """Where matches belong to it: from the first point on, before the second."""
    before: WindowPosition
    """Where in the whole content it starts."""

    def owns(self, match: TextMatch) -> bool:
        """Whether a match belongs to this window. One in another writing may: it is told where that begins."""
        place = match.line, match.column
        return place < _of(match, self.core[1]) and (match.written is not None or not self.has_begun(match))

    def has_begun(self, match: TextMatch) -> bool:
        """Whether the match begins before the core, where the window before may have told it."""
        return (match.line, match.column) < _of(match, self.core[0])

    def place(self, match: TextMatch) -> Place:
        """Where the match stands in the whole content."""
        line, column = _of(match, self.before)
        return line + match.line - 1, match.column + (column - 1 if match.line == 1 else 0)


def read_windows(read: Callable[[int], bytes], path: str, origin: Origin | None = None) -> Iterator[Window]:
    """The windows of a content, of which `read` gives the next bytes, at most so many."""
    data = _filled(read, b"", CORE + MARGIN)
    mark = next((each for each in _MARKS if data.startswith(each) and b"\0" in data), b"")
    wide = b"\0" in data[:_NEAR]
    start, before, nothing = 0, WindowPosition((1, 1), (1, 1)), WindowPosition((1, 1), (1, 1))
    begins, new = True, len(data)
    while True:
        ends = len(data) < start + CORE + MARGIN
        cut = len(data) if ends else _cut(data, start + CORE, wide=wide)
        shown = data if ends else data[: _cut(data, len(data) - 1, wide=wide)]
        shown = shown if begins else mark + shown
        shift = 0 if begins else len(mark)
        core = _point(shown, start + shift) if start else nothing, _beyond() if ends else _point(shown, cut + shift)
        yield Window(path=path, data=shown, origin=origin, begins=begins, ends=ends, new=new, core=core, before=before)
        if ends:
            return
        kept = _cut(data, cut - MARGIN, wide=wide)
        before = _after(before, _point(shown, kept + shift))
        rest = data[kept:]
        data = _filled(read, rest, cut - kept + CORE + MARGIN)
        start, begins, new = cut - kept, False, len(data) - len(rest)


def large_object(git: Git, blob: str, path: str, origin: Origin | None = None) -> Iterator[Source]:
    """The windows of an object of a repository that is too large to be read at once."""
    if git.sizes([blob]).get(blob, 0) > LARGEST:
        yield SkippedContent(path=path, reason="too-large")
        return
    with git.reading(blob) as content:
        yield from read_windows(content.read, path, origin)


def _filled(read: Callable[[int], bytes], data: bytes, size: int) -> bytes:
    """`data` and what follows, up to this size."""
    pieces, length = [data], len(data)
    while length < size and (piece := read(size - length)):
        pieces.append(piece)
        length += len(piece)
    return b"".join(pieces)


def _cut(data: bytes, place: int, *, wide: bool) -> int:
    """A place near this one, and not beyond it, that divides no line if it can, and no character."""
    if wide:
        return place - place % _WIDEST
    end = data.rfind(b"\n", place - _NEAR, place) + 1
    if end:
        return end
    while place and data[place] & 0xC0 == 0x80:  # noqa: PLR2004 - continues a character of UTF-8
        place -= 1
    return place


def _point(data: bytes, offset: int) -> WindowPosition:
    head = data[:offset]
    text = decoded(head).text if decoded(data).rules_apply else head.decode("latin-1")
    return WindowPosition(_end(head, b"\n"), _end(text, "\n"))


def _end(text: AnyStr, feed: AnyStr) -> Place:
    return text.count(feed) + 1, len(text) - text.rfind(feed)


def _beyond() -> WindowPosition:
    far = (1 << 62, 1)
    return WindowPosition(far, far)


def _after(before: WindowPosition, point: WindowPosition) -> WindowPosition:
    """The point in the whole content."""
    return WindowPosition(_sum(before.in_bytes, point.in_bytes), _sum(before.in_text, point.in_text))


def _sum(before: Place, place: Place) -> Place:
    return before[0] + place[0] - 1, place[1] + (before[1] - 1 if place[0] == 1 else 0)


def _of(match: TextMatch, point: WindowPosition) -> Place:
    return point.in_bytes if match.kind is FindingKind.OWN else point.in_text
