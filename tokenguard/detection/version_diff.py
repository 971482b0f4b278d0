"""Says that rules and shapes can find nothing new in a text: in the next version of a file, from its change alone.

Never says so of a text in which they could. What a line holds does not depend on the others, but for a few cases that
are left to a full scan: comments that silence the next line, private keys, shapes that need a word near them, and files
that detect-secrets rebuilds from YAML or INI, of which the traces of all versions so far have to promise nothing.
"""

import codecs
from collections.abc import Sequence

from tokenguard.detection.assignments import may_hold_assignments
from tokenguard.detection.extras import may_hold_shapes
from tokenguard.detection.prefilter import Traces, prefilter
from tokenguard.detection.rebuilt import keeps_order, may_rebuild

_COMMENT = b"pragma:"  # silences what is counted then
_KEYS = (b"PRIVATE KEY", b"PuTTY-User-Key-File")  # known by their first line, told apart by the others
_MOST_LINES = 200_000
"""Of all versions of a file up to now."""
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Cleanness:
    """Compares versions of a text in sequence; a text that may contain something new is scanned completely."""

    def __init__(self, *, rules: bool = True) -> None:
        self._rules = rules
        self._path: str | None = None
        self._data = b""
        self._lines = set[bytes]()
        self._traces: Traces | None = None

    def judge(self, data: bytes, path: str) -> bytes | None:
        """The version before (empty for a new file) if nothing is in `data` that was not there; else None.

        Without rules, everything that is text is so, and only the team's own tokens are left to be looked for.
        """
        text = _plain(data)
        if text is None:
            self._path = None
            return None
        before = self._data if path == self._path else b""
        nothing, known = self._judge(data, text, path) if self._rules else (True, True)
        self._path, self._data = path if known else None, data
        return before if nothing else None

    def judge_all(self, versions: Sequence[bytes], path: str) -> list[bytes | None]:
        """What `judge` says of each of these versions in sequence.

        Where the one before the first is known, what is new in any of them is asked about at once: a search in a few
        lines takes as long to begin as to make. Only where that may hold something are they looked at one by one.
        """
        before = self._data
        if len(versions) > 1 and self._rules and self._compares(path) and self._all_hold_nothing(versions, path):
            return [before, *versions[:-1]]
        return [self.judge(data, path) for data in versions]

    def _compares(self, path: str) -> bool:
        """Whether the lines of the versions before are known, and not too many of them."""
        return path == self._path and len(self._lines) < _MOST_LINES

    def _all_hold_nothing(self, versions: Sequence[bytes], path: str) -> bool:
        """Whether nothing new is in any of them; if so, the last one is what the next is compared with."""
        lines, news, kinds = set(self._lines), list[bytes](), set[bool]()
        for data in versions:
            text = _plain(data)
            if text is None:
                return False
            rebuilds = may_rebuild(text, path)
            if rebuilds and not keeps_order(text, path):
                return False
            kinds.add(rebuilds)
            added = [line for line in data.split(b"\n") if line not in lines]
            news += added
            lines.update(added)
        # it does not begin as a bundle or a baseline, whose lines hold no assignments
        new = b"\n" + b"\n".join(news)
        if len(kinds) > 1 or may_hold_shapes(new, path) or may_hold_assignments(new, path):
            return False
        traces = None
        if kinds == {True}:
            traces = prefilter().traces(new) | self._traces if self._traces is not None else None
            if traces is None or prefilter().promises(traces):
                return False
        elif prefilter().candidates(new):
            return False
        self._data, self._lines, self._traces = versions[-1], lines, traces
        return True

    def _judge(self, data: bytes, text: str, path: str) -> tuple[bool, bool]:
        """Whether nothing new is in the text, and whether the next version may be judged by what it changes in it."""
        lines = data.split(b"\n")
        if self._compares(path):
            new = b"\n".join(line for line in lines if line not in self._lines)
            self._lines.update(lines)
        else:
            new, self._lines = data, set(lines)
        rebuilds = may_rebuild(text, path)
        nothing = not (may_hold_shapes(new, path) or may_hold_assignments(new, path)) and (
            self._promises_nothing(data, new, text, path) if rebuilds else self._holds_nothing(new)
        )
        return nothing, nothing or not (rebuilds or _holds_key(data) or may_hold_shapes(data, path))

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


def _plain(data: bytes) -> str | None:
    """The text, if these bytes are what every stage would look at, as they are."""
    if b"\0" in data or b"\r" in data or _COMMENT in data or data.startswith(_MARKS):
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def hold_nothing(texts: Sequence[bytes], path: str) -> bool:
    """Whether nothing can be found in any of these files of one kind of name. False says nothing.

    Args:
        texts: short ones, which are asked together.
        path: decides on the kind.
    """
    plain = [_plain(data) for data in texts]
    rebuilt: list[bytes] = []
    others: list[bytes] = []
    for data, text in zip(texts, plain, strict=True):
        if text is None:
            return False
        if not may_rebuild(text, path):
            others.append(data)
        elif keeps_order(text, path):
            rebuilt.append(data)
        else:
            return False
    return not (
        may_hold_shapes(b"\n".join(texts), path)
        or may_hold_assignments(b"\n".join(texts), path)
        or prefilter().candidates(b"\n".join(others))
        or prefilter().worthwhile(b"\n".join(rebuilt))
    )


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
