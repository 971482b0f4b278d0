"""Stage A: the team's own tokens, as they are or in disguise. Nothing in a repository can silence these."""

from collections.abc import Iterator

from tokenguard.detection.match import Match
from tokenguard.detection.own_index import Hit, OwnIndex
from tokenguard.domain.finding import Kind
from tokenguard.domain.secret import Secret

_DEPTH = 2
CODE_DIGITS = 12
"""How much of a token's id is its report code: enough that two of one store never share it, short enough to say."""
_DECODED_LIMIT = 6
"""Views of views may be at most this many times as large as what they come from: an end to nesting for its own sake."""


def scan_own(index: OwnIndex, data: bytes) -> Iterator[Match]:
    """Find indexed values in `data`, each once for each line."""
    seen: set[tuple[str, int]] = set()
    budget = [_DECODED_LIMIT * len(data) + 4096]
    for start, hit, how in _search(index, data, _DEPTH, budget):
        line = data.count(b"\n", 0, start) + 1
        if (hit.entry.token, line) in seen:
            continue
        seen.add((hit.entry.token, line))
        yield _match(hit, how, line, start - data.rfind(b"\n", 0, start))


def _search(index: OwnIndex, data: bytes, depth: int, budget: list[int]) -> Iterator[tuple[int, Hit, str]]:
    for hit in index.hits(data):
        yield hit.start, hit, ""
    if depth == 0:
        return
    for view in index.disguises.views(data):
        budget[0] -= len(view.data)
        if budget[0] < 0:
            return
        for _, hit, how in _search(index, view.data, depth - 1, budget):
            yield view.start, hit, f"{view.how}, {how}" if how else view.how


def _match(hit: Hit, how: str, line: int, column: int) -> Match:
    revoked = hit.entry.revoked_on
    facts = {"token": hit.entry.token, "state": "revoked" if revoked else "live"}
    if revoked:
        facts["since"] = revoked
    else:
        facts["report"] = hit.entry.token[:CODE_DIGITS]
    if how:
        facts["as"] = how
    value = Secret(hit.value.decode("ascii"))
    return Match(kind=Kind.OWN, type="own token", line=line, column=column, value=value, whole=value, facts=facts)
