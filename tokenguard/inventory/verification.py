"""Verifies tokens by probing their provider, and records the observation."""

from collections.abc import Callable
from enum import StrEnum, unique

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Event, Op
from tokenguard.domain.liveness import Observation, ScopeVerdict, Verdict
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import Conflict, ExitCode
from tokenguard.frozen import Frozen, replace
from tokenguard.ports.clock import Clock
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.ports.given_value import value_to_give
from tokenguard.ports.provider import Provider
from tokenguard.ports.store import FieldState, Store

_TRIES = 3


@unique
class VerificationResult(StrEnum):
    """The result of a verification."""

    ALIVE = "alive"
    DEAD = "dead"
    REFUSED = "refused"
    """The provider refuses the value and never accepted it: it may be the wrong value, or of a kind that is refused."""
    WRONG_SCOPE = "wrong-scope"
    REPLACED = "replaced"
    """Alive, but not the recorded value: another writer has replaced the adopted value."""
    UNKNOWN = "unknown"
    NOT_ASKED = "not-asked"
    """There is no value to show, or the provider has no way to ask."""

    @property
    def exit_code(self) -> ExitCode:
        """What it means for the process."""
        if self in _WRONG:
            return ExitCode.FINDINGS
        return ExitCode.UNREACHABLE if self is VerificationResult.UNKNOWN else ExitCode.OK


_WRONG = frozenset(
    {
        VerificationResult.DEAD, VerificationResult.REFUSED, VerificationResult.WRONG_SCOPE,
        VerificationResult.REPLACED,
    }
)  # fmt: skip


class Verification(Frozen, frozen=True, kw_only=True):
    """One token looked at."""

    record: Record
    result: VerificationResult
    seen: Observation | None = None
    reason: str = ""
    """Why it was not asked, or the provider's code."""


def judge(seen: Observation) -> VerificationResult:
    """What an observation means: a live token that leads elsewhere is as wrong as a dead one."""
    match seen.verdict:
        case Verdict.DEAD:
            return VerificationResult.DEAD
        case Verdict.UNKNOWN:
            return VerificationResult.UNKNOWN
        case Verdict.ALIVE:
            return (
                VerificationResult.WRONG_SCOPE if seen.scope_verdict is ScopeVerdict.WRONG else VerificationResult.ALIVE
            )


def verify(
    store: Store,
    clock: Clock,
    provider_of: Callable[[Record], Provider],
    snapshot: Snapshot,
    *,
    controlled: Callable[[Record, Value], bool],
) -> Verification:
    """Probe the live value of one token and record the observation.

    A refusal says that the token is dead only with a control; without one it may be an outage, and is *unknown*. If the
    provider never accepted the value, it is *refused*. Nothing is recorded while an operation is open: the journal
    belongs to its runner.

    Args:
        store: where the token is.
        clock: dates the record's event.
        provider_of: the provider of a record.
        snapshot: the token.
        controlled: whether the host of a refused value accepts something else now.

    Raises:
        InputError: the provider is not known, or not where the record says.
        UnexpectedValue: there is nothing any more where the value was adopted.
        Unreachable: the store could not be read or written.
    """
    record = snapshot.document.record
    if record.state is RecordState.RETIRED:
        return _not_asked(record, "it is retired")
    live = value_to_give(store, snapshot)
    if live is None:
        return _not_asked(record, "the store has no value of this token")
    if live.found is FieldState.MISSING:
        raise UnexpectedValue.at(record.location.url)
    provider = provider_of(record)
    if not provider.capabilities.probes(record.kind):
        what = "admin credentials" if provider.capabilities.probe else "tokens"
        return _not_asked(record, f"{provider.name} cannot verify {what}")
    seen = _probe(provider, record, live.value, controlled)
    result, replaced = judge(seen), live.found is FieldState.DIFFERENT
    if result is VerificationResult.DEAD and (replaced or record.last_accepted is None):
        result = VerificationResult.REFUSED
    if replaced:  # not a look at our value, so none to be recorded
        result = VerificationResult.REPLACED if result is VerificationResult.ALIVE else result
        why = f"another writer has replaced the value at {record.location.url} ({seen.reason})"
        return Verification(record=record, result=result, seen=seen, reason=why)
    if not snapshot.document.busy:
        _keep(store, clock, snapshot, seen)
    return Verification(record=record, result=result, seen=seen, reason=seen.reason)


def _not_asked(record: Record, reason: str) -> Verification:
    return Verification(record=record, result=VerificationResult.NOT_ASKED, reason=reason)


def _probe(
    provider: Provider, record: Record, value: Value, controlled: Callable[[Record, Value], bool]
) -> Observation:
    """What the provider says; a refusal without a control is unknown."""
    seen = provider.probe(value, record.scope)
    if seen.verdict is Verdict.DEAD and not controlled(record, value):
        return replace(seen, verdict=Verdict.UNKNOWN, reason=f"{seen.reason}-unconfirmed")
    return seen


def _keep(store: Store, clock: Clock, snapshot: Snapshot, seen: Observation) -> None:
    """Record the observation, unless other writers keep changing the token, whose state is then newer."""
    for _ in range(_TRIES):
        document = snapshot.document
        record = document.record.with_look(seen)
        record = replace(record, scope_name=record.scope_name or seen.scope_name)
        event = Event(
            at=clock.now(),
            op=Op.VERIFY,
            actor=store.actor(),
            name=record.name,
            detail={"verdict": seen.verdict.value, "scope": seen.scope_verdict.value, "reason": seen.reason},
        )
        try:
            store.commit(snapshot.id, snapshot.version, replace(document, record=record), [event])
        except Conflict:
            snapshot = store.load(snapshot.id)
            if snapshot.document.busy or snapshot.document.record.fingerprint != record.fingerprint:
                return
        else:
            return
