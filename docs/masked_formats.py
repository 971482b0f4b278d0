"""Writes `tokenguard/redaction/vendor_patterns.py` from the table of token formats: `python -m docs.masked_formats`.

Masking reads the module instead of the table, which takes longer at a program's start than the rest of masking does.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import tokenguard.redaction
from tokenguard.redaction.patterns import LOOSE
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import Piece, Run, pieces

MODULE = Path(tokenguard.redaction.__path__[0], "vendor_patterns.py")
_HEAD = '''"""The vendor formats that begin with a literal, as patterns. Written by `python -m docs.masked_formats`.

Each row is a vendor, and the literals and runs of one shape: the inside of a character class, least and most.
"""

Run = tuple[str, int, int]
Row = tuple[str, tuple[bytes | Run, ...]]
UUID: tuple[bytes | Run, ...] = (
%UUID%)
"""All of one but its last run."""
ROWS: tuple[Row, ...] = (
'''
PlainRun = tuple[str, int, int]
_UUID = [
    (each.chars, each.least, each.most) if isinstance(each, Run) else each.encode() for each in pieces("{uuid}")[:-1]
]
_WIDTH = 121
"""Of a line with its end."""
_BACKSLASH = "\\"
_LEAST_LITERAL = 4
"""Bytes of a shape's beginning: shorter ones are in ordinary text everywhere, which masking has to pass over fast."""
_LONGEST = 255


def module() -> str:
    """What the module should be."""
    return _HEAD.replace("%UUID%", "".join(f"    {_literal(each)},\n" for each in _UUID)) + "".join(_lines()) + ")\n"


def _lines() -> Iterator[str]:
    """The shapes of the table that begin with a literal and need no words around them."""
    known = tuple(pattern.anchor for pattern in LOOSE if len(pattern.anchor) >= _LEAST_LITERAL)
    for kind in FORMATS:
        for template in kind.shapes if kind.stands_alone and kind.masked else ():
            first, *rest = pieces(template)
            if not isinstance(first, str) or len(first) < _LEAST_LITERAL or first.encode().startswith(known):
                continue
            name = re.sub(r"[^a-z0-9]+", "-", kind.vendor.lower()).strip("-")
            yield from _row(name, [first.encode(), *_body(rest)])


def _row(name: str, body: list[bytes | PlainRun]) -> Iterator[str]:
    """As ruff would format it."""
    shown = _literals(body).replace(_literals(_UUID), "*UUID")
    line = f'    ("{name}", ({shown}{"," if len(body) == 1 else ""})),\n'
    if len(line) <= _WIDTH:
        yield line
        return
    yield f'    (\n        "{name}",\n'
    line = f"        ({shown}),\n"
    yield (
        line
        if len(line) <= _WIDTH
        else "".join(("        (\n", *(f"            {each}\n" for each in _split(shown)), "        ),\n"))
    )
    yield "    ),\n"


def _literals(body: Iterable[bytes | PlainRun]) -> str:
    return ", ".join(_literal(each) for each in body)


def _split(shown: str) -> list[str]:
    """One literal or run a line."""
    return re.findall(r"(?:b\"[^\"]*\"|r?\(.*?\)|\*UUID)(?:,|$)", shown + ",")


def _literal(piece: bytes | PlainRun) -> str:
    if isinstance(piece, bytes):
        return f'b"{piece.decode()}"'
    chars, least, most = piece
    return f'({"r" if _BACKSLASH in chars else ""}"{chars}", {least}, {most})'


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
