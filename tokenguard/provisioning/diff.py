"""Where a record differs from its declaration, and what it would be with the declaration in it."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from tokenguard.domain.token import Consumer, CredentialKind, Custody, Location, Record, RecordState
from tokenguard.domain.token_fields import FIELDS, MAKERS
from tokenguard.frozen import replace
from tokenguard.provisioning.manifest import Declared, Issue
from tokenguard.provisioning.plan_model import FieldChange

_ALWAYS = ("provider", "scope", "environment", "purpose", "owner")
_IF_SAID = (
    "kind",
    "permissions",
    "consumers",
    *(each.name for each in FIELDS if each.declared and each.name not in _ALWAYS),
)
_CREATOR = frozenset(each.name for each in MAKERS)
"""What is recorded when a value is created; a manifest says it of a value that was there before."""
IDENTITY = ("provider", "scope")
"""What a live value cannot change: it was made for them."""
_MOST = 200
Servers = Mapping[str, tuple[str, ...] | str]
"""By scheme, which servers fields of others may be pinned to from here, the usual one first; a text says why none."""


def wanted(record: Record, declared: Declared, servers: Servers) -> Record:
    """The record as the declaration wants it: what it does not say stays; complete, an unclaimed one becomes active."""
    said = {name: getattr(declared, name) for name in _ALWAYS}
    said |= {name: found for name in _IF_SAID if (found := getattr(declared, name)) is not None}
    if record.creator_recorded:
        said = {name: found for name, found in said.items() if name not in _CREATOR}
    if declared.consumers is not None:
        said["consumers"] = _pinned(declared.consumers, record.consumers or (), servers)
    if (due := _due(record, declared)) is not None:
        said["due_at"] = due
    after = replace(record, **said)
    if record.state is RecordState.PENDING:
        after = replace(after, location=_location(record, declared, servers))
    if after.state is RecordState.UNCLAIMED and not after.missing:
        after = replace(after, state=RecordState.ACTIVE)
    return after


def new_record(declared: Declared, *, kind: CredentialKind, address: str, now: datetime, servers: Servers) -> Record:
    """The record of a token that the store does not know yet."""
    blank = Record(
        name=declared.name, provider=declared.provider, kind=declared.kind or kind, base_url=address, added_at=now
    )
    return wanted(blank, declared, servers)


def for_first_value(record: Record, now: datetime) -> Record:
    """The record with which a first value is made now: a date that has passed is fulfilled by it."""
    passed = record.due_at is not None and record.due_at <= now
    return replace(record, due_at=None) if passed else record


def undescribed(record: Record) -> Record:
    """A record of the same name and provider of which nothing else is known."""
    return Record(name=record.name, provider=record.provider, kind=record.kind, base_url=record.base_url)


def changes(before: Record, after: Record) -> tuple[FieldChange, ...]:
    """What differs between two records, field by field."""
    return tuple(_changes(before, after))


def _changes(before: Record, after: Record) -> Iterator[FieldChange]:
    for name in (*_ALWAYS, *_IF_SAID, "due_at", "state", "base_url"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield FieldChange(name, words(old), words(new))
    if before.location.shown != after.location.shown:
        yield FieldChange("location", words(before.location.shown), words(after.location.shown))


def words(value: object) -> str:
    """A field as people read it."""
    if value is None:
        return "not declared"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, tuple):
        return ", ".join(each.shown if isinstance(each, Consumer) else str(each) for each in value) or "none"
    return str(value)[:_MOST] or "none"


def _pinned(consumers: tuple[Consumer, ...], known: tuple[Consumer, ...], servers: Servers) -> tuple[Consumer, ...]:
    """A manifest names no server: a field is where the record has it, a new one where this machine is set to look."""
    return tuple(each.pinned(_known(servers, str(each)), known) for each in consumers)


def _location(record: Record, declared: Declared, servers: Servers) -> Location:
    """Where a first value will be: what was said before of a place holds until another way to it is declared."""
    if declared.location is None:
        return Location() if record.location.adopted and declared.issue is not Issue.PROVIDED else record.location
    known, there = _known(servers, declared.location), Location(Custody.ADOPTED, declared.location)
    if record.location.adopted == declared.location:
        there = record.location
    return there if not known or there.server in known else replace(there, server=known[0])


def _known(servers: Servers, address: str) -> tuple[str, ...]:
    found = servers.get(address.partition(":")[0], ())
    return () if isinstance(found, str) else found


def _due(record: Record, declared: Declared) -> datetime | None:
    """The declared date, unless the live value is younger than it: then it was rotated for it already.

    A rotation clears the date of the record. Setting it again would have the token rotated every day from then on.
    """
    if declared.due is None or (record.rotated_at is not None and record.rotated_at >= declared.due):
        return None
    return declared.due
