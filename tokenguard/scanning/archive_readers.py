"""Opens archives of the kinds that Python can: loaded only when something looks like one."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tokenguard.scanning import compressed_parts
from tokenguard.scanning.compressed_parts import Content
from tokenguard.scanning.content import Blob

BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    RuntimeError,
    MemoryError,
)
"""What opening or reading an archive raises that is damaged, encrypted, hostile or compressed in an unknown way."""

_PIECE = 1 << 20
_ZIP_MARK, _TAR_MARK = b"PK\x03\x04", slice(257, 262)
_PACKED: tuple[tuple[bytes, Callable[[io.BytesIO], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"]\0\0", lzma.LZMAFile),
)
_PARTS: tuple[tuple[tuple[bytes, ...], Callable[[bytes], Iterator[tuple[str, Content]]]], ...] = (
    ((b"%PDF-",), compressed_parts.pdf),
    ((b"\x89PNG",), compressed_parts.png),
    ((b"!<arch>\n",), compressed_parts.ar),
    ((b"PACK\0\0\0",), compressed_parts.pack),
    ((b"# v2 git bundle\n", b"# v3 git bundle\n"), compressed_parts.bundle),
    ((b"x\x01", b"x^", b"x\x9c", b"x\xda"), compressed_parts.zlib_data),
)
Member = tuple[str, Callable[[int], Content]]
"""Its name, and a reader of at most a number of bytes; of a longer member it returns one byte more."""


def opened(blob: Blob) -> Iterator[Member]:
    """The members of an archive by name, each to be read on demand. Raises `BROKEN`, also if it is none."""
    data = blob.data
    for marks, parts in _PARTS:
        if data.startswith(marks):
            return ((name, partial(_first_of, content)) for name, content in parts(data))
    for mark, opener in _PACKED:
        if data.startswith(mark):
            name = blob.path.rpartition("/")[2].rpartition(".")[0] or "content"
            return iter([(name, partial(_content, partial(opener, io.BytesIO(data))))])
    if data[_TAR_MARK] == b"ustar" and not data.startswith(_ZIP_MARK):
        return _tar(data)
    return _zip(data)


def _zip(data: bytes) -> Iterator[Member]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, partial(_content, partial(archive.open, info))


def _tar(data: bytes) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for info in archive:
            if info.isreg():
                yield info.name, partial(_content, partial(archive.extractfile, info))


def _first_of(content: Content, limit: int) -> Content:
    return content[0][: limit + 1], content[1]


def _content(opener: Callable[[], Any], limit: int) -> Content:
    """One byte more than the limit at most; of a damaged member, the part before the damage."""
    pieces: list[bytes] = []
    left = limit + 1
    try:
        with opener() as file:
            while left > 0 and (piece := file.read1(min(left, _PIECE))):  # `read` would lose what is sound
                pieces.append(piece)
                left -= len(piece)
    except BROKEN:
        return b"".join(pieces), False
    return b"".join(pieces), True
