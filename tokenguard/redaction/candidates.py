"""Everything to mask in a piece of data, as written and as seen, and how much of it is decided."""

from bisect import bisect_right
from typing import NamedTuple

from tokenguard.redaction import hex_dump
from tokenguard.redaction.matcher import SPREAD, MaskSpan, Matcher, Scan, Searched
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


def survey(matcher: Matcher, data: bytes, *, final: bool, searched: Searched | None = None) -> Candidates:
    """Look at the data as it is written and, where that differs, as it is seen."""
    inserts: list[tuple[int, int]] = []
    rows: list[tuple[int, int]] = []
    if searched is not None or is_plain(data):
        scan = matcher.scan(data, final=final, searched=searched)
    else:
        scan, inserts = _scan_seen(matcher, data, final=final)
    if scan.dumps:
        scan, rows = _scan_dumps(matcher, data, scan, final=final)
    elif not final:
        begun = hex_dump.begun_row(data)
        scan = scan if begun.start == len(data) else _before(scan, begun)
    if not scan.hits and not inserts and not rows:
        safe = max(scan.limit, scan.safe)
        return Candidates([], scan.limit, safe, max(safe, scan.quiet), [])
    ordered = sorted(scan.hits, key=_order)
    limit = _settle(scan.limit, ordered, [*inserts, *rows])
    first = min((hit.start for hit in ordered if hit.start >= limit), default=scan.quiet)
    safe = max(limit, min(scan.safe, first))  # nothing is shown early that would be masked by going on
    return Candidates(ordered, limit, safe, max(safe, min(scan.quiet, first)), _escapes(data, ordered, inserts))


def _scan_seen(matcher: Matcher, data: bytes, *, final: bool) -> tuple[Scan, list[tuple[int, int]]]:
    """What is seen; and what is written, if part of it is an escape sequence, which may hold a value itself."""
    view = look(data, final=final)
    way = OffsetMap(view.inserts, view.letters)
    seen = _mapped(matcher.scan(view.visible, final=final), len(view.visible), way, len(data))
    seen = _within(seen._replace(limit=min(seen.limit, view.limit), safe=min(seen.safe, view.limit)), matcher, data)
    if ESCAPE in data:
        seen = _joined(matcher.scan(data, final=final), seen)
    return seen, view.inserts + view.letters


def _within(scan: Scan, matcher: Matcher, data: bytes) -> Scan:
    """Leave out what is spread too far by characters that are not seen."""
    most = SPREAD * matcher.longest_hold
    if len(data) <= most:
        return scan
    hits = [hit for hit in scan.hits if hit.end - hit.start <= most]
    least = len(data) - most
    return scan._replace(hits=hits, limit=max(scan.limit, least), safe=max(scan.safe, least))


def _scan_dumps(matcher: Matcher, data: bytes, scan: Scan, *, final: bool) -> tuple[Scan, list[tuple[int, int]]]:
    """Also read hexadecimal dumps, column by column; returns the rows, too."""
    dump = hex_dump.read(data if final else data[: (begun := hex_dump.begun_row(data)).start])
    scan = scan if final else _before(scan, begun)
    for visible, inserts in dump.columns:
        found = matcher.scan(visible, final=final)
        scan = _joined(scan, _mapped(found, len(visible), OffsetMap(inserts), len(data)))
    return scan, dump.rows


def _before(scan: Scan, row: hex_dump.BegunRow) -> Scan:
    """Wait for a row that is not complete."""
    return scan._replace(
        limit=min(scan.limit, row.start), safe=min(scan.safe, row.shown), quiet=min(scan.quiet, row.shown)
    )


def _mapped(scan: Scan, size: int, way: OffsetMap, whole: int) -> Scan:
    """A scan of part of the data, in offsets of the `whole`."""
    hits = [MaskSpan(way.start(hit.start), way.end(hit.end), hit.source, way.start(hit.at)) for hit in scan.hits]
    limit, safe, quiet = (way.start(each) if each < size else whole for each in (scan.limit, scan.safe, scan.quiet))
    return Scan(hits, limit, safe, quiet, scan.dumps)


def _joined(one: Scan, other: Scan) -> Scan:
    return Scan(
        one.hits + other.hits,
        min(one.limit, other.limit),
        min(one.safe, other.safe),
        min(one.quiet, other.quiet),
        one.dumps or other.dumps,
    )


def _order(hit: MaskSpan) -> tuple[int, int, int]:
    return hit.start, -hit.end, hit.source


def _escapes(data: bytes, hits: list[MaskSpan], inserts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The escape sequences that hold nothing themselves."""
    escapes = [span for span in inserts if data[span[0]] == ESCAPE]
    if escapes and hits:
        starts = [start for start, _ in escapes]
        ends = ((bisect_right(starts, at) - 1, at) for hit in hits for at in (hit.start, hit.end - 1))
        holding = {number for number, at in ends if number >= 0 and at < escapes[number][1]}
        escapes = [span for number, span in enumerate(escapes) if number not in holding]
    return escapes


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
