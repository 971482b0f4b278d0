"""Reads one mapping of a document key by key; errors give the position and never quote a value."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NoReturn, Self, TypeVar

from tokenguard.documents import MAX_BYTES, Tree, load_yaml, locate_yaml
from tokenguard.domain.duration import parse_duration
from tokenguard.domain.moment import missing_day, parse_day
from tokenguard.domain.names import SEGMENT
from tokenguard.errors import InputError, newer_hint
from tokenguard.frozen import Frozen
from tokenguard.text import is_plain_line, safe_text, suggestion

MAX_TEXT = 500
_MAX_NUMBER = 999_999
_SHORT_LIST = 20
_WORD = re.compile(r"[a-z_]{1,32}", re.ASCII)
_WHOLE = re.compile(r"0|[1-9][0-9]*")
_Text = TypeVar("_Text", bound=str)


class DocumentPositions(Frozen, frozen=True):
    """Positions and hint for errors about a document, and how its texts are read."""

    locate: Callable[[Sequence[str | int]], str]
    """Turns a path into `source:line:column`; only called when something is wrong there."""
    hint: str
    verbatim: bool = False
    """Whether spaces around a text belong to it, and a key without a value counts as one that is missing."""


class MappingReader:
    """Reads a mapping key by key; `close` refuses unread keys.

    Args:
        tree: the parsed mapping; anything else is refused.
        document: positions in the whole document.
        path: the path of the mapping from the top of the document.
        label: the name of the mapping in errors: the known keys on its path.
    """

    def __init__(
        self, tree: Tree, document: DocumentPositions, path: Sequence[str | int] = (), label: str = ""
    ) -> None:
        self._document = document
        self._path = tuple(path)
        self._label = label
        self._known: dict[str, None] = {}
        if not isinstance(tree, dict):
            self.refuse("this must be a mapping")
        self._left = dict(tree)

    @classmethod
    def of_yaml(cls, data: bytes, *, source: str, hint: str, max_bytes: int = MAX_BYTES) -> "MappingReader":
        """A whole YAML document; InputError if it is none. `source` is how errors name it."""
        tree = load_yaml(data, source=source, max_bytes=max_bytes)
        return cls(tree, DocumentPositions(yaml_positions(data, source), hint))

    def below(self, tree: Tree, *path: str | int, label: str | None = None) -> "MappingReader":
        """A reader of `tree`, the nested mapping at `path`."""
        return MappingReader(tree, self._document, (*self._path, *path), self._named(path) if label is None else label)

    def place(self, *path: str | int) -> str:
        """The position of this mapping, or of the nested value at `path`: `source:line:column`."""
        return self._document.locate((*self._path, *path))

    def refuse(self, why: str, *path: str | int, hint: str = "") -> NoReturn:
        """Raise InputError at this mapping, or at the nested value at `path`."""
        label = self._named(path)
        message = f"{self.place(*path)}: {label}{': ' if label else ''}{why}"
        raise InputError(message, hint=hint or self._document.hint) from None

    def _named(self, path: Sequence[str | int]) -> str:
        """The label of the nested value at `path`. Unknown keys are omitted: one could be a secret value."""
        key = path[0] if path else ""
        shown = key if isinstance(key, str) and key in self._known and _WORD.fullmatch(key) else ""
        return f"{self._label}.{shown}" if self._label and shown else self._label or shown

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that were not read yet."""
        return tuple(self._left)

    def __contains__(self, key: str) -> bool:
        self._known[key] = None
        return key in self._left

    def peek(self, key: str) -> Tree:
        """The value of the key, which stays unread."""
        return self._left.get(key)

    def tree(self, key: str) -> Tree:
        """The value of the key, once; None if it is missing."""
        self._known[key] = None
        return self._left.pop(key, None)

    def lacks(self, key: str) -> bool:
        """Whether the key is missing."""
        self._known[key] = None
        left = self._left
        if key in left and (left[key] is not None or not self._document.verbatim):
            return False
        left.pop(key, None)
        return True

    def version(self, key: str, known: str, keys: Iterable[str]) -> None:
        """Refuse a document whose version differs from the known one, and keys that are none of `keys` in that one."""
        if not newer_hint(self.peek(key), known):  # a newer one may have keys of its own
            self.expect(keys)
        if (given := self.tree(key)) != known:
            hint = newer_hint(given, known) or f"begin the file with `{key}: {known}`"
            self.refuse(f"this must be {known}", key, hint=hint)

    def expect(self, known: Iterable[str]) -> Self:
        """Refuse keys that are none of `known` before any is read; returns the reader.

        A mistyped key is told as that, and not as the key that is missing because of it.
        """
        known = tuple(known)
        for key in self._left:
            if key not in known:
                self._refuse_unknown(key, known, {})
        return self

    def only(self, known: Iterable[str], meant: Mapping[str, str] | None = None) -> None:
        """Refuse unread keys except the known ones; `meant` maps names used elsewhere to the key here."""
        self._known |= dict.fromkeys(known)
        for key in self._left:
            if key not in self._known:
                self._refuse_unknown(key, tuple(self._known), meant or {})

    def close(self) -> None:
        """Refuse unread keys."""
        for key in self._left:
            self._known.pop(key, None)
            self._refuse_unknown(key, tuple(self._known), {})

    def _refuse_unknown(self, key: str, known: Sequence[str], meant: Mapping[str, str]) -> NoReturn:
        other = meant.get(key, "")
        asked = f"did you mean {other}? " if other in known else suggestion(key, known)
        listed = f"it may have {', '.join(known)}" if len(known) <= _SHORT_LIST else self._document.hint
        self.refuse("unknown key", key, hint=f"{asked}{listed}")

    def text(self, key: str, default: str | None = None, *, most: int = MAX_TEXT, empty: bool = False) -> str:
        """One line of text, with at least one character unless it may be `empty`; needed if there is no default."""
        if self.lacks(key):
            return self.refuse("this is missing", key) if default is None else default
        return self.line(self._left.pop(key), key, most=most, empty=empty)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of one-line texts; empty if it is missing."""
        return tuple(self.line(each, key) for each in self.items(key))

    def choice(self, key: str, allowed: Iterable[_Text], default: _Text | None = None) -> _Text:
        """One of a closed list."""
        words, text = {str(each): each for each in allowed}, self.text(key, default)
        return words.get(text) or self.refuse(f"this must be one of {', '.join(words)}", key)

    def segment(self, key: str) -> str:
        """One segment, such as a team."""
        text = self.text(key)
        if not SEGMENT.fullmatch(text):
            self.refuse("this must be one word of a-z, 0-9, '.', '_' and '-', at most 63 characters long", key)
        return text

    def number(self, key: str, *, least: int = 0, most: int = _MAX_NUMBER) -> int | None:
        """A whole number; None if it is missing."""
        return None if self.lacks(key) else self.whole(self.tree(key), key, least=least, most=most)

    def duration(self, key: str) -> timedelta | None:
        """Seconds, or for example `0.5s`, `2m`, `24h` or `7d`; None if it is missing."""
        if self.lacks(key):
            return None
        found = parse_duration(self.text(key))
        return self.refuse("this must be a duration such as 30s, 5m, 24h or 7d", key) if found is None else found

    def day(self, key: str) -> datetime:
        """The beginning of a day in UTC, written as `2027-01-31`."""
        text = self.text(key)
        hint = missing_day(text)
        return parse_day(text) or self.refuse("this must be a date such as 2027-01-31", key, hint=hint)

    def within(self, key: str, known: Iterable[str] = ()) -> "MappingReader | None":
        """The mapping under the key, held to its `known` keys if given; None if it is missing."""
        if self.lacks(key):
            return None
        found = self.below(self.tree(key), key)
        return found.expect(known) if known else found

    def rows(
        self, key: str, known: Iterable[str] = (), *, least: int = 0, most: int | None = None
    ) -> "Iterator[MappingReader]":
        """The mappings of a list, which may be missing; each is held to its `known` keys if given."""
        for number, tree in enumerate(self.items(key, least=least, most=most)):
            row = self.below(tree, key, number)
            yield row.expect(known) if known else row

    def items(self, key: str, *, least: int = 0, most: int | None = None) -> list[Tree]:
        """A list of anything; empty if it is missing."""
        found = [] if self.lacks(key) else self.tree(key)
        if not isinstance(found, list):
            self.refuse("this must be a list", key, hint="write it as [FIRST, SECOND]")
        if len(found) < least:
            self.refuse("this must be a list with at least one item", key)
        if most is not None and len(found) > most:
            self.refuse(f"this has more than {most:,} items", key)
        return found

    def table(self, key: str) -> dict[str, Tree]:
        """A mapping of names to anything; empty if it is missing."""
        found = {} if self.lacks(key) else self.tree(key)
        return found if isinstance(found, dict) else self.refuse("this must be a mapping", key)

    def line(self, tree: Tree, key: str, *, most: int = MAX_TEXT, empty: bool = False) -> str:
        """One line of text at or below the key."""
        text = tree if isinstance(tree, str) else "\n"
        plain = text.isprintable() if self._document.verbatim else is_plain_line(text := text.strip())
        if not isinstance(tree, str) or len(text) > most or not (text or empty) or not plain:
            self.refuse(f"this must be one plain line of {0 if empty else 1} to {most:,} characters", key)
        return text

    def whole(self, tree: Tree, key: str, *, least: int, most: int) -> int:
        """A whole number at or below the key; a leading zero, which YAML takes for an octal number, is none."""
        text = tree if isinstance(tree, str) and _WHOLE.fullmatch(tree) else ""
        if not 0 < len(text) <= len(str(most)) or not least <= int(text) <= most:
            self.refuse(f"this must be a whole number from {least} to {most:,}", key)
        return int(text)

    def words(self, key: str, allowed: Collection[str]) -> tuple[str, ...]:
        """A list of some words of a closed list; in the order of that list."""
        found = self.texts(key)
        if not set(found) <= set(allowed):
            self.refuse(f"this may hold only {', '.join(allowed)}", key)
        return tuple(str(each) for each in allowed if each in found)


def yaml_positions(data: bytes, source: str) -> Callable[[Sequence[str | int]], str]:
    """A function from a path of a YAML document to its position, `source:line:column`."""
    return lambda path: "{}:{}:{}".format(safe_text(source, one_line=True, limit=200), *locate_yaml(data, path))
