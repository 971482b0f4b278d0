"""One reading of bytes that were written differently."""

from collections.abc import Iterable
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


def holds_any(data: bytes, marks: Iterable[bytes]) -> bool:
    """Whether one of the marks stands in `data`; most are told apart by a missing byte, which is cheap."""
    return any(mark[0] in data and mark[-1] in data and mark in data for mark in marks)
