"""Discards attempts: what may have been created under the label is revoked or proven absent, its value destroyed."""

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Attempt, AttemptState, OldValue, Stage
from tokenguard.domain.liveness import DeathProof, Verdict
from tokenguard.domain.names import Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, Fenced, NeedsPerson, Unfinished
from tokenguard.frozen import replace
from tokenguard.ports.operator import StrayToken
from tokenguard.ports.provider import Ambiguous, ByValue, Issuer, Method
from tokenguard.ports.store import Tombstone
from tokenguard.rotation.absence import confirm_gone, note_listed, search
from tokenguard.rotation.in_place import abandon_value, is_in_place, makes_by_api
from tokenguard.rotation.keeping import asserted, quarantined, unseen
from tokenguard.rotation.prompts import revoke_task, trace_task
from tokenguard.rotation.proof_of_death import old_value, prove_dead, still_accepted, wait_for_revoke
from tokenguard.rotation.session import TokenSession
from tokenguard.rotation.slot_value import slot_value


def fence(session: TokenSession, label: Label) -> None:
    """Put a tombstone into the slot, so that a late runner's write fails before its token is searched for. Idempotent.

    Raises:
        Fenced: another runner has just stored a value there.
    """
    try:
        session.context.store.put_candidate(session.snapshot.id, label, Tombstone(reason="reaped"))
    except Conflict:
        if isinstance(session.context.store.read_candidate(session.snapshot.id, label), Tombstone):
            return  # from an earlier, interrupted run
        raise Fenced(
            f"another runner has just stored the {session.new} of {session.record.name}",
            hint=f"tokenguard rotate {session.record.name} --resume",
        ) from None


def discard_attempt(session: TokenSession, attempt: Attempt) -> None:
    """Revoke everything this attempt may have created, and record that in the journal.

    The intent is committed first, so a runner that takes over cannot adopt a token that is being revoked.
    """
    target_state = attempt.state if session.journal.stage is Stage.ABORTING else AttemptState.REJECTED
    content = slot_value(session.context.store, session.snapshot, attempt.label, attempt.fingerprint)
    held = content if isinstance(content, Value) else None
    attempt = replace(attempt, state=target_state, accepted=attempt.accepted or _is_accepted(session, held))
    session.commit(
        session.event(Op.REVOKE, Phase.INTENT, label=attempt.label, result="attempt"),
        attempts=session.attempts_after(attempt),
    )
    if content is None:
        fence(session, attempt.label)
    if is_in_place(session):
        abandon_value(session, attempt)
        return
    if not makes_by_api(session):
        attempt, held = _without_stray(session, attempt, held)
    able = session.provider.capabilities
    if session.issuer is not None and able.revoke is Method.API:
        said = _end_by_api(session, session.issuer, attempt, held)
    elif held is not None and session.vendor.by_value is not None and able.by_value is ByValue.ALWAYS:
        session.vendor.by_value.revoke_value(held)
        said = _ended_value(session, attempt, held, "was asked to revoke")
    else:
        said = _end_by_person(session, attempt, held)
    if said is not None:
        keep_asserted(session, attempt, said, held)
    elif held is not None:
        _fence_kept(session, attempt)
    session.context.store.destroy(session.snapshot.id, attempt.label)
    session.commit(
        session.event(
            Op.REVOKE, Phase.OUTCOME, label=attempt.label, result="attempt-asserted" if said else "attempt-gone"
        ),
        attempts=session.attempts_after(replace(attempt, state=AttemptState.GONE)),
    )
    if said is None:
        session.context.progress.step(f"the new token {attempt.label} is discarded")


def stray_token(session: TokenSession, scope: Scope | None, scope_name: str) -> StrayToken:
    """Return a pasted token that belongs to another scope than the record's, as a person is asked about it."""
    found = f"{scope_name} ({scope})" if scope_name else str(scope or "another place")
    wanted = f"{session.record.scope_name} ({session.record.scope})" if session.record.scope_name else ""
    return StrayToken(provider=session.provider.name, found=found, wanted=wanted or str(session.record.scope))


