"""Hints: the part of a token's value that a provider shows in its list, such as `sk-social-...x7y9`.

A hint identifies a token only by characters of its secret part: all tokens of a provider begin alike.
"""

import re

from tokenguard.domain.encodings import public_start

MIN_SHOWN = 4
"""Characters of the secret part that a hint must show to identify a token."""
_MASK = re.compile(r"\.{2,}|…+|\*+|•+")


def distinguishes(hint: str) -> bool:
    """Whether a hint shows enough of the secret part; a beginning that is made of words alone shows nothing of it."""
    head, _, tail = _parts(hint)
    shown = max(len(head) - max(len(public_start(head)), len(public_start(f"{head}_")) - 1), 0) + len(tail)
    return shown >= MIN_SHOWN


def fits(hint: str, text: str) -> bool:
    """Whether a masked hint is of the value `text` and tells it from other values of its provider."""
    head, masked, tail = _parts(hint)
    shown = max(len(head) - len(public_start(text)), 0) + len(tail)
    return masked and shown >= MIN_SHOWN and distinguishes(hint) and not contradicts(hint, text)


def contradicts(hint: str, text: str) -> bool:
    """Whether a masked hint is of another value than `text`."""
    head, masked, tail = _parts(hint)
    return masked and not (text.startswith(head) and text.endswith(tail))


def _parts(hint: str) -> tuple[str, bool, str]:
    """What stands before the mask, whether there is one, and what stands after the last one."""
    pieces = [piece.strip() for piece in _MASK.split(hint)]
    return pieces[0], len(pieces) > 1, pieces[-1] if len(pieces) > 1 else ""
