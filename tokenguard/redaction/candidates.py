"""Everything to mask in a piece of data, as written and as seen, and how much of it is decided."""

from typing import NamedTuple

from tokenguard.redaction.matcher import MaskSpan, Matcher, Scan
from tokenguard.redaction.visible_text import ESCAPE, OffsetMap, is_plain, look


class Candidates(NamedTuple):
    """What is to be done with some data."""

    hits: list[MaskSpan]
    """In order of their start, the longest first."""
    limit: int
    """Everything that begins before this offset is decided."""
    safe: int
    """From the limit to here the data is what it will be in the output, although it is needed to decide the rest."""
    quiet: int
    """From there to here the data may be shown if nothing follows for a while."""
    escapes: list[tuple[int, int]]
    """Escape sequences that are kept even inside a mask, so that a terminal's state stays what it should be."""


def survey(matcher: Matcher, data: bytes, *, final: bool) -> Candidates:
    """Look at the data as it is written and, where that differs, as it is seen."""
    scan = matcher.scan(data, final=final)
    if not is_plain(data):
        return _survey_seen(matcher, data, scan, final=final)
    if not scan.hits:
        return Candidates(scan.hits, scan.limit, scan.safe, max(scan.safe, scan.quiet), [])
    return _survey(scan.hits, scan, [], [])


def _survey_seen(matcher: Matcher, data: bytes, scan: Scan, *, final: bool) -> Candidates:
    view = look(data, final=final)
    hits, limit = scan.hits, min(scan.limit, view.limit)
    escapes = [
        (start, end)
        for start, end in view.inserts
        if data[start] == ESCAPE and not any(hit.start < end and start < hit.end for hit in scan.hits)
    ]
    if (size := len(view.visible)) == len(data):
        return _survey(hits, scan._replace(limit=limit, safe=min(scan.safe, limit)), view.inserts, escapes)
    way = OffsetMap(view.inserts)
    seen = matcher.scan(view.visible, final=final)
    hits = hits + [MaskSpan(way.start(hit.start), way.end(hit.end), hit.source, way.start(hit.at)) for hit in seen.hits]
    bounds = (
        min(ours, way.start(theirs)) if theirs < size else ours
        for ours, theirs in ((limit, seen.limit), (min(scan.safe, view.limit), seen.safe), (scan.quiet, seen.quiet))
    )
    return _survey(hits, Scan(hits, *bounds), view.inserts, escapes)


def _survey(
    hits: list[MaskSpan], scan: Scan, inserts: list[tuple[int, int]], escapes: list[tuple[int, int]]
) -> Candidates:
    """Put the hits in order, and never show early what would be masked by going on."""
    limit = _settle(scan.limit, hits, inserts)
    first = min((hit.start for hit in hits if hit.start >= limit), default=scan.quiet)
    safe = max(limit, min(scan.safe, first))
    return Candidates(_in_order(hits), limit, safe, max(safe, min(scan.quiet, first)), escapes)


def _in_order(hits: list[MaskSpan]) -> list[MaskSpan]:
    return sorted(hits, key=lambda hit: (hit.start, -hit.end, hit.source))


def _settle(limit: int, hits: list[MaskSpan], inserts: list[tuple[int, int]]) -> int:
    """Move the limit to where the data can be cut: not between a match and its mask, not inside an escape."""
    while True:
        moved = limit
        for hit in hits:
            if hit.at < moved <= hit.start:
                moved = hit.at
        for start, end in inserts:
            if start < moved < end:
                moved = start
        if moved == limit:
            return limit
        limit = moved
