"""The use case of `store upgrade`: writes what earlier versions wrote as this version writes it, one token at a time.

Each token is one compare-and-set, whose event says so: a run that is killed has upgraded some tokens and the others not
yet, and both kinds are read alike. The next run goes on with the others.
"""

from collections.abc import Iterator
from functools import partial
from typing import Protocol

from tokenguard.domain.document import FORMAT, REVISION, Snapshot
from tokenguard.domain.event import Event, Op
from tokenguard.domain.liveness import DeathGrade
from tokenguard.domain.names import TokenName
from tokenguard.errors import Conflict
from tokenguard.frozen import Frozen
from tokenguard.rotation.batch import BatchJob, BatchResult, SkipReason, run_all
from tokenguard.rotation.lease import is_runner_alive
from tokenguard.usecases.parts import HasClock, HasStore

_TRIES = 3


class UpgradeStoreParts(HasClock, HasStore, Protocol):
    """What this use case takes."""


class UpgradePlan(Frozen, frozen=True, kw_only=True):
    """What an upgrade of a store has to do."""

    tokens: int
    """How many the store has, retired ones included."""
    older: tuple[Snapshot, ...] = ()
    """Those that an earlier version wrote last."""
    unproven: tuple[TokenName, ...] = ()
    """Tokens with a death that an earlier version recorded as proven, and whose evidence has no control."""

    format: int = FORMAT
    """Which the store has, and keeps."""
    revision: int = REVISION
    """Which its documents get."""


def plan_upgrade(parts: HasStore) -> UpgradePlan:
    """Read every document of the store; NewerFormat if a newer version wrote one in a format of its own."""
    found = list(parts.store.scan())
    older = tuple(each for each in found if each.document.revision < REVISION)
    return UpgradePlan(
        tokens=len(found), older=older, unproven=tuple(each.document.record.name for each in older if _unproven(each))
    )


def upgrade_store(parts: UpgradeStoreParts, plan: UpgradePlan) -> Iterator[BatchResult]:
    """Write each older document again; a token that another runner is working on is left to the next run."""
    return run_all(
        (BatchJob(name=each.document.record.name, run=partial(_upgrade, parts, each)) for each in plan.older),
        parts.clock,
    )


def _upgrade(parts: UpgradeStoreParts, snapshot: Snapshot) -> SkipReason | None:
    for _ in range(_TRIES):
        document = snapshot.document
        if document.revision >= REVISION:
            return SkipReason.OVER
        if document.busy and document.journal is not None and is_runner_alive(document.journal):
            return SkipReason.ELSEWHERE
        event = Event(
            at=parts.clock.now(),
            op=Op.EDIT,
            actor=parts.store.actor(),
            name=document.record.name,
            detail={"fields": "revision", "revision": REVISION},
        )
        try:
            parts.store.commit(snapshot.id, snapshot.version, document, [event])
        except Conflict:
            snapshot = parts.store.load(snapshot.id)
        else:
            return None
    raise Conflict(
        f"{snapshot.document.record.name} was changed by another runner each time", hint="run `store upgrade` again"
    )


def _unproven(snapshot: Snapshot) -> bool:
    journal = snapshot.document.journal
    proofs = [each.proof for each in snapshot.document.quarantine]
    proofs += [journal.proof] if journal is not None and journal.proof is not None else []
    return any(proof.grade is DeathGrade.UNPROVEN and proof.samples for proof in proofs)
