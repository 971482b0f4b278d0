"""Passes over contents of a history in which nothing can be found: most versions of a file, and most messages."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from tokenguard.detection.match import Possible
from tokenguard.detection.string_pieces import signs_of_pieces
from tokenguard.detection.suspects import suspects
from tokenguard.detection.version_diff import FileVersions, VersionVerdict, changed_part
from tokenguard.detection.writing_lines import surrounding_lines
from tokenguard.scanning.content import Blob, ChangedBlob, Message, Source
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
        self._file: FileVersions | None = None
        """The one whose versions may go on."""

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
            for blob, verdict in zip(blobs, self._verdicts(blobs), strict=True):
                yield self._version(blob, verdict)

    def _version(self, blob: Blob, verdict: VersionVerdict) -> Judged:
        if verdict.before is None:
            return blob, verdict.possible | Possible.OWN
        if self._holds_own(verdict.before, blob.data):
            return blob, Possible.ANYTHING
        if verdict.lines is None:
            return blob, verdict.possible
        lines = verdict.lines
        return ChangedBlob(path=blob.path, data=blob.data, origin=blob.origin, lines=lines), verdict.possible

    def _verdicts(self, blobs: list[Blob]) -> Iterator[VersionVerdict]:
        """What of each version has to be looked at; all are asked at once about the lines that they bring."""
        told = [(file, file.change(blob.data)) for file, blob in self._by_file(blobs)]
        changes = [change for _, change in told if change is not None]
        found = suspects([each.lines for each in changes], [each.rebuilt for each in changes])
        number = 0
        for file, change in told:
            yield file.verdict(change, found.possible(number))
            number += change is not None

    def _by_file(self, blobs: list[Blob]) -> Iterator[tuple[FileVersions, Blob]]:
        for path, versions in groupby(blobs, key=lambda blob: blob.path):
            if self._file is None or self._file.path != path:
                self._file = FileVersions(path, rules=self._rules)
            yield from ((self._file, each) for each in versions)

    def _messages(self, messages: list[Blob]) -> Iterator[Judged]:
        held = self._own is not None and any(True for _ in self._own(b"\n\n".join(each.data for each in messages)))
        always = Possible.OWN if held else Possible.NOTHING
        yield from judged_together(messages, always) if self._rules else ((each, always) for each in messages)

    def _holds_own(self, before: bytes, data: bytes) -> bool:
        if self._own is None:
            return False
        start, end = changed_part(before, data)
        begin, last = surrounding_lines(data, start, end)
        return any(True for _ in self._own(data[begin:last] + b"\n" + signs_of_pieces(data)))


def _belong_together(one: Blob, other: Blob) -> bool:
    """Whether both are messages, or neither is."""
    return isinstance(one, Message) == isinstance(other, Message)
