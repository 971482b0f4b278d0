"""The compare-and-set on the journal, the fence between runners."""

from tests.model.model import Flaw, Model
from tests.model.state import NOTHING, Journal, Place, Runner, State
from tokenguard.domain.journal import AttemptState


def commit(
    model: Model, state: State, me: int, journal: Journal, place: Place | None = None, carried: int = NOTHING
) -> State:
    """Write `journal` if `me` still holds it; go on at `place`, or where the journal says. A stale runner stops."""
    if not state.runners[me].fresh:
        if model.flaw is not Flaw.NO_FENCE_ON_JOURNAL:
            return state.stopped(me)
        state = state._replace(split=True)
    return hold(model, state, me, journal, place, carried)


def hold(
    model: Model, state: State, me: int, journal: Journal, place: Place | None = None, carried: int = NOTHING
) -> State:
    """The journal as written by `me`; whatever the other runner read is out of date now."""
    place = place or model.first_place(journal)
    if place is Place.REAP_SAY and carried == NOTHING:
        carried = journal.winner.label
    other = state.runners[1 - me]._replace(fresh=False)
    mine = Runner() if place is Place.IDLE else Runner(place, journal, fresh=True, carried=carried)
    return state._replace(journal=journal, runners=(mine, other) if me == 0 else (other, mine))


def own(state: State, me: int) -> Journal:
    """The journal as `me` last wrote it: what every effect is decided from."""
    journal = state.runners[me].journal
    assert journal is not None
    return journal


def advance(model: Model, state: State, me: int, journal: Journal) -> State:
    """Commit the next stage."""
    return commit(model, state, me, journal._replace(stage=model.following(journal)))


def jump(model: Model, state: State, me: int, label: int, to: AttemptState, token: int | None = None) -> State:
    """Commit what became of an attempt, at the same stage."""
    return commit(model, state, me, own(state, me).with_attempt(label, to, token))
