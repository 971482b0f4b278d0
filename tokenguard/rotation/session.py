"""One runner's session on one token: the snapshot it acts on, and the only writer of the journal."""

import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Detail, Event, Op, Phase
from tokenguard.domain.journal import Attempt, AttemptState, Journal, Mode, Quarantined, Stage
from tokenguard.domain.liveness import Observation
from tokenguard.domain.names import Label
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record
from tokenguard.errors import Conflict, Fenced, InputError, RotatedByOthers, Tampered
from tokenguard.frozen import Frozen, replace
from tokenguard.ports.clock import Clock
from tokenguard.ports.delivery import Deliveries
from tokenguard.ports.operator import Operator, Progress
from tokenguard.ports.provider import Issuer, Provider, Vendor, Vendors
from tokenguard.ports.store import Store
from tokenguard.rotation.machine import next_stage

DEFAULT_QUIET_PERIOD = timedelta(days=7)


class Context(Frozen, frozen=True, kw_only=True):
    """The ports and settings that an operation needs."""

    store: Store
    vendors: Vendors
    deliveries: Deliveries
    operator: Operator
    progress: Progress
    clock: Clock
    holder: str
    """The id of this runner: `host/pid/nonce`."""
    attended: bool = True
    """Whether a person can be asked. If not, operations that need one are refused before they begin."""
    quiet_period: timedelta = DEFAULT_QUIET_PERIOD
    """How long the provider must report no use of the old token to rule out undeclared consumers."""
    accepts_assertion: Callable[[Record, int], bool] = lambda record, others: False  # noqa: ARG005 - a strict default
    """Whether the policy accepts an asserted death of a token, given the number of other tokens of its provider."""
    authorise: Callable[[Snapshot, Mode], Detail] = lambda snapshot, mode: {}  # noqa: ARG005 - the policy asks nothing
    """What the first event of an operation says of its approval; NotApproved if the policy asks for one."""
    authorise_change: Callable[[Snapshot | None, Record], Detail] = lambda snapshot, after: {}  # noqa: ARG005 - as above
    """The same for a token without a record (None), or that waits for its value and is to have another record."""


