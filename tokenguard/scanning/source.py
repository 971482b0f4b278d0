"""One piece of content to scan, or the reason why there is none."""

from dataclasses import dataclass

from tokenguard.domain.finding import Origin, Skipped

MAX_BYTES = 32 << 20
"""Larger files are skipped, and said to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Content under the name by which it is reported."""

    path: str
    data: bytes
    origin: Origin | None = None


Source = Blob | Skipped
