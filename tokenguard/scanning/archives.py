"""The members of archives, to a depth and within caps. Nothing is ever written to disk."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator

from tokenguard.domain.finding import Skipped
from tokenguard.scanning.source import MAX_BYTES, Blob, Source

MAX_DEPTH = 3
_MAX_MEMBERS = 20_000
_MAX_TOTAL = 8 * MAX_BYTES
_TAR_MARK = slice(257, 262)
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError,
           NotImplementedError, RuntimeError)  # fmt: skip
_PACKED: tuple[tuple[bytes, Callable[[io.BytesIO], io.BufferedIOBase]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)


def members(blob: Blob, depth: int = MAX_DEPTH) -> Iterator[Source]:
    """Everything inside `blob` if it is an archive (zip, tar, gz, bz2, xz), also archives in it. Names: `a.zip!b`."""
    try:
        found = _opened(blob)
        if found is None:
            return
        if depth == 0:
            yield Skipped(path=blob.path, reason="archive-too-deep")
            return
        total = 0
        for count, (name, read) in enumerate(found):
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
    except _BROKEN:
        yield Skipped(path=blob.path, reason="broken-archive")


_Member = tuple[str, Callable[[], bytes]]


def _opened(blob: Blob) -> Iterator[_Member] | None:
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


def _zip(data: bytes) -> Iterator[_Member]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if not info.is_dir():

                def read(info: zipfile.ZipInfo = info) -> bytes:
                    with archive.open(info) as file:
                        return file.read(MAX_BYTES + 1)

                yield info.filename, read


def _tar(data: bytes) -> Iterator[_Member]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for info in archive:
            if info.isreg():

                def read(info: tarfile.TarInfo = info) -> bytes:
                    file = archive.extractfile(info)
                    return file.read(MAX_BYTES + 1) if file else b""

                yield info.name, read
