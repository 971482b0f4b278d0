"""Templates of token formats: literals and runs such as `ghp_{alnum:36}`, from which expressions are derived.

A run is `{CLASS:N}` or `{CLASS:MIN-MAX}`; `{uuid}` stands for a UUID. Everything else is literal.
"""

import re
from functools import cache

from tokenguard.frozen import Frozen

CLASSES = {
    "alnum": "A-Za-z0-9",
    "word": r"A-Za-z0-9_\-",
    "dotted": r"A-Za-z0-9_.\-",
    "azure": r"A-Za-z0-9_.~\-",
    "slashed": "A-Za-z0-9/",
    "base64": "A-Za-z0-9+/",
    "base64pad": "A-Za-z0-9+/=",
    "hex": "0-9a-f",
    "upperhex": "0-9A-F",
    "anyhex": "0-9A-Fa-f",
    "upper": "A-Z",
    "lower": "a-z",
    "letter": "A-Za-z",
    "digit": "0-9",
    "base32": "A-Z2-7",
    "loweralnum": "a-z0-9",
    "upperalnum": "A-Z0-9",
    "bech32": "AC-HJ-NP-Z02-9",
}
"""The inside of a character class by its name; the same for Python's `re`, RE2 and Go."""

_RUN = re.compile(r"\{(?P<name>[a-z0-9]+):(?P<least>\d+)(?:-(?P<most>\d+))?\}|\{uuid\}")


class Run(Frozen, frozen=True):
    """Between `least` and `most` characters of one class."""

    name: str
    least: int
    most: int

    @property
    def chars(self) -> str:
        """The inside of the character class."""
        return CLASSES[self.name]

    @property
    def expression(self) -> str:
        """The run as part of a regular expression."""
        count = f"{{{self.least}}}" if self.least == self.most else f"{{{self.least},{self.most}}}"
        return f"[{self.chars}]{count}"


Piece = str | Run


@cache
def pieces(template: str) -> tuple[Piece, ...]:
    """The literals and runs of a template, in order; ValueError for a run of a class that is not known."""
    found: list[Piece] = []
    at = 0
    for match in _RUN.finditer(template):
        if match.start() > at:
            found.append(template[at : match.start()])
        at = match.end()
        if match["name"] is None:
            found += _uuid()
            continue
        if match["name"] not in CLASSES:
            raise ValueError(f"no such class: {match['name']}")
        least = int(match["least"])
        found.append(Run(match["name"], least, int(match["most"] or least)))
    if at < len(template):
        found.append(template[at:])
    return tuple(found)


def opening(template: str) -> str:
    """The literal with which a template begins; empty where it begins with a run."""
    match = _RUN.search(template)
    return template if match is None else template[: match.start()]


def _uuid() -> list[Piece]:
    groups: list[Piece] = [Run("anyhex", 8, 8)]
    for length in (4, 4, 4, 12):
        groups += ["-", Run("anyhex", length, length)]
    return groups


def expression_of(template: str) -> str:
    """The template as a regular expression without groups or look-around."""
    return "".join(re.escape(each) if isinstance(each, str) else each.expression for each in pieces(template))
