"""Creates the new value: record the intent, create at the provider, store, read back.

Between the provider's answer and the store's, a value created by API exists only in memory, and a crash there loses
it. The token is still found and revoked: its label is recorded before the request, the candidate slot is create-only,
and a resumed run puts a tombstone there first, so that a late runner revokes the token it created.
"""

from typing import Any

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Attempt, AttemptState, Stage
from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.names import Label, new_label
from tokenguard.domain.secret import Value
from tokenguard.domain.shape import check_value
from tokenguard.errors import Conflict, Fenced, InputError, NeedsPerson, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.operator import Creator, Task, TokenTraceAnswer
from tokenguard.ports.provider import Ambiguous, CreatedToken, CreateRefused, Issuer, TokenRequest
from tokenguard.ports.store import Tombstone, holders_of
from tokenguard.rotation.absence import confirm_gone, search
from tokenguard.rotation.cleanup import discard_attempt, fence, keep_asserted, stray_token
from tokenguard.rotation.in_place import is_in_place, listed_token, makes_by_api, new_value_in_place
from tokenguard.rotation.keeping import asserted, unseen
from tokenguard.rotation.prompts import copy_task, create_task, revoke_task, trace_task
from tokenguard.rotation.proof_of_death import wait_for_revoke
from tokenguard.rotation.session import TokenSession

_STORE_TRIES = 4
_MAX_ATTEMPTS = 20  # in one operation; every one is named in the journal


def begin_attempt(session: TokenSession) -> None:
    """Record a fresh label in the journal, before any request to the provider."""
    attempts = session.journal.attempts
    if len(attempts) >= _MAX_ATTEMPTS:
        raise Unfinished(
            f"{_MAX_ATTEMPTS} attempts at a {session.new} for {session.record.name} have failed",
            hint=f"check the provider's own list, then: tokenguard rotate {session.record.name} --abort",
        )
    can = session.provider.capabilities
    label = new_label(
        session.record.name,
        len(attempts) + 1,
        can.label_limit,
        can.label_punctuation,
        letter_first=can.label_letter_first,
    )
    who = creator_of(session)
    now = session.context.clock.now()
    attempt = Attempt(label=label, begun_at=now, made_by=who.person, account=who.account)
    session.jump(
        Stage.MINT,
        session.event(Op.MINT, Phase.INTENT, label=label, by=who.person, login=who.account),
        attempts=(*attempts, attempt),
    )


def check_creator_is_here(session: TokenSession) -> None:
    """Stop before a label is recorded if a person creates the token and none can be asked.

    Otherwise an abort would need a person to look for a token whose creation was never requested.

    Raises:
        NeedsPerson: from the operator port, with who and where.
    """
    if not (session.context.attended or makes_by_api(session)):
        session.context.operator.paste(create_task(session.provider, session.record, ""))


def creator_of(session: TokenSession) -> Creator:
    """Who creates a value now: by API the runner; by hand a person, who is asked where the record names another one."""
    if not makes_by_api(session):
        recorded = Creator(session.record.made_by, session.record.account)
        return session.context.operator.creator(session.provider.name, recorded)
    return Creator(session.context.store.actor().person, session.vendor.admin)


def create_value(session: TokenSession) -> None:
    """Create the token for the intent that this session recorded: one API call, or a manual step."""
    if makes_by_api(session):
        _create_by_api(session, session.required_issuer)
    else:
        label = session.journal.attempts[-1].label
        _take_from_person(session, label, create_task(session.provider, session.record, label))


def reconcile(session: TokenSession) -> None:
    """Resolve an intent whose outcome is unknown: ends in STORED, or with the attempt discarded."""
    attempt = session.journal.attempts[-1]
    label = attempt.label
    content = session.context.store.read_candidate(session.snapshot.id, label)
    if isinstance(content, Value):
        _adopt(session, label, content)
    elif not makes_by_api(session):
        _trace_with_person(session, label)
    else:
        discard_attempt(session, attempt)


def take_given(session: TokenSession, value: Value) -> None:
    """Store an existing value (mode ADD)."""
    label = new_label(session.record.name, 1)
    session.commit(session.event(Op.STORE, Phase.INTENT, label=label), attempts=(Attempt(label=label),))
    _put(session, label, value)
    attempt = Attempt(
        label=label, state=AttemptState.STORED, fingerprint=session.context.store.fingerprint(value),
        provider_id=session.record.provider_id, hint=session.record.hint,
    )  # fmt: skip
    session.advance(session.event(Op.STORE, Phase.OUTCOME, label=label), attempts=(attempt,))


