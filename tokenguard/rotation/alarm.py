"""Reopens the revoke of a token that was recorded as gone and is alive."""

from typing import Never

from tokenguard.domain.event import Op
from tokenguard.domain.journal import Mode, OldValue, Quarantined, Stage
from tokenguard.domain.token import RecordState
from tokenguard.errors import NotProvenDead
from tokenguard.frozen import replace
from tokenguard.rotation.session import TokenSession, new_operation_id


def alarm(session: TokenSession, item: Quarantined, *, listed_as: str = "") -> Never:
    """Reopen the revoke of this token, unless another operation is open, and raise NotProvenDead.

    Args:
        session: the session that holds the record.
        item: what is on record of the token.
        listed_as: its id in the provider's list, if that is where it was found; otherwise its value is accepted.
    """
    if session.snapshot.document.busy:
        mark_alive(session, item, listed_as=listed_as)
    else:
        _reopen(session, _found_alive(item, listed_as))
    name = session.record.name
    what = f"{item.provider_label} is listed" if listed_as else f"an old token of {name} is accepted again"
    raise NotProvenDead(f"{what} after {_claim(item)}", hint=f"revoke it now: tokenguard rotate {name} --resume")


def mark_alive(session: TokenSession, item: Quarantined, *, listed_as: str = "") -> None:
    """Record that the token is alive: its revoke is reopened after the open operation has ended."""
    marked = replace(_found_alive(item, listed_as), alive_again=True)
    if item != marked:
        quarantine = [marked if each.label == item.label else each for each in session.snapshot.document.quarantine]
        session.commit(session.event(Op.DEATH, label=item.label, result="alive-again"), quarantine=quarantine)


def reopen_marked(session: TokenSession) -> None:
    """Reopen the revoke of the first token that was marked as alive."""
    _reopen(session, next(each for each in session.snapshot.document.quarantine if each.alive_again))


def refuse_marked_alive(session: TokenSession) -> None:
    """Raise NotProvenDead if a token is marked as alive."""
    marked = [each for each in session.snapshot.document.quarantine if each.alive_again]
    if marked:
        name, label = session.record.name, marked[0].provider_label or marked[0].label
        raise NotProvenDead(
            f"{label}, a token of {name} that was recorded as gone, is alive",
            hint=f"revoke it now: tokenguard rotate {name} --resume",
        )


def _reopen(session: TokenSession, item: Quarantined) -> None:
    live, record = session.context.store.read_live(session.snapshot.id), session.record
    if record.state is RecordState.RETIRED:  # "dead" is not true of it any more
        record = replace(record, seen=None)
    old = OldValue(
        label=item.label,
        live_version=live.version if live else 0,
        fingerprint=item.fingerprint,
        provider_id=item.provider_id,
        provider_label=item.provider_label,
        accepted_at=session.context.clock.now() if item.accepted else None,
    )
    session.commit(
        session.event(Op.DEATH, label=item.label, result="alive-again"),
        record=record,
        quarantine=[each for each in session.snapshot.document.quarantine if each.label != item.label],
        id=new_operation_id(),
        mode=Mode.REVOKE_AGAIN,
        stage=Stage.REVOKE_INTENDED,
        epoch=1,
        holder=session.context.holder,
        opened_at=session.context.clock.now(),
        reason=f"alive after {_claim(item)}",
        old=old,
        attempts=(),
        handovers=(),
        revoked_at=None,
        revoked_by="",
        proof=None,
    )


def _found_alive(item: Quarantined, listed_as: str) -> Quarantined:
    """Return the item with what was found: its value is accepted, or its token is listed under an id."""
    return replace(item, provider_id=listed_as or item.provider_id, accepted=item.accepted or not listed_as)


def _claim(item: Quarantined) -> str:
    return "its death was proven" if item.proof.proven else f"its death was {item.proof.words}"
