"""Every next state: a runner takes its one step, dies, is taken over from, or a revoke reaches the whole provider."""

from collections.abc import Callable, Iterator

from tests.model.ending_steps import ENDING
from tests.model.making_steps import MAKING
from tests.model.model import Model
from tests.model.state import Journal, Life, Place, Runner, State
from tests.model.undoing_steps import UNDOING
from tests.model.writing import hold
from tokenguard.domain.journal import Stage

Step = tuple[str, State]
Effect = Callable[[Model, State, int], Iterator[Step]]

EFFECTS: dict[Place, Effect] = {**MAKING, **ENDING, **UNDOING}


def successors(model: Model, state: State) -> Iterator[Step]:
    """All that may happen next."""
    yield from propagations(state)
    yield from _weather(model, state)
    for me in (0, 1):
        runner = state.runners[me]
        if runner.place is Place.IDLE:
            yield from _begin(model, state, me)
        else:
            yield f"{me} dies", state.stopped(me)
            for name, after in EFFECTS[runner.place](model, state, me):
                yield f"{me} {name}", after


def propagations(state: State) -> Iterator[Step]:
    """A revoke takes effect everywhere, at some time."""
    for number, token in enumerate(state.tokens):
        if token.life is Life.DYING:
            yield f"token {number} is refused everywhere", state.token(number, Life.DEAD)


def _weather(model: Model, state: State) -> Iterator[Step]:
    """An outage that refuses every credential begins and ends at any time."""
    if state.outage:
        yield "the outage ends", state._replace(outage=False)
    elif state.outages < model.outages:
        yield "an outage begins", state._replace(outage=True, outages=state.outages + 1)


def take_over(model: Model, state: State, me: int) -> State:
    """`me` becomes the holder of what is open."""
    return hold(model, state, me, state.journal)


def _begin(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = state.journal
    if journal.stage.ended:
        if journal.rotation + 1 < len(model.modes):
            following = Journal(journal.rotation + 1, Stage.OPEN, state.live, state.live_version)
            yield f"{me} opens the next rotation", hold(model, state, me, following)
        elif (
            model.looks and journal.stage is Stage.DONE and state.slots[state.tokens[journal.old].label] == journal.old
        ):
            yield f"{me} looks again", state.runner(me, Runner(Place.LOOK_AGAIN, journal))
        return
    if state.takeovers < model.takeovers:
        counted = state._replace(takeovers=state.takeovers + 1)
        yield f"{me} takes over", take_over(model, counted, me)
    if state.aborts < model.aborts and model.may_abort(state):
        counted = state._replace(aborts=state.aborts + 1)
        yield f"{me} aborts", hold(model, counted, me, journal._replace(stage=Stage.ABORTING))


def alone(state: State) -> State:
    """Every runner dead, and the provider well again: what a fresh `--resume` finds."""
    return state._replace(runners=(Runner(), Runner()), takeovers=0, aborts=0, outage=False)
