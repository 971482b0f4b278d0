"""Delivers the new value to each consumer, and continues only when every delivery is confirmed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Handover, HandoverLevel, Mode
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, ConsumerKind, Record
from tokenguard.errors import Fenced, InputError, NeedsPerson, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.delivery import ConsumerVerdict, Delivery
from tokenguard.ports.given_value import value_to_give
from tokenguard.ports.operator import Task
from tokenguard.rotation.machine import unconfirmed
from tokenguard.rotation.prompts import delivery_task
from tokenguard.rotation.publish import new_value
from tokenguard.rotation.session import TokenSession


def deliver_to_consumers(session: TokenSession) -> None:
    """Deliver to every consumer that is not confirmed yet, then enter CONSUMED."""
    waiting = unconfirmed(session.record, session.journal)
    if waiting is None and session.journal.mode is not Mode.PLANNED:
        session.context.progress.note(
            "no consumers are declared: inform the token's users, or declare them with `tokenguard edit`"
        )
    for consumer in waiting or ():
        _deliver(session, consumer, new_value(session))
    session.advance(session.event(Op.DELIVER, Phase.OUTCOME, result=_summary(session.record)))


def deliver_missing(session: TokenSession) -> None:
    """Deliver to consumers that were declared after the delivery stage."""
    for consumer in unconfirmed(session.record, session.journal) or ():
        _deliver(session, consumer, new_value(session))


def deliver_late(session: TokenSession, consumers: Iterable[Consumer], value: Value, *, reason: str) -> None:
    """Deliver the live value outside an operation, to consumers that were declared after it was published."""
    for consumer in consumers:
        try:
            _deliver(session, consumer, value, reason=reason)
        except Unfinished as error:
            hint = f"find out what changed it, then: tokenguard deliver {session.record.name}"
            raise Unfinished(error.message, hint=hint) from None


def restore_previous(session: TokenSession, previous: Value | None) -> None:
    """Restore the previous value, if any, at every consumer that received the new one (part of an abort)."""
    for handover in session.journal.handovers:
        consumer = handover.consumer
        session.commit(session.event(Op.ROLL_BACK, Phase.INTENT, **_named(consumer)))
        delivery = session.context.deliveries.of(consumer)
        if delivery is None:
            _ask_to_restore(session, consumer, replaces=previous is not None)
        elif previous is not None:
            delivery.push(consumer, previous)
            _run_after(session, consumer)
        with _put_right_if_late(session, delivery, consumer):
            session.commit(
                session.event(
                    Op.ROLL_BACK, Phase.OUTCOME, **_named(consumer), result="" if previous else "nothing-before"
                ),
                handovers=tuple(each for each in session.journal.handovers if each.consumer != consumer),
            )
        if previous is not None:
            session.context.progress.step(f"{consumer} has its previous value again")
        elif delivery is not None:
            session.context.progress.note(f"{consumer} had no value before: the new value is still there")


def _deliver(session: TokenSession, consumer: Consumer, value: Value, *, reason: str = "") -> None:
    delivery = session.context.deliveries.of(consumer)
    if delivery is None and not session.context.attended:
        _ask_person(session, consumer)  # raises NeedsPerson, before a delivery is recorded that an abort would undo
    session.commit(
        session.event(Op.DELIVER, Phase.INTENT, **_named(consumer), reason=reason),
        handovers=_with(session, consumer, HandoverLevel.INTENDED),
    )
    who = ""
    if delivery is None:
        who = _ask_person(session, consumer)
    else:
        _push(session, delivery, consumer, value)
    with _put_right_if_late(session, delivery, consumer):
        _run_after(session, consumer, late=bool(reason))
    with _put_right_if_late(session, delivery, consumer):
        session.commit(
            session.event(Op.DELIVER, Phase.OUTCOME, **_named(consumer), result="confirmed", by=who),
            handovers=_with(session, consumer, HandoverLevel.CONFIRMED, by=who),
        )
    session.context.progress.step(f"{consumer} has the {session.new}")


def _run_after(session: TokenSession, consumer: Consumer, *, late: bool = False) -> None:
    """Run the consumer's command, with its result on record; until it succeeds the consumer is not confirmed.

    Raises:
        NeedsPerson: it failed, so that the consumer may still use the value before.
    """
    command = session.record.command_after(consumer)
    if not command:
        return
    facts = {**_named(consumer), "command": command}
    session.commit(
        session.event(Op.AFTER, Phase.INTENT, **facts), handovers=_with(session, consumer, HandoverLevel.PUSHED)
    )
    session.context.progress.waiting(f"running {command} after the delivery to {consumer}")
    try:
        failed = session.context.deliveries.run_command(command)
    except (InputError, Unreachable) as error:
        failed = f"cannot run: {error.message}"
    session.commit(session.event(Op.AFTER, Phase.OUTCOME, **facts, result=failed or "exit code 0"))
    if failed:
        name = session.record.name
        go_on = f"tokenguard deliver {name}" if late else f"tokenguard rotate {name} --resume"
        raise NeedsPerson(
            f"{consumer} has the {session.new}, but its command {command} {failed}",
            hint=f"find out why on this machine, then: {go_on}, which runs it again",
        )
    session.context.progress.step(f"{command} ran after the delivery to {consumer}")


@contextmanager
def _put_right_if_late(session: TokenSession, delivery: Delivery | None, consumer: Consumer) -> Iterator[None]:
    """On Fenced, deliver the value that the store serves now: a delivery cannot be fenced, so a late one is undone."""
    try:
        yield
    except Fenced:
        live = value_to_give(session.context.store, session.snapshot)
        if delivery is not None and live is not None:
            delivery.push(consumer, live.value)
        raise


def _push(session: TokenSession, delivery: Delivery, consumer: Consumer, value: Value) -> None:
    session.context.progress.waiting(f"delivering to {consumer}")
    delivery.push(consumer, value)
    holds = delivery.verify(consumer, value)
    # A command without a check confirms by its exit code; no other kind of consumer is confirmed without verification.
    if holds is ConsumerVerdict.EXPECTED or (
        holds is ConsumerVerdict.UNKNOWN and consumer.kind is ConsumerKind.COMMAND
    ):
        return
    raise Unfinished(
        f"{consumer} does not hold the {session.new} after delivery",
        hint=f"find out what changed it, then: tokenguard rotate {session.record.name} --resume",
    )


def _ask_person(session: TokenSession, consumer: Consumer) -> str:
    name = session.record.name
    who = session.context.operator.done(delivery_task(session.record, consumer, session.journal.mode))
    if who is None:
        raise NeedsPerson(
            f"use of the {session.new} by {consumer} is not confirmed",
            hint=f"when it is: tokenguard rotate {name} --resume",
        )
    return who


def _ask_to_restore(session: TokenSession, consumer: Consumer, *, replaces: bool) -> None:
    name = session.record.name
    task = Task(
        title=f"restore the previous token of {name} at {consumer.target}",
        where=consumer.target,
        steps=("put the previous value back, or make sure that the new one was never used there",),
        why="the rotation is being undone: the new token will be revoked",
    )
    if not replaces:
        task = Task(
            title=f"remove the token of {name} from {consumer.target}",
            where=consumer.target,
            steps=("remove the value, or make sure that it was never used there",),
            why=f"the operation is being undone: no value will be recorded for {name}",
        )
    if session.context.operator.done(task) is None:
        raise NeedsPerson(
            f"the previous state of {consumer} is not confirmed",
            hint=f"when it is: tokenguard rotate {session.record.name} --abort",
        )


def _with(session: TokenSession, consumer: Consumer, level: HandoverLevel, *, by: str = "") -> tuple[Handover, ...]:
    now = session.context.clock.now()
    known = {handover.consumer: handover for handover in session.journal.handovers}
    fresh = Handover(consumer=consumer, level=level, at=now, by=by)
    known[consumer] = replace(fresh, by=by or (known[consumer].by if consumer in known else ""))
    return tuple(known.values())


def _named(consumer: Consumer) -> dict[str, str]:
    return {"consumer": str(consumer), "server": consumer.server}


def _summary(record: Record) -> str:
    if record.consumers is None:
        return "consumers-unknown"
    return f"{len(record.consumers)}-confirmed"
