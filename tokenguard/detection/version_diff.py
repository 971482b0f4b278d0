"""Says what of the next version of a file has to be looked at: the lines that no version before it had, or all of it.

Never leaves out what could be found. What a line holds does not depend on the others, but for a few cases. Private
keys, shapes that need a word near them, and names whose value is on another line are looked at with the lines round
them. Comments that silence the next line, manifests, and files that detect-secrets rebuilds from YAML or INI are left
to a full scan, unless no new part of one could hold anything.
"""

import codecs
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from hashlib import sha256
from typing import Any

from tokenguard.detection.assignments import PASSED_OVER
from tokenguard.detection.credential_files import is_credential_file
from tokenguard.detection.disguise_marks import mark_patterns
from tokenguard.detection.extras import may_silence
from tokenguard.detection.full_token import end_of_key
from tokenguard.detection.match import Possible
from tokenguard.detection.prefilter import Traces, prefilter
from tokenguard.detection.rebuilt import independent_parts, keeps_order, may_rebuild
from tokenguard.detection.regex_set import any_of, regex
from tokenguard.detection.rules import is_ignored
from tokenguard.detection.secret_forms import TOGETHER
from tokenguard.detection.secret_places import BEFORE_LINE_PATTERN, NAMED_PATTERN, REACH
from tokenguard.detection.suspects import MANIFEST
from tokenguard.detection.table_columns import HEAD_PATTERN
from tokenguard.detection.token_matcher import shapes_near_words
from tokenguard.frozen import Frozen

_KEYS = r"BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File|OpenVPN Static key"
"""Known by their first line, told apart by the others."""
_NEAR = 2048
"""Bytes: of no fewer are the characters within which a word has to stand."""
_MOST_LINES = 200_000
"""Of all versions of a file up to now."""
_NOT_MEASURED = Traces(longest=sys.maxsize)
"""Of lines without a core, whose runs may be of any length."""
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, *PASSED_OVER)
_BUT_OWN = Possible.ANYTHING & ~Possible.OWN
_OTHER_LINE = b"x"
"""Stands for a line that is not looked at. It is no INI, so that the lines of a text are looked at as they are."""


class VersionChange(Frozen, frozen=True):
    """What a version of a file brings that was in none before."""

    before: bytes | None
    """The version before; None if the lines of none are known."""
    data: bytes
    """The version, every line end as a line feed."""
    lines: bytes
    """Those that no version before it had."""
    rebuilt: bool
    """Whether detect-secrets may look at other lines than its own."""
    ordered: bool
    """Whether every value of these stands in the version unchanged."""


class VersionVerdict(Frozen, frozen=True):
    """What of a version has to be looked at."""

    possible: Possible
    """What could be found in it, apart from the team's own tokens."""
    before: bytes | None = None
    """The version before (empty for a new file), if known tokens need to be looked for only in what changed since."""
    lines: bytes | None = None
    """The lines to look at, each with its number; None: all."""


class FileVersions:
    """One file, whose versions are told one after another, the oldest first.

    Args:
        path: of the file.
        rules: whether to look for more than the team's own tokens.
    """

    def __init__(self, path: str, *, rules: bool = True) -> None:
        self.path = path
        self._rules = rules
        self._compares = not (rules and is_credential_file(path))
        self._before: bytes | None = None
        self._plain = b""
        """The same with every line end as a line feed."""
        self._rebuilt = False
        self._lines = set[bytes]()
        self._dependent = frozenset[_Dependence]()
        """How a line may say something together with others."""
        self._regions = set[bytes]()
        """Digests of such lines with those others, in which everything is found."""
        self._traces = Traces()
        self._parts: set[str] | None = None
        """Of the rebuilt file: what is rebuilt from those in which everything is found."""

    def change(self, data: bytes) -> VersionChange | None:
        """What the next version brings; None where that does not tell, and all of it has to be looked at."""
        plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
        text = plain_text(plain) if self._compares else None
        if text is None:
            self._before = None
            return None
        rebuilt = self._rules and may_rebuild(text, self.path)
        before = self._before if rebuilt == self._rebuilt and len(self._lines) < _MOST_LINES else None
        if before is None:
            self._lines = set()
        start, end = (0, len(plain)) if before is None else changed_part(self._plain, plain)
        changed = plain[_line_start(plain, start) : _line_end(plain, end)]
        lines = [line for line in changed.split(b"\n") if line not in self._lines] if self._rules else []
        self._lines.update(lines)
        self._before, self._plain, self._rebuilt = data, plain, rebuilt
        return VersionChange(before, plain, b"\n".join(lines), rebuilt, not rebuilt or keeps_order(text, self.path))

    def verdict(self, change: VersionChange | None, possible: Possible) -> VersionVerdict:
        """What has to be looked at.

        Args:
            change: what `change` said, of each version in sequence.
            possible: what the lines that the version brings could hold.
        """
        if change is None:
            return VersionVerdict(Possible.ANYTHING)
        if change.before is None:
            self._dependent, self._regions, self._traces, self._parts = frozenset(), set(), Traces(), None
        if Possible.RULES in possible and is_ignored(self.path):
            possible &= ~Possible.RULES
        if possible:
            self._dependent |= {
                each for each in _dependences() - self._dependent if each.begins_in(change.lines, possible)
            }
        regions = self._new_regions(change.data) if self._dependent else []
        if change.rebuilt:
            found = self._may_find(change, possible)
            possible = possible | Possible.RULES if found else possible & ~Possible.RULES
        if change.before is None:
            return VersionVerdict(possible, None if possible else b"")
        # What is told already is looked at again with a region, or with all: it has to be told by the same name.
        if (change.rebuilt and (regions or Possible.RULES in possible)) or (0, len(change.data)) in regions:
            return VersionVerdict(Possible.ANYTHING)
        if regions:
            possible = _BUT_OWN
        return VersionVerdict(possible, change.before, _only(change, regions) if possible else None)

    def _may_find(self, change: VersionChange, possible: Possible) -> bool:
        """Whether rules could find anything new in the rebuilt lines."""
        if Possible.RULES in possible or self._traces.cores or self._traces.varied:
            self._traces |= prefilter().traces(change.lines)
        else:
            self._traces |= _NOT_MEASURED
        if is_ignored(self.path):
            return False
        if not change.ordered:
            self._parts = None
            return True
        if not (prefilter().promises(self._traces) and prefilter().worthwhile(change.data)):
            return False
        known, parts = self._parts, independent_parts(change.data.decode(), self.path)
        self._parts = None if parts is None else parts.keys() | (known or set())
        if parts is None or known is None:
            return True
        return any(prefilter().worthwhile(text.encode()) for lines, text in parts.items() if lines not in known)

    def _new_regions(self, data: bytes) -> list[tuple[int, int]]:
        """From where to where the lines go that say something together, unless a version before has just these."""
        found = list[tuple[int, int]]()
        for start, end in _regions(data, self._dependent):
            digest = sha256(data[start:end]).digest()
            if digest not in self._regions:
                self._regions.add(digest)
                found.append((start, end))
        return found


