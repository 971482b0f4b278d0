"""The decision on the old value's end: taken only when the new one is alive, served, and with every consumer."""

from datetime import datetime

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Mode, Old, Stage
from tokenguard.domain.leak_trail import after_death
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.external_fields import UnexpectedValue
from tokenguard.ports.operator import Task
from tokenguard.ports.provider import Issuer, Method, ProviderToken, TokenList, Vendor
from tokenguard.ports.store import FieldState
from tokenguard.rotation.absence import fits
from tokenguard.rotation.handover import deliver_missing
from tokenguard.rotation.machine import unconfirmed
from tokenguard.rotation.prompts import revoke_task
from tokenguard.rotation.proof_of_death import old_value, prove_dead
from tokenguard.rotation.publish import new_value
from tokenguard.rotation.session import TokenSession


def intend_revoke(session: TokenSession) -> None:
    """Decide the old token's end. Planned: only if the new one is alive, served, and with every consumer.

    What can be known to go wrong is found first: the next thing is that the revoke is sent, or that a person is asked.
    """
    if session.journal.mode is Mode.PLANNED:
        deliver_missing(session)
        _check_preconditions(session)
        if _dead_already(session):
            return
    old, issuer = old_token(session), session.issuer
    if issuer is not None and session.provider.capabilities.revoke is Method.API:
        old = replace(old, provider_id=_target_id(session, issuer))
    if not (issuer and old.provider_id) and not session.context.attended:
        session.context.operator.done(revoking_task(session))  # says who is needed, and where
    intent = session.event(Op.REVOKE, Phase.INTENT, label=old.provider_label, provider_id=old.provider_id)
    session.advance(intent, old=old)


def revoking_task(session: TokenSession) -> Task:
    """What a person is asked to do to end the old token."""
    old, attempt = old_token(session), session.journal.attempt
    return revoke_task(
        session.provider,
        session.record,
        label=old.provider_label,
        hint=old.hint,
        keep=attempt.label if attempt else "",
        made_at=old.created_at,
        why=_why_revoke(session),
    )


def old_token(session: TokenSession) -> Old:
    """The value that the operation ends, frozen when it was opened."""
    old = session.journal.old
    if old is None:
        raise RuntimeError("there is no old value to end")
    return old


def _check_preconditions(session: TokenSession) -> None:
    waiting = unconfirmed(session.record, session.journal)
    name = session.record.name
    if waiting is None and not (session.journal.accept_outage or _unused_for_quiet_period(session)):
        raise Unfinished(
            f"nobody has said who uses {name}, so revoking its old token may break something",
            hint=f"declare them: tokenguard edit {name} --deliver … (or --no-consumers); then rotate --resume, "
            "or accept the risk on record with --accept-outage",
        )
    if waiting:
        raise Unfinished(
            f"{waiting[0]} is not yet confirmed to use the new token of {name}",
            hint=f"tokenguard rotate {name} --resume",
        )
    live = session.context.store.read_live(session.snapshot.id)
    if live is not None and live.found is not FieldState.SAME:
        raise UnexpectedValue.at(session.record.location.url)
    if live is None or live.label != session.journal.attempts[-1].label:
        raise Conflict(
            f"the store no longer serves the new token of {name}",
            hint="see who changed it with `tokenguard audit log`; then `rotate --abort`",
        )
    if session.provider.capabilities.probe:
        look = session.provider.probe(new_value(session), session.record.scope)
        if look.verdict is not Verdict.ALIVE:
            raise Unreachable(
                f"the new token of {name} is not seen alive right before the revoke ({look.explained})",
                hint=f"nothing was revoked: both tokens are in the store; later: tokenguard rotate {name} --resume",
            )


def _unused_for_quiet_period(session: TokenSession) -> bool:
    old, since = old_token(session), session.context.clock.now() - session.context.quiet_period
    return is_quiet(session.vendor, old.provider_id, old.created_at, since)


def is_quiet(vendor: Vendor, provider_id: str, created_at: datetime | None, since: datetime) -> bool:
    """Whether the provider itself says that a token was not used from `since` on. Raises Unreachable."""
    if vendor.issuer is None or not vendor.provider.capabilities.last_used or not provider_id:
        return False
    found = [listed for listed in vendor.issuer.listed().rows if listed.provider_id == provider_id]
    if len(found) != 1:
        return False
    # Never used counts from the day it was made; where that day is not known, quiet is not known either.
    last = found[0].last_used_at or found[0].created_at or created_at
    return last is not None and last < since


def _dead_already(session: TokenSession) -> bool:
    """An old token that somebody has ended already needs no revoke, only the proof."""
    if not session.provider.capabilities.probe:
        return False
    value = old_value(session)
    if session.provider.probe(value, None).verdict is not Verdict.DEAD:
        return False
    proof = prove_dead(session, value, windows=2)
    if proof is None or not proof.proven:
        return False
    record, leak = after_death(session.record, old_token(session).fingerprint, proof)
    session.jump(
        Stage.DEAD,
        session.event(
            Op.DEATH,
            Phase.FACT,
            grade=proof.grade.value,
            samples=proof.samples,
            control=proof.control,
            controlled_by=proof.controlled_by.value,
            result="before",
            **leak,
        ),
        record=record,
        proof=proof,
    )
    session.context.progress.step("the old token was dead already; that is proven and on record")
    return True


def _identified(found: TokenList, value: Value) -> ProviderToken | None:
    """The one entry of the whole list whose hint fits the value; None if none or several do, or some are missing."""
    text = value.token.reveal()
    fitting = [listed for listed in found.rows if fits(listed.hint, text)]
    return fitting[0] if len(fitting) == 1 and found.complete else None


def _target_id(session: TokenSession, issuer: Issuer) -> str:
    """The immutable id of the old token: on record, or the one entry whose hint fits the value."""
    old = old_token(session)
    target = old.provider_id
    if not target:
        found = _identified(issuer.listed(), old_value(session))
        target = found.provider_id if found else ""
    if target and any(attempt.provider_id == target for attempt in session.journal.attempts):
        raise Conflict(
            "the old token's id on record is that of a new one", hint="nothing was revoked; check the record by hand"
        )
    return target


def _why_revoke(session: TokenSession) -> str:
    if session.journal.mode is Mode.COMPROMISED:
        return "it may be in the wrong hands: every minute it lives is a risk"
    if session.journal.mode is Mode.RETIRE:
        return "nobody is to use it any more"
    return "the new token is in use everywhere; the old one is the last open door"
