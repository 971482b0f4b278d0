"""The old value, after the intent to revoke it, from which no way leads back: revoke, proof of death, quarantine."""

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Mode, Old, Quarantined, Stage
from tokenguard.domain.liveness import DeathGrade, DeathProof, Observation, Verdict
from tokenguard.domain.secret import Value
from tokenguard.domain.token import RecordState
from tokenguard.errors import Conflict, NotProvenDead
from tokenguard.frozen import replace
from tokenguard.ports.provider import Issuer, Listed, TokenList, Way
from tokenguard.rotation.absence import confirm_gone, fits
from tokenguard.rotation.accepting import new_value
from tokenguard.rotation.guarding import to_die
from tokenguard.rotation.proving import find_control, old_value, prove_dead, still_accepted
from tokenguard.rotation.reaping import sweep
from tokenguard.rotation.session import Session
from tokenguard.rotation.words import revoke_task

_STILL_ACCEPTED = "the provider still accepts the old token: was the right one revoked?"


def revoke(session: Session) -> None:
    """Have the provider end the old token; saying so proves nothing yet."""
    issuer = session.issuer
    target = _target_id(session, issuer) if issuer and session.provider.capabilities.revoke is Way.API else ""
    if issuer is not None and target:
        session.context.progress.waiting(f"asking {session.provider.name} to revoke the old token")
        issuer.revoke(target)
        # Without the list's word the probes decide; where there are none, the list is all the evidence there is.
        confirm_gone(session, issuer, target, needed=not session.provider.capabilities.probe)
        _say_revoked(session, "api")
        return
    _say_revoked(session, _person_revokes(session))


def prove(session: Session) -> None:
    """Prove the old token dead; ask the person again where it turns out not to be."""
    if session.journal.proof is None:
        _settle(session, _proof(session))
    _look_after_new(session)
    session.advance()


def prove_in_passing(session: Session) -> None:
    """A compromise that is held up elsewhere still gets its proof of death, so that the alarm says what is true."""
    if session.journal.proof is None and session.provider.capabilities.probe:
        proof = prove_dead(session, old_value(session), control=find_control(session, to_die(session).label), windows=2)
        if proof is not None:
            _settle(session, proof)


def finish(session: Session) -> None:
    """Leave nothing behind: end what did not win, quarantine the old value, close the journal."""
    sweep(session)
    journal, record, store = session.journal, session.record, session.context.store
    if journal.mode is Mode.RETIRE:
        _withdraw(session)
        record = replace(record, state=RecordState.RETIRED, seen=_last_look(journal.proof))
    quarantine = session.snapshot.document.quarantine
    if journal.old is not None and journal.proof is not None:
        if journal.proof.grade is DeathGrade.PROVISIONAL:
            quarantine = (*quarantine, _quarantined(session, journal.old, journal.proof))
        else:
            session.commit(session.event(Op.DESTROY, Phase.INTENT, label=journal.old.label))
            store.destroy(session.snapshot.id, journal.old.label)
    session.commit(
        session.event(Op.DONE, result=journal.mode.value),
        record=record,
        quarantine=quarantine,
        stage=Stage.DONE,
        waiting_for="",
    )


def _identified(found: TokenList, value: Value) -> Listed | None:
    """The one entry of the whole list whose hint fits the value; None if none or several do, or some are missing."""
    text = value.token.reveal()
    fitting = [listed for listed in found.rows if fits(listed.hint, text)]
    return fitting[0] if len(fitting) == 1 and found.complete else None


def _target_id(session: Session, issuer: Issuer) -> str:
    """The immutable id of the old token: on record, or the one entry whose hint fits the value."""
    old = to_die(session)
    target = old.provider_id
    if not target:
        found = _identified(issuer.listed(), old_value(session))
        target = found.provider_id if found else ""
    if target and any(attempt.provider_id == target for attempt in session.journal.attempts):
        raise Conflict(
            "the old token's id on record is that of a new one", hint="nothing was revoked; check the record by hand"
        )
    return target


def _say_revoked(session: Session, who: str) -> None:
    session.advance(
        session.event(Op.REVOKE, Phase.OUTCOME, by=who), revoked_at=session.context.clock.now(), revoked_by=who
    )
    session.context.progress.step(f"revoked, says {'the provider' if who == 'api' else who}; now for the proof")


