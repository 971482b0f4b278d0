"""Opens archives of the kinds that Python can: loaded only when something looks like one."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator

from tokenguard.scanning.source import MAX_BYTES, Blob

BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
"""What opening or reading a damaged, encrypted or hostile archive raises."""

_TAR_MARK = slice(257, 262)
_PACKED: tuple[tuple[bytes, Callable[[io.BytesIO], io.BufferedIOBase]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)
Member = tuple[str, Callable[[], bytes]]


def opened(blob: Blob) -> Iterator[Member] | None:
    """The members of an archive by name, each to be read on demand; None if it is no archive. Raises `BROKEN`."""
    data = blob.data
    if data.startswith(b"PK\x03\x04"):
        return _zip(data)
    if data[_TAR_MARK] == b"ustar":
        return _tar(data)
    for mark, opener in _PACKED:
        if data.startswith(mark):
            with opener(io.BytesIO(data)) as file:
                content = file.read(MAX_BYTES + 1)
            name = blob.path.rpartition("/")[2].rpartition(".")[0] or "content"
            return iter([(name, io.BytesIO(content).getvalue)])
    return None


def _zip(data: bytes) -> Iterator[Member]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if not info.is_dir():

                def read(info: zipfile.ZipInfo = info) -> bytes:
                    with archive.open(info) as file:
                        return file.read(MAX_BYTES + 1)

                yield info.filename, read


def _tar(data: bytes) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for info in archive:
            if info.isreg():

                def read(info: tarfile.TarInfo = info) -> bytes:
                    file = archive.extractfile(info)
                    return file.read(MAX_BYTES + 1) if file else b""

                yield info.name, read
