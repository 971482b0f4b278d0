"""The model's way from the guard to the proof of death and the sweep."""

from collections.abc import Iterator

from tests.model.model import Flaw, Model
from tests.model.state import TOMBSTONE, Life, Place, Proof, Said, State
from tests.model.writing import advance, commit, own
from tokenguard.domain.journal import Mode, Stage

Step = tuple[str, State]


def guard(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    if model.mode(journal) is not Mode.PLANNED or model.flaw is Flaw.REVOKE_FIRST:
        yield "needs no guard", state.at(me, Place.SAY_REVOKE)
        return
    new = journal.winner.token
    known = model.declared or model.flaw is Flaw.UNDECLARED_IS_CONFIRMED
    accepted = state.tokens[new].life is not Life.DEAD and not state.outage
    if known and state.live == new and accepted:
        yield "sees the new token served and alive", state.at(me, Place.SAY_REVOKE)
    else:
        yield "may not revoke", state.stopped(me)


def say_revoke(model: Model, state: State, me: int) -> Iterator[Step]:
    yield "means to revoke the old token", advance(model, state, me, own(state, me))


def revoke(model: Model, state: State, me: int) -> Iterator[Step]:
    if not state.runners[me].fresh and model.aborts and not model.late_revokes:
        yield "stops before a late revoke", state.stopped(me)
        return
    target = state.live if model.flaw is Flaw.REVOKE_WHAT_IS_CURRENT else own(state, me).old
    by = Said.PROVIDER if model.api else Said.PERSON
    yield f"revokes token {target}", state.revoked(target).at(me, Place.SAY_REVOKED, by)
    if model.api and state.idle < model.idle:
        idle = state._replace(idle=state.idle + 1)
        yield (
            f"is told by the provider that token {target} is revoked, which it is not",
            idle.at(me, Place.SAY_REVOKED, by),
        )
    if state.mistakes < model.mistakes:
        mistaken = state._replace(mistakes=state.mistakes + 1)
        yield (
            f"is told that token {target} is revoked, which it is not",
            mistaken.at(me, Place.SAY_REVOKED, Said.PERSON),
        )


def say_revoked(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)._replace(said=Said(state.runners[me].carried))
    again = model.reached(journal, Stage.REVOKED)  # a compromise whose new token is in use already
    yield "says revoked", (commit if again else advance)(model, state, me, journal)


def probe_old(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    blind = model.flaw in {Flaw.UNCONTROLLED_DEATH_COUNTS, Flaw.UNKNOWN_IS_DEAD}
    refused = _refused(state, journal.old)
    comparable = model.comparable(journal) and model.flaw is not Flaw.REFUSED_CONTROL_IS_NONE
    if (refused or model.flaw is Flaw.UNKNOWN_IS_DEAD) and (model.controlled(state, journal) or blind):
        yield "holds the old token for dead", advance(model, state, me, journal._replace(proof=Proof.PROVEN))
    elif refused and not comparable:
        yield "takes a person's word for it", advance(model, state, me, journal._replace(proof=Proof.ASSERTED))
    elif not refused and journal.said is Said.PROVIDER:
        if (
            state.tokens[journal.old].life is Life.LIVE
        ):  # over a whole window, so that no revoke is still to take effect
            yield "sees it accepted, so it is to be revoked again", _back(model, state, me)
    elif not refused and not model.in_place(state) and (state.runners[me].fresh or not model.aborts):
        yield "sees it accepted, and has it revoked again", state.revoked(journal.old)


def _back(model: Model, state: State, me: int) -> State:
    """The revoke is open again, and is sent by the next run; a compromise keeps the new token that is in use by now."""
    journal = own(state, me)
    if model.flaw is Flaw.NEVER_SENT_AGAIN:
        return state.stopped(me)
    stage = journal.stage if journal.attempts and model.mode(journal) is Mode.COMPROMISED else Stage.REVOKE_INTENDED
    return commit(model, state, me, journal._replace(stage=stage, said=Said.NOBODY), Place.IDLE)


def look_again(model: Model, state: State, me: int) -> Iterator[Step]:
    """The later look at the value that is kept: destroyed when a whole window of refusals had its control."""
    old, label = own(state, me).old, state.tokens[own(state, me).old].label
    once = model.flaw is Flaw.SINGLE_REFUSAL_CONFIRMS
    blind = once or model.flaw is Flaw.UNCONTROLLED_DEATH_COUNTS
    if (_refused(state, old) or once) and (model.controlled(state, own(state, me)) or blind):
        yield "confirms the death, and destroys the value", state.slot(label, TOMBSTONE).stopped(me)
    else:
        yield "learns nothing certain, and keeps the value", state.stopped(me)


def _refused(state: State, number: int) -> bool:
    return state.outage or state.tokens[number].life is Life.DEAD


def sweep(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    written = {attempt.label for attempt in journal.attempts}
    for number, token in enumerate(state.tokens):
        ours = (token.label in written and not model.in_place(state)) or (
            model.flaw is Flaw.SWEEP_BY_PREFIX and token.label > 0
        )
        if token.life is Life.LIVE and ours and number not in {journal.kept, journal.old}:
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
    Place.LOOK_AGAIN: look_again,
}
