"""Preconditions of the revoke: the new value is alive, published and confirmed by every consumer."""

from datetime import datetime

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import AttemptState, Mode, OldValue, Stage
from tokenguard.domain.leak_trail import after_death
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.secret import Value
from tokenguard.domain.token_hint import fits
from tokenguard.errors import Conflict, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.ports.operator import Task
from tokenguard.ports.provider import Issuer, Method, ProviderToken, TokenList, Vendor
from tokenguard.ports.store import FieldState
from tokenguard.rotation.handover import deliver_missing
from tokenguard.rotation.in_place import is_in_place, listed_token
from tokenguard.rotation.machine import unconfirmed
from tokenguard.rotation.prompts import revoke_task
from tokenguard.rotation.proof_of_death import old_value, prove_dead
from tokenguard.rotation.publish import new_value
from tokenguard.rotation.revoke_routes import revoked_by_api
from tokenguard.rotation.session import TokenSession


def intend_revoke(session: TokenSession) -> None:
    """Record the intent to revoke the old token; in a planned rotation only if all preconditions hold.

    Everything that can be checked is checked first: next the revoke is sent, or a person is asked to do it.
    """
    if session.journal.mode is Mode.PLANNED:
        deliver_missing(session)
        _check_preconditions(session)
        if _dead_already(session):
            return
    old, in_place = old_token(session), is_in_place(session)
    issuer = session.required_issuer if in_place else session.issuer
    if issuer is not None and (in_place or session.provider.capabilities.revoke is Method.API):
        target = _target_id(session, issuer)
        old = replace(old, provider_id=target or (listed_token(session, issuer).provider_id if in_place else ""))
    if not (in_place or revoked_by_api(session, old) or session.context.attended):
        session.context.operator.done(revoking_task(session))  # raises NeedsPerson with who and where
    how = "in-place" if in_place else ""
    intent = session.event(Op.REVOKE, Phase.INTENT, label=old.provider_label, provider_id=old.provider_id, result=how)
    session.advance(intent, old=old)
    session.new_in_use_checked = session.journal.mode is Mode.PLANNED
    session.revoke_recorded = True


def revoking_task(session: TokenSession) -> Task:
    """Return the task for a person to revoke the old token."""
    old, attempt = old_token(session), session.journal.attempt
    return revoke_task(
        session.provider,
        session.record,
        label=old.provider_label,
        hint=old.hint,
        keep=attempt.label if attempt else "",
        made_at=old.created_at,
        login=old.account if old.account != session.record.account else "",
        why=_why_revoke(session) + _why_doubted(session),
    )


def old_token(session: TokenSession) -> OldValue:
    """Return the value that the operation revokes, frozen when it was opened."""
    old = session.journal.old
    if old is None:
        raise RuntimeError("there is no old value to end")
    return old


def check_new_in_use(session: TokenSession) -> None:
    """Check again right before a revoke is sent or asked for: the new token is served, confirmed and alive.

    Without it a rotation that is resumed would end the only token that works. A compromise revokes before there is a
    new one, and then only the new one's life is checked.
    """
    if session.new_in_use_checked:  # with the intent, a moment ago
        session.new_in_use_checked = False
    elif session.journal.mode is Mode.PLANNED:
        deliver_missing(session)
        _check_preconditions(session)
    elif session.journal.attempts and session.journal.attempts[-1].state is AttemptState.STORED:
        _check_new_is_alive(session)


def _check_preconditions(session: TokenSession) -> None:
    waiting = unconfirmed(session.record, session.journal)
    name = session.record.name
    if waiting is None and not (session.journal.accept_outage or _unused_for_quiet_period(session)):
        raise Unfinished(
            f"the consumers of {name} are not declared, so revoking its old token may break them",
            hint=f"declare them: tokenguard edit {name} --deliver TARGET (or --no-consumers); then rotate --resume, "
            "or accept the risk with --accept-outage (audited)",
        )
    if waiting:
        raise Unfinished(
            f"use of the new token of {name} by {waiting[0]} is not confirmed yet",
            hint=f"tokenguard rotate {name} --resume",
        )
    live = session.context.store.read_live(session.snapshot.id)
    if live is not None and live.found is not FieldState.EXPECTED:
        raise UnexpectedValue.at(session.record.location.url)
    if live is None or live.label != session.journal.attempts[-1].label or live.value != new_value(session):
        raise Conflict(
            f"the store no longer serves the new token of {name}",
            hint="see who changed it with `tokenguard audit log`; then `rotate --abort`",
        )
    _check_new_is_alive(session)


