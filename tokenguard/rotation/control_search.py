"""Finds the control for a proof of death: a valid credential that the same host accepts in the same window.

Without a control, an outage that refuses every credential would count as proof. If a credential that was accepted
before is refused now, an outage is suspected, and the admin credential is no control: its requests may be answered by
another server. If it is the live value of the token itself, only a token of the same scope is a control.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from itertools import islice

from tokenguard.domain.document import Snapshot
from tokenguard.domain.liveness import DeathControl, Verdict
from tokenguard.domain.names import TokenId
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import CredentialKind, Record, RecordState
from tokenguard.errors import InputError, Unreachable
from tokenguard.frozen import Frozen, replace
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import TokenList, Vendor, Vendors
from tokenguard.ports.store import FieldState, Store
from tokenguard.rotation.machine import condemned

_MAX_PROBES = 5  # per search: an outage must not cause a burst of requests
_RETRY = 30.0
"""Seconds before a host that accepted no control is searched again, in a run over many tokens."""
_HELD = frozenset({RecordState.ACTIVE, RecordState.UNCLAIMED})
_NEVER = datetime.min.replace(tzinfo=UTC)


class ControlResult(Frozen, frozen=True, kw_only=True):
    """The result of one search for a control."""

    by: DeathControl = DeathControl.NONE
    doubt: bool = False
    """A possible control exists but was not accepted: an outage is possible."""
    scope: Scope | None = None
    """The scope of the token that is the control."""
    listed: TokenList | None = None
    """The provider's list, where it was read."""
    contradicted: bool = False
    """The list names the token that was refused."""

    @property
    def holds(self) -> bool:
        """Whether the host accepts a control now."""
        return self.by is not DeathControl.NONE

    def about(self, provider_id: str) -> "ControlResult":
        """Return the result for a token with this id: a list that names it contradicts its death."""
        if provider_id and self.listed is not None and self.listed.holds(provider_id):
            return ControlResult(doubt=True, contradicted=True)
        return self


class _Candidate(Frozen, frozen=True, kw_only=True):
    """A token that may be used as a control."""

    value: Value | None
    """None if the store could not be read."""
    by: DeathControl
    scope: Scope | None
    accepted_before: bool


