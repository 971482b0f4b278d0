"""The engine: an immutable snapshot of what to mask, which finds all of it in one pass over any bytes.

It searches the text without white space, so that a value is found however it is wrapped, and answers in offsets of
the data.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple, NoReturn, Self

from tokenguard.domain.encodings import Encoding
from tokenguard.redaction.anchors import FOLDED, FOLDED_PLAIN, AnchorAutomaton, Beginning
from tokenguard.redaction.compact import WHITE_SPACE, CompactText, compact
from tokenguard.redaction.hex_dump import OFFSET, OFFSETS, is_row
from tokenguard.redaction.index import ANCHOR, REACH, Index, NeedleMatch
from tokenguard.redaction.known import MaskedValue, MatchSource, Needle, needles
from tokenguard.redaction.line_heads import LOOKED, LineHeads
from tokenguard.redaction.open_ends import OpenEnds
from tokenguard.redaction.patterns import PATTERNS, Pattern
from tokenguard.redaction.shared_digits import digit_after, digit_before, may_follow
from tokenguard.redaction.visible_text import is_plain, look
from tokenguard.redaction.whole_values import SHORTEST, WholeValue, WholeValues

_EXPOSED = 8
"""So many bytes of a secret that is not complete yet are never shown, however long nothing follows."""
SPREAD = 8
"""A value is found if what it is written in is at most so many times as long as its longest form."""
_RESERVED = b"[tokenguard:"[:ANCHOR]
_LONGEST_FORMAT = 32
"""Bytes of a format that may be waited for beyond white space."""
_LEAST = 8
"""Bytes of a needle without white space: shorter ones are in ordinary text."""
_ROW = OFFSET[:1]
_NEWLINE = 0x0A


Searched = tuple[bytes | None, Sequence[Beginning]]
"""The data without white space, if anything may begin in it, and what does."""
_NOTHING: Searched = (None, ())


class MaskSpan(NamedTuple):
    """`data[start:end]` is to be masked. `at` is where the match began, which may be before `start`."""

    start: int
    end: int
    source: int
    at: int


class Scan(NamedTuple):
    """What one pass found."""

    hits: list[MaskSpan]
    limit: int
    """Every match that begins before this offset is decided."""
    safe: int
    """No mask that is still undecided begins before this offset."""
    quiet: int
    """What may be shown while nothing follows: less than `_EXPOSED` bytes of a secret."""
    dumps: bool = False
    """There may be a hexadecimal dump, which has to be read by columns."""


class _ScanState:
    """What a pass has found so far."""

    __slots__ = ("dumps", "final", "hits", "limit", "quiet", "safe", "view")

    def __init__(self, view: CompactText, *, final: bool) -> None:
        self.view = view
        self.final = final
        self.hits: list[MaskSpan] = []
        self.limit = self.safe = self.quiet = len(view.data)
        self.dumps = False

    def hold(self, limit: int, safe: int, quiet: int | None) -> None:
        """Something that begins here is not decided."""
        self.limit = min(self.limit, limit)
        self.safe = min(self.safe, safe)
        if quiet is not None:
            self.quiet = min(self.quiet, quiet)


class Matcher:
    """Finds known values in every form, and issued credentials by their shape.

    Args:
        wanted: the byte strings to look for; of several equal ones the first names the source.
        patterns: patterns of credentials that are not in the store.

    Holds the values: never log one, never keep one longer than needed. Safe to share between threads.
    """

    __slots__ = (
        "_after", "_anchors", "_automaton", "_before", "_dumps", "_ends", "_find", "_index", "_inner", "_patterns",
        "_reserved", "_short", "_spread", "_whole", "heads", "masks", "sources",
    )  # fmt: skip

    def __init__(self, wanted: Iterable[Needle] = (), patterns: Sequence[Pattern] = PATTERNS) -> None:
        numbers: dict[MatchSource, int] = {}
        found: dict[bytes, tuple[int, bool]] = {}
        before, after = set[int](), set[int]()
        for needle in wanted:
            data = _as_searched(needle.data)
            if len(data) < _LEAST:
                continue
            source, head = found.get(data, (numbers.setdefault(needle.source, len(numbers)), False))
            found[data] = (source, head or needle.head)
            if needle.before:
                before.add(source)
            if needle.after:
                after.add(source)
        self._before, self._after = frozenset(before), frozenset(after)
        self.sources = list(numbers)
        self._index = Index([(data, source, head) for data, (source, head) in found.items()])
        self._spread = SPREAD * max(self._index.longest, _LONGEST_FORMAT)
        by_anchor: dict[bytes, list[tuple[Pattern, int]]] = {}
        for pattern in patterns:
            self.sources.append(MatchSource(pattern.name, "", "pattern"))
            by_anchor.setdefault(pattern.anchor[:ANCHOR], []).append((pattern, len(self.sources) - 1))
        self._set_anchors(by_anchor)
        self._inner: dict[int, frozenset[int]] = {}
        self._whole: WholeValues | None = None
        self.masks = [f"[tokenguard:{each.id}]".encode("utf-8", "replace") for each in self.sources]

    def _set_anchors(self, by_anchor: dict[bytes, list[tuple[Pattern, int]]]) -> None:
        of_needles = self._index.beginnings()
        anchors = of_needles | by_anchor.keys()
        self._ends = OpenEnds(of_needles, by_anchor, self._spread)
        self._anchors = sorted(anchors.union(OFFSETS if of_needles else (), [_RESERVED]))
        self._reserved = self._anchors.index(_RESERVED)
        self._patterns = {number: by_anchor[each] for number, each in enumerate(self._anchors) if each in by_anchor}
        dumps = OFFSETS if of_needles else ()
        self._dumps = frozenset(number for number, each in enumerate(self._anchors) if each in dumps)
        self._short = frozenset(number for number, each in enumerate(self._anchors) if each not in of_needles)
        lone = {anchor: each[0][0] for anchor, each in by_anchor.items() if len(each) == 1 and anchor not in of_needles}
        index = self._index  # what asks for it must not hold the engine, which would outlive its use
        self.heads = LineHeads(lambda: index.beginnings(LOOKED) | by_anchor.keys() | {_RESERVED})
        self._automaton = AnchorAutomaton(self._anchors, {each: one for each, one in lone.items() if one.is_lone})
        self._find = self._automaton.find

    @classmethod
    def of(cls, known: Iterable[MaskedValue], patterns: Sequence[Pattern] = PATTERNS) -> Self:
        """The engine for some values; those that were rotated out belong to it until they are dead for a day."""
        return cls((needle for each in known for needle in needles(each)), patterns)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an engine holds values and cannot be pickled or copied")

    def __repr__(self) -> str:
        return f"Matcher({len(self.sources)} sources)"

    @property
    def longest_hold(self) -> int:
        """Bytes that a stream holds back at most to decide on a known value."""
        return self._spread

    def is_clean(self, data: bytes) -> bool:
        """Whether surely nothing is in data, after which nothing follows, nor a mask; fast for ordinary text."""
        candidates = self._find(data.translate(FOLDED_PLAIN, WHITE_SPACE), True)
        if not candidates or not (candidates := self._automaton.with_needed(candidates, data, final=True)):
            return True
        if not is_plain(data):
            return False
        text = compact(data)
        return not any(
            self._is_there(number, text, at) for number, at, _ in self._automaton.confirmed(candidates, text)
        )

    def _is_there(self, number: int, text: bytes, at: int) -> bool:
        """Whether what an anchor begins may be whole in a text, after which nothing follows."""
        if number not in self._short and self._index.look(text, at, final=True).length:
            return True
        if number == self._reserved or (number in self._dumps and is_row(text, at)):
            return True
        return any(not pattern.is_absent(text, at) for pattern, _ in self._patterns.get(number, ()))

    def _beginnings(self, text: bytes) -> Sequence[Beginning]:
        """What begins in a text without white space."""
        found = self._find(text.translate(FOLDED), True)
        return self._automaton.confirmed(found, text) if found else ()

    def is_crowded(self, data: bytes, room: int) -> bool:
        """Whether there is less room than that for each place where something may begin."""
        return len(self._find(data.translate(FOLDED, WHITE_SPACE), True)) * room > len(data)

    def begin(self, data: bytes) -> Searched | None:
        """Search plain data, for both of what follows; None for data that is not plain."""
        if not is_plain(data):
            return None
        found = self._find(data.translate(FOLDED, WHITE_SPACE), True)
        if found:
            found = self._automaton.with_needed(found, data, final=False)
        if not found:
            return _NOTHING
        text = data.translate(None, WHITE_SPACE)
        return text, self._automaton.confirmed(found, text)

    def limit_of_ordinary(self, data: bytes, searched: Searched) -> int | None:
        """Where plain data may be cut in which nothing begins before its end; None if it needs a closer look."""
        text, found = searched
        if found and text is not None and self._first_open(found, text) is not None:
            return None
        if data.startswith(_ROW, data.rfind(_NEWLINE) + 1):
            return None
        return self._back(data, self._ends.start(data))

    def _first_open(self, beginnings: Sequence[Beginning], text: bytes) -> int | None:
        """The first of its beginnings that does not differ from what is wanted before the text ends."""
        for number, at, _ in beginnings:
            if number not in self._short:
                place = self._index.look(text, at, final=False)
                if place.length or place.open:
                    return at
            if number in self._dumps and is_row(text, at):
                return at
            for pattern, _ in self._patterns.get(number, ()):
                if not pattern.is_refuted(text, at):
                    return at
        return None

    def replace_whole(self, data: bytes) -> tuple[bytes, Counter[int], int, bool] | None:
        """Mask whole values in plain data, up to where it needs a closer look; None if that is before any of them.

        Returns:
            The data with masks, how often each source is under one, up to where that is, and whether all was looked at.
        """
        if self._whole is None:
            self._whole = WholeValues(list(self._whole_values()), self._anchors)
        found = self._whole.replaced(data) if is_plain(data) else None
        if found is None:
            return None
        places = self._find(found.blanked.translate(FOLDED, WHITE_SPACE), True)
        places = self._automaton.with_needed(places, data, final=False)
        text, at = b"", None
        if places:
            text = compact(data)
            at = self._first_open(self._automaton.confirmed(places, compact(found.blanked)), text)
        row = data.rfind(_NEWLINE) + 1
        stop = (
            len(found.blanked) if at is None else CompactText(data, text).start(max(0, at - REACH))
        )  # in order of ends
        stop = min(stop, row) if data.startswith(_ROW, row) else stop
        looked = stop == len(data)
        limit = self._back(data, self._ends.start(data) if looked else stop)
        spans = found.spans
        while spans and spans[-1][2] >= limit:
            looked, limit = False, min(limit, self._back(data, spans.pop()[1]))
        if not spans:
            return None
        counts = Counter(self._whole.source(number) for number, _, _ in spans)
        return b"".join((*found.parts[: 2 * len(spans)], data[spans[-1][2] : limit])), counts, limit, looked

    def _whole_values(self) -> Iterator[WholeValue]:
        """Values in which nothing begins that could go on beyond them, and that begin no other needle."""
        for number, data, source in self._index.whole():
            if self.sources[source].form != Encoding.RAW or len(data) < SHORTEST:
                continue
            if source in self._before or source in self._after:
                continue
            beginnings = self._beginnings(data)
            first = [each for each, at, _ in beginnings if not at]
            if not self._dumps.isdisjoint(first) or not self._inner_of(number).issuperset(
                at for _, at, _ in beginnings if at
            ):
                continue
            patterns = [pattern for each in first for pattern, _ in self._patterns.get(each, ())]
            yield WholeValue(data, self.masks[source], source, patterns)

    def scan(self, data: bytes, *, final: bool, searched: Searched | None = None) -> Scan:
        """Find everything that begins in the data, which may have been searched. With `final`, nothing follows it."""
        view = CompactText(data, searched[0] if searched else None)
        state = _ScanState(view, final=final)
        begin, passed, inner = 0, 0, frozenset[int]()
        for number, at, _ in searched[1] if searched else self._beginnings(view.text):
            if at < passed and at - begin in inner:
                continue
            if number in self._patterns:
                self._look_for_patterns(state, number, at)
            if number in self._short:
                state.dumps = state.dumps or (number in self._dumps and is_row(view.text, at))
                continue
            place = self._index.look(view.text, at, final=final)
            if place.number < 0 and not place.open:
                continue
            place = self._take(state, at, place)
            if place.exact:
                begin, passed, inner = at, at + place.length, self._inner_of(place.number)
        begun = len(data) if final else self._back(data, self._ends.start(data))
        return Scan(state.hits, min(state.limit, begun), min(state.safe, begun), state.quiet, state.dumps)

    def _look_for_patterns(self, state: _ScanState, number: int, at: int) -> None:
        for pattern, source in self._patterns[number]:
            found = pattern.match_compact(state.view, at, final=state.final)
            if found is None:
                continue
            if found.decided:
                state.hits.append(MaskSpan(found.start, found.end, source, found.at))
                continue
            exposed = len(state.view.data) - found.start >= _EXPOSED
            state.hold(found.at, found.at if pattern.masked is None else found.start, found.at if exposed else None)

    def _take(self, state: _ScanState, at: int, place: NeedleMatch) -> NeedleMatch:
        """Note what is at a place; returns the needle that is masked there."""
        view, start = state.view, state.view.start(at, place.length)
        open_ = place.open and len(view.data) - start < self._spread
        if place.length:
            end = self._end(view, at, start, place)
            if end - start > self._spread:
                place, end = self._nearer(view, at, start)
        if place.length:
            span = self._with_shared(view.data, start, end, place)
            state.hits.append(span)
            if not state.final and place.source in self._after:
                open_ = open_ or may_follow(view.data, span.end)
        if open_:
            held = self._back(view.data, start)
            state.hold(held, held, held)
        return place

    def _end(self, view: CompactText, at: int, start: int, place: NeedleMatch) -> int:
        """Where in the data a needle ends; most stand in one piece."""
        end = start + place.length
        if view.data[start:end] == view.text[at : at + place.length]:
            return end
        return view.end(at + place.length)

    def _nearer(self, view: CompactText, at: int, start: int) -> tuple[NeedleMatch, int]:
        """The longest needle that is not spread too far."""
        reached = at + view.kept(start, start + self._spread)
        place = self._index.look(view.text[:reached], at, final=True)
        return place, self._end(view, at, start, place) if place.length else start

    def _inner_of(self, number: int) -> frozenset[int]:
        """Where anchors inside a needle lead to nothing but pieces of the same value that end inside it too."""
        known = self._inner.get(number)
        if known is None:
            data, source = self._index.needle(number)
            beginnings = self._beginnings(data)
            others = {at for each, at, _ in beginnings if each in self._patterns or each in self._dumps}
            places = {at for _, at, _ in beginnings if at} - others
            known = frozenset(at for at in places if self._stays_inside(data, at, source))
            self._inner[number] = known
        return known

    def _stays_inside(self, data: bytes, at: int, source: int) -> bool:
        place = self._index.look(data, at, final=False)
        return not place.open and (not place.length or self.sources[place.source].id == self.sources[source].id)

    def _with_shared(self, data: bytes, start: int, end: int, place: NeedleMatch) -> MaskSpan:
        """A needle with the base64 digits that it shares with its neighbours, which may be on another line."""
        if place.source in self._before:
            start = digit_before(data, start)
        if place.source in self._after:
            end = digit_after(data, end)
        return MaskSpan(start, end, place.source, start)

    def _back(self, data: bytes, at: int) -> int:
        """Where the digit begins that what may begin at `at` would share."""
        return digit_before(data, at) if self._before else at


def _as_searched(data: bytes) -> bytes:
    """A needle as it is in the texts that are searched: in plain letters and without white space."""
    return compact(data if is_plain(data) else look(data, final=True).visible)


@cache
def formats_only() -> Matcher:
    """The engine that knows no value, which every program needs that learns its values."""
    return Matcher()
