"""Everything to mask in a piece of data, as written and as seen, and how much of it is decided."""

from typing import NamedTuple

from tokenguard.redaction.matcher import Hit, Matcher, Scan
from tokenguard.redaction.view import ESCAPE, Way, is_plain, look


class Survey(NamedTuple):
    """What is to be done with some data."""

    hits: list[Hit]
    """In order of their start, the longest first."""
    limit: int
    """Everything that begins before this offset is decided."""
    quiet: int
    """Up to here the data may be shown if nothing follows for a while."""
    escapes: list[tuple[int, int]]
    """Escape sequences that are kept even inside a mask, so that a terminal's state stays what it should be."""


def survey(matcher: Matcher, data: bytes, *, final: bool) -> Survey:
    """Look at the data as it is written and, where that differs, as it is seen."""
    scan = matcher.scan(data, final=final)
    if is_plain(data):
        if not scan.hits:
            return Survey(scan.hits, scan.limit, scan.quiet, [])
        limit = _settle(scan.limit, scan.hits, [])
        return Survey(_in_order(scan.hits), limit, _quiet(scan.quiet, limit, scan.hits), [])
    return _survey_seen(matcher, data, scan, final=final)


def _survey_seen(matcher: Matcher, data: bytes, scan: Scan, *, final: bool) -> Survey:
    view = look(data, final=final)
    hits, limit, quiet = scan.hits, min(scan.limit, view.limit), scan.quiet
    inserts = view.inserts
    escapes = [
        (start, end)
        for start, end in inserts
        if data[start] == ESCAPE and not any(hit.start < end and start < hit.end for hit in scan.hits)
    ]
    if len(view.visible) < len(data):
        way = Way(inserts)
        seen = matcher.scan(view.visible, final=final)
        hits = hits + [Hit(way.start(hit.start), way.end(hit.end), hit.source, way.start(hit.at)) for hit in seen.hits]
        size = len(view.visible)
        limit = min(limit, way.start(seen.limit)) if seen.limit < size else limit
        quiet = min(quiet, way.start(seen.quiet)) if seen.quiet < size else quiet
    limit = _settle(limit, hits, inserts)
    quiet = _settle(_quiet(quiet, limit, hits), [], inserts)
    return Survey(_in_order(hits), limit, quiet, escapes)


def _in_order(hits: list[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (hit.start, -hit.end, hit.source))


def _quiet(quiet: int, limit: int, hits: list[Hit]) -> int:
    """Never show by waiting what would be masked by going on."""
    return max(limit, min([quiet, *(hit.start for hit in hits if hit.start >= limit)]))


def _settle(limit: int, hits: list[Hit], inserts: list[tuple[int, int]]) -> int:
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
