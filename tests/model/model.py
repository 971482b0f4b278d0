"""The rules of one exploration: which rotations, how far, and which flaw is built in on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto

from tests.model.state import FIRST, Journal, Life, Place, Proof, Runner, Said, State, Token
from tokenguard.domain.journal import AttemptState, Mode, Stage
from tokenguard.rotation.machine import ORDER


class Flaw(StrEnum):
    """Ways to build it wrong. Each must be found, or the model proves nothing."""

    NO_WRITE_AHEAD = auto()
    JOURNAL_BEFORE_STORE = auto()
    REVOKE_FIRST = auto()
    REVOKE_WHAT_IS_CURRENT = auto()
    NO_FENCE_ON_JOURNAL = auto()
    NO_TOMBSTONE = auto()
    UNKNOWN_IS_DEAD = auto()
    MINT_BEFORE_REVOKE = auto()
    PUBLISH_BLINDLY = auto()
    PUBLISH_ON_FRESH_READ = auto()
    SWEEP_BY_PREFIX = auto()
    UNDECLARED_IS_CONFIRMED = auto()
    REVOKE_ON_DOUBT = auto()
    """End what was made when the store's answer to its value was lost: another runner may have found it there."""
    REAP_UNDECIDED = auto()
    """Begin to end an attempt without saying so in the journal: another runner may adopt it meanwhile."""
    UNDO_WITHOUT_A_NEW_PIN = auto()
    """Leave the live version as it is when there is nothing to take back: a late publish still fits."""
    UNCONTROLLED_DEATH_COUNTS = auto()
    """Refusals prove a death although nothing is accepted meanwhile."""
    REFUSED_CONTROL_IS_NONE = auto()
    """What was accepted before and is refused now is passed over, instead of being evidence of an outage."""
    SINGLE_REFUSAL_CONFIRMS = auto()
    """The later look destroys the value after one refusal."""
    REFUSED_PASTE_IS_DEAD = auto()
    """A value that was never accepted is refused, and the token of its label is called gone."""
    ABORT_AFTER_INTENT = auto()
    """Undo although the old token is revoked, or may be."""
    NEVER_SENT_AGAIN = auto()
    """Once the provider has agreed to the revoke, the old token is looked at for ever, and the revoke not sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is explored. The order of the stages is the code's own, unless the flaw is in the order."""

    modes: tuple[Mode, ...] = (Mode.PLANNED,)
    """The rotations, one after another."""
    flaw: Flaw | None = None
    attempts: int = 2
    takeovers: int = 2
    aborts: int = 0
    wrong: int = 0
    """How many tokens may turn out to be for the wrong scope."""
    declared: bool = True
    """Whether anybody has said who the consumer is."""
    spare: bool = False
    """Whether the provider has another live token of ours, or accepts an admin credential."""
    outages: int = 0
    """How often the provider may begin to refuse every credential."""
    mistakes: int = 0
    """How often a person may say that a token is revoked that is not."""
    api: bool = False
    """Whether the provider is asked to revoke, and not a person."""
    idle: int = 0
    """How often it may agree and do nothing: another service answers, or it does not know the token under that id."""
    mistyped: int = 0
    """How often a person may paste something else than the value of the token that was made."""
    looks: bool = False
    """Whether the old value is looked at again after the end, and destroyed when its death is confirmed."""
    late_revokes: bool = False
    """Whether a runner may be stopped between its intent to revoke and the revoke, and go on after an abort."""
    late_pushes: bool = False
    """Whether a runner may be stopped between its intent to deliver and the delivery, for as long as it likes."""
    order: Mapping[Mode, tuple[Stage, ...]] = field(default_factory=lambda: ORDER)

    def start(self) -> State:
        journal = Journal(0, Stage.OPEN, FIRST, 1)
        state = State(journal, (Token(FIRST),), (FIRST,), FIRST, 1, FIRST, (Runner(), Runner()))
        return state.runner(0, Runner(self.first_place(journal), journal, fresh=True))

    def mode(self, journal: Journal) -> Mode:
        return self.modes[journal.rotation]

    def in_place(self, state: State) -> bool:
        """Whether the token gets a new value instead of a successor."""
        return self.mode(state.journal) is Mode.IN_PLACE

    def following(self, journal: Journal) -> Stage:
        order = self.order[self.mode(journal)]
        return order[order.index(journal.stage) + 1]

    def reached(self, journal: Journal, stage: Stage) -> bool:
        order = self.order[self.mode(journal)]
        return journal.stage in order and order.index(journal.stage) >= order.index(stage)

    def may_abort(self, state: State) -> bool:
        """Before the revoke is intended; after that only while the old token is proven alive and nobody said revoked."""
        journal = state.journal
        if journal.stage.ended or journal.stage is Stage.ABORTING:
            return False
        if not self.reached(journal, Stage.REVOKE_INTENDED) or self.flaw is Flaw.ABORT_AFTER_INTENT:
            return True
        asked = any(each.state is not AttemptState.GONE for each in journal.attempts)
        if self.in_place(state) and asked:
            return False
        lives = state.tokens[journal.old].life is Life.LIVE and not state.outage
        return lives and journal.said is not Said.PERSON and journal.proof is Proof.NONE

    def controlled(self, state: State, journal: Journal) -> bool:
        """Whether something else is accepted by the same host: a spare token, the admin credential, or the new token."""
        new = journal.kept
        return not state.outage and (self.spare or (new >= 0 and state.tokens[new].life is Life.LIVE))

    def comparable(self, journal: Journal) -> bool:
        """Whether there is anything that was accepted before, and so could serve as a control."""
        return self.spare or journal.kept >= 0

    def first_place(self, journal: Journal) -> Place:
        """Where a runner begins that knows nothing but the journal."""
        if journal.stage.ended:
            return Place.IDLE
        if journal.stage is Stage.ABORTING:
            return Place.UNPUBLISH_LOOK
        attempt = journal.attempts[-1] if journal.attempts else None
        if attempt is not None and attempt.state is AttemptState.REJECTED:
            return Place.REAP_SAY
        if attempt is not None and attempt.state is AttemptState.GONE:
            return Place.WRITE_INTENT
        ended = self.mode(journal) is not Mode.IN_PLACE  # there it is the new value that ends the old one
        if self.following(journal) is Stage.DEAD and journal.said is Said.NOBODY and ended:
            return Place.REVOKE
        return _LEADS_TO[self.following(journal)]


_LEADS_TO: dict[Stage, Place] = {
    Stage.MINT: Place.WRITE_INTENT,
    Stage.STORED: Place.RECONCILE,
    Stage.VERIFIED: Place.PROBE_NEW,
    Stage.PUBLISHED: Place.SAY_PUBLISH,
    Stage.CONSUMED: Place.SAY_HAND,
    Stage.REVOKE_INTENDED: Place.GUARD,
    Stage.REVOKED: Place.REVOKE,
    Stage.DEAD: Place.PROBE_OLD,
    Stage.DONE: Place.SWEEP,
}
"""The effect that makes a stage true; which stage is next is read from `tokenguard.rotation.machine.ORDER`."""
