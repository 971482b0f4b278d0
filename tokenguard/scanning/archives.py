"""The members of archives, to a depth and within the scan's budget. Nothing is ever written to disk."""

from collections.abc import Iterable, Iterator

from tokenguard.domain.finding import SkippedContent
from tokenguard.scanning.content import MAX_BYTES, Blob, Source
from tokenguard.scanning.scan_budget import TOO_LARGE, ScanBudget

MAX_DEPTH = 3
_MARKS = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"%PDF-", b"!<arch>\n")
_GIT_MARKS = (b"PACK\0\0\0\2", b"PACK\0\0\0\3", b"# v2 git bundle\n", b"# v3 git bundle\n")
_ZLIB_MARKS, _LZMA_MARK = (b"x\x01", b"x^", b"x\x9c", b"x\xda"), b"]\0\0"
_PNG_MARK, _PNG_TEXTS = b"\x89PNG\r\n\x1a\n", (b"zTXt", b"iTXt")
_CLOSED = {
    b"\x28\xb5\x2f\xfd": "zstd", b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "rar", b"\x04\x22\x4d\x18": "lz4",
    b"LZIP\x01": "lzip", b"\x1f\x9d": "compress", b"MSCF\0\0\0\0": "cab", b"\xed\xab\xee\xdb": "rpm",
    b"\x89LZO\0\r\n\x1a\n": "lzop", b"\xff\x06\0\0sNaPpY": "snappy", b"hsqs": "squashfs",
    b"PAR1": "parquet", b"ORC\x08": "orc", b"ARROW1\0\0": "arrow", b"Obj\x01": "avro",
}  # fmt: skip
"""How archives begin that nothing in Python's library opens, and tables whose columns are compressed."""
_OPENED_MARKS, _CLOSED_MARKS = (*_MARKS, *_GIT_MARKS), tuple(_CLOSED)
_LFS_POINTER, _LONGEST_POINTER = b"version https://git-lfs.github.com/spec/v1\n", 1024
"""How git's extension for large files begins what it commits instead of a content (its specification, docs/spec.md)."""
_TAR_MARK, _TAR = slice(257, 262), b"ustar"
_ZIP_ENTRY, _ZIP_END, _ZIP_TAIL = b"PK\x01\x02", b"PK\x05\x06", 65_557
"""A zip is read from its end, where a comment of 64 KiB may follow: anything may stand before it."""


def members(blob: Blob, budget: ScanBudget) -> Iterable[Source]:
    """Everything inside `blob` if it is an archive or holds compressed text, also archives in it. Names: `a.zip!b`."""
    if blob.data.startswith(_LFS_POINTER) and len(blob.data) <= _LONGEST_POINTER:
        return (SkippedContent(path=blob.path, reason="lfs-pointer"),)
    budget.begin(len(blob.data))
    return _inside(blob, MAX_DEPTH, budget) if is_archive(blob.data) else ()


def _inside(blob: Blob, depth: int, budget: ScanBudget) -> Iterator[Source]:
    if blob.data.startswith(_CLOSED_MARKS):
        yield SkippedContent(path=blob.path, reason="unsupported-archive")
        return
    if not may_hold_members(blob.data):
        return
    if depth == 0:
        yield SkippedContent(path=blob.path, reason="archive-too-deep")
        return
    from tokenguard.scanning.archive_readers import BROKEN, opened  # few commits hold an archive

    try:
        for name, read in opened(blob):
            content, whole = read(budget.readable)
            size = len(content)
            member = Blob(path=f"{blob.path}!{name}", data=content, origin=blob.origin)
            if not (budget.spend_unscanned(size) if size > MAX_BYTES else budget.spend_member(size)):
                yield SkippedContent(path=blob.path, reason=TOO_LARGE)
                return
            if size > MAX_BYTES:
                yield SkippedContent(path=member.path, reason="too-large")
                continue
            if not whole:
                yield SkippedContent(path=member.path, reason="broken-archive")
            if content or whole:
                yield member
                yield from _inside(member, depth - 1, budget)
    except BROKEN:
        yield SkippedContent(path=blob.path, reason="broken-archive")


def is_archive(data: bytes) -> bool:
    """Whether the data begins as an archive of any kind does, also of one that is not opened here, or ends as one."""
    return data.startswith(_CLOSED_MARKS) or may_hold_members(data)


def may_hold_members(data: bytes) -> bool:
    """Whether the data begins as an archive does, or ends as one."""
    if data.startswith(_ZLIB_MARKS):
        return _is_zlib(data)
    if data.startswith(_PNG_MARK):
        return any(text in data for text in _PNG_TEXTS)
    if data.startswith(_LZMA_MARK):
        return data[5:13] == b"\xff" * 8 or data[10:13] == b"\0\0\0"
    return data.startswith(_OPENED_MARKS) or data[_TAR_MARK] == _TAR or _ends_as_zip(data)


def _is_zlib(data: bytes) -> bool:
    """Whether it is more than two letters with which a zlib stream begins."""
    import zlib  # few files begin with them

    try:
        return bool(zlib.decompressobj().decompress(data[:1024]))
    except zlib.error:
        return False


def _ends_as_zip(data: bytes) -> bool:
    end = data.find(_ZIP_END, max(len(data) - _ZIP_TAIL, 0))
    return end >= 0 and data.find(_ZIP_ENTRY, 0, end) >= 0
