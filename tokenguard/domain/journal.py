"""The journal of one operation on one token: add, issue, rotate, retire. It lives in the token's document.

The journal is written before every effect (write-ahead) and under compare-and-set (the fence between runners).
It holds names, ids and fingerprints, never a value.
"""

from datetime import datetime
from enum import StrEnum, unique

from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.liveness import DeathProof, Observation, Verdict
from tokenguard.domain.names import Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer
from tokenguard.frozen import Frozen


@unique
class Mode(StrEnum):
    """The kind of operation, which determines the order of its stages."""

    ADD = "add"
    """Store an existing value."""
    ISSUE = "issue"
    """Create a first value by API or with a person."""
    PLANNED = "planned"
    """Replace, then revoke: never zero live tokens."""
    COMPROMISED = "compromised"
    """Revoke, then replace: an announced gap."""
    IN_PLACE = "in-place"
    """Have the provider give the token a new value, which ends the old one: an announced gap."""
    RETIRE = "retire"
    """Revoke and prove dead, nothing new."""
    REVOKE_AGAIN = "revoke-again"
    """Revoke a token that was accepted or listed after its end was recorded."""

    @property
    def ends_a_value(self) -> bool:
        """Whether the operation revokes an old value."""
        return self not in {Mode.ADD, Mode.ISSUE}

    @property
    def is_routine(self) -> bool:
        """Whether a token that is in use, and not compromised, gets a new value."""
        return self in {Mode.PLANNED, Mode.IN_PLACE}

    @property
    def unit(self) -> str:
        """What is new and what is old, in messages: in place there is one token, with two values."""
        return "value" if self is Mode.IN_PLACE else "token"

    @property
    def words(self) -> str:
        """The operation in words, as people read it."""
        return _OPERATIONS[self]


_OPERATIONS = {
    Mode.ADD: "addition",
    Mode.ISSUE: "creation",
    Mode.PLANNED: "planned rotation",
    Mode.COMPROMISED: "rotation that revokes first",
    Mode.IN_PLACE: "rotation in place",
    Mode.RETIRE: "retirement",
    Mode.REVOKE_AGAIN: "repeated revocation",
}


@unique
class Stage(StrEnum):
    """The durable state of an operation; `rotation.machine` defines the order."""

    OPEN = "open"
    MINT = "mint"
    """A label is recorded; a token of that name may exist at the provider."""
    STORED = "stored"
    VERIFIED = "verified"
    PUBLISHED = "published"
    CONSUMED = "consumed"
    REVOKE_INTENDED = "revoke-intended"
    """Point of no return, unless the old token turns out to be accepted."""
    REVOKED = "revoked"
    """Revoked according to the provider or a person; not proven yet."""
    DEAD = "dead"
    DONE = "done"
    ABORTING = "aborting"
    ABORTED = "aborted"

    @property
    def ended(self) -> bool:
        """Whether the operation is complete."""
        return self in {Stage.DONE, Stage.ABORTED}


_REACHED = {
    Stage.OPEN: "begun",
    Stage.MINT: "creating the new {unit}",
    Stage.STORED: "new {unit} stored, not verified",
    Stage.VERIFIED: "new {unit} verified, not published",
    Stage.PUBLISHED: "new {unit} published, consumers not confirmed",
    Stage.CONSUMED: "new {unit} delivered to declared consumers",
    Stage.REVOKE_INTENDED: "revoking the old {unit}",
    Stage.REVOKED: "old {unit} revoked, not proven dead",
    Stage.DEAD: "old {unit} proven dead, not completed",
    Stage.DONE: "completed",
    Stage.ABORTING: "being aborted",
    Stage.ABORTED: "aborted",
}


@unique
class AttemptState(StrEnum):
    """The state of one attempt."""

    INTENDED = "intended"
    """A token of this name may exist; its value is unknown."""
    STORED = "stored"
    REJECTED = "rejected"
    """Stored but rejected (wrong scope or not accepted); must be revoked."""
    GONE = "gone"
    """Never created, or revoked: no token of this name is alive."""


class Attempt(Frozen, frozen=True, kw_only=True):
    """One attempt to create the new value. Its label is recorded in the journal before any request to the provider."""

    label: Label
    state: AttemptState = AttemptState.INTENDED
    provider_id: str = ""
    hint: str = ""
    fingerprint: Fingerprint | None = None
    begun_at: datetime | None = None
    """When its label was recorded; None in journals of older versions."""
    scope: Scope | None = None
    """The scope observed, if it was rejected for a wrong scope."""
    scope_name: str = ""
    accepted: bool = False
    """Whether the provider accepted its value once; otherwise a refusal proves nothing about the token of the label."""
    made_by: str = ""
    """The person who creates it; empty in journals of older versions, and for a value that was given."""
    account: str = ""
    """The login at the provider, or the admin credential."""


