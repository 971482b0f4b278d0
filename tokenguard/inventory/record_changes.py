"""Changes to a record that a person can make, and their validation."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from tokenguard.domain.lookalikes import holds_issued, holds_opaque
from tokenguard.domain.names import TokenName
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import (
    AfterDelivery,
    Consumer,
    ConsumerKind,
    CredentialKind,
    Location,
    Record,
    RecordState,
)
from tokenguard.domain.token_fields import FIELDS
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen, field_names, replace
from tokenguard.text import is_plain_line

MAX_TEXT = 200
_CLEARABLE = frozenset({"scope", "due_at", "created_at"})
_TEXTS = (*(each.name for each in FIELDS), "scope")
"""Fields of a record that are words of people."""
_NO_IDS = frozenset({"provider", *(each.name for each in FIELDS if not each.ids)})
"""Fields that hold no ids, which may be long and random without being secret."""


class ValueInRecord(InputError):
    """A text of a record looks like the value of a token; the error does not quote it."""

    def __init__(self, field_name: str) -> None:
        self.field_name = field_name.replace("_", " ")
        super().__init__(
            f"the {self.field_name} looks like a token value",
            hint="a record must not contain a value: remove it, and if it is a real token, rotate that token",
        )


class RecordChanges(Frozen, frozen=True, kw_only=True):
    """The fields that were given; None where nothing was said. Empty text clears a field."""

    name: TokenName | None = None
    provider: str | None = None
    kind: CredentialKind | None = None
    scope: Scope | str | None = None
    scope_name: str | None = None
    permissions: tuple[str, ...] | None = None
    environment: str | None = None
    purpose: str | None = None
    owner: str | None = None
    made_by: str | None = None
    account: str | None = None
    deputy: str | None = None
    consumers: tuple[Consumer, ...] | None = None
    after: tuple[AfterDelivery, ...] | None = None
    """Without a command: nothing runs after it any more."""
    location: Location | None = None
    base_url: str | None = None
    due_at: datetime | str | None = None
    created_at: datetime | str | None = None
    label: str | None = None
    notes: str | None = None

    def __post_init__(self) -> None:
        """Refuse a text that looks like a value, whichever way it came: records are shown, exported and sent."""
        for name, text in self.texts():
            if looks_like_value(name, text):
                raise ValueInRecord(name)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text that would be kept, with the name of its field."""
        yield from _texts(self, (each for each in field_names(RecordChanges) if each != "name"))

    def given(self) -> dict[str, Any]:
        """The fields that something was said about, ready for `replace`."""
        found = {name: getattr(self, name) for name in field_names(RecordChanges)}
        return {
            name: None if name in _CLEARABLE and value == "" else value
            for name, value in found.items()
            if value is not None
        }


def texts_in(record: Frozen) -> list[tuple[str, str]]:
    """The texts that came from people and files, each with the name of its field.

    Args:
        record: a record, or what a manifest declares of one.
    """
    return list(_texts(record, (*_TEXTS, "consumers", "location")))


def _texts(found: Frozen, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The texts of some fields, those of a list one by one."""
    for name in names:
        value = getattr(found, name, None)
        for each in value if isinstance(value, tuple) else (value,):
            text = each.url if isinstance(each, Location) else str(each or "")
            if text and not isinstance(each, datetime):
                yield name, text


def looks_like_value(field_name: str, text: str) -> bool:
    """Whether a field must not hold the text, since it looks like the value of a token.

    Args:
        field_name: as `RecordChanges` names it.
        text: a field's text, or one item of it.
    """
    person = field_name == "consumers" and text.startswith(f"{ConsumerKind.PERSON}:")
    return holds_issued(text) or ((person or field_name in _NO_IDS) and holds_opaque(text))


def apply(record: Record, changes: RecordChanges) -> Record:
    """The record with the changes in it; an unclaimed one that is complete now becomes active.

    Raises:
        InputError: an active record would lose a field that it must have.
    """
    changed = replace(record, **changes.given())
    if changed.after:
        changed = replace(changed, after=_after(record, changed, changes.after or ()))
    if changed.state is RecordState.UNCLAIMED and not changed.missing:
        return replace(changed, state=RecordState.ACTIVE)
    lost = set(changed.missing) - set(record.missing)
    if changed.state is RecordState.ACTIVE and lost:
        raise InputError(
            f"an active token cannot be without {' and '.join(sorted(lost))}", hint="give the new value instead of none"
        )
    return changed


def _after(before: Record, changed: Record, given: tuple[AfterDelivery, ...]) -> tuple[AfterDelivery, ...]:
    """The commands after deliveries: those given replace others of the same consumer, those of no consumer go."""
    consumers = [str(each) for each in changed.consumers or ()]
    for each in given:
        if each.consumer not in consumers:
            raise InputError(
                f"{each.consumer} is not a consumer of {changed.name}",
                hint="declare it with --deliver, and repeat exactly that text in --after",
            )
    found = {each.consumer: each.command for each in (*before.after, *given)}
    return tuple(AfterDelivery(name, found[name]) for name in consumers if found.get(name))


def check_age(record: Record, now: datetime) -> None:
    """InputError if the record says that its value is still to be made."""
    if record.created_at is not None and record.created_at > now:
        raise InputError(
            f"{record.name}: its creation date is in the future",
            hint="give the day on which it was created, YYYY-MM-DD, or correct this machine's clock",
        )


def differing(before: Record, after: Record) -> tuple[str, ...]:
    """The names of the fields that differ."""
    return tuple(name for name in field_names(Record) if getattr(before, name) != getattr(after, name))


def plain_text(text: str, *, what: str) -> str:
    """One line of text that people wrote; InputError if it is too long or could act on a terminal."""
    line = text.strip()
    if len(line) > MAX_TEXT or not is_plain_line(line):
        raise InputError(
            f"not one plain line: the {what}", hint=f"at most {MAX_TEXT} characters, none of them a control character"
        )
    return line
