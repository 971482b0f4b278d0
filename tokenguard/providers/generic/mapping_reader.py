"""Reads a parsed YAML mapping key by key; unknown keys are errors."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NoReturn

from tokenguard.documents import Tree
from tokenguard.domain.duration import parse_duration
from tokenguard.errors import InputError
from tokenguard.text import safe_text

_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
_WORD = re.compile(r"[a-z_]{1,32}", re.ASCII)
_MAX_TEXT = 500
_MAX_ROWS = 50


Locate = Callable[[Sequence[str | int]], str]
"""Turns the path of a key into `file:line:column`; only called when something is wrong there."""


class Fields:
    """One mapping of the file; `path` is how it is reached, for example `probe`."""

    def __init__(self, tree: Tree, locate: Locate, path: Sequence[str | int] = ()) -> None:
        self._locate = locate
        self._path = tuple(path)
        if not isinstance(tree, dict):
            self.refuse("this must be a mapping")
        self._left: dict[str, Tree] = dict(tree)

    def refuse(self, why: str, key: str = "", *, hint: str = "") -> NoReturn:
        """InputError about this mapping or one of its keys."""
        path = (*self._path, *((key,) if key else ()))
        named = safe_text(".".join(map(str, path)), one_line=True, limit=120)
        raise InputError(
            f"{self._locate(path)}: {named + ': ' if named else ''}{why}",
            hint=hint or "docs/providers.md describes every key of a provider file",
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that were not read yet."""
        return tuple(self._left)

    def peek(self, key: str) -> Tree:
        """The value of the key, which stays unread."""
        return self._left.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def tree(self, key: str) -> Tree:
        """The value of the key; None if it is missing."""
        return self._left.pop(key, None)

    def text(self, key: str, default: str | None = None, *, empty: bool = False) -> str:
        """Short text, with at least one character unless it may be `empty`; without a default it must be there."""
        tree = self.tree(key)
        if tree is None:
            return self.refuse("this is missing", key) if default is None else default
        if not isinstance(tree, str) or not (1 - empty) <= len(tree) <= _MAX_TEXT or not tree.isprintable():
            self.refuse(f"this must be text of 1 to {_MAX_TEXT} printable characters", key)
        return tree

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        """One of a closed list."""
        text = self.text(key, default)
        if text not in allowed:
            self.refuse(f"this must be one of {', '.join(allowed)}", key)
        return text

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of short texts; empty if it is missing."""
        tree = self.tree(key)
        rows = [] if tree is None else tree
        if not isinstance(rows, list) or not all(isinstance(row, str) and row and row.isprintable() for row in rows):
            self.refuse("this must be a list of texts", key)
        return tuple(row[:_MAX_TEXT] for row in rows if isinstance(row, str))

    def number(self, key: str) -> int | None:
        """A whole number; None if it is missing."""
        if key not in self:
            return None
        text = self.text(key, "")
        if text and not _NUMBER.fullmatch(text):
            self.refuse("this must be a whole number", key)
        return int(text) if text else None

    def duration(self, key: str) -> timedelta | None:
        """Seconds, or for example `0.5s`, `2m`, `24h` or `7d`; None if it is missing."""
        if key not in self:
            return None
        text = self.text(key, "")
        found = parse_duration(text)
        if text and found is None:
            self.refuse("this must be a duration such as 30s, 5m, 24h or 7d", key)
        return found

    def within(self, key: str) -> "Fields | None":
        """The mapping under the key; None if it is missing."""
        tree = self.tree(key)
        return None if tree is None else Fields(tree, self._locate, (*self._path, key))

    def one_or_more(self, key: str) -> "tuple[Fields, ...]":
        """A mapping, or a list of some, under a key that is there."""
        if not isinstance(self.peek(key), list):
            return tuple(found for found in (self.within(key),) if found is not None)
        rows = self.texts_or_mappings(key)
        return tuple(row if isinstance(row, Fields) else self.refuse("this must be mappings", key) for row in rows)

    def texts_or_mappings(self, key: str) -> "tuple[str | Fields, ...]":
        """A list of short texts and mappings, not empty."""
        tree = self.tree(key)
        if not isinstance(tree, list) or not 0 < len(tree) <= _MAX_ROWS:
            self.refuse(f"this must be a list of 1 to {_MAX_ROWS}", key)
        return tuple(
            row[:_MAX_TEXT] if isinstance(row, str) else Fields(row, self._locate, (*self._path, key, number))
            for number, row in enumerate(tree)
        )

    def empty(self, key: str) -> "Fields":
        """A mapping under the key that the file leaves out."""
        return Fields({}, self._locate, (*self._path, key))

    def close(self) -> None:
        """Refuse unread keys; a key that is not a plain word is not shown, since it could be a value."""
        for key in self._left:
            self.refuse("unknown key", key if _WORD.fullmatch(key) else "")
