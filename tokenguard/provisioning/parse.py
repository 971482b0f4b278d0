"""Reads the fields of one token of a manifest, each by its type; the error names the place and quotes nothing."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tokenguard.domain.field_address import parse_field
from tokenguard.domain.lookalikes import holds_issued, holds_opaque
from tokenguard.domain.moment import missing_day, parse_day
from tokenguard.domain.names import SEGMENT, TokenName, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, is_permission
from tokenguard.errors import InputError
from tokenguard.mapping_reader import MappingReader
from tokenguard.provisioning.manifest import DesiredState, Issue
from tokenguard.provisioning.manifest_fields import FIELDS, FieldType
from tokenguard.provisioning.manifest_source import VALUE_HINT
from tokenguard.text import is_plain_line, nearest

ReadConsumer = Callable[[str], Consumer]
"""Reads one consumer; InputError if it is none. It opens nothing."""

MAX_LINE = 200
MAX_ITEMS = 50
_DAYS = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_MOST_DAYS = 365
_OPTIONS = {"env": "environment", "deliver": "consumers", "adopt": "location"}
"""What `add` calls fields of other names."""


def read_fields(part: MappingReader, known: Iterable[str], read_consumer: ReadConsumer) -> dict[str, Any]:
    """Every field that is given, read; InputError at the first that is not acceptable."""
    part.only(known, _OPTIONS)
    return {name: _field(part, name, read_consumer) for name in part.names}


def _field(part: MappingReader, name: str, read_consumer: ReadConsumer) -> Any:
    about = FIELDS[name]
    match about.sort:
        case FieldType.CONSUMERS:
            return _consumers(part, name, read_consumer)
        case FieldType.PERMISSIONS:
            return _permissions(part, name)
        case sort:
            text = part.tree(name)
            if not isinstance(text, str):
                part.refuse("this must be one line of text", name, hint=about.hint)
            _refuse_value(part, text, name)
            try:
                return _READERS[sort](text)
            except (ValueError, InputError):
                part.refuse("this is not valid", name, hint=missing_day(text) or about.hint)


def _permissions(part: MappingReader, name: str) -> tuple[str, ...]:
    found = []
    for number, item in enumerate(part.items(name, most=MAX_ITEMS)):
        if not isinstance(item, str) or not is_permission(item):
            part.refuse("a permission is not valid", name, number, hint="write it as the provider does")
        _refuse_value(part, item, name, number)
        if item in found:
            part.refuse("a permission occurs twice", name, number)
        found.append(item)
    return tuple(sorted(found))


def _consumers(part: MappingReader, name: str, read: ReadConsumer) -> tuple[Consumer, ...]:
    found: list[Consumer] = []
    for number, item in enumerate(part.items(name, most=MAX_ITEMS)):
        if not isinstance(item, str):
            part.refuse("a consumer must be one line of text", name, number, hint=FIELDS[name].hint)
        try:
            consumer = read(item)
        except InputError as error:
            part.refuse("a consumer is not valid", name, number, hint=_consumer_hint(item, error))
        if consumer.kind is ConsumerKind.PERSON or holds_issued(item):
            _refuse_value(part, item, name, number)
        if consumer in found:
            part.refuse("a consumer occurs twice", name, number)
        found.append(consumer)
    return tuple(found)


def _refuse_value(part: MappingReader, text: str, name: str, *way: int) -> None:
    if holds_issued(text) or ((not FIELDS[name].ids or name == "consumers") and holds_opaque(text)):
        part.refuse("this looks like the value of a token", name, *way, hint=VALUE_HINT)


def declared_name(part: MappingReader, text: str) -> TokenName:
    """The name of a token of `tokens`; InputError at its place."""
    try:
        return token_name(text)
    except InputError as error:
        part.refuse("this is not a valid token name", "tokens", text, hint=error.hint)


def _consumer_hint(text: str, error: InputError) -> str:
    """How a consumer of the kind that was meant is written."""
    kind, colon, _ = text.partition(":")
    if colon and kind in set(ConsumerKind):
        return error.hint
    near = nearest(kind[:40], ConsumerKind)
    return f"did you mean {near}:? {FIELDS['consumers'].hint}" if near else FIELDS["consumers"].hint


def _word(text: str) -> str:
    if not SEGMENT.fullmatch(text):
        raise ValueError
    return text


def _line(text: str) -> str:
    if len(text) > MAX_LINE or text != text.strip() or not is_plain_line(text):
        raise ValueError
    return text


def _day(text: str) -> datetime:
    found = parse_day(text)
    if found is None:
        raise ValueError
    return found


def _days(text: str) -> timedelta:
    if not _DAYS.fullmatch(text) or int(text) > _MOST_DAYS:
        raise ValueError
    return timedelta(days=int(text))


_READERS: Mapping[FieldType, Callable[[str], Any]] = {
    FieldType.WORD: _word,
    FieldType.LINE: _line,
    FieldType.SCOPE: Scope.parse,
    FieldType.KIND: CredentialKind,
    FieldType.STATE: DesiredState,
    FieldType.ISSUE: Issue,
    FieldType.DAY: _day,
    FieldType.DAYS: _days,
    FieldType.LOCATION: lambda text: parse_field(text).url,
}
