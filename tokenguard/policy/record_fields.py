"""What a team's own rule may ask of a token, by name and type; `known` lists those that a token has."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeGuard

from tokenguard.domain.document import Document
from tokenguard.domain.liveness import Observation, ScopeVerdict
from tokenguard.domain.token import Record
from tokenguard.domain.token_fields import ROLES
from tokenguard.frozen import Frozen
from tokenguard.policy.model import age_starts_at

Fact = str | int | bool | list[str]


class Field(Frozen, frozen=True):
    """One field: its type in words, and how it is read. None and nothing mean that it is not known."""

    sort: str
    read: Callable[[Record, datetime], Fact | None]


def _text(name: str) -> Field:
    return Field("text", lambda record, _now: getattr(record, name))


def _of_scope(name: str) -> Field:
    return Field("text", lambda record, _now: getattr(record.scope, name) if record.scope else None)


def _seen(sort: str, read: Callable[[Observation, datetime], Fact | None]) -> Field:
    return Field(sort, lambda record, now: read(record.seen, now) if record.seen else None)


def _age(record: Record, now: datetime) -> int | None:
    since = age_starts_at(record)
    return (now - since).days if since is not None else None


def _consumers(record: Record, _now: datetime) -> list[str] | None:
    return [str(each) for each in record.consumers] if record.consumers is not None else None


def _scope_right(seen: Observation, _now: datetime) -> bool | None:
    return None if seen.scope_verdict is ScopeVerdict.UNVERIFIED else seen.scope_verdict is ScopeVerdict.RIGHT


FIELDS: Mapping[str, Field] = {
    **{name: _text(name) for name in ("name", "provider")},
    "kind": Field("text", lambda record, _now: record.kind.value),
    "state": Field("text", lambda record, _now: record.state.value),
    **{name: _text(name) for name in ("environment", "purpose", *(each.name for each in ROLES))},
    "scope_kind": _of_scope("kind"),
    "scope_id": _of_scope("id"),
    "scope_name": _text("scope_name"),
    "permissions": Field("texts", lambda record, _now: list(record.permissions) or None),
    "consumers": Field("texts", _consumers),
    "custody": Field("text", lambda record, _now: record.location.custody.value),
    "location": Field("text", lambda record, _now: record.location.url),
    **{name: _text(name) for name in ("base_url", "label", "notes")},
    "age_days": Field("number", _age),
    "due_in_days": Field("number", lambda record, now: (record.due_at - now).days if record.due_at else None),
    "verdict": _seen("text", lambda seen, _now: seen.verdict.value),
    "verified_days_ago": _seen("number", lambda seen, now: (now - seen.at).days),
    "scope_right": _seen("yes/no", _scope_right),
}
"""Those that are read from the record, in the order in which they are documented."""

SORTS: Mapping[str, str] = {
    **{name: each.sort for name, each in FIELDS.items()},
    "rotating": "yes/no",
    "known": "texts",
}
"""Every name that a condition may use after `record.`, and its type in words."""


def facts(document: Document, now: datetime, wanted: Iterable[str] = tuple(SORTS)) -> dict[str, Fact]:
    """Those of the wanted fields that are known of a token, under the names that conditions use (`record.owner`)."""
    record = document.record
    found: dict[str, Fact] = {}
    for name in wanted:
        if name == "rotating":
            found["record.rotating"] = document.busy
        elif name == "known":
            found["record.known"] = [each for each, field in FIELDS.items() if _is_known(field.read(record, now))]
        elif _is_known(fact := FIELDS[name].read(record, now)):
            found[f"record.{name}"] = fact
    return found


def _is_known(fact: Fact | None) -> TypeGuard[Fact]:
    return fact is not None and fact != ""
