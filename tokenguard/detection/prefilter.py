"""Which of detect-secrets' plugins could find anything in these bytes: never too few, and far from all.

Two questions, both answered without importing detect-secrets. `worthwhile` looks at a whole file through the cores,
which hold for the raw lines as well as for whatever detect-secrets rebuilds from YAML and INI. `plugins` looks at one
line through the supersets.
"""

import json
from functools import cache
from pathlib import Path

from tokenguard.detection.regex_set import RUN, regex, regex_set

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
        self._lines = regex_set([*(rule["superset"] for rule in rules), *(regex for _, regex in _QUOTED)])
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

    def plugins(self, line: bytes) -> set[str]:
        """The plugins that could find anything in this line, which holds no line feed and no trailing white space."""
        return {self._owners[number] for number in self._lines.matches(line)}


@cache
def prefilter() -> Prefilter:
    """The process's only one."""
    return Prefilter()
