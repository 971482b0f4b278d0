"""The members of archives, to a depth and within caps. Nothing is ever written to disk."""

from collections.abc import Iterator

from tokenguard.domain.finding import Skipped
from tokenguard.scanning.source import MAX_BYTES, Blob, Source

MAX_DEPTH = 3
_MAX_MEMBERS = 20_000
_MAX_TOTAL = 8 * MAX_BYTES
_MARKS = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_TAR_MARK, _TAR = slice(257, 262), b"ustar"


def members(blob: Blob, depth: int = MAX_DEPTH) -> Iterator[Source]:
    """Everything inside `blob` if it is an archive (zip, tar, gz, bz2, xz), also archives in it. Names: `a.zip!b`."""
    if not blob.data.startswith(_MARKS) and blob.data[_TAR_MARK] != _TAR:
        return
    if depth == 0:
        yield Skipped(path=blob.path, reason="archive-too-deep")
        return
    from tokenguard.scanning.unpacking import BROKEN, opened  # noqa: PLC0415 - few commits hold an archive

    try:
        total = 0
        for count, (name, read) in enumerate(opened(blob) or ()):
            path = f"{blob.path}!{name}"
            if count >= _MAX_MEMBERS or total >= _MAX_TOTAL:
                yield Skipped(path=blob.path, reason="archive-too-large")
                return
            data = read()
            total += len(data)
            if len(data) > MAX_BYTES:
                yield Skipped(path=path, reason="too-large")
                continue
            member = Blob(path=path, data=data, origin=blob.origin)
            yield member
            yield from members(member, depth - 1)
    except BROKEN:
        yield Skipped(path=blob.path, reason="broken-archive")
