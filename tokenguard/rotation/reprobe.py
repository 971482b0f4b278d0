"""Quarantine: a dead token is looked at again later. Still dead: confirmed, and its value is destroyed.

Accepted again: the alarm is raised and the revoke is open once more.
"""

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Journal, Mode, Old, Quarantined, Stage
from tokenguard.domain.liveness import DeathGrade, DeathProof, Verdict
from tokenguard.domain.secret import Value
from tokenguard.errors import NotProvenDead
from tokenguard.frozen import replace
from tokenguard.rotation.session import Session, new_operation_id


def reprobe(session: Session, *, early: bool = False) -> None:
    """Look again at every quarantined value whose probe is due (all of them, if `early`).

    Raises:
        NotProvenDead: one of them is accepted again; the journal is open at the revoke, `--resume` ends it.
    """
    now = session.context.clock.now()
    for item in session.snapshot.document.quarantine:
        if early or item.probe_due_at <= now:
            _look_again(session, item)


def _look_again(session: Session, item: Quarantined) -> None:
    held = session.context.store.read_candidate(session.snapshot.id, item.label)
    if not isinstance(held, Value):
        _replace(session, item, None, Op.DESTROY, result="value-gone")
        return
    look = session.provider.probe(held, None)
    if look.verdict is Verdict.ALIVE:
        _alarm(session, item)
    elif look.verdict is Verdict.DEAD and look.at >= item.probe_due_at:
        death = session.event(Op.DEATH, grade=DeathGrade.CONFIRMED.value, label=item.label)
        session.commit(death, proof=_confirmed(session.journal, item))
        session.commit(session.event(Op.DESTROY, Phase.INTENT, label=item.label))
        session.context.store.destroy(session.snapshot.id, item.label)
        _replace(session, item, None, Op.DESTROY, result="confirmed")
        session.context.progress.step(f"{session.record.name}: the old token {item.label} is confirmed dead")
    elif look.verdict is Verdict.UNKNOWN:
        session.context.progress.note(f"{session.record.name}: no clear answer about {item.label} ({look.reason})")


def _confirmed(journal: Journal, item: Quarantined) -> DeathProof | None:
    """The last operation's proof; confirmed, if this is the value that the operation was to end."""
    proof = journal.proof
    if proof is None or proof.grade is not DeathGrade.PROVISIONAL or journal.old is None:
        return proof
    return replace(proof, grade=DeathGrade.CONFIRMED) if journal.old.label == item.label else proof


def _replace(session: Session, item: Quarantined, new: Quarantined | None, op: Op, *, result: str) -> None:
    rest = [each for each in session.snapshot.document.quarantine if each.label != item.label]
    session.commit(
        session.event(op, Phase.OUTCOME, label=item.label, result=result), quarantine=[*rest, *([new] if new else [])]
    )


def _alarm(session: Session, item: Quarantined) -> None:
    """Reopen the revoke of exactly this value, unless another operation is open."""
    name, now = session.record.name, session.context.clock.now()
    event = session.event(Op.DEATH, label=item.label, result="alive-again")
    rest = [each for each in session.snapshot.document.quarantine if each.label != item.label]
    if session.snapshot.document.busy:
        session.commit(event, quarantine=[*rest, replace(item, alive_again=True)])
    else:
        live = session.context.store.read_live(session.snapshot.id)
        old = Old(
            label=item.label,
            live_version=live.version if live else 0,
            fingerprint=item.fingerprint,
            provider_id=item.provider_id,
            provider_label=item.provider_label,
        )
        session.commit(
            event,
            quarantine=rest,
            id=new_operation_id(),
            mode=Mode.REVOKE_AGAIN,
            stage=Stage.REVOKE_INTENDED,
            epoch=1,
            holder=session.context.holder,
            opened_at=now,
            reason="accepted again after its death was proven",
            old=old,
            attempts=(),
            handovers=(),
            revoked_at=None,
            revoked_by="",
            proof=None,
        )
    raise NotProvenDead(
        f"an old token of {name} is accepted again after its death was proven",
        hint=f"revoke it now: tokenguard rotate {name} --resume",
    )
