"""Reminders: distances grow to a limit, and no moment has two of them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tokenguard.notifications.reminders import current_reminder

BEGAN = datetime(2026, 11, 1, 9, tzinfo=UTC)


@given(
    after=st.timedeltas(min_value=timedelta(days=1), max_value=timedelta(days=90)),
    later=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=900)),
)
def test_a_reminder_stays_until_the_next_one_and_distances_grow_to_eight_times_the_first(after, later):
    now = BEGAN + later
    found = current_reminder(BEGAN, now, after)
    if found is None:
        assert later < after
        return
    turn = next(at for at in turns(after) if at.days == found.days)
    following = next(at for at in turns(after) if at > turn)
    assert turn <= later < following
    assert following - turn == min(after * 2 ** min(found.number, 3), 8 * after)
    assert current_reminder(BEGAN, BEGAN + turn, after) == found


def turns(after):
    at, distance = after, after
    while True:
        yield at
        distance = min(2 * distance, 8 * after)
        at += distance


def test_without_a_distance_or_before_the_beginning_there_is_none():
    assert current_reminder(BEGAN, BEGAN + timedelta(days=400), None) is None
    assert current_reminder(BEGAN, BEGAN - timedelta(days=1), timedelta(days=1)) is None