def _create_by_api(session: TokenSession, issuer: Issuer) -> None:
    record, attempt = session.record, session.journal.attempts[-1]
    wanted = TokenRequest(
        label=attempt.label, scope=record.scope, scope_name=record.scope_name, permissions=record.permissions
    )
    what = "new value of the token" if is_in_place(session) else f"new token named {attempt.label}"
    session.context.progress.waiting(f"asking {session.provider.name} for a {what}")
    try:
        created = new_value_in_place(session, issuer, wanted) if is_in_place(session) else issuer.create(wanted)
    except CreateRefused:
        session.update_attempt(
            session.event(Op.MINT, Phase.OUTCOME, label=attempt.label, result="refused"), state=AttemptState.GONE
        )
        raise
    except Ambiguous as error:
        raise _lost(session, attempt.label, f" ({error.message})") from None
    try:
        check_value(created.value.token.reveal())
    except InputError:
        raise _lost(session, attempt.label, "", invalid=True) from None
    _store_created(session, issuer, attempt.label, created)


def _lost(session: TokenSession, label: Label, why: str, *, invalid: bool = False) -> Ambiguous:
    """The error for an answer that holds no usable value: a token may exist, or the one token has a lost value."""
    name, provider = session.record.name, session.provider.name
    resume = f"tokenguard rotate {name} --resume{why}"
    if is_in_place(session):
        got = "an invalid value" if invalid else "no clear answer"
        return Ambiguous(
            f"{provider} gave {got} when asked for a new value of {name}: its old value may no longer work",
            hint=f"do not revoke the token, which is still in use; get another value for it: {resume}",
        )
    if invalid:
        what = f"{provider} answered the request to create {label} with an invalid token"
    else:
        what = f"{provider} gave no clear answer when asked to create {label}: the token may exist"
    return Ambiguous(what, hint=f"find and revoke it: {resume}")


def _store_created(session: TokenSession, issuer: Issuer, label: Label, created: CreatedToken) -> None:
    try:
        _put(session, label, created.value)
    except Fenced:
        # The slot was fenced before our write, so the value can never be adopted: revoke it while its id is known.
        # After any other failure a resumed run decides, because the value may have been stored.
        if created.provider_id and not is_in_place(session):
            issuer.revoke(created.provider_id)
            wait_for_revoke(session, session.context.clock.now())
            confirm_gone(session, issuer, created.provider_id)
        raise
    _stored(session, label, created.value, provider_id=created.provider_id, hint=created.hint)


def _take_from_person(session: TokenSession, label: Label, task: Task) -> None:
    """Store the value that the person pastes for `task`, once it can be the new token."""
    retry, doubted = "", None
    while True:
        pasted = session.context.operator.paste(task, retry=retry)
        try:
            value = Value.of(check_value(pasted.reveal()))
        except InputError as error:
            retry = error.message
            continue
        retry = _known_already(session, value)
        if not retry and value != doubted and (unlike := session.provider.warnings(value)):
            retry = f"{'; '.join(unlike)}; paste the new token, or the same value again to use it"
            doubted = value
        elif not retry and not (retry := _stray_already(session, value)):
            break
    for warning in session.provider.warnings(value):
        session.context.progress.note(warning)
    try:
        _put(session, label, value)
    except Fenced:
        _have_late_paste_ended(session, label)
        raise
    _stored(session, label, value, who=creator_of(session))


def _have_late_paste_ended(session: TokenSession, label: Label) -> None:
    """Ask the person to revoke the pasted token if another runner has fenced its slot: it will never be used."""
    if isinstance(session.context.store.read_candidate(session.snapshot.id, label), Tombstone):
        why = "another run has continued without it; it is neither used nor recorded"
        session.context.operator.done(revoke_task(session.provider, session.record, label=label, why=why))


def _known_already(session: TokenSession, value: Value) -> str:
    print_ = session.context.store.fingerprint(value)
    journal = session.journal
    if journal.old is not None and journal.old.fingerprint == print_:
        return "that is the old token, the one to be replaced; paste the new one"
    if any(attempt.fingerprint == print_ for attempt in journal.attempts):
        return "that token was pasted before and not accepted; paste the new one"
    # One value may not have two records: revoking it for one of them would revoke it for both.
    store = session.context.store
    others = [each.document.record.name for each in holders_of(store, print_) if each.id != session.snapshot.id]
    if others:
        return f"that token is already in use as {others[0]}; paste the new one"
    return ""


