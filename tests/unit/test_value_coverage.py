"""Which values are in a bundle: every random one with 112 bits, and none that can be guessed."""

import random
import re
from pathlib import Path

import pytest

from tests.fakes.random_values import DECLARED, UNDECLARED
from tokenguard.detection import word_model
from tokenguard.detection.randomness import random_bits
from tokenguard.detection.value_coverage import MIN_BITS, covered, why_not_covered

_OF_A_KIND = 60
GUESSABLE = [
    "", "short1A", "a" * 64, "0" * 64, "x" * 36, "password-password-password-password", "changeme-changeme-changeme-12",
    "correct-horse-battery-staple-of-2024", "1234567890" * 5, "ThisIsAVeryLongNameOfAThingThatIsNotRandom1",
    "abcdefghijklmnopqrstuvwxyz0123456789", "zyxwvutsrqponmlkjihgfedcba", "0123456789abcdef" * 2, "deadbeef" * 8,
    "a1" * 20, "abcd1234" * 4, "qwertyuiopasdfghjklzxcvbnm123456", "1q2w3e4r5t6y7u8i9o0p1q2w3e4r5t",
    "1a2b3c4d5e6f7g8h9i0j1k2l3m4n", "20240131-20240229-20240331-20240430", "2024-01-31T12:00:00Z/2024-02-31T13:00:00Z",
    "11111111-1111-1111-1111-111111111111", "00000000-0000-0000-0000-000000000001", "summer2024winter2025spring2026",
    "this.is.a.dotted.path.to.some.module.Class", "/usr/local/lib/python3.11/site-packages/foo",
    "SUPER_SECRET_ENVIRONMENT_VARIABLE_NAME", "Passw0rd123Passw0rd456Passw0rd", "AAAAAAAAAABBBBBBBBBBCCCCCCCCCC",
    "ghp_" + "x" * 36, "glpat-" + "exampleexampleexample"[:20], "sk-social-" + "0123456789" * 4, "npm_" + "abc123" * 6,
    "tgcanary with spaces 123456789012", "é" * 40, "servicename-" + f"{0xdeadbeefcafe0123:x}",
]  # fmt: skip


@pytest.mark.parametrize("value", GUESSABLE)
def test_a_value_that_can_be_guessed_is_not_covered(value: str) -> None:
    assert why_not_covered(value)


@pytest.mark.parametrize("kind", UNDECLARED)
def test_a_random_value_of_112_bits_is_covered(kind: str) -> None:
    source = random.Random(kind)
    assert [
        why_not_covered(value)
        for value in (UNDECLARED[kind](source) for _ in range(_OF_A_KIND))
        if why_not_covered(value)
    ] == []


def test_a_random_value_of_each_vendor_whose_shape_has_112_bits_is_covered() -> None:
    source = random.Random(9)
    assert [kind for kind, make in DECLARED.items() if not all(covered(make(source)) for _ in range(3))] == []
    assert len(DECLARED) > 150


def test_the_declared_shape_decides_and_not_the_literals_around_it() -> None:
    value = "".join(random.Random(4).choices("0123456789abcdef", k=20))
    assert not covered(f"sk-or-v1-{value}")
    assert random_bits(value) == pytest.approx(80)


def test_a_long_value_is_as_random_as_its_most_random_part() -> None:
    tail = "".join(random.Random(5).choices("0123456789abcdef", k=64))
    assert not covered("header" * 60)
    assert covered("header" * 60 + tail)


def test_no_more_values_are_called_guessable_than_the_description_allows() -> None:
    """The experts' distributions add up to 1 at most, so that a short description is as rare as it is short."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+/=~"
    for before in ("", "a", "th", "The", "x_", "Q9", "pass"):
        assert sum(word_model.character_probabilities(before + each)[-1] for each in letters) <= 1


def test_few_names_in_source_code_count_as_random() -> None:
    words = {
        word
        for path in sorted(Path(random.__file__).parent.glob("*.py"))[:80]
        for word in re.findall(r"\b[A-Za-z_][A-Za-z_.]{22,80}\b", path.read_text("utf-8"))
    }
    taken = [word for word in sorted(words) if covered(word)]
    assert len(taken) < len(words) / 25
    assert MIN_BITS == 112
