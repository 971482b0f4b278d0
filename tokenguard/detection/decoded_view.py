"""One reading of bytes that were written differently."""

from typing import Any

from tokenguard.frozen import Frozen


class DecodedView(Frozen, frozen=True):
    """Bytes that were written differently."""

    start: int
    end: int
    """Where in the source the writing stands."""
    data: bytes
    how: str
    whole: bool = True
    """False: the writing holds more than was read."""


def view_of(found: Any, data: bytes, how: str, *, whole: bool = True) -> DecodedView:
    """The reading of what an expression found."""
    start, end = found.span()
    return DecodedView(start, end, data, how, whole)
