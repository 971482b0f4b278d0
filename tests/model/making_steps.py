"""The model's way from an intent to a value that is stored, accepted, published and handed over."""

from collections.abc import Iterator

from tests.model.model import Flaw, Model
from tests.model.state import MISTYPED, NOTHING, TOMBSTONE, Attempt, Journal, Life, Place, State, Token
from tests.model.writing import advance, commit, jump, own
from tokenguard.domain.journal import AttemptState, Mode, Stage

Step = tuple[str, State]


def write_intent(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    if len(journal.attempts) >= model.attempts:
        return
    if model.flaw is Flaw.NO_WRITE_AHEAD:
        yield "intends nothing", state.at(me, Place.CREATE)
        return
    label = len(state.slots)
    intended = journal._replace(stage=Stage.MINT, attempts=(*journal.attempts, Attempt(label)))
    after = commit(model, state, me, intended, Place.CREATE)
    written = after.journal is intended
    yield f"intends label {label}", after._replace(slots=(*state.slots, NOTHING)) if written else after


def create(model: Model, state: State, me: int) -> Iterator[Step]:
    attempts = own(state, me).attempts
    if state.outage:
        yield "is refused", state.stopped(me)
        return
    if model.in_place(state):
        yield from _new_value_in_place(model, state, me)
        return
    label = attempts[-1].label if attempts and model.flaw is not Flaw.NO_WRITE_AHEAD else len(state.slots)
    number = len(state.tokens)
    made = state._replace(tokens=(*state.tokens, Token(label)))
    yield f"creates token {number}", made.at(me, Place.PUT, number)
    yield f"creates token {number}, reply lost", made.stopped(me)
    if state.wrong < model.wrong:
        wrong = state._replace(tokens=(*state.tokens, Token(label, right=False)), wrong=state.wrong + 1)
        yield f"creates token {number} for the wrong scope", wrong.at(me, Place.PUT, number)


def _new_value_in_place(model: Model, state: State, me: int) -> Iterator[Step]:
    """The token gets a new value, and the value before it ends; that cannot be fenced either."""
    if not state.runners[me].fresh and not model.late_revokes:
        yield "stops before a late request", state.stopped(me)
        return
    number, replaced = len(state.tokens), state
    for before in range(number):
        replaced = replaced.revoked(before)
    journal = own(state, me)
    unwritten = model.flaw is Flaw.NO_WRITE_AHEAD or not journal.attempts
    label = len(state.slots) if unwritten else journal.winner.label
    made = replaced._replace(tokens=(*replaced.tokens, Token(label)))
    yield f"has it replaced by value {number}", made.at(me, Place.PUT, number)
    yield f"has it replaced by value {number}, reply lost", made.stopped(me)


def put(model: Model, state: State, me: int) -> Iterator[Step]:
    runner, label = state.runners[me], own(state, me).winner.label
    if model.flaw is Flaw.JOURNAL_BEFORE_STORE:
        journal = own(state, me).with_attempt(label, AttemptState.STORED, runner.carried)
        yield "says stored, and stores later", advance(model, state, me, journal)
    elif state.slots[label] != NOTHING:
        yield "finds the slot closed", state.at(me, Place.SELF_REAP)
    else:
        if state.mistyped < model.mistyped:
            wrong = state.slot(label, MISTYPED)._replace(mistyped=state.mistyped + 1)
            yield "stores a mistyped value", wrong.at(me, Place.SAY_STORED, MISTYPED)
        stored = state.slot(label, runner.carried)
        yield "stores the value", stored.at(me, Place.SAY_STORED)
        if model.flaw is Flaw.REVOKE_ON_DOUBT:
            yield "stores the value, reply lost", stored.at(me, Place.SELF_REAP)
        else:
            yield "stores the value, reply lost", stored.stopped(me)


def self_reap(model: Model, state: State, me: int) -> Iterator[Step]:
    yield "ends what it made", state.revoked(state.runners[me].carried).stopped(me)


def say_stored(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    stored = journal.with_attempt(journal.winner.label, AttemptState.STORED, state.runners[me].carried)
    yield "says stored", advance(model, state, me, stored)


def reconcile(model: Model, state: State, me: int) -> Iterator[Step]:
    label = own(state, me).winner.label
    held = state.slots[label]
    if held == MISTYPED:
        yield "finds the value", state.at(me, Place.SAY_STORED, held)
    elif held < 0:
        yield "finds no value", state.at(me, Place.REAP_SAY, label)
    elif state.tokens[held].life is Life.LIVE:
        yield "finds the value", state.at(me, Place.SAY_STORED, held)
    else:
        yield "finds the value of a token that is not listed", state.at(me, Place.SAY_REJECTED)


def say_rejected(model: Model, state: State, me: int) -> Iterator[Step]:
    yield "rejects it", jump(model, state, me, own(state, me).winner.label, AttemptState.REJECTED)


def reap_say(model: Model, state: State, me: int) -> Iterator[Step]:
    label, journal = state.runners[me].carried, own(state, me)
    if model.flaw is not Flaw.REAP_UNDECIDED and journal.stage is not Stage.ABORTING:
        journal = journal.with_attempt(label, AttemptState.REJECTED)
    yield f"means to end label {label}", commit(model, state, me, journal, Place.REAP_LOOK, label)


def reap_look(model: Model, state: State, me: int) -> Iterator[Step]:
    empty = state.slots[state.runners[me].carried] == NOTHING
    yield "looks at the slot", state.at(me, Place.REAP_FENCE if empty else Place.REAP_END)


def reap_fence(model: Model, state: State, me: int) -> Iterator[Step]:
    label = state.runners[me].carried
    if model.flaw is Flaw.NO_TOMBSTONE:
        yield "puts no tombstone", state.at(me, Place.REAP_END)
    elif state.slots[label] == NOTHING:
        yield "puts a tombstone", state.slot(label, TOMBSTONE).at(me, Place.REAP_END)
    else:
        yield "comes too late for a tombstone", state.stopped(me)


def reap_end(model: Model, state: State, me: int) -> Iterator[Step]:
    after = state
    for number, token in enumerate(state.tokens):
        if token.label == state.runners[me].carried and not model.in_place(state):
            after = after.revoked(number)
    yield "ends what carries the label", after.at(me, Place.REAP_DESTROY)
    if state.slots[state.runners[me].carried] == MISTYPED and state.mistakes < model.mistakes:
        mistaken = state._replace(mistakes=state.mistakes + 1)
        yield "is told that the label is revoked, which it is not", mistaken.at(me, Place.REAP_DESTROY)


def reap_destroy(model: Model, state: State, me: int) -> Iterator[Step]:
    label = state.runners[me].carried
    if state.slots[label] == state.live:
        yield "may not destroy what is live", state.stopped(me)
    elif model.flaw is Flaw.NO_TOMBSTONE and state.slots[label] == NOTHING:
        yield "destroys nothing", state.at(me, Place.REAP_GONE)
    else:
        yield "destroys the value", state.slot(label, TOMBSTONE).at(me, Place.REAP_GONE)


def reap_gone(model: Model, state: State, me: int) -> Iterator[Step]:
    label, journal = state.runners[me].carried, own(state, me)
    place = Place.UNDO_NEXT if journal.stage is Stage.ABORTING else None
    gone = journal.with_attempt(label, AttemptState.GONE)
    yield "says gone", commit(model, state, me, gone.with_proof(label, _proves(model, gone, label)), place, label)


def _proves(model: Model, journal: Journal, label: int) -> bool:
    """Whether what was pasted can prove the death of the label's token: only if it was accepted once."""
    if model.mode(journal) is Mode.IN_PLACE:
        return False  # the next value ends it
    pasted = next(each.token for each in journal.attempts if each.label == label)
    return pasted >= 0 or (pasted == MISTYPED and model.flaw is Flaw.REFUSED_PASTE_IS_DEAD)


def probe_new(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    pasted = journal.winner.token
    token = state.tokens[pasted] if pasted >= 0 else Token(journal.winner.label, Life.DEAD)
    if state.outage:
        yield "gets no answer that says anything of the new token", state.stopped(me)
    elif token.life is not Life.DEAD and token.right:
        yield "sees the new token accepted", advance(model, state, me, journal)
    else:
        yield "rejects the new token", jump(model, state, me, journal.winner.label, AttemptState.REJECTED)


def say_publish(model: Model, state: State, me: int) -> Iterator[Step]:
    place = Place.READ_LIVE if model.flaw is Flaw.PUBLISH_ON_FRESH_READ else Place.PUBLISH
    yield "means to publish", commit(model, state, me, own(state, me), place)


def read_live(model: Model, state: State, me: int) -> Iterator[Step]:
    yield "reads what is live", state.at(me, Place.PUBLISH, state.live_version)


def publish(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    new = journal.winner
    pin = state.runners[me].carried if model.flaw is Flaw.PUBLISH_ON_FRESH_READ else journal.pinned
    fits = state.live_version == pin or model.flaw is Flaw.PUBLISH_BLINDLY
    if state.live == new.token:
        yield "finds it published", state.at(me, Place.SAY_PUBLISHED)
    elif fits and state.slots[new.label] == new.token:
        after = state._replace(live=new.token, live_version=state.live_version + 1)
        yield f"publishes token {new.token}", after.at(me, Place.SAY_PUBLISHED)
    else:
        yield "may not publish", state.stopped(me)


def say_published(model: Model, state: State, me: int) -> Iterator[Step]:
    yield "says published", advance(model, state, me, own(state, me))


def say_hand(model: Model, state: State, me: int) -> Iterator[Step]:
    journal = own(state, me)
    if model.declared:
        yield "means to deliver", commit(model, state, me, journal._replace(handed=True), Place.PUSH)
    else:
        yield "knows of nobody to deliver to", advance(model, state, me, journal)


def push(model: Model, state: State, me: int) -> Iterator[Step]:
    if not state.runners[me].fresh and not model.late_pushes:
        yield "stops before a late delivery", state.stopped(me)
    else:
        new = own(state, me).winner.token
        yield f"delivers token {new}", state._replace(consumer=new).at(me, Place.SAY_CONSUMED)


def say_consumed(model: Model, state: State, me: int) -> Iterator[Step]:
    yield "says delivered", advance(model, state, me, own(state, me))


MAKING = {
    Place.WRITE_INTENT: write_intent,
    Place.CREATE: create,
    Place.PUT: put,
    Place.SELF_REAP: self_reap,
    Place.SAY_STORED: say_stored,
    Place.RECONCILE: reconcile,
    Place.SAY_REJECTED: say_rejected,
    Place.REAP_SAY: reap_say,
    Place.REAP_LOOK: reap_look,
    Place.REAP_FENCE: reap_fence,
    Place.REAP_END: reap_end,
    Place.REAP_DESTROY: reap_destroy,
    Place.REAP_GONE: reap_gone,
    Place.PROBE_NEW: probe_new,
    Place.SAY_PUBLISH: say_publish,
    Place.READ_LIVE: read_live,
    Place.PUBLISH: publish,
    Place.SAY_PUBLISHED: say_published,
    Place.SAY_HAND: say_hand,
    Place.PUSH: push,
    Place.SAY_CONSUMED: say_consumed,
}
