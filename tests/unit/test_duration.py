"""Durations and days are read the same everywhere."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenguard.domain.duration import parse_duration
from tokenguard.domain.moment import parse_day


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("0.5s", 0.5), ("2m", 120), ("2 m", 120), ("24h", 86_400), ("7d", 604_800), ("0", 0)],
)
def test_a_duration_has_a_unit_or_is_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "s", "-1s", "1w", "1.2345s", "1e3", "٣s", "1s 2m", "1234567s", "1s\n"])
def test_anything_else_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None


def test_a_day_is_its_start_in_utc() -> None:
    assert parse_day("2027-01-31") == datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2027-1-31", "20270131", "2027-02-30", "2027-01-31T00:00", "0026-12-01", "1999-12-31", "٢٠٢٧-01-31"]
)
def test_anything_else_is_no_day(text: str) -> None:
    assert parse_day(text) is None
