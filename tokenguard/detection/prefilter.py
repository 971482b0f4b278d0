"""Which of detect-secrets' plugins could find anything in these bytes: never too few, and far from all.

Two questions, both answered without importing detect-secrets. `worthwhile` looks at a whole file through the cores,
which hold for the raw lines as well as for whatever detect-secrets rebuilds from YAML and INI. `plugins` looks at one
line through the supersets.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from itertools import accumulate
from pathlib import Path

from tokenguard.detection.regex_set import RUN, Regex, regex, regex_set

BASE64, HEX = "Base64HighEntropyString", "HexHighEntropyString"
# Entropy above a limit needs more than 2**limit distinct characters: 4.5 bits need 23, 3.0 bits need 9.
_BASE64_DISTINCT, _HEX_DISTINCT = 23, 9
_IN_BASE64 = rf"[A-Za-z0-9+/\x5c\x2d_=]{{{_BASE64_DISTINCT},}}"
_IN_HEX = rf"[0-9a-fA-F]{{{_HEX_DISTINCT},}}"
_QUOTED = tuple((name, rf"(?:'{run}'|\x22{run}\x22)") for name, run in ((BASE64, _IN_BASE64), (HEX, _IN_HEX)))
_ASCII = frozenset(range(128))
_TABLE = Path(__file__).with_name("rule_patterns.json")


class Prefilter:
    """The tables, compiled once per process."""

    def __init__(self) -> None:
        rules = json.loads(_TABLE.read_bytes())["rules"]
        self._owners = [*(rule["plugin"] for rule in rules), *(name for name, _ in _QUOTED)]
        supersets = [*(rule["superset"] for rule in rules), *(quoted for _, quoted in _QUOTED)]
        self._lines = regex_set(supersets)
        self._supersets = supersets
        every_core = sorted({core for rule in rules for core in rule["cores"]})
        self._needs = {(frozenset(every_core.index(core) for core in rule["cores"]), rule["run"]) for rule in rules}
        self._cores = regex_set(every_core)
        # A rebuilt line writes each quote as \", which may add one distinct character to a run.
        self._runs = regex(f"{RUN}{{{_BASE64_DISTINCT - 1},}}")
        self._hex_runs = regex(f"[0-9a-fA-F]{{{_HEX_DISTINCT},}}")

    def worthwhile(self, data: bytes) -> bool:
        """Whether any plugin could find anything in a file of these (UTF-8) bytes."""
        longest = _BASE64_DISTINCT - 2  # shorter runs are not looked at: they may all be there
        for match in self._runs.finditer(data):
            run = match.group()
            longest = max(longest, len(run))
            if len(set(run)) >= _BASE64_DISTINCT - 1 and len(set(run) & _ASCII) >= _BASE64_DISTINCT - 1:
                return True
        found = frozenset(self._cores.matches(data))
        if any(cores <= found and run <= longest for cores, run in self._needs):
            return True
        return any(len(set(match.group())) >= _HEX_DISTINCT for match in self._hex_runs.finditer(data))

    @cached_property
    def _any(self) -> Regex:
        return regex("|".join(f"(?:{each})" for each in dict.fromkeys(self._supersets)))

    def candidates(self, lines: Sequence[str]) -> Iterator[tuple[int, set[str]]]:
        """The positions of those lines in which a plugin could find anything, in order, and which plugins.

        Args:
            lines: without line feeds and trailing white space.
        """
        encoded = [line.encode("utf-8", "surrogatepass") for line in lines]
        data = b"\n".join(encoded)
        starts = list(accumulate((len(line) + 1 for line in encoded), initial=0))
        search = self._any.search
        index = 0
        while index < len(encoded) and (found := search(data, starts[index])):
            index = bisect_right(starts, found.start(), index) - 1
            # A match may run over a line's end; what begins on a later line is found when its turn comes.
            if plugins := self.plugins(encoded[index]):
                yield index, plugins
            index += 1

    def plugins(self, line: bytes) -> set[str]:
        """The plugins that could find anything in this line, which holds no line feed and no trailing white space."""
        return {self._owners[number] for number in self._lines.matches(line)}


@cache
def prefilter() -> Prefilter:
    """The process's only one."""
    return Prefilter()
