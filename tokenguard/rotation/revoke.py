"""Irreversible half of a rotation: revoke the old token, prove it dead, quarantine its value."""

import contextlib
from collections.abc import Callable
from typing import NoReturn

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Mode, Stage
from tokenguard.domain.leak_trail import after_death
from tokenguard.domain.liveness import DeathControl, DeathProof, Verdict
from tokenguard.domain.token import RecordState
from tokenguard.errors import Conflict, NotProvenDead, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.provider import Ambiguous, ByValue, CreateRefused, Issuer
from tokenguard.rotation.absence import (
    confirm_gone,
    doubt,
    ids_of_others,
    listed_under,
    note_listed,
    was_listed,
    why_listed_otherwise,
)
from tokenguard.rotation.duplicates import discard_superseded
from tokenguard.rotation.in_place import end_of_new
from tokenguard.rotation.keeping import asserted, last_look, proof_by_list, quarantined, unseen, why_no_proof
from tokenguard.rotation.machine import reached
from tokenguard.rotation.preconditions import check_new_in_use, old_token, revoking_task
from tokenguard.rotation.prompts import evidence_words
from tokenguard.rotation.proof_of_death import (
    control_search,
    old_value,
    prove_dead,
    refused_with_control,
    still_accepted,
    unproven,
    wait_for_revoke,
    was_accepted,
)
from tokenguard.rotation.publish import new_value
from tokenguard.rotation.revoke_routes import id_revoker, is_stored, revoked_by_api, value_revoker
from tokenguard.rotation.sampling import Sampler
from tokenguard.rotation.session import TokenSession

_STILL_ACCEPTED = "the provider still accepts the old token: was the right one revoked?"
_STILL_LISTED = "the provider still lists the old token: was the right one revoked?"


def revoke(session: TokenSession) -> None:
    """Revoke the old token by API or with a person; the provider's answer is not a proof yet."""
    _revoke(session, session.advance)


def prove(session: TokenSession) -> None:
    """Prove the old token dead; if it is still accepted, a person is asked again, and an API at the next resume."""
    proof = session.journal.proof
    if proof is None:
        if not session.journal.revoked_by:  # of a compromise, whose new token is in use by now
            _revoke(session, session.commit)
        proof = _proof(session)
    _look_after_new(session)
    if session.journal.proof is not None:
        session.advance()
    else:
        _settle(session, proof, session.advance)


def repeat_if_accepted(session: TokenSession) -> None:
    """Revoke a compromised token again, before its replacement is made, if it is accepted after all."""
    journal = session.journal
    making = reached(journal, Stage.REVOKED) and not reached(journal, Stage.CONSUMED)
    if journal.mode is not Mode.COMPROMISED or not making or journal.proof is not None or journal.revoked_by_person:
        return
    if session.provider.capabilities.probe and revoked_by_api(session) and still_accepted(session, old_value(session)):
        _revoke_by_api(session, session.commit)


def try_prove_dead(session: TokenSession) -> None:
    """Try to prove the old token of a blocked compromise dead, so that the error states its real status."""
    if session.journal.proof is None and session.provider.capabilities.probe:
        proof = prove_dead(session, old_value(session), provider_id=old_token(session).provider_id, windows=2)
        if proof is not None and proof.proven and was_accepted(session):
            _settle(session, proof, session.commit)


def finish(session: TokenSession) -> None:
    """Complete the operation: discard superseded attempts, quarantine the old value, close the journal."""
    discard_superseded(session)
    journal, record = session.journal, session.record
    if journal.mode is Mode.RETIRE:
        _withdraw(session)
        record = replace(record, state=RecordState.RETIRED)
    if journal.mode in {Mode.PLANNED, Mode.IN_PLACE, Mode.COMPROMISED}:
        made = journal.attempts[-1].begun_at or session.context.clock.now()
        record = replace(record, created_at=made, rotated_at=made, due_at=None, ends_at=end_of_new(session, made))
    if record.state is RecordState.RETIRED:
        record = replace(record, seen=last_look(journal.proof))
    quarantine = session.snapshot.document.quarantine
    old, proof = journal.old, journal.proof
    if old is not None and proof is not None and (is_stored(journal) or not proof.proven):
        quarantine = (*quarantine, quarantined(session, old, proof, accepted=was_accepted(session)))
    session.commit(
        session.event(Op.DONE, result=journal.mode.value),
        record=record,
        quarantine=quarantine,
        stage=Stage.DONE,
        waiting_for="",
    )


