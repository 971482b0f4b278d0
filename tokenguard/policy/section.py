"""Reads one mapping of a policy file key by key; unknown keys are refused with line and column."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NoReturn

from tokenguard.documents import MAX_BYTES, Tree, load_yaml, locate_yaml
from tokenguard.domain.leak import Spread
from tokenguard.domain.moment import parse_day
from tokenguard.domain.names import SEGMENT
from tokenguard.domain.second_person import SensitiveKind
from tokenguard.domain.silencing_comment import SilencingComment
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.policy.catalogue import DEMANDED, ParameterType
from tokenguard.policy.model import Parameter
from tokenguard.policy.windows import check_freeze, check_window
from tokenguard.text import is_plain_line, safe_text

MAX_DAYS = 3_650
MAX_COUNT = 1_000_000
MAX_TEXT = 500


class DocumentPositions(Frozen, frozen=True):
    """What errors say of a document."""

    locate: Callable[[Sequence[str | int]], str]
    """Turns a path into `source:line:column`; only called when something is wrong there."""
    hint: str


class Section:
    """A mapping that is taken apart; `finish` refuses what is left.

    Args:
        tree: what should be a mapping.
        places: says where a path of the whole document stands.
        path: how the mapping is reached from the top.
        what: how errors call it, if it is not the whole document.
    """

    def __init__(
        self, tree: Tree, places: DocumentPositions, path: Sequence[str | int] = (), *, what: str = ""
    ) -> None:
        self._places = places
        self._path = tuple(path)
        self._what = what
        if not isinstance(tree, dict):
            self.refuse("a mapping is needed here")
        self._left = dict(tree)

    @classmethod
    def document(cls, data: bytes, *, source: str, hint: str, max_bytes: int = MAX_BYTES) -> "Section":
        """A whole YAML document; InputError if it is none. `source` is how errors name it."""
        source = safe_text(source, one_line=True, limit=200)

        def locate(path: Sequence[str | int]) -> str:
            line, column = locate_yaml(data, path)
            return f"{source}:{line}:{column}"

        return cls(load_yaml(data, source=source, max_bytes=max_bytes), DocumentPositions(locate, hint))

    def sections(self, key: str, what: str) -> Iterator["Section"]:
        """The mappings of a list, which may be missing."""
        for number, tree in enumerate(self.sequence(key, [])):
            yield Section(tree, self._places, (*self._path, key, number), what=f"{what} {number + 1}")

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str) -> Tree:
        """The value under `key`, once."""
        if key not in self._left:
            self.refuse(f"{key} is missing")  # at the mapping that lacks it
        return self._left.pop(key)

    def section(self, key: str) -> "Section":
        """A mapping."""
        return Section(self.take(key), self._places, (*self._path, key), what=self._what)

    def texts_by_name(self, key: str) -> dict[str, str]:
        """A mapping of names to one line of text each."""
        found = self.take(key)
        if not isinstance(found, dict) or not found:
            self.refuse(f"{key} is not a mapping with something in it", key)
        return {name: self._line(each, key) for name, each in found.items()}

    def long_texts(self, key: str) -> Iterator[tuple[str, str]]:
        """A mapping of names to texts of any number of lines."""
        found = self.take(key)
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            self.refuse(f"{key} is not a mapping of paths to texts", key)
        yield from ((name, each) for name, each in found.items() if isinstance(each, str))

    def words(self, key: str) -> tuple[str, ...]:
        """A list of one-line texts, which may be missing."""
        return self._words(self.take(key), key) if key in self else ()

    def by_name(self, key: str) -> Iterator[tuple[str, "Section"]]:
        """The mappings of a mapping, each with its key."""
        found = self.take(key)
        if not isinstance(found, dict):
            self.refuse(f"{key} is not a table", key)
        for name, tree in found.items():
            yield name, Section(tree, self._places, (*self._path, key, name))

    def whole_number(self, key: str, *, most: int) -> int:
        """A number from 0 to `most`."""
        found = self.take(key)
        if not isinstance(found, str) or not (found.isascii() and found.isdigit()) or int(found[:19]) > most:
            self.refuse(f"{key} is not a whole number from 0 to {most:,}", key)
        return int(found)

    def text(self, key: str, default: str | None = None, *, most: int = MAX_TEXT) -> str:
        """One line of text of at most so many characters."""
        if default is not None and key not in self:
            return default
        return self._line(self.take(key), key, most)

    def segment(self, key: str) -> str:
        """One segment, such as a team."""
        found = self.text(key)
        if not SEGMENT.fullmatch(found):
            self.refuse(f"{key} is not one word of a-z, 0-9, '.', '_' and '-', at most 63 characters long", key)
        return found

    def sequence(self, key: str, default: list[Tree] | None = None) -> list[Tree]:
        """A list."""
        if default is not None and key not in self:
            return default
        found = self.take(key)
        return self._list(found, key)

    def day(self, key: str) -> datetime:
        """The beginning of a day in UTC, written as `2027-01-31`."""
        found = parse_day(self.text(key))
        if found is None:
            self.refuse(f"{key} is not a date such as 2027-01-31", key)
        return found

    def parameter(self, key: str, sort: ParameterType) -> Parameter:
        """A parameter of a rule."""
        readers: Mapping[ParameterType, Callable[[Tree, str], Parameter]] = {
            ParameterType.DAYS: self._days,
            ParameterType.COUNT: self._count,
            ParameterType.DAYS_LIST: self._days_list,
            ParameterType.DAYS_BY_ENVIRONMENT: self._by_environment,
            ParameterType.WORDS: self._words,
            ParameterType.ALLOWED_WORDS: self._words,
            ParameterType.COMMENTS: self._comments,
            ParameterType.FIELDS: self._fields,
            ParameterType.WORDS_BY_PURPOSE: self._lists_by_name,
            ParameterType.WORDS_BY_CONTEXT: self._lists_by_name,
            ParameterType.REACHES: self._reaches,
            ParameterType.OPERATIONS: self._operations,
            ParameterType.WINDOWS: partial(self._times, read=check_window),
            ParameterType.FREEZES: partial(self._times, read=check_freeze),
        }
        return readers[sort](self.take(key), key)

    def finish(self) -> None:
        """Nothing else may be here."""
        for key in self._left:
            self.refuse("unknown key", key)

    def refuse(self, reason: str, *keys: str, hint: str = "") -> NoReturn:
        """The one error of a policy that is not understood: at what `keys` lead to, or at the mapping itself."""
        place = self._places.locate((*self._path, *keys))
        what = f"{self._what}: " if self._what else ""
        raise InputError(f"{place}: {what}{reason}", hint=hint or self._places.hint) from None

    def _days(self, found: Tree, key: str) -> int:
        return self._number(found, key, MAX_DAYS)

    def _count(self, found: Tree, key: str) -> int:
        return self._number(found, key, MAX_COUNT)

    def _number(self, found: Tree, key: str, most: int) -> int:
        if not isinstance(found, str) or not (found.isascii() and found.isdigit()) or len(found) > len(str(most)):
            self.refuse(f"{key} is not a whole number", key)
        if not 1 <= int(found) <= most:
            self.refuse(f"{key} is not between 1 and {most:,}", key)
        return int(found)

    def _days_list(self, found: Tree, key: str) -> tuple[int, ...]:
        return tuple(sorted((self._days(each, key) for each in self._list(found, key)), reverse=True))

    def _by_environment(self, found: Tree, key: str) -> dict[str, int]:
        if not isinstance(found, dict) or not all(SEGMENT.fullmatch(name) for name in found):
            self.refuse(f"{key} is not a mapping of environments to days", key)
        return {name: self._days(each, key) for name, each in found.items()}

    def _words(self, found: Tree, key: str) -> tuple[str, ...]:
        return tuple(self._line(each, key) for each in self._list(found, key))

    def _fields(self, found: Tree, key: str) -> tuple[str, ...]:
        words = self._words(found, key)
        if not words or len(set(words)) != len(words) or not set(words) <= set(DEMANDED):
            self.refuse(f"{key} may hold only {', '.join(DEMANDED)}, each once", key)
        return tuple(name for name in DEMANDED if name in words)

    def _lists_by_name(self, found: Tree, key: str) -> dict[str, tuple[str, ...]]:
        if not isinstance(found, dict):
            self.refuse(f"{key} is not a mapping of names to lists", key)
        return {self._line(name, key): self._words(each, key) for name, each in found.items()}

    def _reaches(self, found: Tree, key: str) -> tuple[str, ...]:
        words = self._words(found, key)
        if not set(words) <= set(Spread):
            self.refuse(f"{key} may hold only {', '.join(Spread)}", key)
        return tuple(each.value for each in Spread if each in words)

    def _operations(self, found: Tree, key: str) -> tuple[str, ...]:
        words = self._words(found, key)
        if not set(words) <= set(SensitiveKind):
            self.refuse(f"{key} may hold only {', '.join(SensitiveKind)}", key)
        return tuple(each.value for each in SensitiveKind if each in words)

    def _comments(self, found: Tree, key: str) -> tuple[str, ...]:
        words = self._words(found, key)
        if not set(words) <= set(SilencingComment):
            self.refuse(f"{key} may hold only {', '.join(SilencingComment)}", key)
        return tuple(each.value for each in SilencingComment if each in words)

    def _times(self, found: Tree, key: str, read: Callable[[str], str]) -> tuple[str, ...]:
        words = self._words(found, key)
        try:
            return tuple(dict.fromkeys(map(read, words)))
        except InputError as error:
            self.refuse(f"{key}: {error.message}", key, hint=error.hint)

    def _list(self, found: Tree, key: str) -> list[Tree]:
        if not isinstance(found, list):
            self.refuse(f"{key} is not a list", key)
        return found

    def _line(self, found: Tree, key: str, most: int = MAX_TEXT) -> str:
        if not isinstance(found, str) or not found.strip():
            self.refuse(f"{key} is not text", key)
        line = found.strip()
        if len(line) > most or not is_plain_line(line):
            self.refuse(f"{key} is not one plain line of at most {most:,} characters", key)
        return line