def _stray_already(session: TokenSession, value: Value) -> str:
    """Why a paste is not taken that belongs elsewhere, and that the person did not create for this attempt.

    It is asked before the value is stored: another token's value is not ours to keep, and not ours to revoke.
    """
    if not session.provider.capabilities.verifies_scope:
        return ""
    look = session.provider.probe(value, session.record.scope)
    if look.verdict is not Verdict.ALIVE or look.scope_verdict is not ScopeVerdict.WRONG:
        return ""
    if session.context.operator.created_now(stray_token(session, look.scope, look.scope_name)):
        session.created_elsewhere.add(session.journal.attempts[-1].label)
        return ""
    return "that is another token; it stays as it is, and no part of it was kept; paste the new one"


def _put(session: TokenSession, label: Label, value: Value) -> None:
    """Store the value and read it back. Retries, because the value exists nowhere else.

    Raises:
        Fenced: another runner has closed the slot.
    """
    store, token, clock = session.context.store, session.snapshot.id, session.context.clock
    for tries_left in reversed(range(_STORE_TRIES)):
        try:
            store.put_candidate(token, label, value)
        except Conflict:
            held = store.read_candidate(token, label)
            if isinstance(held, Value) and held == value:
                return  # our own write, whose answer was lost
            raise Fenced(
                f"another runner has ended this attempt at a {session.new} for {session.record.name}",
                hint=f"this run's {_unused(session)}; see tokenguard show {session.record.name}",
            ) from None
        except Unreachable:
            if not tries_left:
                raise
            session.context.progress.waiting("the store does not accept the new value; retrying")
            clock.sleep(2.0 ** (_STORE_TRIES - tries_left - 1))
        else:
            break
    if store.read_candidate(token, label) != value:
        raise Unreachable(
            "the store did not return the value that was written", hint="run `tokenguard doctor`, then resume"
        )


def _unused(session: TokenSession) -> str:
    if is_in_place(session):
        return "new value is not used, and the token gets another one"
    return "token is not used and must be revoked"


def _stored(
    session: TokenSession, label: Label, value: Value, *, provider_id: str = "", hint: str = "",
    who: Creator | None = None,
) -> None:  # fmt: skip
    said = {"by": who.person, "login": who.account} if who is not None else {}
    made = {"made_by": who.person, "account": who.account} if who is not None else {}
    events, ended = [session.event(Op.STORE, Phase.OUTCOME, label=label, **said)], dict[str, Any]()
    if is_in_place(session) and session.journal.old is not None:
        events.append(session.event(Op.REVOKE, Phase.OUTCOME, by="api", result="in-place"))
        same = provider_id == session.journal.old.provider_id  # which now names the new value
        old = replace(session.journal.old, provider_id="") if same else session.journal.old
        ended = {"revoked_at": session.context.clock.now(), "revoked_by": "api", "old": old}
    session.jump(
        Stage.STORED,
        *events,
        attempts=session.attempts_with(
            state=AttemptState.STORED,
            fingerprint=session.context.store.fingerprint(value),
            provider_id=provider_id,
            hint=hint,
            **made,
        ),
        **ended,
    )
    named = "" if is_in_place(session) else f" {label}"
    session.context.progress.step(f"the {session.new}{named} is stored and reads back equal")


def _adopt(session: TokenSession, label: Label, value: Value) -> None:
    """Adopt a value that was stored by a runner that stopped before recording it."""
    provider_id = hint = ""
    if is_in_place(session):
        listed = listed_token(session, session.required_issuer)
        provider_id, hint = listed.provider_id, listed.hint
    elif makes_by_api(session):
        found = search(session, session.required_issuer, session.journal.attempts[-1], every=True)
        if len(found) != 1:
            # Duplicates from a repeated request, or none at all: the stored value cannot be matched, so none is kept.
            session.update_attempt(session.event(Op.REJECT, label=label, reason="twins"), state=AttemptState.REJECTED)
            return
        provider_id, hint = found[0].provider_id, found[0].hint
    _stored(session, label, value, provider_id=provider_id, hint=hint)


def _trace_with_person(session: TokenSession, label: Label) -> None:
    trace = session.context.operator.ask_outcome(trace_task(session.provider, session.record, label))
    if trace.answer is TokenTraceAnswer.ON_SCREEN:
        _take_from_person(session, label, copy_task(session.provider, session.record, label))
    elif trace.ended:
        # Also if absent: the earlier runner may still wait at its prompt, and a label belongs to one attempt only.
        fence(session, label)
        said = asserted(session.context, session.snapshot, unseen(session.context.clock.now()), trace.said_by)
        keep_asserted(session, session.journal.attempts[-1], said)
        session.update_attempt(
            session.event(Op.MINT, Phase.OUTCOME, label=label, result=f"{trace.answer.value}-says-person"),
            state=AttemptState.GONE,
        )
    else:
        raise NeedsPerson(
            f"it is not known whether the token {label} exists",
            hint=f"look for it in the provider's list, then: tokenguard rotate {session.record.name} --resume",
        )
