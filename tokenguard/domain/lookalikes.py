"""Detects token-like text where no value is allowed: in arguments, manifests and the texts of records."""

import re
from collections.abc import Iterator

_ISSUED = re.compile(
    r"dx_(?:bearer|secret)_|sk-social-|tgcanary|github_pat_|gh[opsur]_|glpat-|xox[abeprs]-|npm_|pypi-|AKIA|eyJ|hv[sb]\."
)
"""How issued credentials begin; enough of the rest must follow."""
_MIN_ISSUED = 16
_OPAQUE = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=[^0-9]*[0-9])[A-Za-z0-9_+-]{32,}")
_LONG, _SHORTEST = 16, 8
_WORD = re.compile(r"[A-Za-z]?[a-z.-]*|[A-Z.-]*")
_MARKS = "\"'`()[]{}<>.,:;!?"
_PARTS = re.compile(r"[^A-Za-z0-9_+.-]+")


def words_of(text: str) -> list[str]:
    """The parts of a text that could be a value: what stands between blanks, quotes, brackets and the like."""
    return [part for each in _PARTS.split(text) if (part := each.strip("."))]


def possible_values(text: str) -> Iterator[str]:
    """Parts of a text that could be a value of any form: long ones, and others that are not written as words are."""
    pieces = {text.strip(), *text.split(), *(each.strip(_MARKS) for each in text.split()), *words_of(text)}
    for piece in sorted(pieces):
        if len(piece) >= _LONG or (len(piece) >= _SHORTEST and not _WORD.fullmatch(piece)):
            yield piece


def holds_issued(text: str) -> bool:
    """Whether a part of the text begins as issued credentials do, and goes on long enough."""
    return any(map(_issued, words_of(text)))


def holds_opaque(text: str) -> bool:
    """Whether a part of the text is long and random; ids of providers may be that, too."""
    return any(map(_OPAQUE.fullmatch, words_of(text)))


def _issued(part: str) -> bool:
    found = _ISSUED.match(part)
    return found is not None and len(part) >= max(_MIN_ISSUED, found.end() + 8)
