"""The members of archives, to a depth and within caps. Nothing is ever written to disk."""

from collections.abc import Iterator

from tokenguard.domain.finding import SkippedContent
from tokenguard.scanning.content import MAX_BYTES, Blob, Source

MAX_DEPTH = 3
_MAX_MEMBERS = 20_000
_MAX_TOTAL = 8 * MAX_BYTES
_MARKS = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_TAR_MARK, _TAR = slice(257, 262), b"ustar"
_ZIP_ENTRY, _ZIP_END, _ZIP_TAIL = b"PK\x01\x02", b"PK\x05\x06", 65_557
"""A zip is read from its end, where a comment of 64 KiB may follow: anything may stand before it."""


class _Room:
    """What may still come out of one file, however its archives are nested."""

    def __init__(self) -> None:
        self.members, self.bytes = _MAX_MEMBERS, _MAX_TOTAL

    def take(self, size: int) -> None:
        self.members -= 1
        self.bytes -= size

    @property
    def left(self) -> bool:
        return self.members > 0 and self.bytes > 0


def members(blob: Blob) -> Iterator[Source]:
    """Everything inside `blob` if it is an archive (zip, tar, gz, bz2, xz), also archives in it. Names: `a.zip!b`."""
    yield from _inside(blob, MAX_DEPTH, _Room())


def _inside(blob: Blob, depth: int, room: _Room) -> Iterator[Source]:
    data = blob.data
    if not (data.startswith(_MARKS) or data[_TAR_MARK] == _TAR or _ends_as_zip(data)):
        return
    if depth == 0:
        yield SkippedContent(path=blob.path, reason="archive-too-deep")
        return
    from tokenguard.scanning.archive_readers import BROKEN, opened  # few commits hold an archive

    try:
        for name, read in opened(blob):
            if not room.left:
                yield SkippedContent(path=blob.path, reason="archive-too-large")
                return
            content, whole = read()
            room.take(len(content))
            member = Blob(path=f"{blob.path}!{name}", data=content, origin=blob.origin)
            if len(content) > MAX_BYTES:
                yield SkippedContent(path=member.path, reason="too-large")
                continue
            if not whole:
                yield SkippedContent(path=member.path, reason="broken-archive")
            if content or whole:
                yield member
                yield from _inside(member, depth - 1, room)
    except BROKEN:
        yield SkippedContent(path=blob.path, reason="broken-archive")


def _ends_as_zip(data: bytes) -> bool:
    end = data.find(_ZIP_END, max(len(data) - _ZIP_TAIL, 0))
    return end >= 0 and data.find(_ZIP_ENTRY, 0, end) >= 0
