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
from tokenguard.scanning import archive_readers
from tokenguard.scanning.content import Blob
from tokenguard.scanning.scan_budget import ALLOWANCE, MEMBER, PLACE, RATIO, TOO_LARGE, ScanBudget
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


def bomb(size: int) -> bytes:
    """An archive of about a thousandth of what comes out of it: more than its own share."""
    return zipped(b"x = 1\n" * (size // 6))


def small(data: bytes) -> Blob:
    """An archive that needs no more than its own share."""
    return Blob(path="small.zip", data=zipped(secrets.token_bytes(2000), data))


def test_all_files_of_a_scan_share_one_allowance() -> None:
    part = bomb(ALLOWANCE * 6 // 10)
    report = scan([Blob(path=f"{number}.zip", data=part) for number in range(3)] + [small(leak())])
    assert [(each.path, each.reason) for each in report.skipped] == [("1.zip", TOO_LARGE), ("2.zip", TOO_LARGE)]
    assert report.findings, "what an archive's own size pays for is always read"
    assert report.bytes < ALLOWANCE + (1 << 20)


def test_what_is_left_out_costs_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once nothing is left, as little is unpacked as can tell that it would be too much."""
    read: list[int] = []
    content = archive_readers._content

    def counted(opener, limit: int) -> tuple[bytes, bool]:
        found = content(opener, limit)
        read.append(len(found[0]))
        return found

    monkeypatch.setattr(archive_readers, "_content", counted)
    tiny = bz2.compress(b"\0" * (30 << 20))
    scan([Blob(path=f"{number}.bz2", data=tiny) for number in range(40)])
    assert len(read) == 40
    assert max(read[1:]) <= 32 * RATIO * len(tiny) + 1 < 1 << 20


def test_a_bomb_of_bombs_has_no_more_room_than_one() -> None:
    """The budget holds for all that comes out of one file, not for each archive in it anew."""
    inner = zipped(*[b"\0" * 100_000] * 5)
    data = zipped(*[zipped(*[inner] * 8)] * 8)
    report = scanned(data)
    assert report.bytes < ALLOWANCE + RATIO * len(data)
    assert TOO_LARGE in {reason for _, reason in reasons(report)}


def test_many_empty_members_are_no_way_around_the_budget() -> None:
    inner = zipped(*[b""] * 1000)
    data = zipped(*[inner] * 50)
    report = scanned(data)
    assert report.files < (ALLOWANCE + RATIO * len(data)) // MEMBER
    assert TOO_LARGE in {reason for _, reason in reasons(report)}


def test_places_to_judge_count_as_well_as_bytes() -> None:
    """A line that a rule finds something on costs more than one that is only read."""
    data = zipped(b"".join(b'password = "tgcanary%06d"\n' % number for number in range(60_000)))
    report = scanned(data)
    (skipped,) = report.skipped
    assert (skipped.path, skipped.reason) == ("a.bin!0.py", TOO_LARGE)
    assert 1 < skipped.line <= (ALLOWANCE + RATIO * len(data)) // PLACE
    assert len(report.findings) + report.left_out < skipped.line


@pytest.mark.parametrize("share", [0, 1, 7, 100])
@pytest.mark.parametrize("work", [0, 1, 7, 50, 100, 101, 5000])
def test_a_files_share_is_spent_before_the_allowance(share: int, work: int) -> None:
    budget = ScanBudget(100)
    budget.begin(share)
    own = share * RATIO
    assert budget.spend(work) is (work <= own + 100)
    assert budget.allowance == (0 if work > own + 100 else 100 - max(work - own, 0))
    assert budget.refused is (work > own + 100)


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


def test_a_pointer_of_git_lfs_says_that_its_content_was_not_scanned() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345\n"
    assert reasons(scanned(pointer)) == [("", "lfs-pointer")]
    assert reasons(scanned(pointer + b"\n" * 1024)) == []
