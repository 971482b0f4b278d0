"""Redaction of data that comes in pieces: the output never depends on where it was cut."""

from collections import Counter

from tokenguard.redaction.candidates import Candidates, survey
from tokenguard.redaction.known import MatchSource
from tokenguard.redaction.matcher import Matcher, Searched

_SPARSE = 1_000
"""Bytes for each value, from which on whole values are not looked for first."""
_CROWDED = 100
"""Bytes for each place where something may begin, up to which whole values are looked for first."""
_ROUNDS = 4
_CLOSER = 512
"""Bytes at which a closer look is taken between whole values."""
_LARGE, _SAMPLE = 32_768, 1_024
"""Bytes of a piece whose first bytes tell whether it is crowded: it would take long to find out in all of it."""
_NO_BREAKS = bytes(byte for byte in range(256) if byte not in b"\r\n")


class StreamRedactor:
    """One stream's state. `feed` pieces, `idle` when nothing comes for a while, `finish` once at the end.

    It holds back only what may still become something to mask. Areas that overlap or touch become one mask.
    """

    __slots__ = ("_area", "_dense", "_held", "_masked", "_quiet", "_shape", "_shown", "found", "matcher")

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.found: Counter[MatchSource] = Counter()
        """How often each source was masked; a format is counted only where no known value is under the mask."""
        self._dense = False  # whether the last piece had many values
        self._held = b""
        self._quiet = 0  # so much of what is held may be shown while nothing follows
        self._shown = 0  # so much of what is held was passed on already
        self._masked = -1  # up to here what is held lies under a mask that was written; -1: no mask came last
        self._area: set[str] = set()  # whose values were counted in the area of the last mask
        self._shape: MatchSource | None = None  # the format that was counted there, while no known value is

    @property
    def held(self) -> int:
        """Bytes that were fed and not passed on."""
        return len(self._held) - self._shown

    def feed(self, chunk: bytes) -> bytes:
        """Take the next piece; returns what can be passed on."""
        data = self._held + chunk if self._held else chunk
        return self._feed_dense(data) if self._dense else self._feed(data)

    def _feed(self, data: bytes, *, looked: bool = False) -> bytes:
        matcher = self.matcher
        if len(data) > _LARGE and not looked and matcher.is_crowded(data[:_SAMPLE], _CROWDED):
            return self._feed_dense(data)
        searched = matcher.begin(data)
        if searched is not None and self._masked < 0:
            limit = matcher.limit_of_ordinary(data, searched)
            if limit is not None:
                self._dense = False
                shown, size = self._shown, len(data)
                if limit == size and not shown:
                    self._held, self._quiet = b"", 0
                    return data
                self._held, self._quiet, self._shown = data[limit:], size - limit, shown - limit if shown > limit else 0
                return data[shown:limit]
        if not looked and searched is not None and len(searched[1]) * _CROWDED > len(data) > _CLOSER:
            return self._feed_dense(data)
        return self._advance(data, final=False, searched=searched)

    def _feed_dense(self, data: bytes) -> bytes:
        """Mask whole values first, which are in ordinary text mostly; then take a closer look at the rest."""
        out: list[bytes] = []
        for _ in range(_ROUNDS):
            found = None if self._masked >= 0 or self._shown else self.matcher.replace_whole(data)
            if found is None:
                break
            masked, counts, limit, is_all = found
            out.append(masked)
            for source, count in counts.items():
                self.found[self.matcher.sources[source]] += count
            self._held, self._quiet = data[limit:], len(data) - limit
            data, rest = self._held, data[limit + _CLOSER :]
            if not is_all:
                out.append(self._advance(data[:_CLOSER], final=False))
                data = self._held + rest
            if is_all or not rest:
                self._dense = True
                return b"".join(out)
        out.append(self._feed(data, looked=True))
        self._dense = self._dense or len(out) > 1
        return b"".join(out)

    def idle(self) -> bytes:
        """Pass on what is harmless although undecided, such as a prompt; what follows is still masked."""
        return self._show(self._quiet) if self._shown < self._quiet else b""

    def finish(self, chunk: bytes = b"") -> bytes:
        """Take the last piece, after which nothing follows; returns the rest."""
        return self._advance(self._held + chunk if self._held else chunk, final=True)

    def _advance(self, data: bytes, *, final: bool, searched: Searched | None = None) -> bytes:
        found = survey(self.matcher, data, final=final, searched=searched)
        limit = len(data) if final else found.limit
        self._dense = len(found.hits) * _SPARSE > len(data)
        if not found.hits and self._masked < 0:
            out = data if limit == len(data) and not self._shown else data[self._shown : limit]
        else:
            out = self._write(data, found, limit)
        self._held = data[limit:]
        self._quiet = found.quiet - limit
        self._shown = max(self._shown - limit, 0)
        self._masked = max(self._masked - limit, -1)
        if found.safe > limit:
            out += self._show(found.safe - limit)
        return out

    def _show(self, end: int) -> bytes:
        """Pass on what is held up to `end`, and keep it to decide what follows."""
        begin = max(self._shown, self._masked)
        if end <= begin:
            return b""
        self._shown = end
        return self._held[begin:end]

    def _write(self, data: bytes, found: Candidates, limit: int) -> bytes:
        out: list[bytes] = []
        cursor = self._pass_under(data, self._shown, min(self._masked, limit), found, out)
        for hit in found.hits:
            if hit.start >= limit:
                break
            source = self.matcher.sources[hit.source]
            if max(hit.start, cursor) > self._masked:
                out += (data[cursor : hit.start], self.matcher.masks[hit.source])
                self._area, self._shape = set(), None
                cursor = max(cursor, hit.start)
            self._count(source)
            self._masked = max(self._masked, hit.end)
            cursor = self._pass_under(data, cursor, min(self._masked, limit), found, out)
        out.append(data[cursor:limit])
        return b"".join(out)

    def _count(self, source: MatchSource) -> None:
        """Count what is under the present mask: each known value once, or else one format."""
        if source.is_format:
            if not self._area and self._shape is None:
                self._shape = source
                self.found[source] += 1
        elif source.id not in self._area:
            if self._shape is not None:
                self.found -= Counter([self._shape])  # it was the format of this value
                self._shape = None
            self._area.add(source.id)
            self.found[source] += 1

    @staticmethod
    def _pass_under(data: bytes, cursor: int, end: int, found: Candidates, out: list[bytes]) -> int:
        """Go to `end` under a mask, writing only line breaks and escape sequences on the way."""
        if end <= cursor:
            return cursor
        for start, stop in found.escapes:
            if cursor <= start and stop <= end:
                out += (data[cursor:start].translate(None, _NO_BREAKS), data[start:stop])
                cursor = stop
        out.append(data[cursor:end].translate(None, _NO_BREAKS))
        return end


def redact(matcher: Matcher, data: bytes, found: Counter[MatchSource] | None = None) -> bytes:
    """Mask a whole piece of data; returns the same object if there is nothing to mask.

    Args:
        matcher: what to mask.
        data: all of it.
        found: counts how often each source was masked.
    """
    if matcher.is_clean(data):
        return data  # the usual case, without the bookkeeping of a stream
    stream = StreamRedactor(matcher)
    out = stream.finish(data)
    if found is not None:
        found.update(stream.found)
    return out if stream.found else data


def redact_text(matcher: Matcher, text: str, found: Counter[MatchSource] | None = None) -> str:
    """Like `redact`, for text; lone surrogates survive."""
    data = text.encode("utf-8", "surrogatepass")
    out = redact(matcher, data, found)
    return text if out is data else out.decode("utf-8", "surrogatepass")
