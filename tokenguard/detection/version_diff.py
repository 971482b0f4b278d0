"""Says that rules and shapes can find nothing new in a text: in the next version of a file, from its change alone.

Never says so of a text in which they could. What a line holds does not depend on the others, but for a few cases that
are left to a full scan: comments that silence the next line, private keys, shapes that need a word near them, names
whose value is on another line, and files that detect-secrets rebuilds from YAML or INI, of which the traces of all
versions so far have to promise nothing.
"""

import codecs
import sys
from collections.abc import Iterator, Sequence

from tokenguard.detection.assignments import may_hold_assignments
from tokenguard.detection.credential_files import is_credential_file
from tokenguard.detection.extras import may_hold_shapes
from tokenguard.detection.match import Possible
from tokenguard.detection.prefilter import Traces, prefilter
from tokenguard.detection.rebuilt import keeps_order, may_rebuild
from tokenguard.detection.secret_places import has_secret_name
from tokenguard.frozen import Frozen

_COMMENT = b"pragma:"  # silences what is counted then
_KEYS = (
    b"PRIVATE KEY",
    b"PuTTY-User-Key-File",
    b"OpenVPN Static key",
)  # known by their first line, told apart by the others
_MOST_LINES = 200_000
"""Of all versions of a file up to now."""
_NOT_MEASURED = Traces(longest=sys.maxsize)
"""Of lines without a core, whose runs may be of any length."""
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Comparison(Frozen, frozen=True):
    """What versions of a file bring that was in none before."""

    continues: bool
    """Whether the lines of the version before the first are known."""
    brought: list[list[bytes]]
    """The lines of each."""
    rebuilt: list[bool]
    """Of each, whether detect-secrets may look at other lines than its own."""


class Cleanness:
    """Compares versions of a text in sequence; a text that may contain something new is scanned completely."""

    def __init__(self, *, rules: bool = True) -> None:
        self._rules = rules
        self._path: str | None = None
        self._data = b""
        self._lines = set[bytes]()
        self._traces: Traces | None = None

    def judge(self, data: bytes, path: str, possible: Possible = Possible.ANYTHING) -> bytes | None:
        """The version before (empty for a new file) if nothing is in `data` that was not there; else None.

        Without rules, everything that is text is so, and only the team's own tokens are left to be looked for.

        Args:
            data: the version.
            path: of the file.
            possible: what the lines that it brings could hold.
        """
        text = plain_text(data)
        if text is None:
            self._path = None
            return None
        before = self._data if path == self._path else b""
        nothing, known = self._judge(data, text, path, possible) if self._rules else (True, True)
        self._path, self._data = path if known else None, data
        return before if nothing else None

    def compare(self, versions: Sequence[bytes], path: str) -> Comparison | None:
        """What each of these next versions brings, to be asked about with others; None where that does not tell."""
        if not self._rules or is_credential_file(path):
            return None
        continues = self._compares(path)
        known = set(self._lines) if continues else set[bytes]()
        brought, rebuilt = list[list[bytes]](), list[bool]()
        for data in versions:
            text = plain_text(data)
            if text is None or len(known) >= _MOST_LINES:
                return None
            rebuilt.append(may_rebuild(text, path))
            if rebuilt[-1] and not keeps_order(text, path):
                return None
            brought.append([line for line in data.split(b"\n") if line not in known])
            known.update(brought[-1])
        return Comparison(continues, brought, rebuilt)

    def judge_compared(
        self, versions: Sequence[bytes], path: str, comparison: Comparison, possible: Sequence[Possible]
    ) -> Iterator[bytes | None]:
        """What `judge` says of each of these versions in sequence.

        Args:
            versions: of one file.
            path: of the file.
            comparison: what `compare` said of them.
            possible: of each, what the lines that it brings could hold.
        """
        follows = comparison.continues == self._compares(path)
        for number, data in enumerate(versions):
            fresh = number == 0 and not comparison.continues
            if follows and not possible[number] and self._takes(comparison.rebuilt[number], fresh=fresh):
                before, self._lines = (b"", set()) if fresh else (self._data, self._lines)
                self._lines.update(comparison.brought[number])
                self._traces = _NOT_MEASURED if comparison.rebuilt[number] else None
                self._path, self._data = path, data
                yield before
            else:
                judged = self.judge(data, path, possible[number] if follows else Possible.ANYTHING)
                follows = follows and self._compares(path)
                yield judged

    def _takes(self, rebuilt: bool, *, fresh: bool) -> bool:  # noqa: FBT001 - one of a list
        """Whether it says enough that a version brings no core: a long run promises something beside an earlier one."""
        before = self._traces
        return fresh or not rebuilt or (before is not None and not before.cores and not before.varied)

    def _compares(self, path: str) -> bool:
        """Whether the lines of the versions before are known, and not too many of them."""
        return path == self._path and len(self._lines) < _MOST_LINES

    def _judge(self, data: bytes, text: str, path: str, possible: Possible) -> tuple[bool, bool]:
        """Whether nothing new is in the text, and whether the next version may be judged by what it changes in it."""
        lines = data.split(b"\n")
        if self._compares(path):
            new = b"\n".join(line for line in lines if line not in self._lines)
            self._lines.update(lines)
        else:
            new, self._lines = data, set(lines)
        rebuilds = may_rebuild(text, path)
        shapes = Possible.SHAPES in possible and may_hold_shapes(new, path)
        nothing = (
            not shapes
            and not (Possible.ASSIGNMENTS in possible and may_hold_assignments(new, path))
            and (
                self._promises_nothing(data, new, text, path)
                if rebuilds
                else self._holds_nothing(new if Possible.RULES in possible else b"")
            )
        )
        if nothing:
            return True, True
        self._traces = None
        shapes = shapes or (new is not data and may_hold_shapes(data, path))
        return False, not (rebuilds or shapes or _holds_key(data) or has_secret_name(data))

    def _promises_nothing(self, data: bytes, new: bytes, text: str, path: str) -> bool:
        before = self._traces if path == self._path else Traces()
        traces = prefilter().traces(data if before is None else new)
        self._traces = traces if before is None else traces | before
        return keeps_order(text, path) and not prefilter().promises(self._traces)

    def _holds_nothing(self, new: bytes) -> bool:
        self._traces = None
        return not prefilter().candidates(new)


def _holds_key(data: bytes) -> bool:
    return any(key in data for key in _KEYS)


def changed_part(before: bytes, after: bytes) -> tuple[int, int]:
    """From which byte of `after` to which one it may differ from what was there before."""
    shortest = min(len(before), len(after))
    start = _common_start(before, after, shortest)
    return start, len(after) - _common_end(before, after, shortest - start)


def plain_text(data: bytes) -> str | None:
    """The text, if these bytes are what every stage would look at, as they are."""
    if b"\0" in data or b"\r" in data or _COMMENT in data or data.startswith(_MARKS):
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
