"""Audit events and their tamper-evident chain: who did what to which token, in order.

Every event is written in the same compare-and-set as the transition it describes; an external effect has its
`intent` committed before and its `outcome` after. Fields come from closed lists; the only free text is the
operator's reason.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum, unique

import msgspec

from tokenguard.domain.names import TokenName
from tokenguard.frozen import Frozen, field


@unique
class Op(StrEnum):
    """The subject of an event."""

    INIT = "init"
    REKEY = "rekey"
    KEY_SLOT = "key-slot"
    RESTORE = "restore"
    """A copy of the store was restored or accepted in place, with a new identity."""
    ADD = "add"
    EDIT = "edit"
    IMPORT = "import"
    VERIFY = "verify"
    RECONCILE = "reconcile"
    """The token was compared with a list entered by a person."""
    OPEN = "open"
    TAKE_OVER = "take-over"
    MINT = "mint"
    STORE = "store"
    ACCEPT = "accept"
    REJECT = "reject"
    PUBLISH = "publish"
    DELIVER = "deliver"
    AFTER = "after"
    """A command of the runner's configuration ran after a delivery."""
    ROLL_BACK = "roll-back"
    REVOKE = "revoke"
    DEATH = "death"
    DESTROY = "destroy"
    BLOCK = "block"
    ABORT = "abort"
    DONE = "done"
    DISCLOSE = "disclose"
    MIGRATE = "migrate"
    """A token, or a whole store, was migrated to another store."""
    REMOVE = "remove"
    """A mistaken record without a value was removed."""
    LEAK = "leak"
    """A value appeared in output and was masked."""
    WAIVE = "waive"
    """A waiver for a leaked live value was added or removed."""
    REQUEST = "request"
    """A second person was asked to approve a sensitive operation."""
    APPROVE = "approve"
    """A plan, or a sensitive operation, was approved; or an operation under `--break-glass` was reviewed."""
    BREAK_GLASS = "break-glass"
    """A sensitive operation is begun without the approval that the policy asks for, to be reviewed later."""
    SHARE = "share"
    """A shared item was published: a policy, a bundle of fingerprints or its scan key."""
    NOTIFY = "notify"
    """Notifications were taken into the outbox, or were sent."""


@unique
class Phase(StrEnum):
    """Before an effect, after it, or a fact without an effect."""

    INTENT = "intent"
    OUTCOME = "outcome"
    FACT = "fact"


class Actor(Frozen, frozen=True, kw_only=True):
    """The actor as the store identifies it, with host and CI run."""

    id: str
    """`user:alice` on an embedded store; a Vault entity, an STS ARN, an OIDC subject elsewhere."""
    host: str = ""
    ci_run: str = ""

    @property
    def person(self) -> str:
        """As people write it in records: the login of an embedded store, the whole identity elsewhere."""
        return self.id.removeprefix("user:")


Detail = dict[str, str | int | bool]
"""Short facts under fixed keys (`stage`, `label`, `verdict`, `consumer`, `result`, `reason`); never a value."""


class Event(Frozen, frozen=True, kw_only=True):
    """An action that has happened or is about to."""

    at: datetime
    op: Op
    phase: Phase = Phase.FACT
    actor: Actor
    name: TokenName | None = None
    rotation: str = ""
    detail: Detail = field(default_factory=dict)


GENESIS = "0" * 64
STORE_CHAIN = "store"
"""The name of the chain of a store's own events; others are named by a token's id, or by what is shared."""


class ChainedEvent(Frozen, frozen=True, kw_only=True):
    """An event with its position in a chain."""

    seq: int
    """Counts from 1."""
    prev: str
    hash: str
    event: Event


class ChainHead(Frozen, frozen=True):
    """The last entry of a chain, kept in the document to detect truncation."""

    seq: int = 0
    hash: str = GENESIS


def entry_hash(chain: str, seq: int, prev: str, event: Event) -> str:
    """SHA-256 (hex) over an entry of the chain named `chain` (a token's id, `STORE_CHAIN`, a shared item's chain)."""
    body = msgspec.json.encode(
        {"v": 1, "chain": chain, "seq": seq, "prev": prev, "event": event}, order="deterministic"
    )
    return hashlib.sha256(body).hexdigest()


def extend(chain: str, head: ChainHead, events: Iterable[Event]) -> tuple[ChainHead, tuple[ChainedEvent, ...]]:
    """Append `events` to the chain; returns its new head and the entries to store."""
    entries: list[ChainedEvent] = []
    for event in events:
        digest = entry_hash(chain, head.seq + 1, head.hash, event)
        entries.append(ChainedEvent(seq=head.seq + 1, prev=head.hash, hash=digest, event=event))
        head = ChainHead(head.seq + 1, digest)
    return head, tuple(entries)