def _revoke(session: TokenSession, write: Callable[..., None]) -> None:
    """Revoke the old token, and record with `write` who says so."""
    if session.issuer is not None and not (_can_probe(session) and was_accepted(session)):
        with contextlib.suppress(Unreachable):  # then the list shows nothing afterwards either
            note_listed(session, session.issuer, [old_token(session).provider_id], old_token(session).provider_label)
    if not revoked_by_api(session):
        _say_revoked(session, _person_revokes(session), write)
        return
    check_new_in_use(session)
    _revoke_by_api(session, write)


def _revoke_by_api(session: TokenSession, write: Callable[..., None]) -> None:
    """Ask the provider; where it only takes leaked values and refuses this one, a person revokes it."""
    try:
        unsure = _ask_provider(session)
    except CreateRefused as error:
        if id_revoker(session) is not None or session.provider.capabilities.by_value is not ByValue.LEAKED:
            raise
        session.context.progress.note(f"{error.message}; a person must revoke it")
        _say_revoked(session, _person_revokes(session), write)
        return
    _say_revoked(session, "api", write, unsure=unsure)


def _ask_provider(session: TokenSession) -> str:
    """Send the revoke, which is on record first; returns why its answer or the list is not clear, if probes decide."""
    issuer, target = id_revoker(session), old_token(session).provider_id
    repeated = not session.revoke_recorded
    if issuer is not None and (repeated or not _can_probe(session)):
        _check_target(session, issuer, target)
    session.context.progress.waiting(f"asking {session.provider.name} to revoke the old token")
    session.check_held()
    if repeated:
        label, named = old_token(session).provider_label, target if issuer is not None else ""
        session.commit(session.event(Op.REVOKE, label=label, provider_id=named, result="again"))
    session.revoke_recorded = False
    try:
        _send_revoke(session, issuer, target)
    except (Ambiguous, CreateRefused) as error:
        if not (repeated and _refused_alone(session)):
            raise
        return f"its answer was not clear ({error.message}), although it refuses the old token"
    # If the list is inconclusive the probes decide; without probes the list is the only evidence.
    return confirm_gone(session, issuer, target, needed=not _can_probe(session)) if issuer is not None else ""


def _send_revoke(session: TokenSession, issuer: Issuer | None, target: str) -> None:
    """By id with `issuer`, else by value."""
    if issuer is None:
        if (by_value := value_revoker(session)) is not None:
            by_value.revoke_value(old_value(session))
        return
    for each in _rows_beside(session, issuer, target):
        session.commit(session.event(Op.REVOKE, label=old_token(session).provider_label, provider_id=each))
        issuer.revoke(each)
    issuer.revoke(target)


def _check_target(session: TokenSession, issuer: Issuer, target: str) -> None:
    """Refuse to revoke an id that names another token by now: services use the id of a deleted one again.

    Raises:
        Conflict: the inventory holds another token of that id, or the list shows another label for it.
    """
    label, provider = old_token(session).provider_label, session.provider.name
    mine = {attempt.provider_id for attempt in session.journal.attempts}
    if session.journal.mode is Mode.REVOKE_AGAIN and session.record.state is not RecordState.RETIRED:
        mine.add(session.record.provider_id)
    listed = [row.label for row in issuer.listed().of_id(target)]
    renamed = label and listed and all(each and each != label for each in listed)
    if target in mine | ids_of_others(session) or renamed:
        raise Conflict(
            f"{provider} now uses the id of the old token of {session.record.name} for another token",
            hint=f"nothing was revoked; look for {label or 'the old token'} there, and revoke it by hand if it is "
            f"alive; `tokenguard show {session.record.name}` prints what is on record",
        )


def _rows_beside(session: TokenSession, issuer: Issuer, target: str) -> list[str]:
    """Return the ids of the other rows with the label of a token that was found in the list: duplicates of it."""
    if is_stored(session.journal):
        return []
    rows = listed_under(session, issuer.listed(), target, old_token(session).provider_label)
    return [each for each in rows if each != target]


