"""How letters follow each other in words and names: the probability of each, given the two before it."""

from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from math import log2
from pathlib import Path

_TABLE = Path(__file__).with_name("letters_in_words.txt")
"""Made by `bench/word_table.py`."""
_OTHER = 26
"""What stands before a word, behind it, and between two: everything that is not a letter."""
_CLASSES = _OTHER + 1
_MARKS = {"_": 0.3, ".": 0.2, "-": 0.15, "/": 0.1, ":": 0.05}
_ANY_MARK = 0.01
"""The share of each character that is not a letter; digits are more often explained by another expert."""
_ZERO, _STEPS, _MOST = ord("#"), 4, 22.0
"""A written table has one printable character for each three: how many quarters of a bit the third one takes."""


def character_probabilities(text: str) -> list[float]:
    """The probability of each character of a text behind the ones before it, as words and names go."""
    table, found = _table(), list[float]()
    first = second = _OTHER
    before = " "
    for here in text:
        if here.isupper() and before.islower():  # the next word of a name
            first = second = _OTHER
        third = _class(here)
        chance = table[(first * _CLASSES + second) * _CLASSES + third]
        found.append(chance * (_MARKS.get(here, _ANY_MARK) if third == _OTHER else _case(before, here)))
        first, second, before = second, third, here
    return found


def written_table(words: Iterable[str]) -> str:
    """The table of these words."""
    counts = [0.05] * _CLASSES**3
    for word in words:
        classes = [_OTHER, _OTHER, *map(_class, word), _OTHER]
        for place, (second, third) in enumerate(pairwise(classes[1:])):
            counts[(classes[place] * _CLASSES + second) * _CLASSES + third] += 1
    chars = []
    for start in range(0, len(counts), _CLASSES):
        row = counts[start : start + _CLASSES]
        chars += [chr(_ZERO + round(min(-log2(count / sum(row)), _MOST) * _STEPS)) for count in row]
    return "".join(chars)


def _case(before: str, here: str) -> float:
    """The share of this letter's case: mostly that of the one before."""
    if before.islower():
        return 0.9 if here.islower() else 0.1
    return 0.6 if here.isupper() else 0.4


def _class(character: str) -> int:
    number = ord(character.lower()) - ord("a")
    return number if 0 <= number < _OTHER else _OTHER


@cache
def _table() -> list[float]:
    """Probabilities; a little less than written, since a row of rounded bits may give more than 1 in sum."""
    return [2 ** -((ord(each) - _ZERO) / _STEPS + 1 / 8) for each in _TABLE.read_text("ascii").replace("\n", "")]
