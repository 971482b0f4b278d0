"""The use case of `remove`: ends a record that was made by mistake, while no token can stand behind it."""

from typing import Protocol

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.event import Event, Op
from tokenguard.domain.journal import AttemptState
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import Custody, RecordState
from tokenguard.errors import InputError, TokenguardError, Unfinished
from tokenguard.frozen import replace
from tokenguard.ports.operator import Task
from tokenguard.usecases.parts import HasClock, HasOperator, HasStore
from tokenguard.usecases.token_lookup import known_token


class RemoveRecordParts(HasClock, HasOperator, HasStore, Protocol):
    """What this use case takes."""


def remove_record(parts: RemoveRecordParts, name: TokenName, *, reason: str) -> Snapshot:
    """Replace a record without a value by a tombstone, with the reason in the audit trail.

    Where the record says that a token exists elsewhere, a person confirms by name that there is none.

    Raises:
        InputError: it has a value, or a token of it may be alive.
        Unfinished: an operation is open, or the person did not confirm.
        NeedsPerson: a person has to confirm, and there is no terminal.
    """
    snapshot = known_token(parts.store, name)
    if (obstacle := removal_obstacle(parts, snapshot)) is not None:
        raise obstacle
    who = _confirmed(parts, snapshot.document)
    detail = {"reason": reason, "by": who}
    event = Event(
        at=parts.clock.now(),
        op=Op.REMOVE,
        actor=parts.store.actor(),
        name=name,
        detail={key: text for key, text in detail.items() if text},
    )
    record = replace(snapshot.document.record, state=RecordState.RETIRED)
    return parts.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=record), [event])


def removal_obstacle(parts: HasStore, snapshot: Snapshot) -> TokenguardError | None:
    """Why a record must stay: a token that may be alive is revoked by `retire`, which proves it."""
    document, record = snapshot.document, snapshot.document.record
    name = record.name
    if record.state is RecordState.RETIRED:
        return InputError(f"{name} is retired; its record is kept as evidence", hint=f"tokenguard show {name}")
    if document.busy:
        return Unfinished(
            f"an operation on {name} is open", hint=f"tokenguard rotate {name} --resume, or --abort, then try again"
        )
    if parts.store.read_live(snapshot.id) is not None:
        return InputError(f"{name} has a value", hint=f"revoke it, and keep the proof: tokenguard retire {name}")
    return _living(document)


def _living(document: Document) -> InputError | None:
    """Why a token of the record may be alive although the store has no value of it."""
    record = document.record
    if record.has_leaked:
        hint = f"tokenguard edit {record.name} --leak-ended REASON, then try again"
        return InputError(f"a leak of {record.name} has not ended", hint=hint)
    if document.quarantine or _may_have_made(document):
        hint = f"tokenguard verify {record.name}; then tokenguard retire {record.name}"
        return InputError(f"an earlier token of {record.name} may be alive", hint=hint)
    if record.provider_id or record.fingerprint is not None or record.seen is not None or record.accepted_at:
        what = f"{record.provider} knows a token of {record.name}, which may be alive"
        return InputError(what, hint=f"tokenguard retire {record.name}")
    return None


def _may_have_made(document: Document) -> bool:
    attempts = document.journal.attempts if document.journal else ()
    return any(each.state is not AttemptState.GONE for each in attempts)


def _confirmed(parts: HasOperator, document: Document) -> str:
    """The person who says that no token stands behind a record whose value is elsewhere; empty if none is needed."""
    record = document.record
    if record.state is RecordState.PENDING and record.location.custody is Custody.MANAGED:
        return ""
    task = Task(
        title=f"make sure that no token exists for {record.name}",
        where=record.location.url or record.provider,
        steps=("check at the provider that no token is left that it accepts",),
        why="its record will be removed, so if a token exists it will not be revoked",
    )
    who = parts.operator.done(task)
    if who is None:
        raise Unfinished(
            f"{record.name} may belong to a token: its absence was not confirmed, so nothing was removed",
            hint=f"if a token exists: tokenguard retire {record.name}",
        )
    return who