def _without_stray(session: TokenSession, attempt: Attempt, held: Value | None) -> tuple[Attempt, Value | None]:
    """Return the attempt without a pasted value that is another token's: it is forgotten, and nothing revokes it.

    What the attempt itself has created is then not known, and is looked for by its label. Without a fingerprint it was
    said before, by a run that was interrupted.
    """
    own = attempt.label in session.created_elsewhere or (held is None and attempt.fingerprint is not None)
    if own or attempt.scope is None:
        return attempt, held
    stray = stray_token(session, attempt.scope, attempt.scope_name)
    if attempt.fingerprint is not None:
        if session.context.operator.created_now(stray):
            return attempt, held
        attempt = replace(attempt, fingerprint=None, accepted=False)
        session.commit(
            session.event(Op.REJECT, label=attempt.label, reason="another-token"),
            attempts=session.attempts_after(attempt),
        )
    session.context.store.destroy(session.snapshot.id, attempt.label)
    session.context.progress.note(f"the token of {stray.found} stays as it is; its value is no longer stored")
    return replace(attempt, scope=None, scope_name="", accepted=False), None


def _is_accepted(session: TokenSession, held: Value | None) -> bool:
    """Whether the provider accepts the stored value of an attempt now; otherwise a refusal proves nothing."""
    if held is None or not session.provider.capabilities.probe:
        return False
    return session.provider.probe(held, None).verdict is Verdict.ALIVE


def _end_by_api(session: TokenSession, issuer: Issuer, attempt: Attempt, held: Value | None) -> DeathProof | None:
    """Revoke it by API and have its value refused. Returns what is known if that is not proof (the value is then kept).

    Where no value can be probed the list decides, once the revoke must have taken effect.

    Raises:
        Ambiguous: it is still listed, or still accepted, or the list cannot say.
    """
    known = attempt.provider_id
    listed = issuer.listed().named(attempt.label) if known else search(session, issuer, attempt)
    ids = sorted({known, *(row.provider_id for row in listed)} - {""})
    if not session.provider.capabilities.probe:
        note_listed(session, issuer, ids, attempt.label)
    for provider_id in ids:
        issuer.revoke(provider_id)
    if held is None or not session.provider.capabilities.probe:
        wait_for_revoke(session, session.context.clock.now())  # an earlier runner may have sent it, too
        return _said(session, "api") if confirm_gone(session, issuer, *ids, label=attempt.label) else None
    confirm_gone(session, issuer, *ids, label=attempt.label)
    return _ended_value(session, attempt, held, "no longer lists")


def _ended_value(session: TokenSession, attempt: Attempt, held: Value, what: str) -> DeathProof | None:
    """Have a value refused that the provider was asked to revoke. Returns what is known if that is not proof.

    Args:
        session: of the operation.
        attempt: the attempt at the value.
        held: the value.
        what: what the provider did, in errors.

    Raises:
        Ambiguous: it is still accepted.
    """
    if not session.provider.capabilities.probe:
        return _said(session, "api")
    proof = _prove_dead(session, attempt, held)
    if proof is not None:
        return None if proof.proven else asserted(session.context, session.snapshot, proof, "api")
    if _is_accepted(session, held):
        raise Ambiguous(
            f"{session.provider.name} {what} {attempt.label} but still accepts its value",
            hint=f"revoke it by hand, then: tokenguard rotate {session.record.name} --resume",
        )
    return unseen(session.context.clock.now())


def _prove_dead(session: TokenSession, attempt: Attempt, value: Value) -> DeathProof | None:
    """Prove an attempt's value dead; an abort with `--accept-outage` was told that the old one is dead too."""
    journal = session.journal
    both = journal.stage is Stage.ABORTING and journal.accept_outage and journal.old is not None
    said_dead = [old_value(session)] if both else []
    return prove_dead(session, value, provider_id=attempt.provider_id, besides=said_dead, which=session.new)


