"""Archives: a token in one is found to a depth; what is damaged, deceptive or too much is read as far as it goes."""

import bz2
import gzip
import lzma
import secrets
import tarfile
import zipfile
import zlib
from io import BytesIO

import pytest

from tokenguard.domain.finding import Report
from tokenguard.scanning import archives
from tokenguard.scanning.content import Blob
from tokenguard.scanning.scanner import scan


def leak() -> bytes:
    return f"connect('sk-social-{secrets.token_hex(32)}')\n".encode()


def zipped(*members: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for number, data in enumerate(members):
            file.writestr(f"{number}.py", data)
    return buffer.getvalue()


def archive(depth: int, data: bytes) -> bytes:
    for _ in range(depth):
        data = zipped(data)
    return data


def scanned(data: bytes) -> Report:
    return scan([Blob(path="a.bin", data=data)])


def reasons(report: Report) -> list[tuple[str, str]]:
    return [(each.path.removeprefix("a.bin"), each.reason) for each in report.skipped]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_token_in_an_archive_is_found_to_a_depth(depth: int) -> None:
    report = scanned(archive(depth, leak()))
    assert [finding.path for finding in report.findings] == ["a.bin" + "!0.py" * depth]


def test_beyond_that_depth_and_when_broken_it_is_said() -> None:
    assert scanned(archive(5, b"x")).skipped[-1].reason == "archive-too-deep"
    for mark in (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00"):
        assert scanned(mark + secrets.token_bytes(300)).skipped[0].reason == "broken-archive"


def test_an_archive_bomb_is_capped_and_said() -> None:
    report = scanned(archive(1, b"\0" * (40 << 20)))
    assert {skipped.reason for skipped in report.skipped} == {"too-large"}


def test_a_bomb_of_bombs_has_no_more_room_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caps hold for all that comes out of one file, not for each archive in it anew."""
    monkeypatch.setattr(archives, "_MAX_TOTAL", 1 << 20)
    inner = zipped(*[b"\0" * 100_000] * 5)
    report = scanned(zipped(*[zipped(*[inner] * 8)] * 8))
    assert report.bytes < 2 << 20
    assert "archive-too-large" in {reason for _, reason in reasons(report)}
    monkeypatch.undo()
    monkeypatch.setattr(archives, "_MAX_MEMBERS", 30)
    assert scanned(zipped(*[zipped(*[b"x"] * 20)] * 20)).files == 31


def tar(data: bytes) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as file:
        info = tarfile.TarInfo("a.py")
        info.size = len(data)
        file.addfile(info, BytesIO(data))
    return buffer.getvalue()


def damaged(data: bytes) -> bytes:
    """The first member of a zip, its sum no longer right."""
    wrong = bytearray(zipped(b"x" * 100, data))
    at = wrong.find(zlib.crc32(b"x" * 100).to_bytes(4, "little"), wrong.find(b"PK\x01\x02"))
    wrong[at] ^= 0xFF
    return bytes(wrong)


DECEPTIVE = {
    "a script before a zip": (lambda data: b"#!/bin/sh\nexit\n" + zipped(data), []),
    "a comment after a zip": (lambda data: zipped(data)[:-2] + (9).to_bytes(2, "little") + b"a comment", []),
    "a member before it that is damaged": (damaged, [("!0.py", "broken-archive")]),
    "another method": (lambda data: zipped(data, method=zipfile.ZIP_LZMA), []),
    "gzip with more behind it": (lambda data: gzip.compress(data) + b"more", [("!a", "broken-archive")]),
    "gzip without its end": (lambda data: gzip.compress(data)[:-6], [("!a", "broken-archive")]),
    "gzip twice": (lambda data: gzip.compress(b"x\n") + gzip.compress(data), []),
    "bzip2 with more behind it": (lambda data: bz2.compress(data) + b"more", []),
    "xz without its end": (lambda data: lzma.compress(data)[:-8], [("!a", "broken-archive")]),
    "a tar in xz": (tar, []),
}


@pytest.mark.parametrize("trick", DECEPTIVE)
def test_what_is_sound_of_a_deceptive_archive_is_read_and_the_rest_is_said(trick: str) -> None:
    make, said = DECEPTIVE[trick]
    data = make(leak())
    report = scanned(data)
    assert report.findings
    assert reasons(report) == said


def test_a_text_about_zips_is_no_archive() -> None:
    assert reasons(scanned(b"A zip ends with PK\x05\x06 and some numbers.\n")) == []
