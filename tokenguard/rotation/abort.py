"""Aborts an operation whose old token is untouched, and restores exactly what was live before."""

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Attempt, AttemptState, Mode, Stage
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import InputError, NotProvenDead, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.rotation.absence import doubt
from tokenguard.rotation.cleanup import discard_attempt, kept_label
from tokenguard.rotation.handover import restore_previous
from tokenguard.rotation.machine import can_abort, can_abort_if_alive, superseded
from tokenguard.rotation.proof_of_death import old_value, outage_suspected, still_accepted
from tokenguard.rotation.publish import new_value
from tokenguard.rotation.session import TokenSession


def begin_abort(session: TokenSession, *, reason: str = "") -> None:
    """Record the intent to abort.

    After the revoke intent only while the old token is still accepted, so that no live label points at a revoked one.

    Raises:
        InputError: the old token is revoked, reported revoked, or may be.
        NotProvenDead: it is a compromise, and no person has given a reason to abort it.
        Unreachable: the provider does not accept the old token.
    """
    journal = session.journal
    if journal.stage is Stage.ABORTING:
        return
    if (
        not can_abort(journal)
        and not (can_abort_if_alive(journal) and _old_token_is_alive(session))
        and not (_wrong_one_was_revoked(session))
    ):
        raise InputError(
            f"the {session.old} of {session.record.name} is revoked or may be: the operation cannot be undone",
            hint=f"finish it instead: tokenguard rotate {session.record.name} --resume",
        )
    if journal.mode is Mode.COMPROMISED and not (reason and session.context.attended):
        raise NotProvenDead(
            f"{session.record.name} is recorded as compromised: only a person can abort its revocation, with a reason",
            hint=f"tokenguard rotate {session.record.name} --abort --reason TEXT, or finish it with --resume",
        )
    if journal.old is not None and journal.attempts:
        _check_old_is_accepted(session, old_value(session))
    intent = session.event(Op.ABORT, Phase.INTENT, stage=journal.stage.value, reason=reason)
    session.jump(Stage.ABORTING, intent, accept_outage=False)  # what was accepted for the rotation is not for this


def _old_token_is_alive(session: TokenSession) -> bool:
    """Whether the old token and a control are accepted over a whole death window, so no revoke is still in flight.

    A revoke by API may have taken effect in the provider's list alone: then the old token is about to be refused.
    """
    if not session.provider.capabilities.probe:
        return False
    issuer, old = session.issuer, session.journal.old
    if issuer is not None and old is not None and old.provider_id:
        found = issuer.listed()
        if not found.holds(old.provider_id) and not doubt(session, found):
            return False
    value, store = old_value(session), session.context.store
    made = (store.read_candidate(session.snapshot.id, attempt.label) for attempt in session.journal.attempts)
    ours = [value, *(held for held in made if isinstance(held, Value))]
    return still_accepted(session, value) and not outage_suspected(session, ours)


def _wrong_one_was_revoked(session: TokenSession) -> bool:
    """Whether a person reported the revoke, and it is the new token that is refused while the old one is accepted.

    The accepted old token is the control of that refusal.
    """
    journal, provider = session.journal, session.provider
    asked = journal.mode is Mode.PLANNED and journal.stage in {Stage.REVOKE_INTENDED, Stage.REVOKED}
    if not (asked and provider.capabilities.probe and journal.revoked_by_person and journal.proof is None):
        return False
    return provider.probe(new_value(session), None).verdict is Verdict.DEAD and still_accepted(
        session, old_value(session)
    )


def undo(session: TokenSession) -> None:
    """Republish the old value, restore consumers, discard every attempt, then enter ABORTED. Idempotent."""
    old = session.journal.old
    previous: Value | None = old_value(session) if old else None
    _unpublish(session)
    if session.record != (restored := _restored(session)):  # the record describes what the store serves from here on
        session.commit(session.event(Op.PUBLISH, Phase.OUTCOME, result="back"), record=restored)
    restore_previous(session, previous)
    if session.journal.mode is Mode.ADD:
        _forget(session)
    else:
        for attempt in superseded(session.journal):
            _discard(session, attempt, previous)
        if previous is not None and session.journal.attempts:
            _check_old_is_accepted(session, previous)  # a person may have revoked the wrong one
    record = _restored(session)
    if session.journal.accept_outage and previous is not None and session.provider.capabilities.probe:
        look = session.provider.probe(previous, None)
        record = record.with_look(look) if look.verdict is Verdict.DEAD else record
    session.commit(session.event(Op.ABORT, Phase.OUTCOME), record=record, stage=Stage.ABORTED, waiting_for="")
    session.context.progress.step(f"undone: {_outcome(session)}")


