"""The state machine of an operation: the order of stages in each mode, and what can still be aborted. Pure.

Planned:      intent, create, store, accept, publish, deliver, REVOKE INTENT, revoke, prove dead.
Compromised:  REVOKE INTENT, revoke, then intent, create, store, accept, publish, deliver, prove dead.
In place:     REVOKE INTENT, intent, create and revoke in one request, store, accept, publish, deliver, prove dead.
A stage states what is durably true; the effect between two stages is idempotent.
`tests/model` explores every interleaving of two runners over this table.

The promises (SECURITY.md), each with the code that enforces it:

* P1, a live token is always retrievable: `publish.publish` pins the version; `revoke.finish` keeps the old value;
  `duplicates.discard_superseded` revokes nothing in place of the token in use.
* P2, every token that may exist is on record first: `create.begin_attempt` commits the label before any request.
* P3, done means proven dead: `proof_of_death.prove_dead`, with a control found by `control_search.ControlSearch`.
* P4, the order of steps: `ORDER` below; `preconditions.intend_revoke` looks at everything right before the intent.
* P5, no value leaves: values are `tokenguard.domain.secret.Value`, which nothing prints.
* P6, no change without its event: `session.TokenSession.commit` writes both in one compare-and-set.
* P7, two runners never both advance one token: `start.take_over` raises the epoch; the store refuses the older one.
* P8, resuming converges: `engine.Engine.resume` goes on from the stage, and each effect can be repeated.
* P9, absence needs a complete list and a control: `absence.confirm_gone`.
* P10, unattended runs only repeat what was approved: `tokenguard.usecases.approve_plan.approved_actions`.
* P11, a leak is a state until a proven death ends it: `tokenguard.domain.leak.Exposure`.
"""

from tokenguard.domain.document import Document
from tokenguard.domain.journal import Attempt, AttemptState, Handover, HandoverLevel, Journal, Mode, Stage
from tokenguard.domain.names import Label
from tokenguard.domain.token import Consumer, Record
from tokenguard.frozen import replace

_MAKE = (Stage.MINT, Stage.STORED, Stage.VERIFIED, Stage.PUBLISHED, Stage.CONSUMED)

ORDER: dict[Mode, tuple[Stage, ...]] = {
    Mode.ADD: (Stage.OPEN, *_MAKE[1:], Stage.DONE),
    Mode.ISSUE: (Stage.OPEN, *_MAKE, Stage.DONE),
    Mode.PLANNED: (
        Stage.OPEN,
        *_MAKE,
        Stage.REVOKE_INTENDED,
        Stage.REVOKED,
        Stage.DEAD,
        Stage.DONE,
    ),
    Mode.COMPROMISED: (
        Stage.OPEN,
        Stage.REVOKE_INTENDED,
        Stage.REVOKED,
        *_MAKE,
        Stage.DEAD,
        Stage.DONE,
    ),
    Mode.IN_PLACE: (Stage.OPEN, Stage.REVOKE_INTENDED, *_MAKE, Stage.DEAD, Stage.DONE),
    Mode.RETIRE: (Stage.OPEN, Stage.REVOKE_INTENDED, Stage.REVOKED, Stage.DEAD, Stage.DONE),
    Mode.REVOKE_AGAIN: (Stage.REVOKE_INTENDED, Stage.REVOKED, Stage.DEAD, Stage.DONE),
}


def next_stage(mode: Mode, stage: Stage) -> Stage:
    """Return the stage after `stage`; ValueError if `stage` is not part of the mode or is its last."""
    order = ORDER[mode]
    place = order.index(stage) + 1
    if place == len(order):
        raise ValueError("nothing follows the last stage")
    return order[place]


def reached(journal: Journal, stage: Stage) -> bool:
    """Whether the journal is at or past `stage` (False if it is not part of the mode)."""
    order = ORDER[journal.mode]
    return stage in order and journal.stage in order and order.index(journal.stage) >= order.index(stage)


def revoke_intended(journal: Journal) -> bool:
    """Whether the decision to revoke the old token has been made; for a compromise, from the opening on."""
    if journal.stage in {Stage.ABORTING, Stage.ABORTED}:
        return False
    return journal.mode is Mode.COMPROMISED or reached(journal, Stage.REVOKE_INTENDED)


def label_to_revoke(journal: Journal) -> Label | None:
    """Return the store label of the value that is being revoked; None if there is none."""
    ending = not journal.stage.ended and revoke_intended(journal) and journal.old is not None
    return journal.old.label if ending and journal.old is not None else None


def death_owed(journal: Journal) -> bool:
    """Whether the old token's death is neither proven nor recorded as asserted yet (exit 5 until then)."""
    if not revoke_intended(journal) or journal.old is None:
        return False
    proof = journal.proof
    return proof is None or (not journal.stage.ended and not (proof.proven or proof.accepted))


def revocation_owed(document: Document) -> bool:
    """Whether a value of the token still has to be revoked or proven dead."""
    return document.accepted_again or (document.journal is not None and death_owed(document.journal))


def can_abort(journal: Journal) -> bool:
    """Whether the operation can be aborted now: the old token's revoke has been neither sent nor requested."""
    open_ = not journal.stage.ended and journal.mode is not Mode.REVOKE_AGAIN
    return open_ and not reached(journal, Stage.REVOKE_INTENDED)


def can_abort_if_alive(journal: Journal) -> bool:
    """Whether the operation can be aborted if the old token is still accepted: no person has reported its revoke.

    A provider that agreed to the revoke may have done nothing. One that was asked for a new value in place may have
    ended the old one, and the new one may be the only one that lives.
    """
    if journal.mode is Mode.IN_PLACE and any(each.state is not AttemptState.GONE for each in journal.attempts):
        return False
    sent = reached(journal, Stage.REVOKE_INTENDED) and not reached(journal, Stage.DEAD)
    return sent and journal.mode is not Mode.REVOKE_AGAIN and not journal.revoked_by_person and journal.proof is None


def unconfirmed(record: Record, journal: Journal) -> tuple[Consumer, ...] | None:
    """Return the consumers not yet confirmed to use the new value; None if consumers are not declared.

    An undeclared list is not an empty one.
    """
    if record.consumers is None:
        return None
    sure = journal.confirmed
    return tuple(consumer for consumer in record.consumers if consumer not in sure)


def with_servers_of(record: Record, journal: Journal) -> Journal:
    """Return the journal with its consumers' servers updated from `record`; deliveries to other servers are reopened.

    Without it, an abort would look for a consumer on its former server.
    """
    now = {str(each): each for each in record.consumers or ()}

    def there(handover: Handover) -> Handover:
        consumer = now.get(str(handover.consumer), handover.consumer)
        same = consumer == handover.consumer
        return handover if same else replace(handover, consumer=consumer, level=HandoverLevel.INTENDED)

    return replace(journal, handovers=tuple(map(there, journal.handovers)))


def superseded(journal: Journal) -> tuple[Attempt, ...]:
    """Return the attempts that must be discarded before the operation may end: all but the accepted one."""
    winner = journal.attempt
    if winner is not None and (winner.state is not AttemptState.STORED or journal.stage is Stage.ABORTING):
        winner = None
    return tuple(attempt for attempt in journal.attempts if attempt is not winner)
