"""Which of detect-secrets' plugins could find anything in these bytes: never too few, and far from all.

Two questions, both answered without importing detect-secrets. `worthwhile` looks at a whole file through the cores,
which hold for the raw lines and for the lines that detect-secrets rebuilds from YAML and INI. `candidates` checks
lines with the supersets.
"""

from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

import msgspec

from tokenguard.detection.regex_set import RUN, Regex, RegexSet, regex, regex_set
from tokenguard.frozen import Frozen

BASE64, HEX = "Base64HighEntropyString", "HexHighEntropyString"
# Entropy above a limit needs more than 2**limit distinct characters: 4.5 bits need 23, 3.0 bits need 9.
_BASE64_DISTINCT, _HEX_DISTINCT = 23, 9
_IN_BASE64 = rf"[A-Za-z0-9+/\x5c\x2d_=]{{{_BASE64_DISTINCT},}}"
_IN_HEX = rf"[0-9a-fA-F]{{{_HEX_DISTINCT},}}"
_QUOTED = tuple(
    (name, rf"(?:'{run}'|\x22{run}\x22)", distinct)
    for name, run, distinct in ((BASE64, _IN_BASE64, _BASE64_DISTINCT), (HEX, _IN_HEX, _HEX_DISTINCT))
)
# A rebuilt line writes each quote as \", which may add one distinct character to a run.
_RUNS, _HEX_RUNS = f"{RUN}{{{_BASE64_DISTINCT - 1},}}", f"[0-9a-fA-F]{{{_HEX_DISTINCT},}}"
_SHORT = 2048
"""Bytes: one set of everything is asked once. On more it would meet so many states that several sets are faster."""
_ASCII = frozenset(range(128))
_TABLE = Path(__file__).with_name("rule_patterns.json")
# Asked by themselves: one automaton for all would have a state for each way in which their long runs overlap.
_APART = ("KeywordDetector",), ("MailchimpDetector", "DiscordBotTokenDetector", "BasicAuthDetector")

_Run = tuple[str, int]
"""An expression, and how many different characters its match has at least."""
Candidates = dict[int, set[str]]
"""By where a line starts: the plugins that could find anything in it."""


class Traces(Frozen, frozen=True):
    """What was seen of what a plugin cannot do without, also where lines are rebuilt."""

    cores: frozenset[int] = frozenset()
    longest: int = 0
    """The longest run of characters of which tokens are made."""
    varied: bool = False
    """Whether there is a run of as many different characters as entropy asks for."""

    def __or__(self, other: "Traces") -> "Traces":
        return Traces(self.cores | other.cores, max(self.longest, other.longest), self.varied or other.varied)


class _Group(Frozen, frozen=True):
    """Expressions that are asked together."""

    which: RegexSet
    members: tuple["_Pattern", ...]


class _Pattern:
    """One superset, compiled alone when a place is wanted."""

    def __init__(self, owner: str, expression: str) -> None:
        self.owner = owner
        self.expression = expression
        self._regex: Regex | None = None

    def search(self, data: bytes, position: int) -> int:
        """Where its next match begins; -1 if there is none."""
        self._regex = self._regex or regex(self.expression)
        found = self._regex.search(data, position)
        return found.start() if found else -1


