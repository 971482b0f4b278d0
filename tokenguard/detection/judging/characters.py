"""A model of characters: whether they follow each other as in words, or as chance puts them."""

from itertools import pairwise
from math import log2

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
CLASSES = len(_LETTERS) + 2
"""Letters, digits, and everything else, which also stands before and behind a value."""
_DIGIT, _OTHER = len(_LETTERS), len(_LETTERS) + 1
_FIRST_OF_TABLE = 35
"""The character that stands for the rarest pair in a written table; each following one for a quarter of a bit."""
_STEPS = 4
_BY_CHANCE = {**dict.fromkeys(range(len(_LETTERS)), 1 / 36), _DIGIT: 10 / 36, _OTHER: 1 / 36}
_CLASS = {**{letter: number for number, letter in enumerate(_LETTERS)}, **dict.fromkeys("0123456789", _DIGIT)}


class CharacterModel:
    """How much more likely a pair of characters is in words and identifiers than by chance, in bits.

    Args:
        table: one printable character for each pair, as `written_table` makes it.
    """

    def __init__(self, table: str) -> None:
        self._bits = [(ord(char) - _FIRST_OF_TABLE) / _STEPS - 8 for char in table]

    def wordiness(self, value: str) -> float:
        """Bits for each character; about 1 to 2 for words, below 0 for what a generator wrote."""
        classes = classes_of(value)
        total = sum(self._bits[left * CLASSES + right] for left, right in pairwise(classes))
        return total / max(len(classes) - 1, 1)


def classes_of(value: str) -> list[int]:
    """The class of each character, between two of what stands around."""
    return [_OTHER, *(_CLASS.get(char, _OTHER) for char in value.lower()), _OTHER]


def written_table(words: list[str]) -> str:
    """The table of a model that knows these words."""
    counts = [0.5] * (CLASSES * CLASSES)
    for word in words:
        classes = classes_of(word)
        for left, right in pairwise(classes):
            counts[left * CLASSES + right] += 1
    chars = []
    for left in range(CLASSES):
        row = counts[left * CLASSES : (left + 1) * CLASSES]
        for right, count in enumerate(row):
            bits = log2(count / sum(row) / _BY_CHANCE[right])
            chars.append(chr(_FIRST_OF_TABLE + round(min(max(bits + 8, 0), 16) * _STEPS)))
    return "".join(chars)
