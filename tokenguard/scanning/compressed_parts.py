"""Opens what is not an archive and holds compressed text all the same: documents, images, and the objects of git.

Formats: ISO 32000-1 (PDF, 7.3.8 and 7.4.4), PNG (W3C, 11.3.3), git's `gitformat-pack` and `gitformat-bundle`, ar(5).
"""

import hashlib
import re
import zlib
from collections.abc import Iterator

from tokenguard.detection.compressed_data import pdf_streams
from tokenguard.scanning.content import MAX_BYTES

Content = tuple[bytes, bool]
"""What could be read, and whether that is all of it."""
_PIECE = 1 << 14
_FLATE = re.compile(rb"/Fl(?:ateDecode)?\b")
_TYPES = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_BY_OFFSET, _BY_NAME = 6, 7
_NAME = 20
_KEPT = 64 << 20
"""Bytes of objects that are kept, since later ones may be written as a difference to them."""
_HEAD, _PNG_HEAD, _AR_HEAD = 12, 8, 60


def pdf(data: bytes) -> Iterator[tuple[str, Content]]:
    """The compressed streams of a document; ValueError if it is encrypted."""
    if b"/Encrypt" in data:
        raise ValueError("encrypted")
    for number, (dictionary, content) in enumerate(pdf_streams(data), 1):
        if _FLATE.search(dictionary):
            yield f"stream {number}", decompressed_stream(content)


def png(data: bytes) -> Iterator[tuple[str, Content]]:
    """The compressed texts of an image."""
    at = _PNG_HEAD
    while at + _PNG_HEAD <= len(data):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        chunk = data[at + 8 : at + 8 + length]
        keyword, _, rest = chunk.partition(b"\0")
        if kind == b"zTXt":
            yield f"zTXt {keyword.decode('latin-1')}", decompressed_stream(rest[1:])
        elif kind == b"iTXt" and rest[:1] == b"\1":
            yield f"iTXt {keyword.decode('latin-1')}", decompressed_stream(rest[2:].split(b"\0", 2)[-1])
        at += length + _HEAD


def ar(data: bytes) -> Iterator[tuple[str, Content]]:
    """The members of an ar archive, such as a Debian package; ValueError if it is damaged."""
    at = len(b"!<arch>\n")
    while at < len(data):
        head = data[at : at + _AR_HEAD]
        if head[58:] != b"`\n":
            raise ValueError("no header")
        at, size = at + _AR_HEAD, int(head[48:58])
        yield head[:16].decode("latin-1").strip(" /"), (data[at : at + size], at + size <= len(data))
        at += size + size % 2


def zlib_data(data: bytes) -> Iterator[tuple[str, Content]]:
    """What a zlib stream holds, such as a loose object of git."""
    yield "content", decompressed_stream(data)


def bundle(data: bytes) -> Iterator[tuple[str, Content]]:
    """The objects of a git bundle: lines about it, an empty one, and a pack."""
    return pack(data[data.index(b"\n\n") + 2 :])


def pack(data: bytes) -> Iterator[tuple[str, Content]]:
    """Commits, tags and blobs of a pack, as far as what they differ from is there; ValueError if it is damaged."""
    kept = _Objects()
    at = _HEAD
    for _ in range(int.from_bytes(data[8:12])):
        start = at
        kind, at = data[at] >> 4 & 7, _after_size(data, at)
        base = None
        if kind == _BY_OFFSET:
            back, at = _offset(data, at)
            base = kept.at(start - back)
        elif kind == _BY_NAME:
            base, at = kept.named(data[at : at + _NAME]), at + _NAME
        content, at = _object(data, at)
        if kind in _TYPES:
            found = _TYPES[kind], content
        elif base is not None:
            found = base[0], _patched(base[1], content)
        else:
            yield f"difference at {start}", (content, False)
            continue
        name = kept.keep(start, *found)
        if found[0] != "tree":
            yield f"{found[0]} {name.hex()[:12]}", (found[1], True)


def decompressed_stream(data: bytes | memoryview) -> Content:
    """What a zlib stream holds, and whether that is all; one byte over the limit of a content at most."""
    content, _, whole = _stream(data, 0)
    return content, whole


def _stream(data: bytes | memoryview, at: int) -> tuple[bytes, int, bool]:
    """The content of a zlib stream, where it ends, and whether its end was reached."""
    reader = zlib.decompressobj()
    pieces, size = list[bytes](), 0
    while at < len(data) and size <= MAX_BYTES:
        try:
            pieces.append(reader.decompress(data[at : at + _PIECE], MAX_BYTES + 1 - size))
        except zlib.error:
            break
        at += _PIECE
        size += len(pieces[-1])
        if reader.eof:
            return b"".join(pieces), min(at, len(data)) - len(reader.unused_data), True
    return b"".join(pieces), at, False


class _Objects:
    """The objects of a pack that others may differ from, the latest of them."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[str, bytes]] = {}
        self._names: dict[bytes, int] = {}
        self._size = 0

    def keep(self, offset: int, kind: str, content: bytes) -> bytes:
        """Keep one, and name it."""
        name = hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).digest()
        self._kept[offset] = kind, content
        self._names[name] = offset
        self._size += len(content)
        while self._size > _KEPT:
            self._size -= len(self._kept.pop(next(iter(self._kept)))[1])
        return name

    def at(self, offset: int) -> tuple[str, bytes] | None:
        """The one that begins there."""
        return self._kept.get(offset)

    def named(self, name: bytes) -> tuple[str, bytes] | None:
        """The one of this name."""
        return self._kept.get(self._names.get(name, -1))


def _object(data: bytes, at: int) -> tuple[bytes, int]:
    content, end, whole = _stream(data, at)
    if not whole:
        raise ValueError("damaged")
    return content, end


def _after_size(data: bytes, at: int) -> int:
    while data[at] & 0x80:
        at += 1
    return at + 1


def _offset(data: bytes, at: int) -> tuple[int, int]:
    """How far back the base is, and what follows."""
    back = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        back = (back + 1 << 7) | (data[at] & 0x7F)
    return back, at + 1


def _patched(base: bytes, difference: bytes) -> bytes:
    """The object that differs so from its base."""
    at = _after_size(difference, _after_size(difference, 0))
    pieces, size = list[bytes](), 0
    while at < len(difference) and size <= MAX_BYTES:
        what, at = difference[at], at + 1
        if what & 0x80:
            numbers = []
            for bit in range(7):
                present = what >> bit & 1
                numbers.append(difference[at] if present else 0)
                at += present
            start = int.from_bytes(bytes(numbers[:4]), "little")
            pieces.append(base[start : start + (int.from_bytes(bytes(numbers[4:]), "little") or 0x10000)])
        else:
            pieces.append(difference[at : at + what])
            at += what
        size += len(pieces[-1])
    return b"".join(pieces)
