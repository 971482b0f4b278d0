"""One mapping of a policy file, read key by key; what nobody asked for is refused."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import NoReturn

from tokenguard.documents import Tree
from tokenguard.domain.names import SEGMENT
from tokenguard.errors import InputError
from tokenguard.policy.catalogue import FIELDS, Sort
from tokenguard.policy.model import Parameter
from tokenguard.text import safe_text

MAX_DAYS = 3_650
MAX_COUNT = 1_000_000
_MAX_TEXT = 500


class Section:
    """A mapping that is taken apart; `finish` refuses what is left."""

    def __init__(self, tree: Tree, place: str) -> None:
        self.place = place
        if not isinstance(tree, dict):
            self.refuse("a mapping is needed here")
        self._left = dict(tree)

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str) -> Tree:
        """The value under `key`, once."""
        if key not in self._left:
            self.refuse(f"{key} is missing")
        return self._left.pop(key)

    def text(self, key: str, default: str | None = None) -> str:
        """One line of text."""
        if default is not None and key not in self:
            return default
        return self._line(self.take(key), key)

    def sequence(self, key: str, default: list[Tree] | None = None) -> list[Tree]:
        """A list."""
        if default is not None and key not in self:
            return default
        found = self.take(key)
        if not isinstance(found, list):
            self.refuse(f"{key} is not a list")
        return found

    def day(self, key: str) -> datetime:
        """The beginning of a day in UTC, written as `2027-01-31`."""
        try:
            found = date.fromisoformat(self.text(key))
        except ValueError:
            self.refuse(f"{key} is not a date such as 2027-01-31")
        return datetime(found.year, found.month, found.day, tzinfo=UTC)

    def parameter(self, key: str, sort: Sort) -> Parameter:
        """A parameter of a rule."""
        readers: Mapping[Sort, Callable[[Tree, str], Parameter]] = {
            Sort.DAYS: self._days,
            Sort.COUNT: self._count,
            Sort.DAYS_LIST: self._days_list,
            Sort.DAYS_BY_ENVIRONMENT: self._by_environment,
            Sort.WORDS: self._words,
            Sort.FIELDS: self._fields,
            Sort.WORDS_BY_PURPOSE: self._by_purpose,
        }
        return readers[sort](self.take(key), key)

    def finish(self) -> None:
        """Nothing else may be here."""
        if self._left:
            self.refuse("a key that is not known here")

    def refuse(self, reason: str) -> NoReturn:
        """The one error of a policy that is not understood."""
        raise InputError(f"{self.place}: {reason}", hint="correct the policy; policies/default.yaml is a complete one")

    def _days(self, found: Tree, key: str) -> int:
        return self._number(found, key, MAX_DAYS)

    def _count(self, found: Tree, key: str) -> int:
        return self._number(found, key, MAX_COUNT)

    def _number(self, found: Tree, key: str, most: int) -> int:
        if not isinstance(found, str) or not (found.isascii() and found.isdigit()) or len(found) > len(str(most)):
            self.refuse(f"{key} is not a whole number")
        if not 1 <= int(found) <= most:
            self.refuse(f"{key} is not between 1 and {most:,}")
        return int(found)

    def _days_list(self, found: Tree, key: str) -> tuple[int, ...]:
        return tuple(sorted((self._days(each, key) for each in self._list(found, key)), reverse=True))

    def _by_environment(self, found: Tree, key: str) -> dict[str, int]:
        if not isinstance(found, dict) or not all(SEGMENT.fullmatch(name) for name in found):
            self.refuse(f"{key} is not a mapping of environments to days")
        return {name: self._days(each, key) for name, each in found.items()}

    def _words(self, found: Tree, key: str) -> tuple[str, ...]:
        return tuple(self._line(each, key) for each in self._list(found, key))

    def _fields(self, found: Tree, key: str) -> tuple[str, ...]:
        words = self._words(found, key)
        if not words or len(set(words)) != len(words) or not set(words) <= set(FIELDS):
            self.refuse(f"{key} holds something else than {', '.join(FIELDS)}, each once")
        return tuple(name for name in FIELDS if name in words)

    def _by_purpose(self, found: Tree, key: str) -> dict[str, tuple[str, ...]]:
        if not isinstance(found, dict):
            self.refuse(f"{key} is not a mapping of purposes to lists")
        return {self._line(name, key): self._words(each, key) for name, each in found.items()}

    def _list(self, found: Tree, key: str) -> list[Tree]:
        if not isinstance(found, list):
            self.refuse(f"{key} is not a list")
        return found

    def _line(self, found: Tree, key: str) -> str:
        if not isinstance(found, str) or not found.strip():
            self.refuse(f"{key} is not text")
        line = found.strip()
        if len(line) > _MAX_TEXT or safe_text(line, one_line=True) != line:
            self.refuse(f"{key} is not one plain line of at most {_MAX_TEXT} characters")
        return line
