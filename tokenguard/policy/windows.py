"""When unattended rotations may begin: weekly windows and freezes of whole days, in UTC. Texts in, answers out."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from tokenguard.domain.moment import missing_day
from tokenguard.errors import InputError

NEVER = "never"
"""As the only window: unattended rotations never begin."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"(?:([a-z]{3})(?:-([a-z]{3}))? )?(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_DAY_TEXT = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LONGEST_FREEZE = timedelta(days=366)
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
_Span = tuple[int, int]
"""Minutes of the week, from Monday 00:00 UTC; the end is not part of it."""


def check_window(text: str) -> str:
    """One window in its plain form; InputError if it is none."""
    list(_spans(text))
    return text


def check_freeze(text: str) -> str:
    """One day, or two with `..` between, both part of it; InputError if it is none."""
    _freeze(text)
    return text


def open_at(windows: Sequence[str], now: datetime) -> bool:
    """Whether one of the windows is open; no windows mean any time."""
    at = now.astimezone(UTC)
    minute = at.weekday() * _DAY_MINUTES + at.hour * 60 + at.minute
    return not windows or any(start <= minute < end for window in windows for start, end in _spans(window))


def frozen_at(freezes: Sequence[str], now: datetime) -> bool:
    """Whether a freeze holds."""
    day = now.astimezone(UTC).date()
    return any(first <= day <= last for first, last in map(_freeze, freezes))


def has_ended(freeze: str, now: datetime) -> bool:
    """Whether a freeze is over for good."""
    return _freeze(freeze)[1] < now.astimezone(UTC).date()


def within(windows: Sequence[str], others: Sequence[str]) -> bool:
    """Whether the first windows allow nothing that the others do not."""
    return not others or (bool(windows) and not (_minutes(windows) - _minutes(others)))


def common(windows: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """What both allow."""
    if not windows or not others:
        return tuple(windows or others)
    if within(windows, others):
        return tuple(windows)
    left = sorted(_minutes(windows) & _minutes(others))
    return tuple(_written(left)) or (NEVER,)


def _minutes(windows: Sequence[str]) -> set[int]:
    return {minute for window in windows for start, end in _spans(window) for minute in range(start, end)}


def _written(minutes: Sequence[int]) -> Iterator[str]:
    """Windows that hold exactly these minutes, none of them over midnight."""
    starts = [each for number, each in enumerate(minutes) if number == 0 or minutes[number - 1] != each - 1]
    known = set(minutes)
    for start in starts:
        end = start
        while end in known:
            end += 1
        while start < end:
            stop = min(end, (start // _DAY_MINUTES + 1) * _DAY_MINUTES)
            first, last = start % _DAY_MINUTES, stop - start // _DAY_MINUTES * _DAY_MINUTES
            day = _DAYS[start // _DAY_MINUTES]
            yield f"{day} {first // 60:02}:{first % 60:02}-{last // 60:02}:{last % 60:02}"
            start = stop  # noqa: PLW2901 - the rest of a span that goes on after midnight


def _spans(text: str) -> Iterator[_Span]:
    if text == NEVER:
        return
    found = _WINDOW.fullmatch(text)
    if found is None or not {found[1], found[2]} <= {*_DAYS, None}:
        raise _no_window()
    start, end = (int(found[3]) * 60 + int(found[4])), (int(found[5]) * 60 + int(found[6]))
    if int(found[4]) > 59 or int(found[6]) > 59 or start >= _DAY_MINUTES or end > _DAY_MINUTES or start == end:  # noqa: PLR2004
        raise _no_window()
    length = (end - start) % _DAY_MINUTES or _DAY_MINUTES
    for day in _weekdays(found[1], found[2]):
        begin = day * _DAY_MINUTES + start
        yield begin, min(begin + length, _WEEK_MINUTES)
        if begin + length > _WEEK_MINUTES:  # from Sunday into Monday
            yield 0, begin + length - _WEEK_MINUTES


def _weekdays(first: str | None, last: str | None) -> Sequence[int]:
    if first is None:
        return range(len(_DAYS))
    start = _DAYS.index(first)
    length = (_DAYS.index(last) - start) % len(_DAYS) if last else 0
    return [(start + number) % len(_DAYS) for number in range(length + 1)]


def _no_window() -> InputError:
    return InputError(
        "not a window of time", hint=f"write `mon-fri 02:00-05:00`, `02:00-05:00` or `{NEVER}`; times are UTC"
    )


def _freeze(text: str) -> tuple[date, date]:
    first, dots, last = text.partition("..")
    try:
        found = date.fromisoformat(first), date.fromisoformat(last if dots else first)
    except ValueError:
        found = None
    if found is None or not timedelta(0) <= found[1] - found[0] <= _LONGEST_FREEZE or not _DAY_TEXT.fullmatch(first):
        hint = "write one day, `2026-12-24`, or two, `2026-12-20..2027-01-05`"
        raise InputError("not a freeze", hint=missing_day(first) or missing_day(last) or hint)
    return found
