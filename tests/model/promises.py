"""What must hold in every state that can be reached: the promises of the design, over the model's state."""

from tests.model.model import Model
from tests.model.state import Life, Proof, Said, State
from tokenguard.domain.journal import AttemptState, Mode, Stage

_UNINTENDED = "P4: the old token was revoked before the revoke was intended"


def broken(model: Model, state: State) -> str:
    """The first promise that this state breaks; empty if it keeps them all."""
    checks = (
        _never_zero,
        _written_ahead,
        _proven_dead,
        _in_order,
        _gone_means_gone,
        _stored_means_stored,
        _kept,
        _fenced,
    )
    return next((why for check in checks if (why := check(model, state))), "")


def _never_zero(model: Model, state: State) -> str:
    if model.mode(state.journal) is not Mode.PLANNED:
        return ""
    if state.tokens[state.live].life is not Life.LIVE or state.live not in state.slots:
        return "P1: what the store serves is not alive, or its value is gone"
    if state.tokens[state.consumer].life is not Life.LIVE:
        return "P1: the consumer holds a token that was revoked"
    return ""


def _written_ahead(model: Model, state: State) -> str:
    if any(token.label >= len(state.slots) for token in state.tokens):
        return "P2: a token exists under a label that no durable record names"
    return ""


def _proven_dead(model: Model, state: State) -> str:
    journal = state.journal
    if journal.stage is Stage.DONE:
        if journal.proof is Proof.NONE:
            return "P3: done, and nothing is on record of the old token's death"
        if journal.proof is Proof.PROVEN and state.tokens[journal.old].life is not Life.DEAD:
            return "P3: done, and the old token is accepted"
        if model.mode(journal) is not Mode.RETIRE and (
            state.live != journal.kept or state.tokens[state.live].life is not Life.LIVE
        ):
            return "P8: done, and the store does not serve a new token that is alive"
    if journal.proof is Proof.ASSERTED and model.comparable(journal):
        return "P3: a person's word was taken, although there is something to compare with"
    return ""


def _in_order(model: Model, state: State) -> str:
    journal = state.journal
    untouched = state.tokens[journal.old].life is Life.LIVE
    if model.mode(journal) is Mode.RETIRE:
        return "" if untouched or model.reached(journal, Stage.REVOKE_INTENDED) else _UNINTENDED
    if model.mode(journal) is Mode.COMPROMISED:
        making = journal.attempts and journal.winner.state is AttemptState.INTENDED
        return (
            "P4: a token was to be made before the compromised one was revoked"
            if making and untouched and journal.said is Said.NOBODY
            else ""
        )
    intended = model.reached(journal, Stage.REVOKE_INTENDED)
    if not untouched and not intended:
        return _UNINTENDED
    if model.mode(journal) is Mode.IN_PLACE:
        return ""
    if intended and model.declared and state.consumer != journal.winner.token:
        return "P4: the revoke is intended, and the consumer does not hold the new token"
    return ""


def _gone_means_gone(model: Model, state: State) -> str:
    proven = {attempt.label for attempt in state.journal.attempts if attempt.proven}
    if any(token.label in proven and token.life is Life.LIVE for token in state.tokens):
        return "P9: the journal calls a token gone, and it is alive"
    return ""


def _stored_means_stored(model: Model, state: State) -> str:
    if state.journal.stage is Stage.ABORTING:
        return ""  # its attempts are being ended: the slot goes first, then the journal says so
    for attempt in state.journal.attempts:
        held = state.slots[attempt.label]
        if attempt.state is AttemptState.STORED and held != attempt.token:
            return "P4: the journal says stored, and the store has no such value"
        if attempt.state is AttemptState.GONE and held >= 0:
            return "P4: the journal says gone, and the store holds the value"
    return ""


def _kept(model: Model, state: State) -> str:
    """A value whose token may be accepted is never destroyed: it is the only thing that can be looked at again."""
    old = state.journal.old
    if state.journal.stage is Stage.DONE and state.slots[state.tokens[old].label] != old:
        return "P3: a value was destroyed, and its token is accepted" if state.tokens[old].life is Life.LIVE else ""
    return ""


def _fenced(model: Model, state: State) -> str:
    return "P7: a runner advanced a token that another had taken over" if state.split else ""
