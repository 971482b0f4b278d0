"""Passes over contents of a history in which nothing can be found: most versions of a file, and most messages."""

from collections.abc import Iterable, Iterator

from tokenguard.detection.version_diff import Cleanness, changed_part, hold_nothing
from tokenguard.detection.writing_lines import around
from tokenguard.scanning.content import Blob, Message, Source
from tokenguard.scanning.scanner import Stages
from tokenguard.scanning.windows import Window

_TOGETHER = 64

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
        messages: list[Message] = []
        for source in sources:
            if isinstance(source, Message):
                messages.append(source)
                if len(messages) == _TOGETHER:
                    yield from self._together(messages)
                    messages = []
                continue
            yield from self._together(messages)
            messages = []
            yield source, isinstance(source, Blob) and not isinstance(source, Window) and self._clean(source)
        yield from self._together(messages)

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
