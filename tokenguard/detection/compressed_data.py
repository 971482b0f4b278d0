"""Undoes compression in memory, up to a size in proportion to what is compressed: gzip and its like, PDF, zip."""

import bz2
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator

from tokenguard.frozen import Frozen

_TIMES, _AT_LEAST = 16, 4096
"""How many times its size compressed data may hold; text seldom shrinks to a tenth."""
_OF_DOCUMENT, _DOCUMENTS = 32, frozenset({"PDF", "zip"})
"""The same for documents, whose markup shrinks more."""
_DICTIONARY = 2048
"""Bytes before a stream of a PDF in which its kind and its filter are named."""
_LARGEST = 128 << 20
"""Bytes of content that are held in memory at most."""
_MOST_READINGS = 4
"""Times the size of a document that its streams may have in all; those of a real one do not overlap."""
_ZLIB = 0x78
_MEMORY = 64 << 20
_MARKS = {b"\xfd7zXZ\x00": "xz", b"%PDF-": "PDF", b"PK\x03\x04": "zip"}
_STREAM = re.compile(rb"(?<!end)stream\r?\n")


class Decompressed(Frozen, frozen=True):
    """What compressed data holds."""

    data: bytes
    whole: bool
    """False: there is more, which was left out."""
    how: str


def decompressed(data: bytes) -> Decompressed | None:
    """The content, if `data` begins like one of these formats and can be read; of a document, that of all its parts."""
    how = _format(data)
    if not how:
        return None
    most = min(max(len(data) * (_OF_DOCUMENT if how in _DOCUMENTS else _TIMES), _AT_LEAST), _LARGEST)
    try:
        plain = _READERS[how](data, most + 1)
    except (zlib.error, OSError, EOFError, ValueError, RuntimeError, lzma.LZMAError):
        return None
    return Decompressed(plain[:most], len(plain) <= most, how) if plain else None


def _format(data: bytes) -> str:
    if data.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if len(data) > 2 and data[0] == _ZLIB and int.from_bytes(data[:2]) % 31 == 0:  # noqa: PLR2004 - RFC 1950
        return "zlib"
    if data.startswith(b"BZh") and data[4:10] == b"1AY&SY":
        return "bzip2"
    return next((how for mark, how in _MARKS.items() if data.startswith(mark)), "")


def _lzma(data: bytes, most: int) -> bytes:
    return lzma.LZMADecompressor(memlimit=_MEMORY).decompress(data, most)


def pdf_streams(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The dictionary and the content of each stream of a PDF, as far as it is near (ISO 32000-1, 7.3.8)."""
    end, view = -1, memoryview(data)
    for found in _STREAM.finditer(data):
        begin, at = max(found.start() - _DICTIONARY, 0), found.end()
        if end < at:  # looked for once, however many streams begin before it
            end = data.find(b"endstream", at)
            end = end if end >= 0 else len(data)
        yield data[max(begin, data.rfind(b"obj", begin, found.start())) : found.start()], view[at:end]


def _pdf(data: bytes, most: int) -> bytes:
    """The compressed streams of a document but for its pictures: ISO 32000-1, 7.4.4."""
    parts, left, work = list[bytes](), most, _MOST_READINGS * len(data)
    for dictionary, content in pdf_streams(data):
        if not _is_zlib(bytes(content[:2])) or b"/Image" in dictionary:
            continue
        work -= len(content)
        if work < 0:
            break
        try:
            parts.append(zlib.decompressobj().decompress(content, left))
        except zlib.error:  # it only looked like one
            continue
        left -= len(parts[-1])
        if left <= 0:
            break
    return b"\n".join(parts)


def _is_zlib(header: bytes) -> bool:
    """Whether these two bytes begin data that zlib compressed (RFC 1950, 2.2)."""
    return bool(header) and header[0] & 15 == zlib.DEFLATED and int.from_bytes(header) % 31 == 0


def _zip(data: bytes, most: int) -> bytes:
    """The members of an archive, such as a document of an office program."""
    from zipfile import BadZipFile, ZipFile  # few texts hold one

    parts, left = list[bytes](), most
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                with archive.open(member) as opened:
                    parts.append(opened.read(left))
                left -= len(parts[-1])
                if left <= 0:
                    break
    except BadZipFile as error:
        raise ValueError from error
    return b"\n".join(parts)


_READERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": lambda data, most: zlib.decompressobj(wbits=31).decompress(data, most),
    "zlib": lambda data, most: zlib.decompressobj().decompress(data, most),
    "bzip2": lambda data, most: bz2.BZ2Decompressor().decompress(data, most),
    "xz": _lzma,
    "PDF": _pdf,
    "zip": _zip,
}
