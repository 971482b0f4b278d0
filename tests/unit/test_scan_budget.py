"""What rules may judge in plain files: in proportion to each, and no more in all than the scan allows."""

import secrets

import pytest

from tokenguard.domain.finding import FindingKind, Report, SkippedContent
from tokenguard.scanning.content import Blob
from tokenguard.scanning.scan_budget import CANDIDATES, PLACE, TOO_MANY, PlainFileBudget, ScanBudget
from tokenguard.scanning.scan_options import Demands
from tokenguard.scanning.scanner import scan

DENSE = b"".join(f'"{secrets.token_hex(32)}"\n'.encode() for _ in range(1200))


@pytest.mark.parametrize("size", [0, 1, 7, 100])
@pytest.mark.parametrize("work", [0, 1, 7, 50, 100, 101, 5000])
def test_the_share_of_a_file_is_spent_before_the_allowance(size: int, work: int) -> None:
    budget = ScanBudget(0, 100)
    own = size * 16
    assert PlainFileBudget(budget, size).spend(work) is (work <= own + 100)
    assert budget.candidates == (0 if work > own + 100 else 100 - max(work - own, 0))
    assert budget.refused is (work > own + 100)


def test_an_ordinary_file_with_a_digest_in_each_line_is_judged_to_its_end() -> None:
    report = scan([Blob(path="sums.txt", data=DENSE)], budget=ScanBudget(0, 0))
    assert (report.left_out, report.skipped) == (1200, ())


def test_a_file_made_to_keep_rules_busy_is_given_up_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenguard.scanning.scan_budget._MOST_OF_A_FILE", 100 * PLACE)
    token = "sk-social-" + secrets.token_hex(32)
    blobs = [Blob(path=f"{number}.txt", data=DENSE + f"\n{token}\n".encode()) for number in range(3)]
    report = scan(blobs, budget=ScanBudget(0, 200 * PLACE))
    assert [(each.path, each.line, each.reason) for each in report.skipped] == [
        ("0.txt", 301, TOO_MANY), ("1.txt", 101, TOO_MANY), ("2.txt", 101, TOO_MANY),
    ]  # fmt: skip
    assert [each.path for each in report.findings if each.kind is FindingKind.EXTRA] == ["0.txt", "1.txt", "2.txt"]
    assert Demands(strict=True).fail(Report(files=1, bytes=1, skipped=report.skipped))
    assert Demands(within_limits=True).fail(Report(files=1, bytes=1, skipped=report.skipped))
    assert CANDIDATES > 200 * PLACE


def test_a_place_that_two_stages_leave_out_is_said_once() -> None:
    place = SkippedContent(path="a.txt", reason="hostile-line", line=1)
    assert scan([place, place, SkippedContent(path="a.txt", reason="hostile-line", line=2)]).skipped == (
        place,
        SkippedContent(path="a.txt", reason="hostile-line", line=2),
    )
