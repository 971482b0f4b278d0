"""Passes over contents of a history in which nothing can be found: most versions of a file, and most messages."""

from collections.abc import Iterable, Iterator
from itertools import count, groupby

from tokenguard.detection.match import Possible
from tokenguard.detection.suspects import suspects
from tokenguard.detection.version_diff import Cleanness, changed_part
from tokenguard.detection.writing_lines import around
from tokenguard.scanning.content import Blob, Message, Source
from tokenguard.scanning.scanner import Judged, Stages
from tokenguard.scanning.skip_clean import judged_together
from tokenguard.scanning.windows import Window

_TOGETHER, _BYTES_TOGETHER = 256, 4 << 20
"""So many contents, and about so many bytes of them, wait for each other."""


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
                yield source, Possible.ANYTHING
                continue
            waiting.append(blob)
            size += len(blob.data)
        yield from self._waited(waiting)

    def _waited(self, blobs: list[Blob]) -> Iterator[Judged]:
        if self._team:
            yield from ((each, Possible.ANYTHING) for each in blobs)
        elif blobs and isinstance(blobs[0], Message):
            yield from self._messages(blobs)
        else:
            files = [list(versions) for _, versions in groupby(blobs, key=lambda blob: blob.path)]
            for blob, (earlier, possible) in zip(blobs, self._before(files), strict=True):
                clean = earlier is not None and not self._holds_own(earlier, blob.data)
                yield blob, Possible.NOTHING if clean else possible

    def _before(self, files: list[list[Blob]]) -> Iterator[tuple[bytes | None, Possible]]:
        """Of all versions of some files, the version before if they bring nothing; else None, and what they could hold.

        Of the first version of a file that is what its lines could hold. Later ones are scanned for everything, since
        a value that is told already may be found again, and has to be told by the same name.
        """
        compared = [self._cleanness.compare([each.data for each in versions], versions[0].path) for versions in files]
        texts = [b"\n".join(lines) for each in compared if each is not None for lines in each.brought]
        found = suspects(texts, [other for each in compared if each is not None for other in each.rebuilt])
        numbers = count()
        for versions, each in zip(files, compared, strict=True):
            path, contents = versions[0].path, [version.data for version in versions]
            if each is None:
                yield from ((self._cleanness.judge(data, path), Possible.ANYTHING) for data in contents)
                continue
            possible = [found.possible(next(numbers)) for _ in versions]
            hints = [Possible.ANYTHING for _ in versions]
            if not each.continues:
                hints[0] = possible[0] | Possible.OWN
            yield from zip(self._cleanness.judge_compared(contents, path, each, possible), hints, strict=True)

    def _messages(self, messages: list[Blob]) -> Iterator[Judged]:
        held = self._own is not None and any(True for _ in self._own(b"\n\n".join(each.data for each in messages)))
        always = Possible.OWN if held else Possible.NOTHING
        yield from judged_together(messages, always) if self._rules else ((each, always) for each in messages)

    def _holds_own(self, before: bytes, data: bytes) -> bool:
        if self._own is None:
            return False
        start, end = changed_part(before, data)
        begin, last = around(data, start, end)
        return any(True for _ in self._own(data[begin:last]))


def _belong_together(one: Blob, other: Blob) -> bool:
    """Whether both are messages, or neither is."""
    return isinstance(one, Message) == isinstance(other, Message)