def _refused_alone(session: TokenSession) -> bool:
    """Whether the provider refuses the old token and accepts another one, or its list lacks it where it has no probe.

    A provider may give no clear answer, or refuse, each time it is asked to revoke what is revoked already.
    """
    if not _can_probe(session):
        return _seems_revoked(session)
    value = old_value(session)
    sample = Sampler(session.provider, control_search(session)).take(value, [value])
    return sample.conclusive and sample.control.by is DeathControl.TOKEN


def _say_revoked(session: TokenSession, who: str, write: Callable[..., None], *, unsure: str = "") -> None:
    now = session.context.clock.now()
    write(session.event(Op.REVOKE, Phase.OUTCOME, by=who), revoked_at=now, revoked_by=who)
    if unsure:
        session.context.progress.note(f"{session.provider.name} was asked to revoke it, but {unsure}; verifying")
    else:
        session.context.progress.step(f"revoked according to {'the provider' if who == 'api' else who}; verifying")


def _revoke_at_next_resume(session: TokenSession, what: str) -> NoReturn:
    """Return to the revoke intent, since the provider confirmed the revoke and the old token is alive.

    A compromise keeps its stage: its new token is in use.

    Raises:
        NotProvenDead: always; the next resume sends the revoke again.
    """
    name, provider, journal = session.record.name, session.provider.name, session.journal
    if journal.mode is Mode.IN_PLACE:
        raise NotProvenDead(
            f"{provider} gave {name} a new value and still {what} the old one",
            hint=f"some providers accept both for a while; check again: tokenguard rotate {name} --resume",
        )
    stays = journal.mode is Mode.COMPROMISED
    session.jump(
        journal.stage if stays else Stage.REVOKE_INTENDED,
        session.event(Op.REVOKE, Phase.FACT if stays else Phase.INTENT, by=journal.revoked_by, result="no-effect"),
        revoked_at=None,
        revoked_by="",
    )
    kept = journal.mode in {Mode.PLANNED, Mode.RETIRE}
    undo = f"; to keep the old token: tokenguard rotate {name} --abort" if kept else ""
    raise NotProvenDead(
        f"{provider} confirmed the revoke of the old token of {name} but still {what} it",
        hint=f"check the admin credential and the revoke route, then revoke it again: "
        f"tokenguard rotate {name} --resume{undo}",
    )


def _can_probe(session: TokenSession) -> bool:
    return session.provider.capabilities.probe and is_stored(session.journal)


def _proof(session: TokenSession) -> DeathProof:
    if not _can_probe(session):
        if (proof := _proof_by_list(session)) is not None:
            return proof
        nothing = unseen(session.context.clock.now())
        return asserted(session.context, session.snapshot, nothing, session.journal.revoked_by)
    value, provider_id = old_value(session), old_token(session).provider_id
    by_person = session.journal.revoked_by_person
    while True:
        proof = prove_dead(session, value, provider_id=provider_id, windows=2 if by_person else 4)
        if proof is not None:
            if proof.proven and was_accepted(session):
                return proof
            if proof.proven and (by_list := _proof_by_list(session)) is not None:
                return by_list
            return asserted(session.context, session.snapshot, proof, session.journal.revoked_by)
        if not still_accepted(session, value):
            raise unproven(session, value)
        if not by_person:
            _revoke_at_next_resume(session, "accepts")
        _person_revokes(session, retry=_STILL_ACCEPTED)


