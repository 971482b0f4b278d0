"""Stage A: the team's own tokens, as they are or in disguise. Nothing in a repository can silence these."""

from collections.abc import Iterator

from tokenguard.detection.decoded_views import readings
from tokenguard.detection.known_token_index import KnownTokenMatch, OwnIndex
from tokenguard.detection.match import TextMatch, Unscanned
from tokenguard.detection.text_positions import TextPositions
from tokenguard.domain.finding import FindingKind
from tokenguard.domain.secret import Secret

CODE_DIGITS = 12
"""How much of a token's id is its report code: enough that two of one store never share it, short enough to say."""


def scan_own(index: OwnIndex, data: bytes) -> Iterator[TextMatch | Unscanned]:
    """Find indexed values in `data`, each once for each line, and say where nesting was not followed to its end."""
    found: dict[tuple[str, int], dict[str, tuple[bytes, TextMatch]]] = {}
    places = TextPositions(data, b"\n")
    writings: dict[tuple[int, int], Secret] = {}
    for start, end, hit, how in _search(index, data):
        line, column = places.of(start)
        if hit is None:
            yield Unscanned(line=line, reason="nested-disguises")
        elif hit.entry.tag not in found.setdefault((hit.entry.token, line), {}):
            if how and (start, end) not in writings:  # many tokens may stand in one
                writings[start, end] = Secret(data[start:end].decode("utf-8", "replace"))
            match = _match(hit, how, line, column, writings.get((start, end)) if how else None)
            found[hit.entry.token, line][hit.entry.tag] = (hit.value, match)
    for values in found.values():
        for value, match in values.values():
            if not any(value in whole and value != whole for whole, _ in values.values()):  # the half of a pair
                yield match


def _search(index: OwnIndex, data: bytes) -> Iterator[tuple[int, int, KnownTokenMatch | None, str]]:
    """Hits as they stand, in disguise, and twice disguised, by where they stand; none where the last were given up."""
    for hit in index.hits(data):
        yield hit.start, hit.start + len(hit.value), hit, ""
    for view in readings(index.disguises, data):
        for hit in index.hits(view.data):
            yield view.start, view.end, hit, view.how
        if not view.whole:
            yield view.start, view.end, None, ""


def _match(hit: KnownTokenMatch, how: str, line: int, column: int, written: Secret | None) -> TextMatch:
    revoked = hit.entry.revoked_on
    facts = {"token": hit.entry.token, "state": "revoked" if revoked else "live"}
    if revoked:
        facts["since"] = revoked
    else:
        facts["report"] = hit.entry.token[:CODE_DIGITS]
    if how:
        facts["as"] = how
    value = Secret(hit.value.decode("ascii"))
    return TextMatch(
        kind=FindingKind.OWN,
        type="own token",
        line=line,
        column=column,
        value=value,
        whole=value,
        written=written,
        facts=facts,
    )