class ControlSearch:
    """Searches for controls at the provider and host of one record.

    Args:
        store: holds the values of other tokens.
        record: names the provider and host.
        vendor: the provider, with its admin credential if one is configured.
        own: the token whose live value is tried first, as its session holds it. It is not read again: the
            session commits the result, which fails if another runner holds the operation by then.
    """

    def __init__(self, store: Store, record: Record, vendor: Vendor, *, own: Snapshot | None = None) -> None:
        self._store = store
        self._place = (record.provider, record.base_url)
        self._scope = record.scope
        self._vendor = vendor
        self._own = own
        self._first: list[TokenId] = []
        self._others: list[TokenId] | None = None
        self._read: dict[TokenId, _Candidate] = {}

    def look(self, excluded: Collection[Value]) -> ControlResult:
        """Probe the host with values other than those in `excluded`.

        Raises:
            Unreachable: the store cannot list its tokens.
        """
        doubt = own_refused = False
        for token, candidate in islice(self._candidates(excluded), _MAX_PROBES):
            if own_refused and candidate.scope != self._scope:
                continue  # each scope may be served by other servers
            result = self._asked(candidate)
            if result.holds:
                self._first = [token]  # tried first the next time
                return result
            doubt = doubt or result.doubt
            own_refused = own_refused or (result.doubt and self._own is not None and token == self._own.id)
        if self._vendor.issuer is None or doubt:
            return ControlResult(doubt=doubt)
        try:
            listed = self._vendor.issuer.listed()
        except Unreachable:
            return ControlResult(doubt=True)
        return ControlResult(by=DeathControl.ADMIN, listed=listed)

    def with_list(self, control: ControlResult) -> ControlResult:
        """Add the provider's list to a control, if it can be read and was not read for it."""
        if not control.holds or control.listed is not None or self._vendor.issuer is None:
            return control
        try:
            return replace(control, listed=self._vendor.issuer.listed())
        except Unreachable:
            return control

    def refuses_live_value(self, token: TokenId, excluded: Collection[Value]) -> bool:
        """Whether the token's own live value was accepted before and is not now, which an outage may explain."""
        candidate = self._candidate(token)
        return candidate is not None and candidate.value not in excluded and self._asked(candidate).doubt

    def _asked(self, candidate: _Candidate) -> ControlResult:
        seen = self._vendor.provider.probe(candidate.value, None) if candidate.value is not None else None
        if seen is not None and seen.verdict is Verdict.ALIVE:
            return ControlResult(by=candidate.by, scope=candidate.scope)
        return ControlResult(doubt=candidate.accepted_before or (seen is not None and seen.verdict is Verdict.UNKNOWN))

    def _candidates(self, excluded: Collection[Value]) -> Iterator[tuple[TokenId, _Candidate]]:
        for token in self._tokens():
            candidate = self._candidate(token)
            if candidate is not None and candidate.value not in excluded:
                yield token, candidate

    def _tokens(self) -> Iterator[TokenId]:
        """Yield the token itself, the last control, then all others: of its scope first, then the latest seen alive."""
        own = [self._own.id] if self._own is not None else []
        first = [*own, *(each for each in self._first if each not in own)]
        yield from first
        if self._others is None:
            found = [each for each in self._store.scan() if self._fits(each)]
            self._others = [each.id for each in sorted(found, key=self._rank, reverse=True)]
        yield from (each for each in self._others if each not in first)

    def _rank(self, snapshot: Snapshot) -> tuple[bool, datetime]:
        record = snapshot.document.record
        return record.scope == self._scope, record.last_accepted or _NEVER

    def _fits(self, snapshot: Snapshot) -> bool:
        record = snapshot.document.record
        return record.state in _HELD and (record.provider, record.base_url) == self._place

    def _candidate(self, token: TokenId) -> _Candidate | None:
        """Return the token as a candidate (read once); None if it can never be a control."""
        if token in self._read:
            return self._read[token]
        snapshot = self._own if self._own is not None and self._own.id == token else self._store.load(token)
        journal, record = snapshot.document.journal, snapshot.document.record
        by = DeathControl.ADMIN if record.kind is CredentialKind.PROVIDER_ADMIN else DeathControl.TOKEN
        accepted_before = record.last_accepted is not None
        try:
            live = self._store.read_live(token)
        except Unreachable:
            return _Candidate(value=None, by=by, scope=record.scope, accepted_before=accepted_before)
        except InputError:
            return None  # not readable from here: neither a control nor evidence of an outage
        if live is None or (journal is not None and condemned(journal) == live.label):
            return None
        accepted_before = accepted_before and live.found is FieldState.SAME  # another's value was never probed
        self._read[token] = _Candidate(value=live.value, by=by, scope=record.scope, accepted_before=accepted_before)
        return self._read[token]


class Controls:
    """Controls for a run over many tokens; remembers the control of each provider and host."""

    def __init__(self, store: Store, vendors: Vendors, clock: Clock) -> None:
        self._store = store
        self._vendors = vendors
        self._clock = clock
        self._searches: dict[tuple[str, str], ControlSearch] = {}
        self._missed: dict[tuple[str, str], float] = {}

    def hold(self, record: Record, refused: Value) -> bool:
        """Whether the host of a refused value accepts a control now, which makes the refusal meaningful."""
        place, now = (record.provider, record.base_url), self._clock.monotonic()
        if place not in self._searches:
            self._searches[place] = ControlSearch(self._store, record, self._vendors.of(record))
        if now - self._missed.get(place, -_RETRY) < _RETRY:
            return False
        control = self._searches[place].look([refused])
        if control.holds:
            return not self._lists(record, control)
        self._missed[place] = now
        return False

    def _lists(self, record: Record, control: ControlResult) -> bool:
        """Whether the provider's list names the token, or cannot be read: then the refusal is not conclusive."""
        issuer, listed = self._vendors.of(record).issuer, control.listed
        if issuer is None or not record.provider_id:
            return False
        try:
            return (issuer.listed() if listed is None else listed).holds(record.provider_id)
        except Unreachable:
            return True
