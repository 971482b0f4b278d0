"""What a row of a provider's list of tokens may hold."""

import re
from datetime import UTC, datetime, timedelta

from tokenguard.documents import JsonTree
from tokenguard.domain.moment import EARLIEST, moment_of
from tokenguard.domain.token import is_permission
from tokenguard.errors import Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.provider import CreateRefused, TokenList

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_MAX_TEXT = 200
_MAX_PERMISSIONS = 1_000
_LATEST = 100_000_000_000
"""Seconds since 1970 in the year 5138; a larger number counts milliseconds."""


CLOCK_DOUBT = timedelta(days=1)
"""A token that expired no longer ago by our clock may live: the provider's clock, or its time zone, may be behind."""


def live(found: TokenList, ended: datetime) -> TokenList:
    """The list without the tokens that expired before `ended`."""
    return replace(found, rows=tuple(row for row in found.rows if row.expires_at is None or row.expires_at > ended))


def identifier(tree: JsonTree) -> str:
    """An id as the provider gives it out; empty if it is none that could be sent back safely."""
    text = str(tree) if isinstance(tree, int) and not isinstance(tree, bool) else tree
    return text if isinstance(text, str) and _ID.fullmatch(text) else ""


def check_id(provider_id: str, what: str) -> None:
    """Refused if it is not an id that a provider gives out, so that it must not be sent to one."""
    if not identifier(provider_id):
        raise CreateRefused(f"{what}: not a valid id of this provider", hint="`tokenguard show` prints the record")


def short_text(tree: JsonTree) -> str:
    """Text for people, cut; empty for anything else."""
    return tree[:_MAX_TEXT] if isinstance(tree, str) else ""


def permissions_of(tree: JsonTree) -> tuple[str, ...]:
    """The permissions in a list, or in a text with spaces between them, sorted; empty if one of them is none."""
    found = tree.split() if isinstance(tree, str) else tree if isinstance(tree, list) else []
    if len(found) > _MAX_PERMISSIONS:
        return ()
    texts = [each for each in found if isinstance(each, str) and is_permission(each)]
    return tuple(sorted(set(texts))) if len(texts) == len(found) else ()


def moment(tree: JsonTree) -> datetime | None:
    """A time in UTC, also out of seconds or milliseconds since 1970; None if it is not a time."""
    if isinstance(tree, int) and not isinstance(tree, bool) and EARLIEST.timestamp() < tree < _LATEST * 1_000:
        return datetime.fromtimestamp(tree if tree < _LATEST else tree / 1_000, UTC)
    found = moment_of(tree) if isinstance(tree, str) else None
    return None if found is None or found < EARLIEST else found


def unreadable() -> Unreachable:
    """The error for a list that is not what the provider documents."""
    return Unreachable(
        "listing tokens: the answer differs from the provider's documentation",
        hint="check the provider's address: a portal or another service may be answering",
    )
