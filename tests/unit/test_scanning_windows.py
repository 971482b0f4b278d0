"""Large files are read in windows: each token is found once, with its line, wherever the windows meet."""

import base64
import random
import secrets
from io import BytesIO
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.unit.test_detection_own import index, usable
from tokenguard.detection.known_tokens import scan_own
from tokenguard.domain.finding import FindingKind, Report
from tokenguard.scanning import file_walk, windows
from tokenguard.scanning.content import MAX_BYTES, Blob
from tokenguard.scanning.file_walk import read_paths
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.scanner import Stages, Suppressor, scan
from tokenguard.scanning.windows import read_windows

CORE, MARGIN = 4_000, 700


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CORE", CORE), ("MARGIN", MARGIN), ("_NEAR", 200)):
        monkeypatch.setattr(windows, name, value)


def vendor() -> str:
    return f"sk-social-{secrets.token_hex(20)}"


def places(report: Report) -> list[tuple[str, int, int]]:
    return [(each.kind, each.line, each.column) for each in report.findings if each.kind != FindingKind.RULE]


def both(data: bytes, stages: Stages) -> tuple[Report, Report]:
    """What is found in windows, and at once."""
    in_windows = scan(read_windows(BytesIO(data).read, "a.txt"), stages)
    return in_windows, scan([Blob(path="a.txt", data=data)], stages)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "latin-1"])
@pytest.mark.parametrize("seed", range(6))
def test_a_token_is_found_once_and_in_its_line_wherever_windows_meet(seed: int, encoding: str) -> None:
    source = random.Random(seed)
    filler = source.choice(["word ", "a line\n", "\u00e4\u00f6 ", "x = 1;\r\n"])
    text, value = "", usable("letters")
    while len(text) < 4 * CORE:
        text += filler * source.randrange(1, 200)
        text += source.choice([f' "{vendor()}" ', f' "{value}"\n'])
    known = index(value)
    found, whole = both(text.encode(encoding), Stages(own=lambda data: scan_own(known, data), nameless=False))
    assert found.files == 1
    assert (found.bytes, found.skipped) == (whole.bytes, whole.skipped)
    if encoding in {"utf-16", "utf-32"}:  # columns of known tokens count bytes, and each window begins with a mark
        assert sorted(each[:2] for each in places(found)) == sorted(each[:2] for each in places(whole))
    else:
        assert places(found) == places(whole)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("before", [0, 1, CORE - 60, CORE - 20, CORE - 1, CORE, CORE + 1, 2 * CORE - 30, 3 * CORE + 17])
def test_no_place_of_a_line_without_an_end_hides_a_token(before: int) -> None:
    value, other = usable("letters"), vendor()
    known = index(value)
    data = f"{'.' * before} '{value}' '{other}' {'.' * CORE}".encode()
    found, whole = both(data, Stages(own=lambda given: scan_own(known, given), nameless=False))
    assert places(found) == places(whole)
    assert len(places(found)) == 2


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("before", [0, 1, 900, 2_000, 2_900, 3_000, 4_000, 6_001])
def test_a_token_in_base64_that_goes_over_windows_is_found_once(before: int) -> None:
    value = usable("letters")
    known = index(value)
    data = b"x = '" + base64.b64encode(secrets.token_bytes(before) + value.encode() + secrets.token_bytes(9_000)) + b"'"
    found, whole = both(data, Stages(own=lambda given: scan_own(known, given), nameless=False))
    assert [each.tag for each in found.findings] != []
    assert len(found.findings) == len(whole.findings) == 1


def test_a_token_at_the_end_of_a_large_file_is_found_in_a_tree_an_index_and_a_history(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "r")
    line = b"x" * 1023 + b"\n"
    count = MAX_BYTES // len(line) + 2
    repository.stage("large.txt", line * count + f"key '{vendor()}'\n".encode())
    job = ScanJob(stages=Stages(nameless=False), suppressor=Suppressor())
    reports = [scan(read_paths([repository.path / "large.txt"]), job.stages), job.staged(repository.path)]
    repository.commit("large")
    reports.append(job.history(repository.path))
    for report in reports:
        assert [(each.line, each.column) for each in report.findings] == [(count + 1, 6)]
        assert report.skipped == ()


def test_what_is_too_large_to_be_opened_or_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = scan(read_windows(BytesIO(b"PK\x03\x04" + bytes(100)).read, "a.zip"), Stages())
    assert [(each.path, each.reason) for each in report.skipped] == [("a.zip", "too-large")]
    monkeypatch.setattr(file_walk, "MAX_BYTES", 10)
    monkeypatch.setattr(file_walk, "LARGEST", 20)
    (tmp_path / "a.txt").write_bytes(b"x" * 30)
    assert [each.reason for each in scan(read_paths([tmp_path / "a.txt"])).skipped] == ["too-large"]
