"""How many bits of a value are random: those for which no shorter description is known.

A value is described character by character by a mixture of experts: alphabets, words, repetition, sequences, dates. The
mixture is a probability distribution, so a description n bits shorter than the value exists for at most one of 2**n
random values. Only descriptions that are shorter by a number of bits count.
"""

import re
from functools import cache
from itertools import pairwise
from math import inf, log2
from string import ascii_lowercase, ascii_uppercase, digits

from tokenguard.detection import word_model

CERTAIN = 10
"""Bits: of 1,024 random values at most one has a description that is so much shorter; of 100,000 made none had one."""
CERTAIN_OF_SHAPE = 20
"""The same for the random part of a declared shape, before which no prefix stands: one of a million."""
_BLOCK = 128
"""Characters that are described together; a longer value is as random as its most random block."""
_ALPHABETS = (
    digits,
    digits + "abcdef",
    digits + "ABCDEF",
    digits + ascii_lowercase,
    digits + ascii_uppercase,
    digits + ascii_lowercase + ascii_uppercase,
)
"""Of random text, the smallest first. None has only letters: random text may happen to have no digit."""
_PAIRS = ("-_", "+/")
"""Symbols of which an alphabet has both or none."""
_MARK = re.compile(r"[^A-Za-z0-9]")
"""Ends a prefix, behind which a value may be random."""
_ROWS = (digits, ascii_lowercase, "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop")
_DATE = ("12", "09", digits, digits, "01", digits, "0123", digits, "012", digits, "012345", digits, "012345", digits)
"""The digits that each place of a date with its time may have."""
_AFTER = {(5, "1"): "012", (7, "3"): "01", (9, "2"): "0123"}
"""The same for a place behind a certain digit."""
_DATE_MARKS = "-_/:.T"
_SWITCH, _SWITCH_AT_MARK = 1 / 12, 1 / 3
"""How often another expert takes over, and how often behind a symbol."""
_SURE = 0.9
"""How sure an expert is of what it expects."""
_STEPS = (1, 2)
"""How far apart the members of a sequence stand: `abc`, `1a2b3c`."""
_CONTEXT = 2
"""So many characters that stood there before are expected to be followed by the same again."""


def random_bits(value: str, alphabet: float = 0, *, certain: int = CERTAIN, enough: float = inf) -> float:
    """The bits of a value that have to be guessed: those of its alphabet and length, or else of its random part.

    Args:
        value: the value, or the random part of one of a declared shape.
        alphabet: how many characters each place may have, on average; 0 for what its own characters tell.
        certain: how many bits shorter a description has to be to count.
        enough: so many bits end the search for a more random block.
    """
    best = 0.0
    for start in range(0, len(value), _BLOCK):
        best = max(best, _bits(value[start : start + _BLOCK], alphabet, certain))
        if best >= enough:
            break
    return best


def _bits(block: str, size: float, certain: int) -> float:
    alphabet = _alphabet_of(block)
    given = len(block) * log2(size or len(alphabet))
    length, random = _described(block, alphabet)
    if given - length < certain:
        return given
    tail = _MARK.split(block, maxsplit=1)[1:]
    return max([random, *(_bits(each, size, certain) for each in tail)])


def _alphabet_of(text: str) -> str:
    """The smallest alphabet of random text that has all its characters."""
    used = set(text)
    plain = {each for each in used if each.isalnum()}
    found = next((each for each in _ALPHABETS if plain <= set(each)), _ALPHABETS[-1])
    pairs = "".join(pair for pair in _PAIRS if used & set(pair))
    return "".join(dict.fromkeys([*found, *pairs, *sorted(used - plain)]))


def _described(block: str, alphabet: str) -> tuple[float, float]:
    """The bits of the whole description, and those of them that name characters of random text."""
    alphabets = [alphabet, *(each for each in _ALPHABETS if len(each) < len(alphabet))]
    sizes = [log2(len(alphabet)), 0.0, *(log2(len(each)) for each in alphabets[1:])]
    experts = [
        _any_of(alphabet, block),
        word_model.character_probabilities(block),
        *(_any_of(each, block) for each in alphabets[1:]),
    ]
    experts += [_repetition(block, alphabet), _dates(block)]
    experts += [_sequences(block, alphabet, step) for step in _STEPS]
    others = len(experts) - 2
    prior = [0.45, 0.45, *[0.1 / others] * others]
    weights, length, random = prior, 0.0, 0.0
    for here, *likely in zip(block, *experts, strict=True):
        joint = [weight * each for weight, each in zip(weights, likely, strict=True)]
        total = sum(joint)
        length -= log2(total)
        shares = [each / total for each in joint]
        random += sum(share * size for share, size in zip(shares, sizes, strict=False))
        switch = _SWITCH if here.isalnum() else _SWITCH_AT_MARK
        weights = [(1 - switch) * share + switch * first for share, first in zip(shares, prior, strict=True)]
    return length, random


def _any_of(alphabet: str, block: str) -> list[float]:
    members, chance = set(alphabet), 1 / len(alphabet)
    return [chance if each in members else 0.0 for each in block]


def _repetition(block: str, alphabet: str) -> list[float]:
    """What stood behind the same characters before."""
    expected = list[str]()
    following = dict[str, str]()
    for place, here in enumerate(block):
        before = block[max(place - _CONTEXT, 0) : place]
        expected.append(following.get(before, ""))
        following[before] = here
    return [_expected(here, wanted, alphabet) for here, wanted in zip(block, expected, strict=True)]


def _sequences(block: str, alphabet: str, step: int) -> list[float]:
    """The letter, digit or key beside the one that stood `step` places before."""
    neighbours, before = _neighbours(), " " * step + block
    return [_expected(here, neighbours.get(before[place], ""), alphabet) for place, here in enumerate(block)]


def _dates(block: str) -> list[float]:
    """Digits of dates and times, with marks between them."""
    found, place, before = list[float](), 0, ""
    for here in block:
        wanted = _AFTER.get((place, before), _DATE[place])
        if here in wanted:
            found.append(_SURE / len(wanted))
            place, before = (place + 1) % len(_DATE), here
        elif here in _DATE_MARKS:
            found.append((1 - _SURE) / len(_DATE_MARKS))
        else:
            found.append(0.0)
            place = 0
    return found


def _expected(here: str, wanted: str, alphabet: str) -> float:
    rest = (1 - _SURE) / len(alphabet)
    return _SURE / len(wanted) + rest if wanted and here in wanted else rest


@cache
def _neighbours() -> dict[str, str]:
    found = dict[str, str]()
    for row in _ROWS:
        for left, right in pairwise(row + row[0] if row.isdigit() else row):
            found[left] = found.get(left, "") + right
            found[right] = found.get(right, "") + left
    lower = {each: "".join(dict.fromkeys(others)) for each, others in found.items()}
    return lower | {each.upper(): others.upper() for each, others in lower.items()}
