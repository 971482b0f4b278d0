"""Passes over contents of a history in which nothing can be found: most versions of a file, and most messages."""

from collections.abc import Iterable, Iterator

from tokenguard.detection.version_diff import Cleanness, changed_part, hold_nothing
from tokenguard.detection.writing_lines import around
from tokenguard.scanning.content import Blob, Message, Source
from tokenguard.scanning.scanner import Stages
from tokenguard.scanning.windows import Window

_TOGETHER, _BYTES_TOGETHER = 64, 4 << 20
"""So many contents, and about so many bytes of them, wait for each other."""
_VERSIONS = 16
"""So many are looked at together, and one by one where one of them may hold something."""

Judged = tuple[Source, bool]
"""A source, and whether it is known to hold nothing."""


class Passing:
    """For one run of consecutive sources; versions of a file come one after another, the oldest first."""

    def __init__(self, stages: Stages) -> None:
        self._own = stages.own
        self._team = stages.team is not None  # its plug-ins' findings cannot be predicted
        self._rules = stages.rules
        self._cleanness = Cleanness(rules=stages.rules)

    def judged(self, sources: Iterable[Source]) -> Iterator[Judged]:
        """Every source, in its order."""
        waiting: list[Blob] = []
        size = 0
        for source in sources:
            blob = source if isinstance(source, Blob) and not isinstance(source, Window) else None
            if waiting and (
                blob is None
                or not _belong_together(waiting[0], blob)
                or len(waiting) == _TOGETHER
                or size >= _BYTES_TOGETHER
            ):
                yield from self._waited(waiting)
                waiting, size = [], 0
            if blob is None:
                yield source, False
                continue
            waiting.append(blob)
            size += len(blob.data)
        yield from self._waited(waiting)

    def _waited(self, blobs: list[Blob]) -> Iterator[Judged]:
        if blobs and isinstance(blobs[0], Message):
            yield from self._together([each for each in blobs if isinstance(each, Message)])
        elif self._team:
            yield from ((each, False) for each in blobs)
        elif blobs:
            first, *others = (each.data for each in blobs)
            path = blobs[0].path
            before = [self._cleanness.judge(first, path)]
            for start in range(0, len(others), _VERSIONS):
                before += self._cleanness.judge_all(others[start : start + _VERSIONS], path)
            for blob, earlier in zip(blobs, before, strict=True):
                yield blob, earlier is not None and not self._holds_own(earlier, blob.data)

    def _together(self, messages: list[Message]) -> Iterator[Judged]:
        clean = not self._team and len(messages) > 1
        if clean and self._rules:
            clean = hold_nothing([message.data for message in messages], messages[0].path)
        if clean and self._own:
            clean = not any(True for _ in self._own(b"\n\n".join(message.data for message in messages)))
        yield from ((message, clean or self._clean(message)) for message in messages)

    def _clean(self, blob: Blob) -> bool:
        if self._team:
            return False
        before = self._cleanness.judge(blob.data, blob.path)
        return before is not None and not self._holds_own(before, blob.data)

    def _holds_own(self, before: bytes, data: bytes) -> bool:
        if self._own is None:
            return False
        start, end = changed_part(before, data)
        begin, last = around(data, start, end)
        return any(True for _ in self._own(data[begin:last]))


def _belong_together(one: Blob, other: Blob) -> bool:
    """Whether both are messages, or versions of one file."""
    if isinstance(one, Message) or isinstance(other, Message):
        return isinstance(one, Message) and isinstance(other, Message)
    return one.path == other.path