def _discard(session: TokenSession, attempt: Attempt, previous: Value | None) -> None:
    if previous is None:
        discard_attempt(session, attempt)
        return
    _check_old_is_accepted(session, previous)
    try:
        discard_attempt(session, attempt)
    except Unfinished:
        _check_old_is_accepted(session, previous)  # that it is refused as well explains more
        raise


def _outcome(session: TokenSession) -> str:
    """Describe what is so now; of a new token nothing is said that is not known."""
    mode, old = session.journal.mode, session.journal.old
    if mode is Mode.ADD:
        return "the value was removed from the store; the token itself was not changed"
    live = "the token in use is the same as before" if old else "no token is in use"
    if not session.journal.attempts:
        return f"{live}; no new one was created"
    kept = {kept_label(attempt) for attempt in session.journal.attempts}
    doubtful = any(each.label in kept for each in session.snapshot.document.possibly_alive)
    return f"{live}; the new one is {'revoked, which is not proven' if doubtful else 'gone'}"


def _check_old_is_accepted(session: TokenSession, previous: Value) -> None:
    """Check that the old token, which the store serves, is accepted before anything is done to the new one.

    Raises:
        Unreachable: it is refused, or the answer is unclear; nothing was sent.
    """
    if session.journal.accept_outage or not session.provider.capabilities.probe:
        return
    look, name = session.provider.probe(previous, None), session.record.name
    if look.verdict is Verdict.DEAD:
        go_on = "resume" if session.journal.stage is Stage.ABORTING else "abort"
        raise Unreachable(
            f"{session.provider.name} refuses the old token of {name}, so its new one is not revoked",
            hint=f"in an outage wait, then: tokenguard rotate {name} --{go_on}; if the old one is dead: "
            + (
                f"tokenguard rotate {name} --resume --accept-outage, then tokenguard rotate {name}"
                if go_on == "resume"
                else f"finish the rotation with tokenguard rotate {name} --resume"
            ),
        )
    if look.verdict is Verdict.UNKNOWN:
        raise Unreachable(
            f"{session.provider.name} gives no clear answer about the old token of {name} ({look.explained})",
            hint="its new one is not revoked; try again later",
        )


def _forget(session: TokenSession) -> None:
    """Drop the stored copy of a value that the operator supplied; the token itself is not revoked."""
    for attempt in session.journal.attempts:
        session.commit(session.event(Op.DESTROY, Phase.INTENT, label=attempt.label))
        session.context.store.destroy(session.snapshot.id, attempt.label)
    gone = tuple(replace(attempt, state=AttemptState.GONE, fingerprint=None) for attempt in session.journal.attempts)
    session.commit(session.event(Op.DESTROY, Phase.OUTCOME, result="forgotten"), attempts=gone)


def _unpublish(session: TokenSession) -> None:
    store, token, old = session.context.store, session.snapshot.id, session.journal.old
    live = store.read_live(token)
    if live is None or live.label not in session.journal.labels:
        return
    # Also where the old value is still live: this moves the pin, so a publish delayed in another runner fails.
    session.commit(
        session.event(
            Op.PUBLISH, Phase.INTENT, label=old.label if old else "", result="back", to=session.record.location.adopted
        ),
        vacant_version=0 if old else live.version + 1,
    )
    if old is None:
        store.withdraw(token, live.version)
        return
    try:
        store.publish(token, old.label, live.version)
    except UnexpectedValue as displaced:  # an external change is kept; the store's label points at the old value again
        session.context.progress.note(f"{displaced.message}; it is left as it is")


def _restored(session: TokenSession) -> Record:
    old, record = session.journal.old, session.record
    if old is None:
        return replace(
            record,
            state=RecordState.PENDING,
            fingerprint=None,
            provider_id="",
            hint="",
            rotated_at=None,
            seen=None,
            accepted_at=None,
        )
    known = record.seen is not None and record.seen.at < session.journal.opened_at
    attempt = session.journal.attempt
    if (
        attempt is not None
        and attempt.made_by
        and record.made_by == attempt.made_by
        and record.account == attempt.account
    ):
        record = replace(record, made_by=old.made_by, account=old.account, creator_recorded=old.creator_recorded)
    return replace(
        record,
        seen=record.seen if known else old.seen,  # a later observation was of the discarded token
        fingerprint=old.fingerprint,
        provider_id=old.provider_id,
        hint=old.hint,
        label=old.provider_label,
        created_at=old.created_at,
        rotated_at=old.rotated_at,
        accepted_at=record.accepted_at if known else old.accepted_at,
    )
