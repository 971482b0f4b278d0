"""Cleans up before an operation ends: every attempt that it does not keep, and duplicates of the accepted token.

Only labels in this session's own journal are searched for. A search by prefix would revoke the next rotation's
candidate. No duplicate is revoked unless the token in use is identified in the list: a pasted value has no id, and the
id in the list may differ from the one in the answer to the create request, so that every row looks like a duplicate.
"""

from collections.abc import Sequence

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Attempt, AttemptState, Mode
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.token_hint import contradicts, fits
from tokenguard.errors import Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.provider import Issuer, Method, ProviderToken, TokenList
from tokenguard.rotation.absence import confirm_gone, search
from tokenguard.rotation.alarm import mark_alive
from tokenguard.rotation.cleanup import discard_attempt
from tokenguard.rotation.machine import superseded
from tokenguard.rotation.proof_of_death import refused_with_control, wait_for_revoke
from tokenguard.rotation.publish import new_value
from tokenguard.rotation.session import TokenSession
from tokenguard.rotation.unstored_tokens import listed_ids, take_off_record, unstored_tokens, why_not_gone


def discard_superseded(session: TokenSession) -> None:
    """Revoke everything that this operation created and does not keep, including duplicates of the accepted token."""
    for attempt in superseded(session.journal):
        if attempt.state is not AttemptState.GONE:
            discard_attempt(session, attempt)
    if session.issuer is not None and session.journal.mode is not Mode.ADD:  # a supplied value carries no label of ours
        _revoke_duplicates(session, session.issuer)


def _revoke_duplicates(session: TokenSession, issuer: Issuer) -> None:
    """Revoke every token under a label of this operation but the accepted one, which must be in the list then.

    Raises:
        Unreachable: the accepted token cannot be told from a duplicate, or is not clearly accepted afterwards.
    """
    journal, discarded = session.journal, superseded(session.journal)
    kept = journal.attempt if journal.attempt not in discarded else None
    rows = {attempt.label: _rows(session, issuer, attempt, kept) for attempt in journal.attempts}
    kept_id = _identify(session, issuer, kept, [row for each in rows.values() for row in each]) if kept else ""
    twins = [(label, row.provider_id) for label in rows for row in rows[label] if row.provider_id != kept_id]
    for label, provider_id in twins:
        session.commit(session.event(Op.REVOKE, Phase.INTENT, label=label, result="twin"))
        issuer.revoke(provider_id)
    if twins:
        wait_for_revoke(session, session.context.clock.now())
        confirm_gone(session, issuer, *(provider_id for _, provider_id in twins))
    if kept and (twins or _revoked_by_earlier_runner(session)):
        _check_still_accepted(session)
    _end_assertions(session, issuer)


def _revoked_by_earlier_runner(session: TokenSession) -> bool:
    """Whether a runner that was taken over may have revoked a duplicate, and stopped before it probed the token."""
    journal = session.journal
    return journal.epoch > 1 and any(
        entry.event.rotation == journal.id and entry.event.detail.get("result") == "twin"
        for entry in session.context.store.history(session.snapshot.id)
    )


def _end_assertions(session: TokenSession, issuer: Issuer) -> None:
    """Take tokens off the record that were only said to be gone, if the list proves it; mark those that it holds.

    A value that is kept is probed instead.
    """
    doubtful = unstored_tokens(session.context.store, session.snapshot)
    found = issuer.listed() if doubtful else TokenList()
    for each in doubtful:
        if ids := listed_ids(session, found, each):
            mark_alive(session, each, listed_as=ids[0])
        elif not why_not_gone(session, found, each):
            take_off_record(session, each)


def _rows(session: TokenSession, issuer: Issuer, attempt: Attempt, kept: Attempt | None) -> tuple[ProviderToken, ...]:
    """Return what is listed under an attempt's label.

    A person may have typed another label: then the list need not hold it, and its absence is not a reason to stop.
    """
    if session.provider.capabilities.mint is Method.API:
        holding = attempt.provider_id if attempt is kept else ""
        return search(session, issuer, attempt, every=True, holding=holding)
    found = issuer.listed()
    return found.named(attempt.label) if found.complete else ()


def _identify(session: TokenSession, issuer: Issuer, kept: Attempt, rows: Sequence[ProviderToken]) -> str:
    """Return the id under which the accepted token is listed, and record it if it was not known.

    Raises:
        Unreachable: tokens of this operation are listed, and none is known to be the accepted one.
    """
    if not rows or any(row.provider_id == kept.provider_id for row in rows):
        return kept.provider_id
    if kept.provider_id and issuer.listed().holds(kept.provider_id):
        return kept.provider_id
    text = new_value(session).token.reveal()
    named = [row for row in rows if row.label == kept.label]
    fitting = [row for row in rows if fits(row.hint, text)]
    if not fitting and len(named) == 1 and not contradicts(named[0].hint, text):
        fitting = named
    if len(fitting) != 1:
        raise _unidentified(session, kept, rows)
    _record_id(session, kept, fitting[0])
    return fitting[0].provider_id


def _record_id(session: TokenSession, kept: Attempt, row: ProviderToken) -> None:
    """Record the id, with which the next rotation revokes the token; a record that was edited meanwhile stays."""
    record = session.record
    if record.provider_id == kept.provider_id:
        record = replace(record, provider_id=row.provider_id, hint=row.hint or record.hint)
    session.commit(
        session.event(Op.ACCEPT, label=kept.label, provider_id=row.provider_id, result="identified"),
        record=record,
        attempts=session.attempts_with(provider_id=row.provider_id, hint=row.hint or kept.hint),
    )
    session.context.progress.note(f"{session.provider.name} lists the token {kept.label} with the id {row.provider_id}")


def _unidentified(session: TokenSession, kept: Attempt, rows: Sequence[ProviderToken]) -> Unreachable:
    name, listed = session.provider.name, ", ".join(f"{row.label} ({row.provider_id})" for row in rows)
    return Unreachable(
        f"{name} lists {listed}, and it is not known which of these is the token in use, {kept.label}; "
        "nothing was revoked",
        hint=f"compare them with `tokenguard show {session.record.name}`, revoke at {name} what is not in use, then: "
        f"tokenguard rotate {session.record.name} --resume",
    )


def _check_still_accepted(session: TokenSession) -> None:
    """Probe the token in use again after another was revoked in its place; a refusal is recorded and told at the end.

    Raises:
        Unreachable: the answer is not clear, or there may be an outage.
    """
    if not session.provider.capabilities.probe:
        return
    value = new_value(session)
    look = session.provider.probe(value, session.record.scope)
    if look.verdict is Verdict.ALIVE:
        return
    if look.verdict is Verdict.UNKNOWN or not refused_with_control(session, value):
        raise Unreachable(
            f"duplicates of the new token of {session.record.name} were revoked, and {session.provider.name} does not "
            f"clearly accept the new one itself ({look.explained})",
            hint=f"check again: tokenguard rotate {session.record.name} --resume",
        )
    session.record_look(look)
