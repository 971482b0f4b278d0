"""Reads the fields of one mapping of a manifest, each by its sort; the error names the place and quotes nothing."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

from tokenguard.documents import Tree
from tokenguard.domain.field_address import parse_field
from tokenguard.domain.lookalikes import holds_issued, holds_opaque
from tokenguard.domain.moment import parse_day
from tokenguard.domain.names import SEGMENT, TokenName, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, is_permission
from tokenguard.errors import InputError
from tokenguard.provisioning.manifest import Issue, Wish
from tokenguard.provisioning.manifest_fields import FIELDS, FieldType
from tokenguard.provisioning.manifest_source import GENERAL_HINT, VALUE_HINT, SourceFile
from tokenguard.text import is_plain_line

ReadConsumer = Callable[[str], Consumer]
"""Reads one consumer; InputError if it is none. It opens nothing."""

MAX_LINE = 200
MAX_ITEMS = 50
_DAYS = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_MOST_DAYS = 365
_OPTIONS = {"env": "environment", "deliver": "consumers", "adopt": "location"}
"""What `add` calls fields of other names."""
Path = tuple[str | int, ...]


class MappingReader:
    """One mapping of a source, and the way to it.

    Args:
        source: the file.
        tree: what should be a mapping.
        path: how it is reached.
        known: the keys that it may have.
        what: how errors call it.
    """

    def __init__(self, source: SourceFile, tree: Tree, path: Path, known: tuple[str, ...], *, what: str) -> None:
        self.source, self.path, self.what = source, path, what
        if not isinstance(tree, dict):
            self.refuse(f"{what} must be a mapping")
        self.tree = tree
        for key in tree:
            if key not in known:
                self.refuse(f"{what} has no such key", key, hint=_which(key, known))

    def __contains__(self, key: str) -> bool:
        return key in self.tree

    def refuse(self, reason: str, *way: str | int, hint: str = GENERAL_HINT) -> NoReturn:
        """Refuse the value here, or at `way` below here."""
        self.source.refuse((*self.path, *way), reason, hint)

    def items(self, key: str, most: int) -> list[Tree]:
        """A list, which may be missing."""
        found = self.tree.get(key, [])
        if not isinstance(found, list):
            self.refuse(f"{key} must be a list", key, hint=f"write {key}: [FIRST, SECOND], or one a line after a dash")
        if len(found) > most:
            self.refuse(f"{key} has more than {most:,} items", key)
        return found

    def mapping(self, key: str) -> Mapping[str, Tree]:
        """A mapping, which may be missing."""
        found = self.tree.get(key, {})
        if not isinstance(found, dict):
            self.refuse(f"{key} must be a mapping", key)
        return found

    def fields(self, read_consumer: ReadConsumer) -> Iterator[tuple[str, Any]]:
        """Every field that is given, read; InputError at the first that is not acceptable."""
        for name in self.tree:
            yield name, self._field(name, read_consumer)

    def _field(self, name: str, read_consumer: ReadConsumer) -> Any:
        about, tree = FIELDS[name], self.tree[name]
        match about.sort:
            case FieldType.CONSUMERS:
                return self._consumers(name, read_consumer)
            case FieldType.PERMISSIONS:
                return self._permissions(name)
            case sort:
                if not isinstance(tree, str):
                    self.refuse(f"{name} must be one line of text", name, hint=about.hint)
                self._refuse_value(tree, name)
                try:
                    return _READERS[sort](tree)
                except (ValueError, InputError):
                    self.refuse(f"{name} is not valid", name, hint=about.hint)

    def _permissions(self, name: str) -> tuple[str, ...]:
        found = []
        for number, item in enumerate(self.items(name, MAX_ITEMS)):
            if not isinstance(item, str) or not is_permission(item):
                self.refuse("a permission is not valid", name, number, hint="write it as the provider does")
            self._refuse_value(item, name, number)
            if item in found:
                self.refuse("a permission occurs twice", name, number)
            found.append(item)
        return tuple(sorted(found))

    def _consumers(self, name: str, read: ReadConsumer) -> tuple[Consumer, ...]:
        found: list[Consumer] = []
        for number, item in enumerate(self.items(name, MAX_ITEMS)):
            if not isinstance(item, str):
                self.refuse("a consumer must be one line of text", name, number, hint=FIELDS[name].hint)
            try:
                consumer = read(item)
            except InputError as error:
                self.refuse("a consumer is not valid", name, number, hint=_consumer_hint(item, error))
            if consumer.kind is ConsumerKind.PERSON or holds_issued(item):
                self._refuse_value(item, name, number)
            if consumer in found:
                self.refuse("a consumer occurs twice", name, number)
            found.append(consumer)
        return tuple(found)

    def _refuse_value(self, text: str, name: str, *way: int) -> None:
        if holds_issued(text) or ((not FIELDS[name].ids or name == "consumers") and holds_opaque(text)):
            self.refuse(f"{name} looks like the value of a token", name, *way, hint=VALUE_HINT)


def declared_name(source: SourceFile, path: Path, text: str) -> TokenName:
    """The name of a token; InputError at its place."""
    try:
        return token_name(text)
    except InputError as error:
        source.refuse(path, "this is not a valid token name", error.hint)


def _which(key: str, known: tuple[str, ...]) -> str:
    """What was probably meant; only ever a word of ours, since a key may be anything."""
    import difflib  # only a mistyped key needs it

    meant = _OPTIONS.get(key, "")
    near = [meant] if meant in known else difflib.get_close_matches(key[:40], known, n=1)
    listed = f"it may have {', '.join(known)}"
    return f"did you mean {near[0]}? {listed}" if near else listed


def _consumer_hint(text: str, error: InputError) -> str:
    """How a consumer of the kind that was meant is written."""
    kind, colon, _ = text.partition(":")
    if colon and kind in set(ConsumerKind):
        return error.hint
    import difflib  # only a mistyped kind needs it

    near = difflib.get_close_matches(kind[:40], list(ConsumerKind), n=1)
    return f"did you mean {near[0]}:? {FIELDS['consumers'].hint}" if near else FIELDS["consumers"].hint


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
    FieldType.STATE: Wish,
    FieldType.ISSUE: Issue,
    FieldType.DAY: _day,
    FieldType.DAYS: _days,
    FieldType.LOCATION: lambda text: parse_field(text).url,
}
