"""Times as others write them down."""

from datetime import UTC, datetime

import pytest

from tokenguard.domain.moment import moment_of


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T01:30:00+05:30", datetime(2026, 11, 21, 20, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-01:00", None),
    ],
)
def test_it_is_in_utc_or_it_is_none(text: str, read: datetime | None) -> None:
    found = moment_of(text)
    assert found == read
    assert found is None or found.tzinfo is UTC
