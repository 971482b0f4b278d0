"""The plan model: actions on tokens, manual steps, and blocked declarations."""

import hashlib
from datetime import datetime
from enum import StrEnum, unique

import msgspec

from tokenguard.domain.names import TokenId, TokenName
from tokenguard.domain.token import Consumer, Location
from tokenguard.frozen import Frozen, replace

_REACH = frozenset({"provider", "scope", "permissions", "kind", "base_url"})
"""Fields that say what a token can reach, and where it is asked for."""


@unique
class ActionType(StrEnum):
    """One thing that `apply` does to a token."""

    RESUME = "resume"
    """Resume an interrupted operation."""
    DECLARE = "declare"
    """Make its record; a value is to come, or there is none."""
    ISSUE = "issue"
    """Have the provider make its first value, store it and deliver it."""
    ADOPT = "adopt"
    """Take over the value that is at its location, where it stays."""
    CHANGE = "change"
    DELIVER = "deliver"
    ROTATE = "rotate"
    RETIRE = "retire"
    """Revoke it and prove it dead, without replacement."""
    CLOSE = "close"
    """Mark a record as retired that never had a value."""


class FieldChange(Frozen, frozen=True):
    """One field of a record, as people read it."""

    field: str
    before: str
    after: str


class Action(Frozen, frozen=True, kw_only=True):
    """Everything that will be done to one token, in the order of its verbs."""

    name: TokenName
    verbs: tuple[ActionType, ...]
    token: TokenId = TokenId("")
    """Empty: there is no record yet."""
    version: int = 0
    """Of the record that this was decided from; 0 if there is none."""
    changes: tuple[FieldChange, ...] = ()
    deliver: tuple[Consumer, ...] = ()
    """The consumers that will be given its value."""
    destinations: tuple[Consumer, ...] = ()
    """Those of its consumers that its record does not have yet: new places for its value to go."""
    adopts: Location | None = None
    """The field of others that its value is taken over from, and that rotations will write to from then on."""
    provider: str = ""
    address: str = ""
    """The provider's address, where it is pinned by this."""
    owner: str = ""
    rank: int = 1
    """What must come first has the lower one: admin credentials before what they mint, ends last."""
    live: bool = False
    """Whether a value that may be alive is ended by it."""

    @property
    def news(self) -> tuple[str, ...]:
        """Its new items, which need an approval in unattended runs. Empty: none.

        Ends, deliveries to known places, rotations and open operations repeat; so do fields that only describe.
        """
        found = [] if self.token else ["a record"]
        found += ["a first value"] if ActionType.ISSUE in self.verbs else []
        found += [f"the value at {self.adopts.shown}"] if self.adopts else []
        found += [f"{each.shown} as a destination" for each in self.destinations]
        found += [f"the provider's address {self.address}"] if self.address else []
        found += [f"{each.field}: {each.after}" for each in self.changes if self.token and each.field in _REACH]
        return tuple(found)

    @property
    def approved_as(self) -> str:
        """SHA-256 (hex) over what an approval of it covers: all that is new, however often its record was looked at."""
        again = replace(
            self, version=0, verbs=(ActionType.ISSUE,) if ActionType.ISSUE in self.verbs else (), deliver=(), rank=0
        )
        return hashlib.sha256(msgspec.json.encode((1, again, self.news), order="deterministic")).hexdigest()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over all of it."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


@unique
class Wait(StrEnum):
    """Reasons for a manual step."""

    VALUE = "value"
    ADMIN = "admin"
    """The credential that would mint it has no value yet."""
    HAND_OVER = "hand-over"
    ROTATE = "rotate"
    RETIRE = "retire"
    RESUME = "resume"


class Todo(Frozen, frozen=True, kw_only=True):
    """A manual step; not a failure."""

    name: TokenName
    wait: Wait
    text: str
    command: str
    """What to run."""
    owner: str = ""
    due: datetime | None = None


class Blocked(Frozen, frozen=True, kw_only=True):
    """A declaration that cannot be fulfilled: nothing is applied until it is fixed."""

    name: TokenName
    reason: str
    hint: str
    place: str = ""
    """`file:line:column` of the declaration."""


class Plan(Frozen, frozen=True, kw_only=True):
    """The result of planning: what `apply` would do now."""

    store: str
    manifest: str
    """The manifest's digest."""
    declared: int
    actions: tuple[Action, ...] = ()
    """In the order in which they are done."""
    todos: tuple[Todo, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    undeclared: tuple[TokenName, ...] = ()
    """Tokens of the store that the manifest does not declare; they are not changed."""
    addresses: tuple[tuple[str, str], ...] = ()
    """Providers with an address that no token of the store is pinned to yet."""
    records: int = 0
    """How many the store holds now, retired ones included."""

    @property
    def digest(self) -> str:
        """What a reviewer has seen: manifest, store, and every action with the version it was decided from."""
        return digest_of(self.store, self.manifest, [each.digest for each in self.actions])

    @property
    def ends_live(self) -> tuple[TokenName, ...]:
        """The tokens that it revokes."""
        return tuple(each.name for each in self.actions if each.live)

    @property
    def news(self) -> tuple[Action, ...]:
        """The actions that need an approval in unattended runs."""
        return tuple(each for each in self.actions if each.news)

    @property
    def records_after(self) -> int:
        """How many records the store will hold."""
        return self.records + sum(not each.token for each in self.actions)


def digest_of(store: str, manifest: str, actions: list[str]) -> str:
    """The digest of a plan (`sha256:` and 64 hex digits) from those of its parts."""
    body = msgspec.json.encode((1, store, manifest, sorted(actions)))
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
