"""Selects the due tokens that an unattended run may rotate now under the policy. Pure.

Every unattended command uses `choose`. Its caller runs `first` before anything else; a token of `rest` may begin only
after the canary of its provider (`canary_of`) has succeeded; `held` is reported with reasons and not touched.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum, unique

from tokenguard.domain.document import Snapshot
from tokenguard.domain.journal import Journal, Mode
from tokenguard.domain.names import TokenId, TokenName
from tokenguard.domain.token import Record, RecordState
from tokenguard.frozen import Frozen
from tokenguard.policy.model import Policy, Rule, age_unknown, due_of
from tokenguard.policy.windows import frozen_at, open_at
from tokenguard.rotation.machine import revocation_owed

_PERIOD = timedelta(hours=24)
"""The period of the policy's daily limit."""
_RULE = "unattended-rotation"


@unique
class HoldReason(StrEnum):
    """Why this run does not rotate a due token."""

    AGE_UNKNOWN = "age unknown; rotate by name"
    FROZEN = "in a freeze of the policy"
    CLOSED = "outside the policy's windows"
    ENOUGH = "the policy's maximum for 24 hours is reached"
    CANARY = "the first rotation at the same provider did not succeed"
    """Set by the caller during the run."""


class HeldBack(Frozen, frozen=True):
    """A due token that is not rotated, with the reason."""

    snapshot: Snapshot
    hold: HoldReason


class Rollout(Frozen, frozen=True, kw_only=True):
    """The selection of one unattended run, in the order of execution."""

    leaked: tuple[Snapshot, ...] = ()
    """Exempt from windows, freezes, limits and canaries."""
    begun: tuple[Snapshot, ...] = ()
    """With an open operation or an unconfirmed revocation: to be continued or reported."""
    first: tuple[Snapshot, ...] = ()
    """The canaries: one per provider."""
    rest: tuple[Snapshot, ...] = ()
    held: tuple[HeldBack, ...] = ()

    @property
    def chosen(self) -> tuple[Snapshot, ...]:
        """All tokens that this run may rotate, in order."""
        return (*self.leaked, *self.begun, *self.first, *self.rest)

    def canary_of(self, snapshot: Snapshot) -> TokenName | None:
        """Return the token whose rotation must succeed before this one begins; None if there is none."""
        if all(each.id != snapshot.id for each in self.rest):
            return None
        provider = snapshot.document.record.provider
        names = (each.document.record for each in self.first)
        return next((record.name for record in names if record.provider == provider), None)


def mode_of(record: Record, policy: Policy) -> Mode:
    """Return the mode of an unattended rotation.

    A widely exposed leak of the live value is revoked first; tokens of the providers under `in_place` of the policy get
    a new value in place.
    """
    rule, leak = policy.rule("leaked", record), record.live_leak
    far = leak is not None and rule is not None and leak.reach in rule.words("revoke_first")
    if far:
        return Mode.COMPROMISED
    limits = policy.rule(_RULE, record)
    return Mode.IN_PLACE if limits is not None and record.provider in limits.words("in_place") else Mode.PLANNED


def choose(due: Iterable[Snapshot], inventory: Iterable[Snapshot], policy: Policy, now: datetime) -> Rollout:
    """Choose the tokens that an unattended run may rotate now.

    Args:
        due: the due tokens (`is_due`), already filtered by the command's selection.
        inventory: all tokens of the store; every rotation begun within the last 24 hours counts.
        policy: its `unattended-rotation` rule sets windows and limits; without it only unknown ages are held back.
        now: the current time.
    """
    leaked, begun, ready, held = [], [], [], []
    for snapshot in sorted(due, key=lambda each: _urgency(each, policy, now)):
        record = snapshot.document.record
        if snapshot.document.busy or revocation_owed(snapshot.document):
            begun.append(snapshot)
        elif record.live_leak is not None:
            leaked.append(snapshot)
        elif (hold := _held(record, policy, now)) is not None:
            held.append(HeldBack(snapshot, hold))
        else:
            ready.append(snapshot)
    fits = _within_the_most(ready, list(inventory), policy, now)
    held += [HeldBack(snapshot, HoldReason.ENOUGH) for snapshot in ready if snapshot.id not in fits]
    taken = [snapshot for snapshot in ready if snapshot.id in fits]
    first = _canaries(taken, policy)
    ids = {snapshot.id for snapshot in first}
    rest = tuple(snapshot for snapshot in taken if snapshot.id not in ids)
    return Rollout(leaked=tuple(leaked), begun=tuple(begun), first=first, rest=rest, held=tuple(held))


def _urgency(snapshot: Snapshot, policy: Policy, now: datetime) -> tuple[datetime, str]:
    record = snapshot.document.record
    due = due_of(record, policy)
    return (due.at if due else now, record.name)


def _held(record: Record, policy: Policy, now: datetime) -> HoldReason | None:
    if age_unknown(record, policy):
        return HoldReason.AGE_UNKNOWN
    rule = policy.rule(_RULE, record)
    if rule is None:
        return None
    if frozen_at(rule.words("freezes"), now):
        return HoldReason.FROZEN
    return None if open_at(rule.words("windows"), now) else HoldReason.CLOSED


def _within_the_most(
    ready: Sequence[Snapshot], inventory: Sequence[Snapshot], policy: Policy, now: datetime
) -> set[TokenId]:
    """Return the ids within the daily limits; each limit counts the tokens that it applies to."""
    rules: dict[str, Rule] = {}
    used: dict[int, int] = {}
    for snapshot in [*inventory, *ready]:
        if (rule := policy.rule(_RULE, snapshot.document.record)) is not None:
            rules[snapshot.id] = rule
    for snapshot in inventory:
        if snapshot.id in rules and _is_recent(snapshot.document.journal, now):
            most = rules[snapshot.id].number("most")
            used[most] = used.get(most, 0) + 1
    fits = set()
    for snapshot in ready:
        most = rules[snapshot.id].number("most") if snapshot.id in rules else 0
        if not most or used.get(most, 0) < most:
            fits.add(snapshot.id)
            used[most] = used.get(most, 0) + 1
    return fits


def _is_recent(journal: Journal | None, now: datetime) -> bool:
    return journal is not None and journal.mode.is_routine and journal.opened_at > now - _PERIOD


def _canaries(taken: Sequence[Snapshot], policy: Policy) -> tuple[Snapshot, ...]:
    """Return one token per provider: the one with the greatest allowed age, on which the least depends."""
    found: dict[str, Snapshot] = {}
    for snapshot in sorted(taken, key=lambda each: -_allowed(each.document.record, policy)):
        found.setdefault(snapshot.document.record.provider, snapshot)
    return tuple(found.values())


def _allowed(record: Record, policy: Policy) -> timedelta:
    rule = policy.rule("maximum-age", record)
    return rule.limit(record.environment) if rule else timedelta(0)


def is_open_to_rotation(snapshot: Snapshot) -> bool:
    """Whether the token has a value to rotate: not retired, not pending, not a grant."""
    record = snapshot.document.record
    waits = record.state is RecordState.PENDING and not snapshot.document.busy
    return record.state is not RecordState.RETIRED and not waits and record.kind.has_value
