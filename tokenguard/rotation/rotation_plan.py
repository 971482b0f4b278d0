"""Plans a rotation: its steps, the people it needs and its duration, without any effect. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum, unique

from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenId, TokenName
from tokenguard.domain.token import ConsumerKind, Record, RecordState
from tokenguard.frozen import Frozen
from tokenguard.ports.provider import Capabilities, Method

_PERSON_MINUTES = 3  # to open the page, make a token and paste it
_UNDECLARED = (
    "its consumers are not declared: an unattended rotation does not start, and an attended one stops before the revoke"
)
_CALL = timedelta(seconds=2)  # upper estimate of one request


@unique
class StepActor(StrEnum):
    """The actor of a step."""

    TOKENGUARD = "tokenguard"
    PROVIDER = "provider"
    PERSON = "person"
    TIME = "time"


class PlannedStep(Frozen, frozen=True, kw_only=True):
    """One step of a plan."""

    text: str
    by: StepActor
    takes: timedelta = timedelta(0)


class RotationPlan(Frozen, frozen=True, kw_only=True):
    """The planned steps of one token's operation."""

    token: TokenId
    name: TokenName
    provider: str
    scope: str
    mode: Mode
    steps: tuple[PlannedStep, ...]
    blocked: str = ""
    """Why it would currently not begin, or stop before the revoke."""
    unfinished: bool = False
    """Whether an operation is open or a revocation is owed, so that the steps are not what comes next."""
    due_at: datetime | None = None
    leaked: bool = False
    """Whether a leak is recorded; a planned rotation keeps the leaked value valid until its end."""
    pause: timedelta = timedelta(0)
    """The wait before the next rotation that the provider's rate limit requires."""

    @property
    def takes(self) -> timedelta:
        """The estimated duration, including manual steps."""
        return sum((step.takes for step in self.steps), timedelta(0))

    @property
    def needs_person(self) -> bool:
        """Whether a person must be present."""
        return any(step.by is StepActor.PERSON for step in self.steps)


_INTENT = PlannedStep(
    text="record the intent to revoke the old token (the next step cannot be undone)", by=StepActor.TOKENGUARD
)

_REPLACE_INTENT = PlannedStep(
    text="record the intent to invalidate the old value (the next step cannot be undone)", by=StepActor.TOKENGUARD
)


def plan_rotation(
    token: TokenId,
    record: Record,
    able: Capabilities,
    mode: Mode,
    *,
    due_at: datetime | None = None,
    ruled_out: bool = False,
) -> RotationPlan:
    """Return the steps of `mode` for one token, in order.

    Args:
        token: the token's id.
        record: the token's record.
        able: the capabilities of its provider.
        mode: planned, compromised or retire.
        due_at: the due date.
        ruled_out: whether undeclared consumers are ruled out, or their outage is accepted.
    """
    if not record.kind.has_value:
        return _without_value(token, record, mode)
    make = _making(record, able)
    first = record.state is RecordState.PENDING  # there is no old token to revoke
    end = () if first else _ending(record, able, leaked=mode is Mode.COMPROMISED or record.live_leak is not None)
    proof = () if first else _proving(able, mode.unit)
    orders = {
        Mode.COMPROMISED: (*end, *make, *proof),
        Mode.IN_PLACE: (_REPLACE_INTENT, *_making(record, able, in_place=True), *proof),
        Mode.RETIRE: (*end, *proof),
    }
    steps = orders.get(mode, (*make, *end, *proof))
    return RotationPlan(
        token=token,
        name=record.name,
        provider=record.provider,
        scope=str(record.scope or ""),
        mode=mode,
        steps=steps,
        blocked=_blocked(record, able, mode, ruled_out=ruled_out),
        due_at=due_at,
        leaked=record.live_leak is not None,
        pause=able.pause,
    )


def _without_value(token: TokenId, record: Record, mode: Mode) -> RotationPlan:
    """Return the plan for a grant, which has no value and is removed at the provider."""
    account = f" of {record.account}" if record.account else ""
    minutes = timedelta(minutes=_PERSON_MINUTES)
    steps = [
        PlannedStep(
            text=f"nothing to replace: {record.name} is held by the vendor and has no value", by=StepActor.TOKENGUARD
        ),
        PlannedStep(
            text=f"remove the access in the list of connected applications{account} at {record.provider}",
            by=StepActor.PERSON,
            takes=minutes,
        ),
    ]
    if mode is not Mode.RETIRE:
        steps.append(
            PlannedStep(
                text="reconnect it if it is still needed, and update the record", by=StepActor.PERSON, takes=minutes
            )
        )
    blocked = "" if mode is Mode.RETIRE else f"it has no value to rotate: tokenguard retire {record.name} --plan"
    return RotationPlan(
        token=token, name=record.name, provider=record.provider, scope=str(record.scope or ""), mode=mode,
        steps=tuple(steps), blocked=blocked, leaked=record.live_leak is not None,
    )  # fmt: skip


