"""The content of a history: versions of files, and messages and headers of commits and tags."""

import os
import re
from collections.abc import Callable, Hashable, Iterable, Iterator

from tokenguard.detection.reading_by_name import reading_by_name
from tokenguard.domain.finding import Origin, SkippedContent
from tokenguard.frozen import Frozen
from tokenguard.scanning.content import MAX_BYTES, Blob, Message, Source
from tokenguard.scanning.git import Git
from tokenguard.scanning.windows import large_object

_LINK_TO_REPOSITORY = b"160000"
_SIGNATURE = re.compile(rb"^gpgsig(?:-sha256)? .*(?:\n .*)*", re.MULTILINE)
_OF_BASE64 = re.compile(rb"^ [A-Za-z0-9+/]{1,76}={0,2}$", re.MULTILINE)
"""A line of a signature that holds nothing but it."""
_TELLING = re.compile(rb"^(?!(?:tree|parent|object) [0-9a-f]{40,64}$).*[A-Za-z0-9_-]{20}.*", re.MULTILINE)
"""A line of a header that is long enough to hold a token: of a person, of a merged tag, or of anything else."""


class Version(Frozen, frozen=True, kw_only=True):
    """A content to read, under the path and in the commit in which it appeared first."""

    path: str
    blob: str
    origin: Origin | None
    size: int


class MessageVersion(Version, frozen=True, kw_only=True):
    """A commit or tag whose message is scanned, as raw bytes, independent of its declared encoding."""


Item = Version | SkippedContent
"""What there is in a history: to be read, or not to be had."""


Reading = Callable[[str], Hashable]
"""What of a path decides what is found in a content: equal for paths under which the same is found."""
_Place = tuple[str, Origin | None]


class FirstSeen:
    """Which blob appeared where first, oldest commit first, and who has said something."""

    def __init__(self, reading: Reading = reading_by_name) -> None:
        self._reading = reading
        self.blobs: dict[str, _Place] = {}
        self.again: dict[str, dict[Hashable, _Place]] = {}
        """Where blobs appeared under a name by which they are read in another way, by these ways."""
        self.submodules: set[str] = set()
        self.words: list[Item] = []
        self.skipped: list[Item] = []

    def add(self, mode: bytes, blob: bytes, name: bytes, origin: Origin | None) -> None:
        """An entry of a tree."""
        if mode == _LINK_TO_REPOSITORY:
            self.submodules.add(os.fsdecode(name))
        elif blob.strip(b"0"):
            self._add_blob(blob.decode(), os.fsdecode(name), origin)

    def _add_blob(self, blob: str, name: str, origin: Origin | None) -> None:
        first = self.blobs.setdefault(blob, (name, origin))[0]
        if first != name:
            reading = self._reading(name)
            if reading != self._reading(first):
                self.again.setdefault(blob, {}).setdefault(reading, (name, origin))

    def places(self) -> Iterator[tuple[str, str, Origin | None]]:
        """Each blob under each name by which it is read in its own way."""
        for blob, first in self.blobs.items():
            for name, origin in (first, *self.again.get(blob, {}).values()):
                yield blob, name, origin


def read_items(git: Git, items: Iterable[Item]) -> Iterator[Source]:
    """The contents behind them, in their order."""
    versions: list[Version] = []
    for item in items:
        if isinstance(item, SkippedContent):
            yield item
        else:
            versions.append(item)
    asked = iter(versions)
    for blob, data in git.contents([each.blob for each in versions], MAX_BYTES) if versions else ():
        item = next(each for each in asked if each.blob == blob)  # those before it are missing
        if data is None and isinstance(item, MessageVersion):
            yield SkippedContent(path=item.path, reason="too-large")
        elif data is None:
            yield from large_object(git, blob, item.path, item.origin)
        elif not isinstance(item, MessageVersion):
            yield Blob(path=item.path, data=data, origin=item.origin)
        else:
            yield from _messages(item, data)


def _messages(item: MessageVersion, data: bytes) -> Iterator[Message]:
    """What a commit or tag says in its message, and in the lines above it that only few have."""
    header, _, words = data.partition(b"\n\n")
    if words.strip():
        yield Message(path=item.path, data=words, origin=item.origin)
    if told := b"\n".join(_TELLING.findall(_SIGNATURE.sub(_words_beside, header))):
        yield Message(path=item.path.replace("message", "header", 1), data=told, origin=item.origin)


def _words_beside(signature: re.Match[bytes]) -> bytes:
    """What a signature has beside its base64, such as comments and other lines that git takes there."""
    return _OF_BASE64.sub(b"", signature[0])


def size_of(items: Iterable[Item]) -> int:
    """How many bytes there are to read."""
    return sum(each.size for each in items if isinstance(each, Version))
