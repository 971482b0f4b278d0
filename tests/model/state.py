"""What the model of a rotation remembers: the provider, the store, the consumer and two runners, as small values."""

from enum import IntEnum, StrEnum, auto
from typing import NamedTuple

from tokenguard.domain.journal import AttemptState, Stage

NOTHING = -1
"""No token, or an empty slot."""
TOMBSTONE = -2
MISTYPED = -3
"""A value that is not the one of the token that carries its label: nobody accepts it."""
FIRST = 0
"""The token that is live at the start; also its label."""


class Life(IntEnum):
    """A token at the provider. DYING: revoked, and still accepted for a while."""

    LIVE = 0
    DYING = 1
    DEAD = 2


class Proof(IntEnum):
    """What is on record of the old token's death."""

    NONE = 0
    ASSERTED = 1
    """Said by a person, with nothing that could tell it from an outage."""
    PROVEN = 2


class Said(IntEnum):
    """Who says that the old token is revoked."""

    NOBODY = 0
    PROVIDER = 1
    """Its answer to the request; it may have done nothing."""
    PERSON = 2


class Token(NamedTuple):
    label: int
    life: Life = Life.LIVE
    right: bool = True
    """False: made for the wrong scope."""


class Attempt(NamedTuple):
    label: int
    state: AttemptState = AttemptState.INTENDED
    token: int = NOTHING
    proven: bool = False
    """Gone, and more than a person's word says so."""


class Journal(NamedTuple):
    rotation: int
    stage: Stage
    old: int
    pinned: int
    attempts: tuple[Attempt, ...] = ()
    handed: bool = False
    said: Said = Said.NOBODY
    proof: Proof = Proof.NONE

    @property
    def kept(self) -> int:
        """The token that won; NOTHING where nothing was made."""
        return self.attempts[-1].token if self.attempts else NOTHING

    @property
    def winner(self) -> Attempt:
        return self.attempts[-1]

    def with_attempt(self, label: int, state: AttemptState, token: int | None = None) -> "Journal":
        changed = tuple(
            each._replace(state=state, token=each.token if token is None else token) if each.label == label else each
            for each in self.attempts
        )
        return self._replace(attempts=changed)

    def with_proof(self, label: int, proven: bool) -> "Journal":
        changed = (each._replace(proven=proven) if each.label == label else each for each in self.attempts)
        return self._replace(attempts=tuple(changed))


class Place(StrEnum):
    """The next thing a runner does; each is one atomic call to the outside."""

    IDLE = auto()
    WRITE_INTENT = auto()
    CREATE = auto()
    PUT = auto()
    SELF_REAP = auto()
    SAY_STORED = auto()
    RECONCILE = auto()
    SAY_REJECTED = auto()
    REAP_SAY = auto()
    REAP_LOOK = auto()
    REAP_FENCE = auto()
    REAP_END = auto()
    REAP_DESTROY = auto()
    REAP_GONE = auto()
    PROBE_NEW = auto()
    SAY_PUBLISH = auto()
    READ_LIVE = auto()
    PUBLISH = auto()
    SAY_PUBLISHED = auto()
    SAY_HAND = auto()
    PUSH = auto()
    SAY_CONSUMED = auto()
    GUARD = auto()
    SAY_REVOKE = auto()
    REVOKE = auto()
    SAY_REVOKED = auto()
    PROBE_OLD = auto()
    SWEEP = auto()
    LOOK_AGAIN = auto()
    UNPUBLISH_LOOK = auto()
    SAY_UNPUBLISH = auto()
    UNPUBLISH = auto()
    SAY_TAKE_BACK = auto()
    TAKE_BACK = auto()
    SAY_TAKEN_BACK = auto()
    UNDO_NEXT = auto()


class Runner(NamedTuple):
    """One process. `fresh`: its snapshot of the journal is still the store's, so that its next commit will be taken."""

    place: Place = Place.IDLE
    journal: Journal | None = None
    fresh: bool = False
    carried: int = NOTHING
    """What it holds in memory on its way: a token, a label or a version."""


class State(NamedTuple):
    journal: Journal
    tokens: tuple[Token, ...]
    slots: tuple[int, ...]
    """By label: a token, NOTHING or TOMBSTONE. A label without a slot was never written ahead."""
    live: int
    live_version: int
    consumer: int
    runners: tuple[Runner, Runner]
    takeovers: int = 0
    aborts: int = 0
    wrong: int = 0
    outage: bool = False
    """The provider refuses every credential, good or not."""
    outages: int = 0
    mistakes: int = 0
    mistyped: int = 0
    idle: int = 0
    split: bool = False
    """A runner wrote over a journal that it had not read."""

    def token(self, number: int, life: Life) -> "State":
        tokens = (*self.tokens[:number], self.tokens[number]._replace(life=life), *self.tokens[number + 1 :])
        return self._replace(tokens=tokens)

    def revoked(self, number: int) -> "State":
        return self.token(number, Life.DYING) if self.tokens[number].life is Life.LIVE else self

    def slot(self, label: int, content: int) -> "State":
        return self._replace(slots=(*self.slots[:label], content, *self.slots[label + 1 :]))

    def runner(self, me: int, runner: Runner) -> "State":
        return self._replace(runners=(runner, self.runners[1]) if me == 0 else (self.runners[0], runner))

    def stopped(self, me: int) -> "State":
        return self.runner(me, Runner())

    def at(self, me: int, place: Place, carried: int | None = None) -> "State":
        runner = self.runners[me]
        return self.runner(me, runner._replace(place=place, carried=runner.carried if carried is None else carried))