class Prefilter:
    """The tables, compiled once per process."""

    def __init__(self) -> None:
        rules = msgspec.json.decode(_TABLE.read_bytes())["rules"]
        self._patterns = [_Pattern(rule["plugin"], rule["superset"]) for rule in rules]
        self._every_core = sorted({core for rule in rules for core in rule["cores"]})
        self._needs = {
            (frozenset(self._every_core.index(core) for core in rule["cores"]), rule["run"]) for rule in rules
        }

    @cached_property
    def _groups(self) -> list[_Group]:
        apart = {name for names in _APART for name in names}
        others = {pattern.owner for pattern in self._patterns} - apart
        members = [tuple(each for each in self._patterns if each.owner in names) for names in (*_APART, others)]
        return [_Group(regex_set([each.expression for each in group]), group) for group in members]

    @cached_property
    def _quotes(self) -> RegexSet:
        return regex_set([expression for _, expression, _ in _QUOTED])

    @cached_property
    def _quoted(self) -> tuple[Regex, ...]:
        return tuple(regex(expression) for _, expression, _ in _QUOTED)

    @cached_property
    def _anything(self) -> RegexSet:
        return regex_set([*(each.expression for each in self._patterns), *(expression for _, expression, _ in _QUOTED)])

    @cached_property
    def _any_trace(self) -> RegexSet:
        return regex_set([*self._every_core, _RUNS, _HEX_RUNS])

    @cached_property
    def _cores(self) -> RegexSet:
        return regex_set(self._every_core)

    @cached_property
    def _runs(self) -> Regex:
        return regex(_RUNS)

    @cached_property
    def _hex_runs(self) -> Regex:
        return regex(_HEX_RUNS)

    def in_lines(self) -> tuple[list[list[str]], list[_Run]]:
        """What is in each line that `candidates` tells: a match of an expression of these groups, or a quoted run."""
        groups = [[each.expression for each in group.members] for group in self._groups]
        return groups, [(expression, distinct) for _, expression, distinct in _QUOTED]

    def in_traces(self) -> tuple[list[str], list[_Run]]:
        """What is in all bytes whose traces promise something: a match of one of the cores, or a run."""
        return self._every_core, [(_RUNS, _BASE64_DISTINCT - 1), (_HEX_RUNS, _HEX_DISTINCT)]

    def worthwhile(self, data: bytes) -> bool:
        """Whether any plugin could find anything in a file of these (UTF-8) bytes."""
        return self.promises(self.traces(data))

    def traces(self, data: bytes) -> Traces:
        """What there is in these bytes of what a file must hold."""
        if len(data) < _SHORT and not self._any_trace.matches(data):
            return Traces()
        longest, varied = 0, False
        for match in self._runs.finditer(data):
            run = match.group()
            longest = max(longest, len(run))
            varied = varied or len(set(run) & _ASCII) >= _BASE64_DISTINCT - 1
        varied = varied or any(len(set(match.group())) >= _HEX_DISTINCT for match in self._hex_runs.finditer(data))
        return Traces(frozenset(self._cores.matches(data)), longest, varied)

    def promises(self, traces: Traces) -> bool:
        """Whether a plugin could find anything in a file with these traces."""
        longest = max(traces.longest, _BASE64_DISTINCT - 2)  # shorter runs are not looked at: they may all be there
        return traces.varied or any(cores <= traces.cores and longest >= run for cores, run in self._needs)

    def candidates(self, data: bytes) -> Candidates:
        """The lines of `data`, separated by line feeds, in which a plugin could find anything, and which plugins."""
        found: Candidates = {}
        if len(data) < _SHORT and not self._anything.matches(data):
            return found
        for group in self._groups:
            for number in group.which.matches(data):
                pattern = group.members[number]
                for start in _lines(data, pattern):
                    found.setdefault(start, set()).add(pattern.owner)
        for number in self._quotes.matches(data):
            name, _, distinct = _QUOTED[number]
            for start in _varied(data, self._quoted[number], distinct):
                found.setdefault(start, set()).add(name)
        return found


def _lines(data: bytes, pattern: _Pattern) -> Iterator[int]:
    """The start of each line in which it matches. A match that ran on would hide nothing but its own line."""
    position = 0
    while (hit := pattern.search(data, position)) >= 0:
        yield data.rfind(b"\n", 0, hit) + 1
        end = data.find(b"\n", hit)
        if end < 0:
            return
        position = end + 1


def _varied(data: bytes, quoted: Regex, distinct: int) -> Iterator[int]:
    """The start of each line with a quoted run of so many different characters; one quote may end and begin."""
    position = 0
    while found := quoted.search(data, position):
        start, end = found.span()
        if len(set(data[start + 1 : end - 1])) >= distinct:
            yield data.rfind(b"\n", 0, start) + 1
        position = end - 1


@cache
def prefilter() -> Prefilter:
    """The process's only one."""
    return Prefilter()
