"""Compressed parts of documents, images, packages and git's own files: opened, or said to be closed."""

import lzma
import random
import secrets
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tokenguard.domain.finding import Report
from tokenguard.scanning import compressed_parts
from tokenguard.scanning.content import Blob
from tokenguard.scanning.scan_options import Demands
from tokenguard.scanning.scanner import scan


def leak() -> bytes:
    return f"connect('sk-social-{secrets.token_hex(32)}')\n".encode()


def scanned(data: bytes) -> Report:
    return scan([Blob(path="a.bin", data=data)])


def pdf(text: bytes, head: bytes = b"") -> bytes:
    packed = zlib.compress(b"BT (" + text.strip() + b") Tj ET")
    streams = b"1 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\r\n%s\nendstream\nendobj\n" % (
        len(packed),
        packed,
    )
    picture = b"2 0 obj\n<< /Filter /DCTDecode >>\nstream\n\xff\xd8\xff\nendstream\nendobj\n"
    return b"%PDF-1.7\n" + head + picture + streams + b"%%EOF\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + b"".join(chunks) + chunk(b"IEND", b"")


def ar(*members: tuple[bytes, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, data in members:
        parts.append(
            b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name, 0, 0, 0, 0o644, len(data)) + data + b"\n" * (len(data) % 2)
        )
    return b"".join(parts)


def loose(text: bytes) -> bytes:
    return zlib.compress(b"blob %d\0" % len(text) + text)


OPENED: dict[str, Callable[[bytes], bytes]] = {
    "lzma": lambda text: lzma.compress(text, format=lzma.FORMAT_ALONE),
    "debian package": lambda text: ar((b"debian-binary", b"2.0\n"), (b"data.tar.xz/", lzma.compress(text))),
    "pdf": pdf,
    "png, zTXt": lambda text: png(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(text))),
    "png, iTXt": lambda text: png(chunk(b"iTXt", b"Comment\0\1\0en\0Kommentar\0" + zlib.compress(text))),
    "loose object": loose,
}


@pytest.mark.parametrize("kind", OPENED)
def test_a_token_in_compressed_parts_is_found(kind: str) -> None:
    report = scanned(OPENED[kind](leak() + b"x = 1\n" * 40))
    assert [each.path.partition("!")[0] for each in report.findings] == ["a.bin"]
    assert report.skipped == ()


@pytest.mark.parametrize("kind", OPENED)
def test_what_is_damaged_is_said_and_never_ends_the_scan(kind: str) -> None:
    data = OPENED[kind](leak() + secrets.token_bytes(3000))
    source = random.Random(3)
    for _ in range(60):
        cut = source.randrange(20, len(data) - 1)
        scanned(data[:cut])
        scanned(data[:cut] + bytes([data[cut] ^ 255]) + data[cut + 1 :])
    assert scanned(data[: len(data) // 2]).skipped != () or kind.startswith("png")


@pytest.mark.parametrize(
    "begin",
    [b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x01\x00", b"\x04\x22\x4d\x18", b"LZIP\x01", b"\x1f\x9d\x90",
     b"MSCF\0\0\0\0", b"\xed\xab\xee\xdb", b"\x89LZO\0\r\n\x1a\n", b"\xff\x06\0\0sNaPpY", b"hsqs", b"PAR1", b"ORC\x08\3",
     b"ARROW1\0\0", b"Obj\x01"],
)  # fmt: skip
def test_an_archive_of_a_kind_that_is_not_opened_is_said_and_fails_strict(begin: bytes) -> None:
    report = scanned(begin + secrets.token_bytes(100))
    assert [(each.path, each.reason) for each in report.skipped] == [("a.bin", "unsupported-archive")]
    assert Demands(strict=True).fail(report)
    package = scanned(ar((b"data.tar.zst/", begin + bytes(20))))
    assert [(each.path, each.reason) for each in package.skipped] == [("a.bin!data.tar.zst", "unsupported-archive")]


def test_an_encrypted_document_is_said() -> None:
    report = scanned(pdf(leak(), head=b"trailer << /Encrypt 5 0 R >>\n"))
    assert [each.reason for each in report.skipped] == ["broken-archive"]


@pytest.mark.parametrize(
    "text", [b"x^2 + y^2", b"x\x01", b"]\0\0", b"%PDF-", b"LZIP is a program", b"PACK of wolves", b"!<arch"]
)
def test_a_text_that_begins_alike_is_no_archive(text: bytes) -> None:
    assert scanned(text * 50).skipped == ()


def test_every_version_in_a_bundle_and_a_pack_is_read(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "r")
    long = "".join(f"line {number} {secrets.token_hex(4)}\n" for number in range(300))
    tokens = []
    for number in range(5):
        line = leak().decode()
        tokens.append(line)
        repository.write("a.py", long + line + f"x = {number}\n")
        repository.commit(f"version {number}")
    repository.git("bundle", "create", "all.bundle", "--all")
    repository.git("repack", "-a", "-d", "-q")
    (pack,) = (repository.path / ".git/objects/pack").glob("*.pack")
    for data in ((repository.path / "all.bundle").read_bytes(), pack.read_bytes()):
        report = scanned(data)
        assert {each.type for each in report.findings} == {"Autoposting API Key"}
        assert len({each.tag for each in report.findings}) == len(tokens)
        assert report.skipped == ()
        assert any("!commit " in name for name, _ in _opened(data))


def test_an_object_whose_base_was_not_kept_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository(tmp_path / "r")
    for number in range(3):
        repository.write("a.py", "".join(f"line {line}\n" for line in range(2000)) + f"{number}\n")
        repository.commit(f"version {number}")
    repository.git("repack", "-a", "-d", "-q")
    (pack,) = (repository.path / ".git/objects/pack").glob("*.pack")
    monkeypatch.setattr(compressed_parts, "_KEPT", 100)
    assert {each.reason for each in scanned(pack.read_bytes()).skipped} == {"broken-archive"}


def _opened(data: bytes) -> list[tuple[str, bytes]]:
    read = compressed_parts.pack if data.startswith(b"PACK") else compressed_parts.bundle
    return [(f"!{name}", content[0]) for name, content in read(data)]
