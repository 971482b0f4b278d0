"""Finds the control for a proof of death: a valid credential that the same host accepts in the same window.

Without a control, an outage that refuses every credential would count as proof. If a credential that was accepted
before is refused now, an outage is suspected, and the admin credential is not a control: another server may answer its
requests. If it is the live value of the token itself, only a token of the same scope is a control.
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
from tokenguard.ports.provider import TokenList, Vendor
from tokenguard.ports.store import FieldState, Store
from tokenguard.rotation.machine import label_to_revoke

_MAX_PROBES = 5  # per search: an outage must not cause a burst of requests
_HELD = frozenset({RecordState.ACTIVE, RecordState.UNCLAIMED})
_NEVER = datetime.min.replace(tzinfo=UTC)


class ControlResult(Frozen, frozen=True, kw_only=True):
    """The result of one search for a control."""

    by: DeathControl = DeathControl.NONE
    token: TokenId | None = None
    """The token that is the control."""
    doubt: bool = False
    """A possible control exists but was not accepted: an outage is possible."""
    refused: bool = False
    """A credential that was accepted before is refused, or was a moment ago."""
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

    @property
    def lack(self) -> str:
        """Why there is no control, to follow the provider's name and what it refuses."""
        if self.refused:
            return "also refuses credentials that it accepted before, which suggests an outage"
        if self.doubt:
            return "gives no clear answer about the credentials to compare it with"
        return "accepts no other credential to compare it with"

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
        self._place = record.installation
        self._scope = record.scope
        self._vendor = vendor
        self._own = own
        self._first: list[TokenId] = []
        self._refused: set[TokenId] = set()
        self._others: list[TokenId] | None = None
        self._read: dict[TokenId, _Candidate] = {}

    def look(self, excluded: Collection[Value]) -> ControlResult:
        """Probe the host with values other than those in `excluded`.

        No acceptance outweighs a refusal: while any other credential that was accepted before is refused, there is no
        control. The result is also in doubt where one is accepted that this search saw refused.

        Raises:
            Unreachable: the store cannot list its tokens.
        """
        doubt = refused = own_doubted = own_refused = False
        for token, candidate in islice(self._candidates(excluded), _MAX_PROBES):
            if own_doubted and candidate.scope != self._scope:
                continue  # each scope may be served by other servers
            own = self._own is not None and token == self._own.id
            result = self._asked(token, candidate)
            if result.holds and not (result.refused or refused):
                self._first = [token]  # tried first the next time
                return result
            doubt = doubt or result.doubt
            refused = refused or (result.refused and not own)
            own_doubted = own_doubted or (result.doubt and own)
            own_refused = own_refused or (result.refused and own)
            if result.holds:
                break
        if self._vendor.issuer is None or doubt or refused:
            return ControlResult(doubt=doubt or refused, refused=refused or own_refused)
        return self._asked_admin()

    def again(self, control: ControlResult) -> ControlResult:
        """Ask once more about a control that `look` found."""
        if control.token is None:
            return self._asked_admin() if self._vendor.issuer is not None else control
        candidate = self._candidate(control.token)
        return ControlResult(doubt=True) if candidate is None else self._asked(control.token, candidate)

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
        return candidate is not None and candidate.value not in excluded and self._asked(token, candidate).doubt

    def _asked(self, token: TokenId, candidate: _Candidate) -> ControlResult:
        seen = self._vendor.provider.probe(candidate.value, None) if candidate.value is not None else None
        if seen is not None and seen.verdict is Verdict.ALIVE:
            refused = token in self._refused
            self._refused.discard(token)
            return ControlResult(by=candidate.by, token=token, scope=candidate.scope, refused=refused)
        if seen is not None and seen.verdict is Verdict.DEAD and candidate.accepted_before:
            self._refused.add(token)
            return ControlResult(doubt=True, refused=True)
        return ControlResult(doubt=candidate.accepted_before or (seen is not None and seen.verdict is Verdict.UNKNOWN))

    def _asked_admin(self) -> ControlResult:
        """Whether the provider's API accepts the admin credential; the list that shows it is kept."""
        issuer = self._vendor.issuer
        try:
            return ControlResult() if issuer is None else ControlResult(by=DeathControl.ADMIN, listed=issuer.listed())
        except Unreachable:
            return ControlResult(doubt=True)

    def _candidates(self, excluded: Collection[Value]) -> Iterator[tuple[TokenId, _Candidate]]:
        for token in self._tokens():
            candidate = self._candidate(token)
            if candidate is not None and candidate.value not in excluded:
                yield token, candidate

    def _tokens(self) -> Iterator[TokenId]:
        """Yield the token itself, those seen refused, the last control, then all others.

        The others are in the order of their use: of the token's scope first, then the latest seen alive.
        """
        own = [self._own.id] if self._own is not None else []
        first = list(dict.fromkeys([*own, *sorted(self._refused), *self._first]))
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
        admin = record.kind is CredentialKind.PROVIDER_ADMIN
        asks = not admin or self._vendor.provider.capabilities.probes(record.kind)
        return asks and record.state in _HELD and record.installation == self._place

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
        if live is None or (journal is not None and label_to_revoke(journal) == live.label):
            return None
        if any(item.label == live.label for item in snapshot.document.quarantine):
            return None  # another writer has put an earlier value back: that it is refused does not show an outage
        accepted_before = accepted_before and live.found is FieldState.EXPECTED  # another's value was never probed
        self._read[token] = _Candidate(value=live.value, by=by, scope=record.scope, accepted_before=accepted_before)
        return self._read[token]
