"""Whether a value may be in a bundle of fingerprints: what a holder of the bundle could guess must not be."""

import re
from collections.abc import Iterator
from functools import cache
from math import log2

from tokenguard.detection.known_token_index import MIN_LENGTH, SYMBOLS
from tokenguard.detection.randomness import CERTAIN_OF_SHAPE, random_bits
from tokenguard.domain.secret import Value
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import Run, opening, pieces
from tokenguard.token_formats.token_format import random_runs

MIN_BITS = 112
"""Of which the bundle gives away 16 (`known_token_index`)."""


def why_not_covered(text: str) -> str:
    """Why a value is not covered, in a few words that tell nothing of it; empty if it is."""
    if len(text) < MIN_LENGTH:
        return f"it is shorter than {MIN_LENGTH} characters"
    if not text.isascii() or any(not char.isalnum() and char not in SYMBOLS for char in text):
        return f"it has characters other than letters, digits and {SYMBOLS}"
    declared = (_declared_bits(text, template) for template in _templates(text))
    bits = min((each for each in declared if each is not None), default=None)
    bits = random_bits(text, enough=MIN_BITS) if bits is None else bits
    return "" if bits >= MIN_BITS else f"fewer than {MIN_BITS} bits of it are random"


def covered(text: str) -> bool:
    """Whether a value may be indexed: random, with at least 112 bits."""
    return not why_not_covered(text)


def uncovered(value: Value) -> str:
    """What to say of a value that no bundle will have, or of those of its fields; empty if all are covered."""
    lacks = {name: lack for name in value.names if (lack := why_not_covered(value.field(name).reveal()))}
    told = "; ".join(lack if name == "token" else f"{name}: {lack}" for name, lack in lacks.items())
    return f"scans will not recognize this value: {told}" if told else ""


def _declared_bits(text: str, template: str) -> float | None:
    """The bits of the runs of a vendor's shape; None if the text has another shape."""
    found = random_runs(template).fullmatch(text)
    if found is None:
        return None
    runs = [each for each in pieces(template) if isinstance(each, Run)]
    part = "".join(found.groups())
    given = sum(len(group) * log2(_size(run)) for run, group in zip(runs, found.groups(), strict=True))
    if not part:
        return 0.0
    return random_bits(part, 2 ** (given / len(part)), certain=CERTAIN_OF_SHAPE, enough=MIN_BITS)


def _size(run: Run) -> int:
    """How many characters the class of a run has; a token has hexadecimal digits in one case."""
    return 16 if run.name == "anyhex" else len(re.findall(f"[{run.chars}]", "".join(map(chr, range(128)))))


def _templates(text: str) -> Iterator[str]:
    """The shapes of vendors that say enough by themselves and begin as the text does."""
    return (template for start, template in _starts() if text.startswith(start))


@cache
def _starts() -> tuple[tuple[str, str], ...]:
    """Each of these shapes with the text that it begins with; empty for one that begins with a random part."""
    shapes = (shape for kind in FORMATS if kind.stands_alone for shape in kind.shapes)
    return tuple((opening(shape), shape) for shape in shapes)
