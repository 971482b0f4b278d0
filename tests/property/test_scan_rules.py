"""Stage B equals detect-secrets on lines mutated with Unicode; each part of the prefilter is a superset of its rule."""

import random
import re
from pathlib import Path

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.rules_oracle import oracle, ours
from tests.unit.test_detection_rules import secret_lines
from tokenguard.detection.pins import places_of
from tokenguard.detection.regex_set import regex
from tokenguard.detection.superset import needs, superset

ODD = ["\u017f", "\u212a", "\u0130", "\u0131", "\xa0", "\x0c", "\x1c", "\x85", "\u2028", "\x0b", "\u3000", "\u0660", "é", "\\", "'", '"', "`",
       " ", "=", ":", "[", "]", "{", "$", "_", "-", "\t", "s", "k", "K", "S", "#", ";", "%"]  # fmt: skip
SUFFIXES = (".py", ".go", ".c", ".cpp", ".cfg", ".yaml")


def mutated(line: str, source: random.Random) -> str:
    chars = list(line)
    for _ in range(source.randint(0, 4)):
        at = source.randrange(len(chars))
        kind = source.random()
        if kind < 0.45:
            chars[at] = source.choice(ODD)
        elif kind < 0.8:
            chars.insert(at, source.choice(ODD))
        else:
            del chars[at : at + source.randint(1, 3)]
        chars = chars or ["x"]
    return "".join(chars)


def campaign(directory: Path, count: int, seed: int) -> None:
    source = random.Random(seed)
    for suffix in SUFFIXES:
        seeds = [line for _ in range(5) for line in secret_lines(source)]
        (directory / f"a{suffix}").write_text(
            "zz\n" + "\n".join(mutated(source.choice(seeds), source) for _ in range(count)), newline=""
        )
    expected = oracle(sorted(directory.iterdir()))
    assert sum(map(len, expected.values())) > count
    for path, found in expected.items():
        assert ours(path) == found, path.suffix


def test_mutated_lines_give_what_detect_secrets_gives(tmp_path: Path) -> None:
    campaign(tmp_path, 2500, 11)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_hundred_thousand_mutated_lines_give_what_detect_secrets_gives(tmp_path: Path, seed: int) -> None:
    campaign(tmp_path, 2200, seed)


PATTERNS = [
    (name, pattern)
    for name, plugin in get_mapping_from_secret_type_to_class().items()
    if issubclass(plugin, RegexBasedDetector) and name != "Public IP (ipv4)"
    for pattern in plugin.denylist
]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_a_rule_matches_its_superset_and_its_needs_match_too(data: st.DataObject) -> None:
    _, pattern = data.draw(st.sampled_from(PATTERNS))
    line = data.draw(st.from_regex(pattern)).replace("\n", "")
    if not pattern.search(line):
        return
    raw = line.encode("utf-8", "surrogatepass")
    assert regex(superset(pattern.pattern, pattern.flags)).search(raw)
    wanted = needs(pattern.pattern, pattern.flags)
    for core in wanted.cores:
        assert regex(core).search(raw)
    assert re.search(rb"[A-Za-z0-9+/\\\-_=\x80-\xff]{%d}" % wanted.run, raw)


@given(st.text("ab.+\\", min_size=1, max_size=3), st.text("ab.+\\", max_size=30))
def test_a_pinned_value_is_looked_for_wherever_it_stands(value: str, line: str) -> None:
    assert list(places_of(value, line)) == [found.start() for found in re.finditer(re.escape(value), line)]
    assert list(places_of("", line)) == []
