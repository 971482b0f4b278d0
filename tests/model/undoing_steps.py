"""The model's way back: what was live is live again, consumers have it, and what was made is gone."""

from collections.abc import Iterator

from tests.model.model import Flaw, Model
from tests.model.state import NOTHING, Place, State
from tests.model.writing import commit, own
from tokenguard.domain.journal import Stage

Step = tuple[str, State]


def unpublish_look(model: Model, state: State, me: int) -> Iterator[Step]:
    if model.flaw is Flaw.UNDO_WITHOUT_A_NEW_PIN and state.live == own(state, me).old:
        yield "finds nothing to take back", state.at(me, Place.SAY_TAKE_BACK)
    else:
        yield "reads what is live", state.at(me, Place.SAY_UNPUBLISH, state.live_version)


def say_unpublish(model: Model, state: State, me: int) -> Iterator[Step]:
    yield (
        "means to publish the old one",
        commit(model, state, me, own(state, me), Place.UNPUBLISH, state.runners[me].carried),
    )


def unpublish(model: Model, state: State, me: int) -> Iterator[Step]:
    if state.live_version != state.runners[me].carried:
        yield "may not publish", state.stopped(me)
        return
    old = own(state, me).old
    after = state._replace(live=old, live_version=state.live_version + 1)
    yield f"publishes token {old} again", after.at(me, Place.SAY_TAKE_BACK)


def say_take_back(model: Model, state: State, me: int) -> Iterator[Step]:
    if own(state, me).handed:
        yield "means to take back", commit(model, state, me, own(state, me), Place.TAKE_BACK)
    else:
        yield "has nothing to take back", state.at(me, Place.UNDO_NEXT, NOTHING)


def take_back(model: Model, state: State, me: int) -> Iterator[Step]:
    if not state.runners[me].fresh and not model.late_pushes:
        yield "stops before a late delivery", state.stopped(me)
    else:
        after = state._replace(consumer=own(state, me).old)
        yield "gives the consumer the old token", after.at(me, Place.SAY_TAKEN_BACK)


def say_taken_back(model: Model, state: State, me: int) -> Iterator[Step]:
    yield "says taken back", commit(model, state, me, own(state, me)._replace(handed=False), Place.UNDO_NEXT)


def undo_next(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    for attempt in journal.attempts:  # those said to be gone as well: a late create may have come since
        if attempt.label > state.runners[me].carried:
            yield f"turns to label {attempt.label}", state.at(me, Place.REAP_SAY, attempt.label)
            return
    yield "says aborted", commit(model, state, me, journal._replace(stage=Stage.ABORTED))


UNDOING = {
    Place.UNPUBLISH_LOOK: unpublish_look,
    Place.SAY_UNPUBLISH: say_unpublish,
    Place.UNPUBLISH: unpublish,
    Place.SAY_TAKE_BACK: say_take_back,
    Place.TAKE_BACK: take_back,
    Place.SAY_TAKEN_BACK: say_taken_back,
    Place.UNDO_NEXT: undo_next,
}
