"""Waiting: what Retry-After may say, and how long we wait by ourselves."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.http.pacing import backoff, retry_after, seconds_until_reset, too_long

NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)

YEAR = 366 * 86_400.0

CASES = {
    "": None,
    "0": 0.0,
    "7": 7.0,
    " 7 ": 7.0,
    "1.5": 1.5,
    "+3": 3.0,
    "-5": None,
    "-1": None,
    "-0.5": None,
    "-0": 0.0,
    "- 1": None,
    "1 2": None,
    "7s": None,
    "7, 8": None,
    "61": 61.0,
    "1000000000": YEAR,
    "9" * 29: YEAR,
    "9" * 400: None,
    "soon": None,
    "nan": None,
    "inf": None,
    "1e9": None,
    "0x10": None,
    "٣": None,
    "Sun, 01 Nov 2026 09:00:30 GMT": 30.0,
    "Sun, 01 Nov 2026 08:00:00 GMT": 0.0,
    "Fri, 31 Dec 9999 23:59:59 GMT": YEAR,
    "Sun, 01 Nov 2026 09:00:30": 30.0,
    "Sun, 99 Nov 2026 09:00:30 GMT": None,
}


@pytest.mark.parametrize("text", CASES)
def test_retry_after_is_between_nothing_and_a_year_or_counts_as_not_given(text):
    assert retry_after(text, NOW) == CASES[text]


@given(st.text(max_size=60))
def test_no_retry_after_breaks_us(text):
    found = retry_after(text, NOW)
    assert found is None or 0 <= found <= YEAR


def test_backoff_doubles_to_a_minute():
    assert [backoff(n) for n in (0, 1, 2, 3, 6, 7, 8, 10**9)] == [1, 1, 2, 4, 32, 60, 60, 60]


@pytest.mark.parametrize(
    ("remaining", "reset", "wait"),
    [
        ("0", "+30", 30.0),
        ("0", "30", 30.0),
        ("0", str(int(NOW.timestamp()) + 45), 45.0),
        ("0", str(int(NOW.timestamp()) - 45), 0.0),
        ("0", "9" * 30, YEAR),
        ("-1", "30", 30.0),
        ("1", "30", 0.0),
        ("", "30", 0.0),
        ("0", "", 0.0),
        ("none", "30", 0.0),
        ("0", "soon", 0.0),
        ("0", "-30", 0.0),
    ],
)
def test_a_limit_that_leaves_nothing_says_until_when(remaining, reset, wait):
    assert seconds_until_reset({"x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}, NOW) == wait


@pytest.mark.parametrize(("wait", "long"), [(None, False), (0, False), (60, False), (60.5, True), (YEAR, True)])
def test_a_command_waits_a_minute_at_most(wait, long):
    assert too_long(wait) is long
