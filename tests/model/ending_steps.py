"""The model's way from the guard to the proof of death and the sweep."""

from collections.abc import Iterator

from tests.model.model import Flaw, Model
from tests.model.state import Life, Place, State
from tests.model.writing import advance, own
from tokenguard.domain.journal import Mode

Step = tuple[str, State]


def guard(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    if model.mode(journal) is not Mode.PLANNED or model.flaw is Flaw.REVOKE_FIRST:
        yield "needs no guard", state.at(me, Place.SAY_REVOKE)
        return
    new = journal.winner.token
    known = model.declared or model.flaw is Flaw.UNDECLARED_IS_CONFIRMED
    if known and state.live == new and state.tokens[new].life is not Life.DEAD:
        yield "sees the new token served and alive", state.at(me, Place.SAY_REVOKE)
    else:
        yield "may not revoke", state.stopped(me)


def say_revoke(model: Model, state: State, me: int) -> Iterator[Step]:
    yield "means to revoke the old token", advance(model, state, me, own(state, me))


def revoke(model: Model, state: State, me: int) -> Iterator[Step]:
    target = state.live if model.flaw is Flaw.REVOKE_WHAT_IS_CURRENT else own(state, me).old
    yield f"revokes token {target}", state.revoked(target).at(me, Place.SAY_REVOKED)


def say_revoked(model: Model, state: State, me: int) -> Iterator[Step]:
    yield "says revoked", advance(model, state, me, own(state, me))


def probe_old(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    if state.tokens[journal.old].life is Life.DEAD or model.flaw is Flaw.UNKNOWN_IS_DEAD:
        yield "holds the old token for dead", advance(model, state, me, journal)


def sweep(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    written = {attempt.label for attempt in journal.attempts}
    for number, token in enumerate(state.tokens):
        ours = token.label in written or (model.flaw is Flaw.SWEEP_BY_PREFIX and token.label > 0)
        if token.life is Life.LIVE and ours and number not in {journal.winner.token, journal.old}:
            yield f"sweeps token {number}", state.revoked(number)
            return
    yield "says done", advance(model, state, me, journal)


ENDING = {
    Place.GUARD: guard,
    Place.SAY_REVOKE: say_revoke,
    Place.REVOKE: revoke,
    Place.SAY_REVOKED: say_revoked,
    Place.PROBE_OLD: probe_old,
    Place.SWEEP: sweep,
}
