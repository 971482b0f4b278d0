"""Tells values in the form of a vendor's tokens that were typed, or are public, from those that a vendor issued."""

import re
from collections import Counter
from math import log2

from tokenguard.detection.stand_ins import is_in_a_row, is_published, repeats, stands_for_another
from tokenguard.token_formats.token_format import TokenFormat, random_part

_LEAST_WORDS = 12
_WORDY = 0.45
_ALPHABET = 26
_LONG, _LEAST_OF_LONG = 32, 3.0
_CAMEL = re.compile(r"[A-Z]?[a-z]{3,}")
_LEAST_CAPITALS, _OF_NAMES = 2, 0.75
"""Words with a capital in a name of a program, and the part of it that words are: random text has fewer."""


def is_made_up(kind: TokenFormat, value: str) -> bool:
    """Whether a value of this shape was typed, or is published: a placeholder, a repeated piece, words."""
    random = random_part(kind, value)
    least = max(kind.entropy, _LEAST_OF_LONG if len(random) >= _LONG else 0)
    if stands_for_another(value) or is_in_a_row(random, _ALPHABET) or repeats(random) or _entropy(random) < least:
        return True
    named = len(random) >= _LEAST_WORDS and (consists_of_words(random) or is_identifier(random))
    return named or is_published(value)


def is_identifier(value: str) -> bool:
    """Whether it is words that begin with capitals, as names in programs are: `JiraTriggerV11Node`."""
    words = _CAMEL.findall(value)
    capitals = sum(word[0].isupper() for word in words)
    return capitals >= _LEAST_CAPITALS and sum(map(len, words)) >= _OF_NAMES * len(value)


def consists_of_words(value: str) -> bool:
    """Whether its characters follow each other as in words."""
    from tokenguard.detection.judging.judge import wordiness  # most commits have nothing to judge

    return wordiness(value) > _WORDY


def _entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    size = len(text) or 1
    return -sum(count / size * log2(count / size) for count in Counter(text).values())
