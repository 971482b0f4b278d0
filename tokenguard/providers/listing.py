"""Reading a provider's list of tokens to its end, and believing a revocation only when the list agrees."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from tokenguard.documents import JsonTree
from tokenguard.domain.moment import moment_of
from tokenguard.errors import Unreachable
from tokenguard.ports.provider import Ambiguous, Listed, Refused

_Page = TypeVar("_Page")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_MAX_PAGES = 200
_MAX_TEXT = 200


def pages(fetch: Callable[[str], _Page], following: Callable[[_Page], JsonTree]) -> Iterator[_Page]:
    """Every page: `fetch` takes a cursor (empty for the first), `following` finds the next one, if any.

    Unreachable for cursors that repeat, are no text, or never end.
    """
    cursor, seen = "", set[str]()
    for _ in range(_MAX_PAGES):
        page = fetch(cursor)
        yield page
        upcoming = following(page)
        if upcoming is None or upcoming == "":
            return
        if not isinstance(upcoming, str) or upcoming in seen:
            break
        seen.add(upcoming)
        cursor = upcoming
    raise unreadable()


def confirm_gone(listed: Callable[[], Sequence[Listed]], provider_id: str, what: str) -> None:
    """Ambiguous unless the list can be read and no longer shows the id."""
    try:
        still = any(row.provider_id == provider_id for row in listed())
    except Unreachable:
        raise Ambiguous(f"{what}: the list that would confirm it cannot be read", hint="try again") from None
    if still:
        raise Ambiguous(
            f"{what}: the provider still lists it",
            hint="try again; if it stays, check the configured revoke route or revoke it by hand",
        )


def live(rows: Sequence[Listed], now: datetime) -> list[Listed]:
    """The rows that have not expired."""
    return [row for row in rows if row.expires_at is None or row.expires_at > now]


def identifier(tree: JsonTree) -> str:
    """An id as the provider gives it out; empty if it is none that could be sent back safely."""
    text = str(tree) if isinstance(tree, int) and not isinstance(tree, bool) else tree
    return text if isinstance(text, str) and _ID.fullmatch(text) else ""


def check_id(provider_id: str, what: str) -> None:
    """Refused if it is no id that a provider gives out, so that it must not be sent to one."""
    if not identifier(provider_id):
        raise Refused(f"{what}: not an id this provider gives out", hint="`tokenguard show` prints the record")


def short_text(tree: JsonTree) -> str:
    """Text for people, cut; empty for anything else."""
    return tree[:_MAX_TEXT] if isinstance(tree, str) else ""


def moment(tree: JsonTree) -> datetime | None:
    """A time in UTC; None for whatever is no time."""
    return moment_of(tree) if isinstance(tree, str) else None


def unreadable() -> Unreachable:
    """The error for a list that is not what the provider documents."""
    return Unreachable(
        "listing tokens: the answer is not one this provider gives",
        hint="check the provider's address: a portal or another service may be answering",
    )
