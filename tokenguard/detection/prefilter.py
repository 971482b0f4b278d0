"""Which of detect-secrets' plugins could find anything in these bytes: never too few, and far from all.

Two questions, both answered without importing detect-secrets. `worthwhile` looks at a whole file through the cores,
which hold for the raw lines and for the lines that detect-secrets rebuilds from YAML and INI. `candidates` checks
lines with the supersets.
"""

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path

import msgspec

from tokenguard.detection.regex_set import RUN, Regex, RegexSet, any_of, regex, regex_set
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
_ASCII = frozenset(range(128))
_TABLE = Path(__file__).with_name("rule_patterns.json")
# Asked by themselves: one automaton for all would have a state for each way in which their long runs overlap.
_APART = ("KeywordDetector",), ("MailchimpDetector", "DiscordBotTokenDetector", "BasicAuthDetector")

Question = tuple[Regex, int]
"""An expression, and how many different bytes a match that counts has at least."""
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


class _Group:
    """Supersets that are asked together: first where any of them matches, and then on that line which ones."""

    def __init__(self, owners: Sequence[str], expressions: Sequence[str]) -> None:
        self.any = regex(any_of(expressions))
        self._owners = owners
        self._which = regex_set(expressions)

    def candidates(self, data: bytes) -> Iterator[tuple[int, set[str]]]:
        """The start of each line in which any matches, and whose they are."""
        for start, end in _lines(data, self.any):
            yield start, {self._owners[number] for number in self._which.matches(data[start:end])}


class Prefilter:
    """The tables, compiled once per process."""

    def __init__(self) -> None:
        rules = msgspec.json.decode(_TABLE.read_bytes())["rules"]
        self._supersets = [(rule["plugin"], rule["superset"]) for rule in rules]
        self._every_core = sorted({core for rule in rules for core in rule["cores"]})
        self._needs = {
            (frozenset(self._every_core.index(core) for core in rule["cores"]), rule["run"]) for rule in rules
        }

    @cached_property
    def _groups(self) -> list[_Group]:
        apart = {name for names in _APART for name in names}
        others = {owner for owner, _ in self._supersets} - apart
        members = [[each for each in self._supersets if each[0] in names] for names in (*_APART, others)]
        return [_Group(*zip(*group, strict=True)) for group in members]

    @cached_property
    def _quoted(self) -> list[tuple[str, Regex, int]]:
        return [(name, regex(expression), distinct) for name, expression, distinct in _QUOTED]

    @cached_property
    def _any_core(self) -> Regex:
        return regex(any_of(self._every_core))

    @cached_property
    def _cores(self) -> RegexSet:
        return regex_set(self._every_core)

    @cached_property
    def _runs(self) -> Regex:
        return regex(_RUNS)

    @cached_property
    def _hex_runs(self) -> Regex:
        return regex(_HEX_RUNS)

    def in_lines(self) -> list[Question]:
        """Of these one is answered in each line that `candidates` tells."""
        quoted = [(expression, distinct + 1) for _, expression, distinct in self._quoted]  # with its quotes
        return [*((group.any, 0) for group in self._groups), *quoted]

    def in_traces(self) -> list[Question]:
        """Of these one is answered in all bytes whose traces promise something."""
        return [(self._any_core, 0), (self._runs, _BASE64_DISTINCT - 1), (self._hex_runs, _HEX_DISTINCT)]

    def worthwhile(self, data: bytes) -> bool:
        """Whether any plugin could find anything in a file of these (UTF-8) bytes."""
        return self.promises(self.traces(data))

    def traces(self, data: bytes) -> Traces:
        """What there is in these bytes of what a file must hold."""
        longest, varied = 0, False
        for match in self._runs.finditer(data):
            run = match.group()
            longest = max(longest, len(run))
            varied = varied or len(set(run) & _ASCII) >= _BASE64_DISTINCT - 1
        varied = varied or any(len(set(match.group())) >= _HEX_DISTINCT for match in self._hex_runs.finditer(data))
        cores = self._cores.matches(data) if self._any_core.search(data) else ()
        return Traces(frozenset(cores), longest, varied)

    def promises(self, traces: Traces) -> bool:
        """Whether a plugin could find anything in a file with these traces."""
        longest = max(traces.longest, _BASE64_DISTINCT - 2)  # shorter runs are not looked at: they may all be there
        return traces.varied or any(cores <= traces.cores and longest >= run for cores, run in self._needs)

    def candidates(self, data: bytes) -> Candidates:
        """The lines of `data`, separated by line feeds, in which a plugin could find anything, and which plugins."""
        found: Candidates = {}
        for group in self._groups:
            for start, owners in group.candidates(data):
                found.setdefault(start, set()).update(owners)
        for name, expression, distinct in self._quoted:
            for start in _varied(data, expression, distinct):
                found.setdefault(start, set()).add(name)
        return found


def _lines(data: bytes, expression: Regex) -> Iterator[tuple[int, int]]:
    """Where each line begins and ends in which it matches. A match that ran on would hide nothing but its own line."""
    position = 0
    while found := expression.search(data, position):
        end = data.find(b"\n", found.start())
        end = end if end >= 0 else len(data)
        yield data.rfind(b"\n", 0, found.start()) + 1, end
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