def in_order(plans: Iterable[RotationPlan]) -> tuple[RotationPlan, ...]:
    """Return the plans in order: automatic ones, the most overdue first; then manual ones, grouped by place."""
    far = "9999"  # after every ISO date

    def due(plan: RotationPlan) -> str:
        return plan.due_at.isoformat() if plan.due_at else far

    def place(plan: RotationPlan) -> tuple[object, ...]:
        sitting = (plan.provider, plan.scope) if plan.needs_person else ()
        return (plan.needs_person, sitting, due(plan), plan.name)

    return tuple(sorted(plans, key=place))


def total(plans: Sequence[RotationPlan]) -> timedelta:
    """Return the estimated duration of all plans in sequence, including the waits between them."""
    pauses = (plan.pause for plan in plans[:-1])
    return sum((plan.takes for plan in plans), timedelta(0)) + sum(pauses, timedelta(0))


def _making(record: Record, able: Capabilities, *, in_place: bool = False) -> tuple[PlannedStep, ...]:
    by_api = able.mint is Method.API or in_place
    made = (
        "gives the token a new value and invalidates the old one at once: consumers fail until each has the new value"
    )
    label = "where the new value will be stored" if in_place else "a fresh label for the new token"
    checked = f"check that {record.provider} accepts it and that its scope is {record.scope or 'the expected one'}"
    steps = [
        PlannedStep(text=f"record {label} in the journal", by=StepActor.TOKENGUARD),
        PlannedStep(
            text=f"{record.provider} {made if in_place else 'creates the new token'}",
            by=StepActor.PROVIDER,
            takes=_CALL,
        )
        if by_api
        else PlannedStep(
            text=f"create the new token at {record.provider} under that label and paste it",
            by=StepActor.PERSON,
            takes=timedelta(minutes=_PERSON_MINUTES),
        ),
        PlannedStep(text="store it and read it back", by=StepActor.TOKENGUARD),
        PlannedStep(
            text=checked if able.probe else "it cannot be verified: the provider has no API for it",
            by=StepActor.TOKENGUARD,
            takes=_CALL,
        ),
        PlannedStep(text=_publishing(record), by=StepActor.TOKENGUARD),
    ]
    for consumer in record.consumers or ():
        person = consumer.kind is ConsumerKind.PERSON
        takes = timedelta(minutes=_PERSON_MINUTES) if person else _CALL
        text = f"{consumer} takes it" if person else f"deliver to {consumer.shown} and verify"
        steps.append(PlannedStep(text=text, by=StepActor.PERSON if person else StepActor.TOKENGUARD, takes=takes))
    return tuple(steps)


def _publishing(record: Record) -> str:
    adopted = record.location.adopted
    return f"replace the field at {adopted}" if adopted else "publish it in the store"


def _ending(record: Record, able: Capabilities, *, leaked: bool) -> tuple[PlannedStep, ...]:
    if able.revokes(record):
        return (_INTENT, PlannedStep(text="the provider revokes the old token", by=StepActor.PROVIDER, takes=_CALL))
    if able.by_value.allows(leaked=leaked):
        text = "tokenguard sends the old token to the provider, which revokes it and may tell its owner"
        return (_INTENT, PlannedStep(text=text, by=StepActor.PROVIDER, takes=_CALL))
    minutes = timedelta(minutes=_PERSON_MINUTES)
    unknown = ": its id at the provider is not on record" if able.revoke is Method.API else ""
    return (_INTENT, PlannedStep(text=f"revoke the old token by hand{unknown}", by=StepActor.PERSON, takes=minutes))


def _proving(able: Capabilities, unit: str) -> tuple[PlannedStep, ...]:
    if not able.probe:
        return (
            PlannedStep(
                text="the old token cannot be proven dead: a person's statement is recorded", by=StepActor.PERSON
            ),
        )
    window = able.death_window
    text = f"prove the old {unit} dead: {window.samples} refusals over at least {_words(window.length)}"
    return (PlannedStep(text=text, by=StepActor.TIME, takes=window.length),)


def _blocked(record: Record, able: Capabilities, mode: Mode, *, ruled_out: bool) -> str:
    if not record.kind.has_value:
        return "it has no value to rotate"
    if mode.is_routine and record.consumers is None and not ruled_out:
        return _UNDECLARED
    if mode is Mode.IN_PLACE and not able.replaces:
        return "the provider cannot give a token a new value in place"
    if Method.NEVER in {able.mint, able.revoke}:
        return "the provider does not support it"
    return ""


def _words(length: timedelta) -> str:
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - two minutes
