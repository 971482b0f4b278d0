"""Aborts an operation whose old token is untouched, and restores exactly what was live before."""

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import AttemptState, Mode, Stage
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record, RecordState
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.rotation.cleanup import discard_attempt
from tokenguard.rotation.handover import restore_previous
from tokenguard.rotation.machine import can_abort, can_abort_if_alive, superseded
from tokenguard.rotation.proof_of_death import old_value, outage_suspected, still_accepted
from tokenguard.rotation.session import TokenSession

_AS_BEFORE = "the old token is the live one, the new one is gone"
_OUTCOMES = {
    Mode.ADD: "the store has forgotten the value; the token itself was not touched",
    Mode.ISSUE: "the new token is gone",
}


def begin_abort(session: TokenSession) -> None:
    """Record the intent to abort.

    After the revoke intent only while the old token is still accepted, so that no live label points at a revoked one.

    Raises:
        InputError: the old token is revoked, reported revoked, or may be.
    """
    journal = session.journal
    if journal.stage is Stage.ABORTING:
        return
    if not can_abort(journal) and not (can_abort_if_alive(journal) and _old_token_is_alive(session)):
        raise InputError(
            f"the old token of {session.record.name} is revoked or may be: the operation cannot be undone",
            hint=f"finish it instead: tokenguard rotate {session.record.name} --resume",
        )
    session.jump(Stage.ABORTING, session.event(Op.ABORT, Phase.INTENT, stage=journal.stage.value))


def _old_token_is_alive(session: TokenSession) -> bool:
    """Whether the old token and a control are accepted over a whole death window, so no revoke is still in flight."""
    if not session.provider.capabilities.probe:
        return False
    value = old_value(session)
    return still_accepted(session, value) and not outage_suspected(session, [value])


def undo(session: TokenSession) -> None:
    """Republish the old value, restore consumers, discard every attempt, then enter ABORTED. Idempotent."""
    old = session.journal.old
    previous: Value | None = old_value(session) if old else None
    _unpublish(session)
    restore_previous(session, previous)
    if session.journal.mode is Mode.ADD:
        _forget(session)
    else:
        for attempt in superseded(session.journal):
            discard_attempt(session, attempt)
    session.commit(
        session.event(Op.ABORT, Phase.OUTCOME), record=_restored(session), stage=Stage.ABORTED, waiting_for=""
    )
    session.context.progress.step(f"undone: {_OUTCOMES.get(session.journal.mode, _AS_BEFORE)}")


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
            record, state=RecordState.PENDING, fingerprint=None, provider_id="", hint="", rotated_at=None, seen=None
        )
    known = record.seen is not None and record.seen.at < session.journal.opened_at
    return replace(
        record,
        seen=record.seen if known else None,  # a later observation was of the discarded token
        fingerprint=old.fingerprint,
        provider_id=old.provider_id,
        hint=old.hint,
        label=old.provider_label,
        created_at=old.created_at,
        rotated_at=old.rotated_at,
    )
