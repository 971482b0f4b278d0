"""Says of the files of a tree what each could hold, many at once: most hold nothing."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from tokenguard.detection.credential_files import is_credential_file
from tokenguard.detection.match import Possible
from tokenguard.detection.prefilter import prefilter
from tokenguard.detection.rebuilt import keeps_order, may_rebuild
from tokenguard.detection.suspects import suspects
from tokenguard.detection.version_diff import plain_text
from tokenguard.frozen import Frozen
from tokenguard.scanning.content import Blob, Message, Source
from tokenguard.scanning.scanner import Judge, Judged, Stages
from tokenguard.scanning.windows import Window

_TOGETHER, _BYTES_TOGETHER = 512, 1 << 20
"""So many contents, and about so many bytes of them, wait for each other."""
_LARGE = 1 << 18
"""Bytes of a content that is asked by itself just as quickly."""


class _Text(Frozen, frozen=True):
    """A content that can be asked about with others."""

    data: bytes
    rebuilt: bool


def judge_for(stages: Stages) -> Judge | None:
    """The judge of a scan with these stages; None where it cannot be said what they find, as of a team's plug-ins."""
    if not stages.rules or stages.team is not None:
        return None
    return partial(_judge_files, always=Possible.NOTHING if stages.own is None else Possible.OWN)


def judged_together(sources: Sequence[Source], always: Possible) -> Iterator[Judged]:
    """Each of a few sources, with what it could hold.

    Args:
        sources: they are asked about at once.
        always: what they could hold in any case.
    """
    texts = [_text_of(source) for source in sources]
    asked = [each for each in texts if each is not None]
    found = suspects([each.data for each in asked], [each.rebuilt for each in asked])
    number = 0
    for source, text in zip(sources, texts, strict=True):
        if text is None:
            yield source, Possible.ANYTHING
            continue
        possible = found.possible(number)
        if Possible.RULES in possible and text.rebuilt and not prefilter().worthwhile(text.data):
            possible &= ~Possible.RULES
        number += 1
        yield source, possible | always


def _judge_files(sources: Iterable[Source], always: Possible) -> Iterator[Judged]:
    """Every source, in its order, with what it could hold."""
    waiting: list[Source] = []
    size = 0
    for source in sources:
        waiting.append(source)
        size += len(source.data) if isinstance(source, Blob) else 0
        if len(waiting) == _TOGETHER or size >= _BYTES_TOGETHER:
            yield from judged_together(waiting, always)
            waiting, size = [], 0
    yield from judged_together(waiting, always)


def _text_of(source: Source) -> _Text | None:
    if not isinstance(source, Blob) or isinstance(source, Window) or len(source.data) > _LARGE:
        return None
    text = plain_text(source.data)
    if text is None or (not isinstance(source, Message) and is_credential_file(source.path)):
        return None
    rebuilt = may_rebuild(text, source.path)
    return None if rebuilt and not keeps_order(text, source.path) else _Text(source.data, rebuilt)