def _check_new_is_alive(session: TokenSession) -> None:
    name = session.record.name
    if session.provider.capabilities.probe:
        look = session.provider.probe(new_value(session), session.record.scope)
        if look.verdict is Verdict.DEAD and session.journal.mode is Mode.PLANNED:
            raise Unreachable(
                f"{session.provider.name} refuses the new token of {name} right before the revoke of the old one",
                hint="do not revoke the old one: in an outage wait and resume; "
                f"otherwise restore the old one: tokenguard rotate {name} --abort",
            )
        if look.verdict is not Verdict.ALIVE:
            raise Unreachable(
                f"the new token of {name} is not confirmed alive right before the revoke ({look.explained})",
                hint=f"nothing was revoked, both tokens are in the store; try later: tokenguard rotate {name} --resume",
            )


def _unused_for_quiet_period(session: TokenSession) -> bool:
    old, since = old_token(session), session.context.clock.now() - session.context.quiet_period
    # one seen when the operation began is too late for a date that the provider reports
    before = old.accepted_at if old.accepted_at != session.journal.opened_at else None
    accepted = old.seen.at if old.seen is not None and old.seen.verdict is Verdict.ALIVE else before
    return is_unused_since(session.vendor, old.provider_id, old.created_at, since, accepted_at=accepted)


def is_unused_since(
    vendor: Vendor, provider_id: str, created_at: datetime | None, since: datetime, *, accepted_at: datetime | None
) -> bool:
    """Whether the provider reports no use of a token since `since`.

    A provider that reports no use where there was one does not keep these dates: tokenguard's own checks are uses too.

    Args:
        vendor: the provider, with its list.
        provider_id: the token.
        created_at: when it was created, if the record knows.
        since: the begin of the quiet period.
        accepted_at: when the provider last accepted it, as far as the record knows.

    Raises:
        Unreachable: the list cannot be read.
    """
    if vendor.issuer is None or not vendor.provider.capabilities.last_used or not provider_id:
        return False
    listed = vendor.issuer.listed()
    found = listed.of_id(provider_id)
    if len(found) != 1:
        return False
    used = found[0].last_used_at
    if used is None and (accepted_at is not None or not any(row.last_used_at for row in listed.rows)):
        return False
    # A token that was never used counts from its creation date; without that date the answer is no.
    last = used or found[0].created_at or created_at
    return last is not None and max(last, accepted_at or last) < since


def _dead_already(session: TokenSession) -> bool:
    """Skip the revoke if the old token is already revoked, and record the proof."""
    if not session.provider.capabilities.probe or not old_token(session).accepted:
        return False
    value = old_value(session)
    if session.provider.probe(value, None).verdict is not Verdict.DEAD:
        return False
    proof = prove_dead(session, value, provider_id=old_token(session).provider_id, windows=2)
    if proof is None or not proof.proven:
        return False
    record, detail = after_death(session.record, old_token(session).fingerprint, proof)
    session.jump(
        Stage.DEAD,
        session.event(Op.DEATH, Phase.FACT, samples=proof.samples, result="before", **detail),
        record=record,
        proof=proof,
    )
    session.context.progress.step("the provider already refuses the old token; the proof is recorded")
    return True


def _identified(found: TokenList, value: Value) -> ProviderToken | None:
    """Return the only entry of a complete list whose hint fits the value; None if it is not unique or not complete."""
    text = value.token.reveal()
    fitting = [listed for listed in found.rows if fits(listed.hint, text)]
    return fitting[0] if len(fitting) == 1 and found.complete else None


def _target_id(session: TokenSession, issuer: Issuer) -> str:
    """Return the old token's id at the provider: the recorded one, or that of the only entry whose hint fits."""
    old = old_token(session)
    target = old.provider_id
    if not target:
        found = _identified(issuer.listed(), old_value(session))
        target = found.provider_id if found else ""
    if target and any(attempt.provider_id == target for attempt in session.journal.attempts):
        raise Conflict(
            "the recorded id of the old token belongs to the new one",
            hint="nothing was revoked; check both tokens at the provider, then: tokenguard rotate "
            f"{session.record.name} --abort",
        )
    return target


def _why_doubted(session: TokenSession) -> str:
    """Return why a refusal of the old token does not make this step needless; empty if it was accepted once."""
    if old_token(session).accepted or not session.provider.capabilities.probe:
        return ""
    return "; that the provider refuses it proves nothing, since it has never accepted it"


def _why_revoke(session: TokenSession) -> str:
    if session.journal.mode is Mode.COMPROMISED:
        return "the token is compromised"
    if session.journal.mode is Mode.RETIRE:
        return "the token is being retired"
    if session.record.consumers is None:
        accepted = session.journal.accept_outage
        ground = "that was accepted with --accept-outage" if accepted else "the provider reports no recent use of it"
        return f"the consumers are not declared: a consumer that still uses the old token will fail ({ground})"
    if not session.record.consumers:
        return "it is declared that no consumer receives the token; the old one is no longer needed"
    return "all declared consumers are confirmed to use the new token; the old one is no longer needed"
