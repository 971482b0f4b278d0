"""The decision on the old value's end: taken only when the new one is alive, served, and with every consumer."""

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Mode, Old, Stage
from tokenguard.domain.liveness import Verdict
from tokenguard.errors import Conflict, Unfinished, Unreachable
from tokenguard.ports.places import Displaced
from tokenguard.ports.store import Found
from tokenguard.rotation.accepting import new_value
from tokenguard.rotation.handover import catch_up
from tokenguard.rotation.machine import unconfirmed
from tokenguard.rotation.proving import old_value, prove_dead
from tokenguard.rotation.session import Session


def intend_revoke(session: Session) -> None:
    """Decide the old token's end. Planned: only if the new one is alive, served, and with every consumer."""
    if session.journal.mode is Mode.PLANNED:
        catch_up(session)
        _guard(session)
        if _dead_already(session):
            return
    old = to_die(session)
    session.advance(session.event(Op.REVOKE, Phase.INTENT, label=old.provider_label, provider_id=old.provider_id))


def to_die(session: Session) -> Old:
    """The value that the operation ends, frozen when it was opened."""
    old = session.journal.old
    if old is None:
        raise RuntimeError("there is no old value to end")
    return old


def _guard(session: Session) -> None:
    waiting = unconfirmed(session.record, session.journal)
    name = session.record.name
    if waiting is None and not (session.journal.accept_outage or _quiet(session)):
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
    if live is not None and live.found is not Found.SAME:
        raise Displaced.at(session.record.location.url)
    if live is None or live.label != session.journal.attempts[-1].label:
        raise Conflict(
            f"the store no longer serves the new token of {name}",
            hint="see who changed it with `tokenguard audit log`; then `rotate --abort`",
        )
    if session.provider.capabilities.probe:
        look = session.provider.probe(new_value(session), session.record.scope)
        if look.verdict is not Verdict.ALIVE:
            raise Unreachable(
                f"the new token of {name} is not seen alive right before the revoke ({look.reason})",
                hint="nothing was revoked: both tokens are in the store; resume later",
            )


def _quiet(session: Session) -> bool:
    """Whether the provider itself says that nobody has used the old token for the quiet period."""
    old, issuer = session.journal.old, session.issuer
    if old is None or issuer is None or not session.provider.capabilities.last_used or not old.provider_id:
        return False
    found = [listed for listed in issuer.listed().rows if listed.provider_id == old.provider_id]
    if len(found) != 1:
        return False
    # Never used counts from the day it was made; where nobody knows that day, quiet is not known either.
    last = found[0].last_used_at or found[0].created_at or old.created_at
    return last is not None and last < session.context.clock.now() - session.context.quiet_period


def _dead_already(session: Session) -> bool:
    """An old token that somebody has ended already needs no revoke, only the proof."""
    if not session.provider.capabilities.probe:
        return False
    value = old_value(session)
    if session.provider.probe(value, None).verdict is not Verdict.DEAD:
        return False
    proof = prove_dead(session, value, windows=2)
    if proof is None or not proof.proven:
        return False
    session.jump(
        Stage.DEAD,
        session.event(
            Op.DEATH,
            grade=proof.grade.value,
            samples=proof.samples,
            control=proof.control,
            controlled_by=proof.controlled_by.value,
            result="before",
        ),
        proof=proof,
    )
    session.context.progress.step("the old token was dead already; that is proven and on record")
    return True
