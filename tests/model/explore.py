"""Breadth first through every reachable state: the first broken promise with its shortest story, or none at all."""

from collections import deque
from dataclasses import dataclass, replace
from itertools import islice

from tests.model.model import Model
from tests.model.promises import broken
from tests.model.state import Life, Place, State
from tests.model.steps import EFFECTS, alone, propagations, successors, take_over
from tokenguard.domain.journal import Stage

_LONGEST_ALONE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an exploration found. `why` is empty when every promise held in every state."""

    states: int
    why: str = ""
    story: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n  ".join([f"{self.states} states: {self.why or 'every promise held'}", *self.story])


def explore(model: Model, *, converges: bool = True) -> Result:
    """Visit everything. With `converges`, also ask of every state whether one runner alone would bring it to its end."""
    start = model.start()
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    waiting = deque([start])
    ends: dict[State, str] = {}
    while waiting:
        state = waiting.popleft()
        for name, after in successors(model, state):
            if after in came_from:
                continue
            came_from[after] = (state, name)
            why = broken(model, after)
            if not why and converges:
                left = alone(after)
                if left not in ends:
                    ends[left] = _wedged(model, left)
                why = ends[left]
            if why:
                return Result(states=len(came_from), why=why, story=_story(came_from, after))
            waiting.append(after)
    return Result(states=len(came_from))


def _wedged(model: Model, state: State) -> str:
    """P8: one runner, no faults. Why it does not end, or ends with more or less than one living token of this rotation."""
    if state.journal.stage.ended:
        return ""  # what a late runner makes after the end is named in the record (P2); nothing here could end it
    unlimited = replace(model, attempts=99, mistakes=0, outages=0, idle=0)
    for _ in range(_LONGEST_ALONE):
        if state.journal.stage.ended:
            return _leftovers(state)
        if state.runners[0].place is Place.IDLE:
            state = take_over(unlimited, state, 0)
            continue
        while dying := next(propagations(state), None):
            state = dying[1]
        step = next(islice(EFFECTS[state.runners[0].place](unlimited, state, 0), 1), None)
        if step is None:
            return "P8: a runner alone waits for ever"
        if step[1].runners[0].place is Place.IDLE and state.journal.stage is Stage.CONSUMED and not model.declared:
            return ""  # stopped at the guard: nobody has said who uses it
        state = step[1]
    return "P8: a runner alone goes on for ever"


def _leftovers(state: State) -> str:
    labels = {attempt.label for attempt in state.journal.attempts}
    living = [number for number, token in enumerate(state.tokens) if token.life is Life.LIVE and token.label in labels]
    if any(number != state.live for number in living):
        return "P8: ended, and a token of a label that did not win is alive"
    return ""


def _story(came_from: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    names: list[str] = []
    while (before := came_from[state]) is not None:
        state, name = before
        names.append(name)
    return tuple(reversed(names))
