"""One runner's hold on one token: the snapshot it acts on, and the only way to write the journal."""

import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import Event, Op, Phase
from tokenguard.domain.journal import Attempt, Journal, Quarantined, Stage
from tokenguard.domain.token import Record
from tokenguard.errors import Conflict, Fenced, InputError
from tokenguard.frozen import Frozen, replace
from tokenguard.ports.clock import Clock
from tokenguard.ports.delivery import Deliveries
from tokenguard.ports.operator import Operator, Progress
from tokenguard.ports.provider import Issuer, Provider, Vendor, Vendors
from tokenguard.ports.store import Store
from tokenguard.rotation.machine import next_stage

DEFAULT_QUIET_PERIOD = timedelta(days=7)


class Context(Frozen, frozen=True, kw_only=True):
    """What an operation needs of the world."""

    store: Store
    vendors: Vendors
    deliveries: Deliveries
    operator: Operator
    progress: Progress
    clock: Clock
    holder: str
    """Which runner this is: `host/pid/nonce`."""
    attended: bool = True
    """Whether `operator` is somebody. Where nobody is, what needs a person is refused before anything is begun."""
    quiet_period: timedelta = DEFAULT_QUIET_PERIOD
    """How long the provider must not have seen the old token used, where undeclared consumers are to be ruled out."""
    accepts_assertion: Callable[[Record, int], bool] = lambda record, others: False  # noqa: ARG005 - a strict default
    """Whether the policy accepts a death that is only asserted: of this token, with so many more of its provider."""


class TokenSession:
    """The hold. Every effect is decided from `journal` as this session last wrote it, never from "what is current"."""

    def __init__(self, context: Context, snapshot: Snapshot) -> None:
        self.context = context
        self.snapshot = snapshot
        self._vendor = context.vendors.of(snapshot.document.record)

    @property
    def record(self) -> Record:
        """The record as last read or written."""
        return self.snapshot.document.record

    @property
    def journal(self) -> Journal:
        """The open operation."""
        journal = self.snapshot.document.journal
        if journal is None:
            raise RuntimeError("no operation was ever opened")
        return journal

    @property
    def vendor(self) -> Vendor:
        """The provider with what was wired for this token."""
        return self._vendor

    @property
    def provider(self) -> Provider:
        """Who issued the token."""
        return self._vendor.provider

    @property
    def issuer(self) -> Issuer | None:
        """The provider's API for making and ending tokens, if it has one and a credential is configured."""
        return self._vendor.issuer

    @property
    def required_issuer(self) -> Issuer:
        """The same where nothing can be done without it; InputError if no credential is configured."""
        return issuer_of(self._vendor)

    def event(self, op: Op, phase: Phase = Phase.FACT, **detail: str | int | bool) -> Event:
        """An event of this operation, now, by us; empty facts are left out."""
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
        """Write journal `changes` (and the record, the quarantine) with their events, if we still hold the journal.

        Raises:
            Fenced: another runner took over; nothing was written.
            Conflict: somebody edited the record meanwhile; nothing was written, resume.
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
        except Conflict:
            self._explain_conflict()
            raise

    def check_held(self) -> None:
        """Look that nobody has gone on with this operation, right before an effect that a commit cannot fence.

        Raises:
            Fenced, Conflict: somebody has.
        """
        if self.context.store.load(self.snapshot.id).version != self.snapshot.version:
            self._explain_conflict()
            raise Conflict(
                f"{self.record.name} was changed by somebody else at the same moment",
                hint=f"tokenguard rotate {self.record.name} --resume",
            )

    def advance(self, *events: Event, record: Record | None = None, **changes: Any) -> None:
        """Commit the next stage of the mode's order."""
        stage = next_stage(self.journal.mode, self.journal.stage)
        self.commit(*events, record=record, stage=stage, waiting_for="", **changes)

    def jump(self, stage: Stage, *events: Event, record: Record | None = None, **changes: Any) -> None:
        """Commit a stage out of the usual order (a new attempt, an abort, an old token found dead)."""
        self.commit(*events, record=record, stage=stage, waiting_for="", **changes)

    def update_attempt(self, *events: Event, **changes: Any) -> None:
        """Commit a change of the current attempt alone."""
        self.commit(*events, attempts=self.attempts_with(**changes))

    def attempts_with(self, **changes: Any) -> tuple[Attempt, ...]:
        """All attempts, the current one changed."""
        attempt = self.journal.attempt
        if attempt is None:
            raise RuntimeError("there is no attempt")
        return (*self.journal.attempts[:-1], replace(attempt, **changes))

    def _explain_conflict(self) -> None:
        current = self.context.store.load(self.snapshot.id).document.journal
        if current is not None and (current.holder, current.epoch) != (self.journal.holder, self.journal.epoch):
            raise Fenced(
                f"another runner took over {self.record.name}",
                hint="this one has stopped without further effect; see `tokenguard show` for who goes on",
            ) from None


def issuer_of(vendor: Vendor) -> Issuer:
    """The vendor's API for making and ending tokens; InputError if no admin credential is configured for it."""
    if vendor.issuer is None:
        name = vendor.provider.name
        raise InputError(
            f"no admin credential is configured for {name}",
            hint=f"set [providers.{name}] admin to a provider_admin record or to env:VARIABLE",
        )
    return vendor.issuer


def new_operation_id() -> str:
    """A fresh id for one operation: 32 hex digits."""
    return secrets.token_hex(16)
