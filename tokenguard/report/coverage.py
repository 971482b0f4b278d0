"""Coverage by provider: what is known of its tokens, and what its API supports."""

from collections import defaultdict

from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.token import Record
from tokenguard.frozen import Frozen, replace
from tokenguard.policy.context import ProviderFacts
from tokenguard.ports.provider import Method
from tokenguard.report.posture import Posture

_WAYS = {Method.API: "by API", Method.PERSON: "by hand", Method.NEVER: "never"}


class Coverage(Frozen, frozen=True, kw_only=True):
    """One provider."""

    provider: str
    tokens: int
    scopes: int
    alive: int
    """Alive at the last verification."""
    placed: int
    """Verified to have the recorded scope."""
    made: str
    """How tokens are created and revoked."""
    listed: str
    """Whether the provider's own list was compared, or the reason."""
    rows: int = 0
    """How many tokens its own list has."""
    unknown: int = 0
    """How many of them have no record."""

    @property
    def recorded(self) -> str:
        """How much of the provider's own list is recorded; empty if it was not read."""
        return f"{self.rows - self.unknown:,} of {self.rows:,}" if self.rows else ""


def coverage(posture: Posture) -> list[Coverage]:
    """Each provider, the one with most tokens first."""
    records: defaultdict[str, list[Record]] = defaultdict(list)
    facts: defaultdict[str, list[ProviderFacts]] = defaultdict(list)
    listed: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    unknown: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for around in posture.surroundings:
        for record in around.records:
            records[record.provider].append(record)
        for place, found in around.providers.items():
            facts[place[0]].append(found)
            listed[place[0]] |= {(place[1], row.provider_id) for row in found.listed or ()}
        for place, strangers in around.unmatched():
            unknown[place[0]] |= {(place[1], row.provider_id) for row in strangers}
    rows = [
        replace(_of(name, found, facts[name]), rows=len(listed[name]), unknown=len(unknown[name]))
        for name, found in records.items()
    ]
    return sorted(rows, key=lambda row: (-row.tokens, row.provider))


def _of(name: str, records: list[Record], facts: list[ProviderFacts]) -> Coverage:
    looks = [record.seen for record in records if record.seen is not None]
    return Coverage(
        provider=name,
        tokens=len(records),
        scopes=len({str(record.scope) for record in records if record.scope}),
        alive=sum(look.verdict is Verdict.ALIVE for look in looks),
        placed=sum(look.scope_verdict is ScopeVerdict.RIGHT for look in looks),
        made=_made(facts),
        listed=_listed(facts),
    )


def _made(facts: list[ProviderFacts]) -> str:
    known = next((each.capabilities for each in facts if each.capabilities is not None), None)
    return f"created {_WAYS[known.mint]}, revoked {_WAYS[known.revoke]}" if known else "not configured on this machine"


def _listed(facts: list[ProviderFacts]) -> str:
    lists = [each for each in facts if each.listed is not None]
    if lists and len(lists) == len(facts):
        read_at = min((each.read_at for each in lists if each.read_at is not None), default=None)
        return f"compared with the list read on {read_at:%Y-%m-%d}" if read_at else "compared with the provider's list"
    missing = sorted({each.no_list for each in facts if each.listed is None})
    compared = f"{len(lists):,} of {len(facts):,} lists compared; " if lists else ""
    return compared + "; ".join(missing)
