"""Writes `tokenguard/redaction/vendor_patterns.py` from the table of token formats: `python -m docs.masked_formats`.

Masking reads the module instead of the table, which takes longer at a program's start than the rest of masking does.
"""

import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import tokenguard.redaction
from tokenguard.redaction.patterns import LOOSE
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import Piece, Run, pieces

MODULE = Path(tokenguard.redaction.__path__[0], "vendor_patterns.py")
_HEAD = '''"""The vendor formats that begin with a literal, as patterns. Written by `python -m docs.masked_formats`.

Each row is a vendor, the literals that its shapes begin with, and the literals and runs that follow each of them: the
inside of a character class, least and most.
"""

Run = tuple[str, int, int]
Row = tuple[str, tuple[bytes, ...], tuple[bytes | Run, ...]]
'''
PlainRun = tuple[str, int, int]
Body = tuple[bytes | PlainRun, ...]
_UUID: Body = tuple(
    (each.chars, each.least, each.most) if isinstance(each, Run) else each.encode() for each in pieces("{uuid}")[:-1]
)
_LEAST_LITERAL = 4
"""Bytes of a shape's beginning: shorter ones are in ordinary text everywhere, which masking has to pass over fast."""
_LONGEST = 255


def module() -> str:
    """What the module should be."""
    rows = (
        (vendor, tuple(first for _, first, _ in shapes), rest)
        for (vendor, rest), shapes in groupby(_shapes(), lambda shape: (shape[0], shape[2]))
    )
    shown = "".join(f"    {row!r},\n" for row in rows).replace(repr(_UUID)[1:-1], "*UUID")
    return f'{_HEAD}UUID = {_UUID!r}\n"""All of one but its last run."""\nROWS: tuple[Row, ...] = (\n{shown})\n'


def _shapes() -> Iterator[tuple[str, bytes, Body]]:
    """Vendor, beginning and rest of the shapes that begin with a literal and need no words around them."""
    known = tuple(pattern.anchor for pattern in LOOSE if len(pattern.anchor) >= _LEAST_LITERAL)
    for kind in FORMATS:
        for template in kind.shapes if kind.stands_alone and kind.masked else ():
            first, *rest = pieces(template)
            if not isinstance(first, str) or len(first) < _LEAST_LITERAL or first.encode().startswith(known):
                continue
            vendor = re.sub(r"[^a-z0-9]+", "-", kind.vendor.lower()).strip("-")
            yield vendor, first.encode(), tuple(_body(rest))


def _body(rest: list[Piece]) -> Iterator[bytes | PlainRun]:
    """As much of a shape as can be matched without going back; its end may be longer than the shape's."""
    for number, piece in enumerate(rest):
        if isinstance(piece, str):
            yield piece.encode()
            continue
        following = rest[number + 1] if number + 1 < len(rest) else ""
        fixed = piece.least == piece.most
        goes_on = isinstance(following, Run) or (following and not _holds(piece, following[0]))
        if following and (fixed or goes_on):
            yield piece.chars, piece.least, piece.most
            continue
        yield piece.chars, piece.least, max(piece.most, _LONGEST)
        return


def _holds(run: Run, character: str) -> bool:
    return re.match(f"[{run.chars}]", character) is not None


if __name__ == "__main__":
    MODULE.write_text(module())
    sys.stdout.write(f"{MODULE.name}\n")
