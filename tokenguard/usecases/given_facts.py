"""Validates a token's fields given on the command line: dates, permissions, consumers, places."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from tokenguard.domain.moment import day_hint, parse_day
from tokenguard.domain.names import segment
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import AfterDelivery, Consumer, CredentialKind, Custody, Location, is_permission
from tokenguard.domain.token_fields import FIELDS
from tokenguard.errors import InputError
from tokenguard.inventory.record_changes import RecordChanges, plain_text

_Read = TypeVar("_Read")
_ADOPTED = re.compile(r"(?P<scheme>[a-z][a-z0-9+-]{0,19})://[A-Za-z0-9][\w./@%-]{0,199}(?:#[\w.-]{1,100})?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})", re.ASCII)
"""A timestamp as written by `list --format json`; only its day is used."""
_SEGMENTS = ("provider", *(each.name for each in FIELDS if each.word))
_TEXTS = tuple(each.name for each in FIELDS if not each.word)

OBSERVED = Scope("observed", "observed")
"""Placeholder of `edit --scope observed` until the record is read; no vendor has this kind of scope."""


def changes_from(given: dict[str, Any], **more: Any) -> RecordChanges:
    """Validate the input and return `RecordChanges`. Empty text clears a field; missing fields are None.

    Raises:
        InputError: a field is invalid.
    """
    found = _words(given)
    if (text := given.get("scope")) is not None:
        found["scope"] = _unquoted(Scope.parse, text, "scope") if text else ""
    for name, (read, field_name) in _DATES.items():
        if (text := given.get(name)) is not None:
            found[field_name] = read(text) if text else ""
    if given.get("kind"):
        found["kind"] = CredentialKind(given["kind"])
    if given.get("permissions"):
        found["permissions"] = permissions(given["permissions"])
    found["consumers"] = _consumers(given.get("deliver") or (), none=bool(given.get("no_consumers")))
    if given.get("after"):
        found["after"] = tuple(_after(text) for text in given["after"])
    if given.get("adopt"):
        found["location"] = location(given["adopt"])
    return RecordChanges(**found, **more)


def _words(given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _SEGMENTS:
        if (text := given.get(name)) is not None:
            found[name] = _unquoted(lambda word: segment(word, what="word"), text, name) if text else ""
    for name in _TEXTS:
        if (text := given.get(name)) is not None:
            found[name] = plain_text(text, what=name.replace("_", " "))
    return found


def _unquoted(read: Callable[[str], _Read], text: str, what: str) -> _Read:
    """Parse a word; errors never show it, since it may be a pasted value."""
    try:
        return read(text)
    except InputError as error:
        raise InputError(f"the {what} is not valid", hint=error.hint) from None


def creation_date(text: str) -> datetime:
    """The start of that day, UTC; InputError if invalid. `changes.check_age` refuses future dates."""
    return _day(text[:10] if _INSTANT.fullmatch(text) else text, what="creation")


def due_date(text: str) -> datetime:
    """The start of that day, UTC; InputError if it is not YYYY-MM-DD."""
    return _day(text, what="due")


def end_date(text: str) -> datetime:
    """The start of the day on which something ends, UTC; InputError if it is not YYYY-MM-DD."""
    return _day(text, what="end")


def since_date(text: str) -> datetime:
    """The start of the day since which something is so, UTC; InputError if it is not YYYY-MM-DD."""
    return _day(text[:10] if _INSTANT.fullmatch(text) else text, what="start")


def _day(text: str, *, what: str) -> datetime:
    found = parse_day(text)
    if found is None:
        raise InputError(f"not a valid {what} date", hint=day_hint(text))
    return found


_DATES: Mapping[str, tuple[Callable[[str], datetime], str]] = {
    "due": (due_date, "due_at"),
    "created": (creation_date, "created_at"),
}


def permissions(names: tuple[str, ...]) -> tuple[str, ...]:
    """The permissions, each once, sorted; one empty name means none."""
    if names == ("",):
        return ()
    if not all(is_permission(name) for name in names):
        raise InputError("a permission is not valid", hint="use the provider's spelling, for example posts:write")
    return tuple(sorted(set(names)))


def location(text: str) -> Location:
    """Parse a value's location, not yet pinned to a server; InputError.

    A field of a Vault or of AWS Secrets Manager is adopted in place; anything else, such as `github://team/app#TOKEN`,
    cannot be read back.
    """
    if text.partition("://")[0] in {"vault", "aws"}:
        from tokenguard.domain.field_address import parse_field  # only where something is adopted

        return Location(Custody.ADOPTED, parse_field(text).url)
    found = _ADOPTED.fullmatch(text)
    if found is None:
        raise InputError(
            "--adopt must be a location", hint="use SCHEME://PLACE#NAME, for example github://team/app#TOKEN"
        )
    if found["scheme"] == "local":
        raise InputError("a local store cannot adopt values of another store", hint="add the value itself")
    return Location(Custody.UNREADABLE, text)


def _after(text: str) -> AfterDelivery:
    """Read `TARGET=COMMAND`; without a command, none runs any more."""
    from tokenguard.delivery.delivery_registry import parse_consumer  # only where a consumer is named

    target, separator, command = text.rpartition("=")
    if not separator or not target:
        raise InputError("--after is not TARGET=COMMAND", hint="--after dotenv:/srv/app/.env#TOKEN=reload, for example")
    consumer = _unquoted(lambda word: parse_consumer(word, base=Path.cwd()), target, "consumer of --after")
    name = _unquoted(lambda word: segment(word, what="command"), command, "command of --after") if command else ""
    return AfterDelivery(str(consumer), name)


def _consumers(targets: tuple[str, ...], *, none: bool) -> tuple[Consumer, ...] | None:
    if targets and none:
        raise InputError("--deliver and --no-consumers contradict each other", hint="give one of the two")
    if not targets:
        return () if none else None
    from tokenguard.delivery.delivery_registry import parse_consumer  # only where a consumer is declared

    def read(text: str) -> Consumer:
        return parse_consumer(text, base=Path.cwd())

    return tuple(dict.fromkeys(_unquoted(read, target, "consumer") for target in targets))
