"""What a rotation will do, who is needed and how long it takes, told before anything is done. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum, unique

from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenId, TokenName
from tokenguard.domain.token import ConsumerKind, Record
from tokenguard.frozen import Frozen
from tokenguard.ports.provider import Capabilities, Method

_PERSON_MINUTES = 3  # to open the page, make a token and paste it
_UNDECLARED = "its consumers are not declared: without a person it does not begin, with one it stops before the revoke"
_CALL = timedelta(seconds=2)  # a request and its answer, generously


@unique
class By(StrEnum):
    """Who does a step."""

    TOKENGUARD = "tokenguard"
    PROVIDER = "provider"
    PERSON = "person"
    TIME = "time"


class PlannedStep(Frozen, frozen=True, kw_only=True):
    """One step of a plan."""

    text: str
    by: By
    takes: timedelta = timedelta(0)


class RotationPlan(Frozen, frozen=True, kw_only=True):
    """One token's way from its old value to its new one."""

    token: TokenId
    name: TokenName
    provider: str
    scope: str
    mode: Mode
    steps: tuple[PlannedStep, ...]
    blocked: str = ""
    """Why it would not begin, or stop before the revoke, as things are."""
    due_at: datetime | None = None
    leaked: bool = False
    """Whether a leak of it is on record; a planned rotation leaves what leaked alive until its end."""
    pause: timedelta = timedelta(0)
    """How long the provider's rate limit keeps the next one waiting."""

    @property
    def takes(self) -> timedelta:
        """About how long it takes, the person's minutes included."""
        return sum((step.takes for step in self.steps), timedelta(0))

    @property
    def needs_person(self) -> bool:
        """Whether somebody must be there."""
        return any(step.by is By.PERSON for step in self.steps)


def plan_rotation(
    token: TokenId,
    record: Record,
    able: Capabilities,
    mode: Mode,
    *,
    due_at: datetime | None = None,
    ruled_out: bool = False,
) -> RotationPlan:
    """Tell the steps of `mode` for one token in their order.

    Args:
        token: which one.
        record: what is known of it.
        able: what its provider can do.
        mode: planned, compromised or retire.
        due_at: when it is due.
        ruled_out: whether consumers that are not declared are ruled out, or their outage is accepted.
    """
    if not record.kind.has_value:
        return _without_value(token, record, mode)
    make = _making(record, able)
    end = _ending(able)
    proof = _proving(able)
    orders = {Mode.COMPROMISED: (*end, *make, *proof), Mode.RETIRE: (*end, *proof)}
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
        leaked=record.has_leaked,
        pause=able.pause,
    )


def _without_value(token: TokenId, record: Record, mode: Mode) -> RotationPlan:
    """A grant is ended where it was given; first of all it is said that there is no value here."""
    account = f" of {record.account}" if record.account else ""
    minutes = timedelta(minutes=_PERSON_MINUTES)
    steps = [
        PlannedStep(text=f"nothing is replaced: {record.name} has no value, the vendor holds it", by=By.TOKENGUARD),
        PlannedStep(
            text=f"remove the access in the list of connected applications{account} at {record.provider}",
            by=By.PERSON,
            takes=minutes,
        ),
    ]
    if mode is not Mode.RETIRE:
        steps.append(
            PlannedStep(
                text="connect it anew, if it is still needed, and correct the record", by=By.PERSON, takes=minutes
            )
        )
    blocked = "" if mode is Mode.RETIRE else f"it has no value to rotate: tokenguard retire {record.name} --plan"
    return RotationPlan(
        token=token, name=record.name, provider=record.provider, scope=str(record.scope or ""), mode=mode,
        steps=tuple(steps), blocked=blocked, leaked=record.has_leaked,
    )  # fmt: skip


def in_order(plans: Iterable[RotationPlan]) -> tuple[RotationPlan, ...]:
    """What runs by itself first, the most overdue first; then what needs a person, as one sitting per place."""
    far = "9999"  # after every ISO date

    def due(plan: RotationPlan) -> str:
        return plan.due_at.isoformat() if plan.due_at else far

    def place(plan: RotationPlan) -> tuple[object, ...]:
        sitting = (plan.provider, plan.scope) if plan.needs_person else ()
        return (plan.needs_person, sitting, due(plan), plan.name)

    return tuple(sorted(plans, key=place))


def total(plans: Sequence[RotationPlan]) -> timedelta:
    """About how long all of them take one after another, with the pauses between."""
    pauses = (plan.pause for plan in plans[:-1])
    return sum((plan.takes for plan in plans), timedelta(0)) + sum(pauses, timedelta(0))


def _making(record: Record, able: Capabilities) -> tuple[PlannedStep, ...]:
    by_api = able.mint is Method.API
    checked = f"{record.provider} accepts it and it leads to {record.scope or 'the right place'}"
    steps = [
        PlannedStep(text="write a fresh label for the new token into the journal", by=By.TOKENGUARD),
        PlannedStep(text=f"{record.provider} makes the new token", by=By.PROVIDER, takes=_CALL)
        if by_api
        else PlannedStep(
            text=f"create the new token at {record.provider} under that label and paste it",
            by=By.PERSON,
            takes=timedelta(minutes=_PERSON_MINUTES),
        ),
        PlannedStep(text="store it and read it back", by=By.TOKENGUARD),
        PlannedStep(text=checked if able.probe else "no way to ask whether it works", by=By.TOKENGUARD, takes=_CALL),
        PlannedStep(text=_publishing(record), by=By.TOKENGUARD),
    ]
    for consumer in record.consumers or ():
        person = consumer.kind is ConsumerKind.PERSON
        takes = timedelta(minutes=_PERSON_MINUTES) if person else _CALL
        text = f"{consumer} takes it" if person else f"deliver to {consumer.shown} and look that it is there"
        steps.append(PlannedStep(text=text, by=By.PERSON if person else By.TOKENGUARD, takes=takes))
    return tuple(steps)


def _publishing(record: Record) -> str:
    adopted = record.location.adopted
    return f"replace it at {adopted}, and nothing else there" if adopted else "publish it for readers of the store"


def _ending(able: Capabilities) -> tuple[PlannedStep, ...]:
    intent = PlannedStep(text="decide the old token's end: no way back from here", by=By.TOKENGUARD)
    if able.revoke is Method.API:
        return (intent, PlannedStep(text="the provider revokes the old token", by=By.PROVIDER, takes=_CALL))
    minutes = timedelta(minutes=_PERSON_MINUTES)
    return (intent, PlannedStep(text="revoke the old token by hand", by=By.PERSON, takes=minutes))


def _proving(able: Capabilities) -> tuple[PlannedStep, ...]:
    if not able.probe:
        return (PlannedStep(text="nothing can prove the old token dead: a person's word is recorded", by=By.PERSON),)
    window = able.death_window
    text = f"prove the old token dead: {window.samples} refusals over at least {_words(window.length)}"
    return (PlannedStep(text=text, by=By.TIME, takes=window.length),)


def _blocked(record: Record, able: Capabilities, mode: Mode, *, ruled_out: bool) -> str:
    if not record.kind.has_value:
        return "it has no value to rotate"
    if mode is Mode.PLANNED and record.consumers is None and not ruled_out:
        return _UNDECLARED
    if Method.NEVER in {able.mint, able.revoke}:
        return "the provider offers no way"
    return ""


def _words(length: timedelta) -> str:
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - two minutes