class TokenSession:
    """A runner's session. Every effect is decided from `journal` as this session last wrote it."""

    def __init__(self, context: Context, snapshot: Snapshot) -> None:
        self.context = context
        self.snapshot = snapshot
        self._vendor = context.vendors.of(snapshot.document.record)
        self.new_in_use_checked = False
        """Whether this runner has just seen that the new token is served, confirmed and alive."""
        self.accepted_late: list[Value] = []
        """Values that this runner saw accepted after they were said to be revoked."""
        self.created_elsewhere: set[Label] = set()
        """The attempts whose tokens a person has just said to have created, in the wrong place."""

        self.revoke_recorded = False
        """Whether this runner has just recorded the revoke that it sends next."""

    @property
    def record(self) -> Record:
        """The record as this session last read or wrote it."""
        return self.snapshot.document.record

    @property
    def journal(self) -> Journal:
        """The open operation."""
        journal = self.snapshot.document.journal
        if journal is None:
            raise RuntimeError("no operation has been opened")
        return journal

    @property
    def new(self) -> str:
        """What the operation makes, in messages."""
        return f"new {self.journal.mode.unit}"

    @property
    def old(self) -> str:
        """What the operation ends, in messages."""
        return f"old {self.journal.mode.unit}"

    @property
    def vendor(self) -> Vendor:
        """The token's provider with its configured credentials."""
        return self._vendor

    @property
    def provider(self) -> Provider:
        """The provider that issued the token."""
        return self._vendor.provider

    @property
    def issuer(self) -> Issuer | None:
        """The provider's API to create and revoke tokens; None without an API or a configured credential."""
        return self._vendor.issuer

    @property
    def required_issuer(self) -> Issuer:
        """The provider's API to create and revoke tokens; InputError if no credential is configured."""
        return issuer_of(self._vendor)

    def event(self, op: Op, phase: Phase = Phase.FACT, **detail: str | int | bool) -> Event:
        """Return an event of this operation with the current time and actor; empty details are left out."""
        journal = self.snapshot.document.journal
        return Event(
            at=self.context.clock.now(),
            op=op,
            phase=phase,
            actor=self.context.store.actor(),
            name=self.record.name,
            rotation=journal.id if journal else "",
            detail={key: fact for key, fact in detail.items() if fact != ""},
        )

    def commit(
        self,
        *events: Event,
        record: Record | None = None,
        quarantine: Sequence[Quarantined] | None = None,
        **changes: Any,
    ) -> None:
        """Write journal `changes` (and the record, the quarantine) with their events, by compare-and-set.

        Raises:
            Fenced: another runner took over; nothing was written.
            Conflict: the record was edited meanwhile; nothing was written, resume.
        """
        document = self.snapshot.document
        journal = replace(self.journal, updated_at=self.context.clock.now(), **changes)
        document = replace(
            document,
            record=record or document.record,
            journal=journal,
            quarantine=document.quarantine if quarantine is None else tuple(quarantine),
        )
        try:
            self.snapshot = self.context.store.commit(self.snapshot.id, self.snapshot.version, document, events)
        except RotatedByOthers:
            raise
        except Conflict:
            self._explain_conflict()
            raise

    def record_look(self, look: Observation) -> None:
        """Put on record what the provider said of the token in use."""
        verdict = self.event(Op.VERIFY, verdict=look.verdict.value, reason=look.reason)
        self.commit(verdict, record=self.record.with_look(look))

    def check_held(self) -> None:
        """Check that this session still holds the operation, right before an effect that a commit cannot fence.

        Raises:
            Fenced, Conflict: another runner took over, or the record was edited.
        """
        if self.context.store.load(self.snapshot.id).version != self.snapshot.version:
            self._explain_conflict()
            raise Conflict(
                f"{self.record.name} was changed by another writer at the same time",
                hint=f"tokenguard rotate {self.record.name} --resume",
            )

    def advance(self, *events: Event, record: Record | None = None, **changes: Any) -> None:
        """Commit the next stage of the operation's mode."""
        stage = next_stage(self.journal.mode, self.journal.stage)
        self.commit(*events, record=record, stage=stage, waiting_for="", **changes)

    def jump(self, stage: Stage, *events: Event, record: Record | None = None, **changes: Any) -> None:
        """Commit a stage out of order (a new attempt, an abort, an old token found dead)."""
        self.commit(*events, record=record, stage=stage, waiting_for="", **changes)

    def update_attempt(self, *events: Event, **changes: Any) -> None:
        """Commit a change of the current attempt alone."""
        self.commit(*events, attempts=self.attempts_with(**changes))

    def attempts_with(self, **changes: Any) -> tuple[Attempt, ...]:
        """Return all attempts with `changes` applied to the current one."""
        attempt = self.journal.attempt
        if attempt is None:
            raise RuntimeError("there is no attempt")
        return (*self.journal.attempts[:-1], replace(attempt, **changes))

    def attempts_after(self, attempt: Attempt) -> tuple[Attempt, ...]:
        """Return all attempts with this one as it is now."""
        return tuple(attempt if each.label == attempt.label else each for each in self.journal.attempts)

    def _explain_conflict(self) -> None:
        try:
            current = self.context.store.load(self.snapshot.id).document
        except InputError:  # no such token any more
            raise self._put_back(None) from None
        if current.chain.seq < self.snapshot.document.chain.seq:
            raise self._put_back(current) from None
        journal = current.journal
        if journal is not None and (journal.holder, journal.epoch) != (self.journal.holder, self.journal.epoch):
            raise Fenced(
                f"another runner took over {self.record.name}",
                hint=f"this run has stopped without further effect; see tokenguard show {self.record.name}",
            ) from None

    def _put_back(self, current: Document | None) -> Tampered:
        """The error of a store that was restored meanwhile, with the tokens that it lacks and that may be alive."""
        name, provider = self.record.name, self.provider.name
        known = frozenset() if current is None else frozenset({current.record.label})
        if current is not None and current.journal is not None:
            known |= current.journal.labels
        lost = [
            _as_listed(each.label, each.provider_id)
            for each in self.journal.attempts
            if each.state is not AttemptState.GONE and each.label not in known
        ]
        hint = f"`tokenguard verify {name}` tells whether its token still works; give consumers a value that does "
        hint += f"(`tokenguard rotate {name}`, or `tokenguard deliver {name}`)"
        if current is None:
            hint = "restore a newer copy of the store, which has no record of the token"
            if old := self.journal.old:
                lost.insert(0, _as_listed(old.provider_label or old.label, old.provider_id))
        if lost:
            hint += f". Then revoke at {provider} what the store lacks: {', '.join(lost)}"
        return Tampered(f"the store was put back to an earlier state of {name} during this operation", hint=hint)


def _as_listed(label: str, provider_id: str) -> str:
    """A token as its provider lists it, as far as that is on record."""
    return f"{label} (id {provider_id})".strip() if provider_id else label or "the token that was in use"


def issuer_of(vendor: Vendor) -> Issuer:
    """Return the vendor's API to create and revoke tokens; InputError if no admin credential is configured."""
    if vendor.issuer is None:
        name = vendor.provider.name
        raise InputError(
            f"no admin credential is configured for {name}",
            hint=f"set [providers.{name}] admin to a provider_admin record or to env:VARIABLE",
        )
    return vendor.issuer


def new_operation_id() -> str:
    """Return a random id for one operation: 32 hex digits."""
    return secrets.token_hex(16)