def _proof_by_list(session: TokenSession) -> DeathProof | None:
    """Return the proof by the provider's list where tokens cannot be probed; None if the list is not conclusive."""
    issuer, old = session.issuer, old_token(session)
    provider_id = old.provider_id
    if issuer is None or not provider_id:
        return None
    wait_for_revoke(session, session.journal.revoked_at)
    found = issuer.listed()
    if found.holds(provider_id) and _stays_listed(session, issuer, provider_id):
        if not session.journal.revoked_by_person:
            _revoke_at_next_resume(session, "lists")
        _person_revokes(session, retry=_STILL_LISTED)
        found = issuer.listed()
    if found.holds(provider_id):
        raise NotProvenDead(
            f"{session.provider.name} still lists the old token of {session.record.name}",
            hint=f"assume that it still works; check again: tokenguard rotate {session.record.name} --resume",
        )
    if why := why_listed_otherwise(session, found, provider_id, old.provider_label):
        raise NotProvenDead(
            f"{session.provider.name} may still list the old token of {session.record.name}: {why}",
            hint=f"if it is that token, revoke it there; if not, record the listed token with `tokenguard add`; then: "
            f"tokenguard rotate {session.record.name} --resume",
        )
    if not was_listed(session, provider_id):
        session.context.progress.note(
            f"{session.provider.name} did not list the old token before either: its list may not show every token"
        )
        return None
    return None if doubt(session, found) else proof_by_list(session.context.clock.now())


def _stays_listed(session: TokenSession, issuer: Issuer, provider_id: str) -> bool:
    """Whether the list still holds a revoked token after its lag."""
    try:
        confirm_gone(session, issuer, provider_id, needed=False)
    except Ambiguous:
        return True
    return False


def _person_revokes(session: TokenSession, *, retry: str = "") -> str:
    """Ask a person to revoke the old token until it is no longer accepted; returns the person's name."""
    task, said = revoking_task(session), session.journal.revoked_by
    if said and not retry and _seems_revoked(session):
        return said  # nothing is left to ask for, also if the new one is refused: the proof comes next
    login = session.context.operator.creator(session.provider.name, None).account
    while True:
        check_new_in_use(session)
        session.check_held()
        who = session.context.operator.done(task, retry=retry)
        if who is None:
            raise NotProvenDead(
                f"the old token of {session.record.name} is not revoked yet",
                hint=f"revoke it, then: tokenguard rotate {session.record.name} --resume",
            )
        said_so = session.event(Op.REVOKE, by=who, login=login, result="said")
        session.commit(said_so, revoked_by=who)  # irreversible from here on
        if not _can_probe(session) or not still_accepted(session, old_value(session)):
            return who
        retry = _STILL_ACCEPTED


def _seems_revoked(session: TokenSession) -> bool:
    """Whether the provider refuses the old token now, or its list lacks it where tokens cannot be probed."""
    if _can_probe(session):
        return session.provider.probe(old_value(session), None).verdict is Verdict.DEAD
    issuer, provider_id = session.issuer, old_token(session).provider_id
    if issuer is None or not provider_id:
        return False
    found = issuer.listed()
    return not found.holds(provider_id) and not doubt(session, found)


def _settle(session: TokenSession, proof: DeathProof, write: Callable[..., None]) -> None:
    """Record the proof with `write`, which may advance to the next stage as well."""
    record, detail = after_death(session.record, old_token(session).fingerprint, proof)
    write(
        session.event(Op.DEATH, Phase.FACT, samples=proof.samples, by=proof.said_by, **detail),
        record=record,
        proof=proof,
    )
    if proof.proven:
        session.context.progress.step(f"the {session.old} is dead: {evidence_words(proof)}")
    else:
        session.context.progress.note(
            f"the old token's revocation is {proof.words}"
            + (f"; {why_no_proof(session.record, proof)}" if proof.samples else "")
        )


def _look_after_new(session: TokenSession) -> None:
    """Record it if the new token is refused as well: consumers are then down."""
    if not (session.journal.attempts and session.provider.capabilities.probe):
        return
    value = new_value(session)
    look = session.provider.probe(value, session.record.scope)
    if look.verdict is Verdict.DEAD and refused_with_control(session, value):
        session.record_look(look)
        session.context.progress.note(
            f"the {session.new} is refused as well, so consumers are down: tokenguard rotate {session.record.name}"
        )


def _withdraw(session: TokenSession) -> None:
    store, old = session.context.store, old_token(session)
    session.commit(session.event(Op.PUBLISH, Phase.INTENT, result="withdraw"))
    if store.read_live(session.snapshot.id) is not None:
        store.withdraw(session.snapshot.id, old.live_version)
    if place := session.record.location.adopted:
        session.context.progress.note(f"the revoked value is still at {place}: its owner can remove it")
