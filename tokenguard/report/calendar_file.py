"""Due dates as an iCalendar file (RFC 5545): one all-day entry for each token. Never a value."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tokenguard.report.posture import DueToken, Posture

_FOLDED = 75
"""Octets of a line, by section 3.1 of the RFC."""


def as_calendar(posture: Posture) -> str:
    """The file, with CRLF line ends."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//tokenguard//due dates//EN",
        "CALSCALE:GREGORIAN",
        *(line for each in posture.upcoming for line in _entry(each, posture.at)),
        "END:VCALENDAR",
    ]
    return "".join(part + "\r\n" for line in lines for part in _folded(line))


def _entry(each: DueToken, now: datetime) -> Iterator[str]:
    record, day = each.record, each.due.at
    yield "BEGIN:VEVENT"
    yield f"UID:{record.name}@{each.store_id}.tokenguard"
    yield f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_text(f'rotate {each.place}')}"
    facts = (f"tokenguard rotate {record.name}", f"owner: {record.owner or 'none'}", f"provider: {record.provider}")
    yield "DESCRIPTION:" + "\\n".join(map(_text, facts))
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _text(text: str) -> str:
    """Escaped as section 3.3.11 of the RFC asks; control characters are left out."""
    plain = "".join(character for character in text if character.isprintable())
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterator[str]:
    """Parts of at most 75 octets, which never cut a character; all but the first begin with a space."""
    if len(line.encode()) <= _FOLDED:
        yield line
        return
    part = ""
    for character in line:
        if len((part + character).encode()) > _FOLDED:
            yield part
            part = " "
        part += character
    yield part