def _proof(session: Session) -> DeathProof:
    if not session.provider.capabilities.probe:
        now = session.context.clock.now()
        said = session.journal.revoked_by
        return DeathProof(
            grade=DeathGrade.ASSERTED, first_at=now, last_at=now, samples=0, control=False, said_by=said
        )  # fmt: skip
    value, control = old_value(session), find_control(session, to_die(session).label)
    by_person = session.journal.revoked_by != "api"
    while True:
        proof = prove_dead(session, value, control=control, windows=2 if by_person else 4)
        if proof is not None:
            return proof
        if not (by_person and still_accepted(session, value)):
            raise _unproven(session, control)
        _person_revokes(session, retry=_STILL_ACCEPTED)


def _unproven(session: Session, control: Value | None) -> NotProvenDead:
    name, provider = session.record.name, session.provider
    if control is not None and provider.probe(control, None).verdict is Verdict.DEAD:
        return NotProvenDead(
            f"{provider.name} refuses the new token of {name} as well, so nothing is proven about the old one",
            hint="an outage, or both were revoked: if so, `tokenguard add` another live token of this provider, "
            f"to compare with; then tokenguard rotate {name} --resume",
        )
    return NotProvenDead(
        f"the old token of {name} is not proven dead",
        hint=f"tokenguard rotate {name} --resume looks again; until then treat it as alive",
    )


def _person_revokes(session: Session, *, retry: str = "") -> str:
    """Ask until what was said to be revoked is no longer accepted; returns who said so."""
    old, attempt = to_die(session), session.journal.attempt
    task = revoke_task(
        session.provider,
        session.record,
        label=old.provider_label,
        hint=old.hint,
        keep=attempt.label if attempt else "",
        made_at=old.created_at,
        why=_why_revoke(session),
    )
    while True:
        who = session.context.operator.done(task, retry=retry)
        if who is None:
            raise NotProvenDead(
                f"the old token of {session.record.name} is still to be revoked",
                hint=f"revoke it, then: tokenguard rotate {session.record.name} --resume",
            )
        if not session.provider.capabilities.probe or not still_accepted(session, old_value(session)):
            return who
        retry = _STILL_ACCEPTED


def _settle(session: Session, proof: DeathProof) -> None:
    session.commit(
        session.event(
            Op.DEATH,
            grade=proof.grade.value,
            samples=proof.samples,
            control=proof.control,
            by=proof.said_by,
        ),
        proof=proof,
    )
    if proof.grade is DeathGrade.ASSERTED:
        session.context.progress.note(f"{proof.said_by} says that the old token is revoked; nothing can prove it")
    else:
        control = "while a live one was accepted" if proof.control else "with no live token to compare"
        session.context.progress.step(f"the old token is dead: refused {proof.samples} times, {control}")


def _look_after_new(session: Session) -> None:
    """At a settings page both tokens may have been revoked: then consumers are down, and somebody must know."""
    if session.journal.revoked_by in {"", "api"} or not session.journal.attempts:
        return
    look = session.provider.probe(new_value(session), session.record.scope)
    if look.verdict is Verdict.DEAD:
        verdict = session.event(Op.VERIFY, verdict=look.verdict.value, reason=look.reason)
        session.commit(verdict, record=replace(session.record, seen=look))
        session.context.progress.note(
            f"the new token is not accepted any more, consumers are down: tokenguard rotate {session.record.name}"
        )


def _withdraw(session: Session) -> None:
    store, old = session.context.store, to_die(session)
    session.commit(session.event(Op.PUBLISH, Phase.INTENT, result="withdraw"))
    if store.read_live(session.snapshot.id) is not None:
        store.withdraw(session.snapshot.id, old.live_version)
    if place := session.record.location.adopted:
        session.context.progress.note(f"the dead value is still at {place}: whoever owns that may remove it")


def _quarantined(session: Session, old: Old, proof: DeathProof) -> Quarantined:
    return Quarantined(
        label=old.label,
        fingerprint=old.fingerprint,
        provider_id=old.provider_id,
        provider_label=old.provider_label,
        proof=proof,
        probe_due_at=proof.last_at + session.provider.capabilities.death_window.confirm_after,
    )


def _last_look(proof: DeathProof | None) -> Observation | None:
    """What the record of a retired token says of it: dead if that was seen, nothing on somebody's word."""
    if proof is None or proof.grade is DeathGrade.ASSERTED:
        return None
    return Observation(verdict=Verdict.DEAD, at=proof.last_at, reason="proven")


def _why_revoke(session: Session) -> str:
    if session.journal.mode is Mode.COMPROMISED:
        return "it may be in the wrong hands: every minute it lives is a risk"
    if session.journal.mode is Mode.RETIRE:
        return "nobody is to use it any more"
    return "the new token is in use everywhere; the old one is the last open door"
