"""One piece of content to scan, or the reason why there is none."""

from collections.abc import Callable, Iterable, Iterator

from tokenguard.domain.finding import Origin, SkippedContent
from tokenguard.frozen import Frozen

MAX_BYTES = 32 << 20
"""Larger files are skipped, and said to be."""


class Blob(Frozen, frozen=True, kw_only=True):
    """Content under the name by which it is reported."""

    path: str
    data: bytes
    origin: Origin | None = None


class Message(Blob, frozen=True, kw_only=True):
    """The message of a commit."""


class ChangedBlob(Blob, frozen=True, kw_only=True):
    """A version of a file, of which only some lines can hold what no version before it held."""

    lines: bytes
    """These, each with its number."""


Source = Blob | SkippedContent


def watched(sources: Iterable[Source], watch: Callable[[Blob], object] | None) -> Iterator[Source]:
    """The sources, each content shown to `watch` first."""
    for source in sources:
        if watch is not None and isinstance(source, Blob):
            watch(source)
        yield source