def _fence_kept(session: TokenSession, attempt: Attempt) -> None:
    """Destroy the copy that another runner kept, or may still keep, of a value that is proven dead and not recorded."""
    store, label = session.context.store, kept_label(attempt)
    if label not in {item.label for item in session.snapshot.document.quarantine}:
        store.destroy(session.snapshot.id, label)


def kept_label(attempt: Attempt) -> Label:
    """Return the store label under which an attempt is kept whose end is only asserted."""
    return Label(f"{attempt.label}-kept")


def keep_asserted(session: TokenSession, attempt: Attempt, said: DeathProof, held: Value | None = None) -> None:
    """Keep the name of a token whose death is not proven, and its value, if it is `held`.

    The value gets a label of its own that a late runner cannot publish.
    """
    store, token, label = session.context.store, session.snapshot.id, kept_label(attempt)
    if held is not None:
        try:
            store.put_candidate(token, label, held)
        except Conflict:
            if store.read_candidate(token, label) != held:
                raise
    old = OldValue(
        label=label,
        live_version=0,
        fingerprint=attempt.fingerprint,
        provider_id=attempt.provider_id,
        hint=attempt.hint,
        provider_label=attempt.label,
    )
    rest = [each for each in session.snapshot.document.quarantine if each.label != label]
    event = session.event(Op.DEATH, grade=said.grade.value, label=attempt.label, by=said.said_by)
    # A value that the provider itself returned is that token's, also if it was never accepted.
    speaks = attempt.accepted or session.provider.capabilities.mint is Method.API
    session.commit(event, quarantine=[*rest, quarantined(session, old, said, accepted=speaks)])
    how = (
        f"{said.said_by} says that it is gone; this is not proven"
        if said.said_by
        else f"its revocation is {said.words}"
    )
    session.context.progress.note(f"{attempt.label}: {how}; it stays on record as possibly alive")


def _end_by_person(session: TokenSession, attempt: Attempt, held: Value | None) -> DeathProof | None:
    """Have a person revoke it. Returns the proof if that is only the person's statement (the value is then kept)."""
    if held is None:
        found = session.context.operator.ask_outcome(trace_task(session.provider, session.record, attempt.label))
        if not found.ended:
            raise NeedsPerson(
                f"the token {attempt.label} may be alive and must be revoked",
                hint=f"revoke it, then: tokenguard rotate {session.record.name} --resume",
            )
        return _said(session, found.said_by)
    there, aborting = session.record, session.journal.stage is Stage.ABORTING
    if attempt.scope is not None:  # the token was created in a scope other than the requested one
        there = replace(there, scope=attempt.scope, scope_name=attempt.scope_name)
    task = revoke_task(
        session.provider,
        there,
        label=attempt.label,
        hint=attempt.hint,
        why="the operation is being aborted: this new token is not used"
        if aborting
        else "this token was not accepted and must not stay valid",
    )
    retry = ""
    while True:
        who = session.context.operator.done(task, retry=retry)
        if who is None:
            raise NeedsPerson(
                f"the new token {attempt.label} is not used and is still to be revoked",
                hint=f"revoke it, then: tokenguard rotate {session.record.name} --resume",
            )
        if not attempt.accepted and not _is_accepted(session, held):
            return _said(session, who)
        attempt = replace(attempt, accepted=True)
        proof = _prove_dead(session, attempt, held)
        if proof is not None:
            return None if proof.proven else asserted(session.context, session.snapshot, proof, who)
        if not still_accepted(session, held):
            raise Unfinished(
                f"the token {attempt.label} is not proven dead: the provider gave no clear answer, or has an outage",
                hint=f"wait a few minutes, then: tokenguard rotate {session.record.name} --resume",
            )
        retry = "the provider still accepts that token: was the right one revoked?"


def _said(session: TokenSession, who: str) -> DeathProof:
    """Return the proof that rests on a statement alone: no refusal says anything about this token."""
    return asserted(session.context, session.snapshot, unseen(session.context.clock.now()), who)