def _regions(data: bytes, dependences: Iterable["_Dependence"]) -> Iterator[tuple[int, int]]:
    """The bytes from a line that says something together with others to the last of these; one, if some overlap."""
    begun, reached = 0, -1
    for start, end in sorted(
        each.region(data, found) for each in dependences for found in each.expression.finditer(data)
    ):
        if start > reached:
            if reached >= 0:
                yield begun, reached
            begun = start
        reached = max(reached, end)
    if reached >= 0:
        yield begun, reached


def _line_start(data: bytes, at: int) -> int:
    return data.rfind(b"\n", 0, at) + 1


def _line_end(data: bytes, at: int) -> int:
    found = data.find(b"\n", at)
    return len(data) if found < 0 else found


class _Dependence:
    """Of a kind of line that says something together with others: what begins one, and which lines belong to it.

    Args:
        expression: is in each such line.
        possible: something of this could be found in it.
        region: from where to where the lines go that belong to a match.
    """

    def __init__(self, expression: str, possible: Possible, region: Callable[[bytes, Any], tuple[int, int]]) -> None:
        self.expression = regex(expression)
        self.region = region
        self._possible = possible

    def begins_in(self, lines: bytes, possible: Possible) -> bool:
        """Whether it is in lines that could hold so much."""
        return bool(possible & self._possible) and self.expression.search(lines) is not None


@cache
def _dependences() -> frozenset[_Dependence]:
    """Private keys; manifests; columns of tables; tokens that need a word or more lines; names that need a value."""
    near = any_of((*shapes_near_words(), *TOGETHER)), *mark_patterns()
    return frozenset(
        {
            _Dependence(_KEYS, _BUT_OWN, _of_key),
            _Dependence(MANIFEST, Possible.SHAPES, _all_of),
            _Dependence(HEAD_PATTERN, Possible.ASSIGNMENTS, _all_of),
            *(_Dependence(each, Possible.SHAPES, partial(_around, _NEAR)) for each in near),
            _Dependence(any_of((BEFORE_LINE_PATTERN, NAMED_PATTERN)), Possible.ASSIGNMENTS, partial(_around, REACH)),
        }
    )


def _all_of(data: bytes, _found: Any) -> tuple[int, int]:
    return 0, len(data)


def _of_key(data: bytes, found: Any) -> tuple[int, int]:
    start = _line_start(data, found.start())
    return start, end_of_key(data, start)


def _around(reach: int, data: bytes, found: Any) -> tuple[int, int]:
    start, end = _line_start(data, found.start()), _line_end(data, found.end())
    return _line_start(data, max(start - reach, 0)), _line_end(data, end + reach)


def _only(change: VersionChange, regions: Iterable[tuple[int, int]]) -> bytes:
    """The version with only the lines that it brings and those of the regions, each with its number."""
    kept = set(change.lines.split(b"\n"))
    lines = change.data.split(b"\n")
    only = [line if line in kept else _OTHER_LINE for line in lines]
    for start, end in regions:
        first = change.data.count(b"\n", 0, start)
        last = first + change.data.count(b"\n", start, end) + 1
        only[first:last] = lines[first:last]
    return b"\n".join(only)


def changed_part(before: bytes, after: bytes) -> tuple[int, int]:
    """From which byte of `after` to which one it may differ from what was there before."""
    shortest = min(len(before), len(after))
    start = _common_start(before, after, shortest)
    return start, len(after) - _common_end(before, after, shortest - start)


def plain_text(data: bytes) -> str | None:
    """The text, if these bytes are what every stage would look at, as they are."""
    if b"\0" in data or b"\r" in data or may_silence(data) or data.startswith(_MARKS):
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _common_start(before: bytes, after: bytes, most: int) -> int:
    low = 0
    while low < most:
        middle = (low + most + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            most = middle - 1
    return low


def _common_end(before: bytes, after: bytes, most: int) -> int:
    low, size, length = 0, len(before), len(after)
    while low < most:
        middle = (low + most + 1) // 2
        if before[size - middle : size - low] == after[length - middle : length - low]:
            low = middle
        else:
            most = middle - 1
    return low