class OldValue(Frozen, frozen=True, kw_only=True):
    """The value to be revoked, frozen when the operation opened."""

    label: Label
    live_version: int
    """The store's live version when the operation opened; publishing is pinned to it. 0: nothing was live."""
    fingerprint: Fingerprint | None
    provider_id: str = ""
    hint: str = ""
    provider_label: str = ""
    """Its name at the provider; people find it by this."""
    created_at: datetime | None = None
    rotated_at: datetime | None = None
    seen: Observation | None = None
    """The record's last observation of it, which an abort restores."""
    accepted_at: datetime | None = None
    """When the provider accepted it before `seen`."""
    made_by: str = ""
    account: str = ""
    creator_recorded: bool = False
    """As in the record, which an abort restores."""

    @property
    def accepted(self) -> bool:
        """Whether the provider accepted it once; otherwise a refusal proves nothing about the token."""
        return self.accepted_at is not None or (self.seen is not None and self.seen.verdict is Verdict.ALIVE)


@unique
class HandoverLevel(StrEnum):
    """The progress of a delivery to a consumer."""

    INTENDED = "intended"
    PUSHED = "pushed"
    CONFIRMED = "confirmed"


class Handover(Frozen, frozen=True, kw_only=True):
    """The delivery of the new value to one consumer."""

    consumer: Consumer
    level: HandoverLevel
    at: datetime
    by: str = ""
    """Who confirmed it, for a person."""


class Journal(Frozen, frozen=True, kw_only=True):
    """One operation with all its durable state."""

    id: str
    """32 hex digits; also the `rotation` of its audit events."""
    mode: Mode
    stage: Stage
    epoch: int
    """Counts takeovers. Every commit is a compare-and-set on the document, so a stale runner cannot write."""
    holder: str
    """The runner that holds it: `host/pid/nonce`."""
    opened_at: datetime
    updated_at: datetime
    reason: str = ""
    old: OldValue | None = None
    vacant_version: int = 0
    """Without `old`: the version when the store had no live value (a withdrawal counts); publishes are pinned to it."""
    attempts: tuple[Attempt, ...] = ()
    handovers: tuple[Handover, ...] = ()
    accept_outage: bool = False
    revoked_at: datetime | None = None
    revoked_by: str = ""
    """`api`, or the person who confirmed the revoke."""
    proof: DeathProof | None = None
    waiting_for: str = ""
    """The blocking error's message; empty while it runs or when it has ended."""

    @property
    def words(self) -> str:
        """The operation and what it has reached, as people read it."""
        return f"{self.mode.words}: {_REACHED[self.stage].format(unit=self.mode.unit)}"

    @property
    def attempt(self) -> Attempt | None:
        """The current (latest) attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def revoked_by_person(self) -> bool:
        """Whether a person reported the revoke; an API that agreed to it may have done nothing."""
        return self.revoked_by not in {"", "api"}

    @property
    def labels(self) -> frozenset[Label]:
        """The values that this operation is about, by their names in the store: the old one and every attempt."""
        return frozenset([*([self.old.label] if self.old else []), *(attempt.label for attempt in self.attempts)])

    @property
    def provider_labels(self) -> frozenset[str]:
        """The names under which the provider may list the old value and every attempt."""
        old = {self.old.provider_label} - {""} if self.old else set[str]()
        return frozenset(old | {str(attempt.label) for attempt in self.attempts})

    @property
    def confirmed(self) -> frozenset[Consumer]:
        """The consumers that are known to use the new value."""
        return frozenset(each.consumer for each in self.handovers if each.level is HandoverLevel.CONFIRMED)

    @property
    def fingerprints(self) -> frozenset[Fingerprint]:
        """The values that this operation knows: the old one and what was made to replace it."""
        known = [self.old.fingerprint if self.old else None, *(attempt.fingerprint for attempt in self.attempts)]
        return frozenset(found for found in known if found is not None)


class Quarantined(Frozen, frozen=True, kw_only=True):
    """An old value kept (rotators only) until its death is confirmed, so that it can be probed again."""

    label: Label
    fingerprint: Fingerprint | None
    provider_id: str
    provider_label: str
    proof: DeathProof
    probe_due_at: datetime
    accepted: bool = True
    """Whether the provider accepted the value once; otherwise a refusal proves nothing about the token of this name."""
    alive_again: bool = False
    """It was accepted or listed after its end was recorded; `rotate --resume` revokes it again."""
