"""What many texts are asked at once: a text that is no suspect holds nothing when it is asked by itself."""

import random
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.possible_findings import may_hold_assignments, may_hold_shapes
from tests.property.test_scan_history import CALM, next_version
from tests.property.test_scan_rules import mutated
from tests.property.test_token_matcher import almost_tokens
from tests.unit.test_detection_rules import secret_lines
from tokenguard.detection.extras import scan_extras
from tokenguard.detection.match import Possible
from tokenguard.detection.prefilter import prefilter
from tokenguard.detection.rebuilt import may_rebuild
from tokenguard.detection.suspects import Suspects, suspects
from tokenguard.detection.version_diff import plain_text

ROOT = Path(__file__).parents[2]
PATH = "a.txt"


def check(texts: list[bytes]) -> Suspects:
    """Ask about all of them, and about each that is no suspect by itself, as a scan does."""
    plain = [each for each in texts if plain_text(each) is not None]
    rebuilt = [may_rebuild(each.decode(), PATH) for each in plain]
    found = suspects(plain, rebuilt)
    for number, data in enumerate(plain):
        possible = found.possible(number)
        if Possible.SHAPES not in possible:
            assert not may_hold_shapes(data, PATH), data
            assert list(scan_extras(data.decode(), PATH)) == [], data
        if Possible.ASSIGNMENTS not in possible:
            assert not may_hold_assignments(data, PATH), data
        if Possible.RULES in possible:
            continue
        if rebuilt[number]:
            traces = prefilter().traces(data)
            assert not traces.cores, data
            assert not traces.varied, data
        else:
            assert not prefilter().candidates(data), data
    return found


@settings(deadline=None)
@given(st.lists(st.lists(st.one_of(almost_tokens(), st.sampled_from(CALM)), max_size=3), min_size=1, max_size=8))
def test_no_text_with_almost_a_token_is_passed_over(texts: list[list[str]]) -> None:
    check(["\n".join(parts).encode("utf-8", "replace") for parts in texts])


def test_no_text_with_a_line_for_a_rule_is_passed_over() -> None:
    source = random.Random(7)
    passed = total = 0
    for _ in range(60):
        texts = []
        for _ in range(12):
            lines = next_version(source.choices(CALM, k=source.randint(0, 4)), source)
            if source.random() < 0.3:
                lines.append(mutated(source.choice(secret_lines(source)), source))
            texts.append("\n".join(lines).encode("utf-8", "surrogatepass"))
        found = check(texts)
        passed += sum(not found.possible(number) for number in range(len(texts)))
        total += len(texts)
    assert passed > total // 5


def test_no_source_of_ours_or_of_python_is_passed_over() -> None:
    """Most of ours are about tokens, so that many are suspects; the library has ordinary code."""
    ours = [*ROOT.glob("tokenguard/**/*.py"), *ROOT.glob("tests/unit/*.py"), *ROOT.glob("docs/*.md")]
    library = Path(sysconfig.get_path("stdlib")).glob("*.py")
    contents = [each.read_bytes() for each in (*sorted(ours)[::6], *sorted(library))]
    found = check(contents)
    assert sum(not found.possible(number) for number in range(len(contents))) > len(contents) // 3


def test_a_match_at_the_seam_of_two_texts_makes_suspects_of_both() -> None:
    name = b"password = 'x1y2z3q9'"
    for texts in (
        [name, b"", name],
        [b"", name],
        [name, b"x = 1", b"", name],
        [b"x\\", name],
        [b"token", b"= 'abcd1234'"],
    ):
        assert suspects(texts, [False] * len(texts)).assignments >= {
            number for number, data in enumerate(texts) if may_hold_assignments(data, PATH)
        }


@pytest.mark.parametrize("rebuilt", [False, True])
def test_a_seen_trace_is_enough_for_a_file_that_may_be_rebuilt(rebuilt: bool) -> None:
    texts = [b"a: 1", b"key:\n  password", b"run: 0123456789abcdef"]
    assert suspects(texts, [rebuilt] * 3).rules == ({1, 2} if rebuilt else set())
