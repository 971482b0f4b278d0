"""Undoes gzip, zlib, bzip2 and xz in memory, up to a size in proportion to what is compressed."""

import bz2
import lzma
import zlib
from collections.abc import Callable

from tokenguard.frozen import Frozen

_TIMES, _AT_LEAST = 16, 4096
"""How many times its size compressed data may hold; text seldom shrinks to a tenth."""
_ZLIB = 0x78
_MEMORY = 64 << 20


class Decompressed(Frozen, frozen=True):
    """What compressed data holds."""

    data: bytes
    whole: bool
    """False: there is more, which was left out."""
    how: str


def decompressed(data: bytes) -> Decompressed | None:
    """The content, if `data` begins like one of the four formats and can be read."""
    how = _format(data)
    if not how:
        return None
    most = max(len(data) * _TIMES, _AT_LEAST)
    try:
        plain = _READERS[how](data, most + 1)
    except (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError):
        return None
    return Decompressed(plain[:most], len(plain) <= most, how) if plain else None


def _format(data: bytes) -> str:
    if data.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if len(data) > 2 and data[0] == _ZLIB and int.from_bytes(data[:2]) % 31 == 0:  # noqa: PLR2004 - RFC 1950
        return "zlib"
    if data.startswith(b"BZh") and data[4:10] == b"1AY&SY":
        return "bzip2"
    return "xz" if data.startswith(b"\xfd7zXZ\x00") else ""


def _lzma(data: bytes, most: int) -> bytes:
    return lzma.LZMADecompressor(memlimit=_MEMORY).decompress(data, most)


_READERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": lambda data, most: zlib.decompressobj(wbits=31).decompress(data, most),
    "zlib": lambda data, most: zlib.decompressobj().decompress(data, most),
    "bzip2": lambda data, most: bz2.BZ2Decompressor().decompress(data, most),
    "xz": _lzma,
}
