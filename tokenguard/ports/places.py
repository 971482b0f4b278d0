"""Fields that others own, with values that we adopted or deliver: read in place, replaced by compare-and-set."""

from typing import Protocol

from tokenguard.domain.secret import Secret
from tokenguard.domain.token import Consumer, ConsumerKind, Location
from tokenguard.errors import Unfinished
from tokenguard.frozen import Frozen


class Displaced(Unfinished):
    """What is at an adopted place is not ours: somebody else changed or removed it. Nothing was written there."""

    @classmethod
    def at(cls, url: str) -> "Displaced":
        """With the place's address."""
        return cls(
            f"{url} does not hold what tokenguard knows: somebody else has changed or removed it",
            hint="see who in its server's log and have it put back, then go on; nothing there was overwritten",
        )


class Held(Frozen, frozen=True):
    """What a place holds at one moment."""

    text: Secret
    version: str
    """Names this state of the whole entry, whoever wrote it: what `replace` must expect."""


class Place(Protocol):
    """One field of an entry that others own."""

    def read(self) -> Held | None:
        """What the field holds; None if there is no such entry or field.

        Raises:
            Unreachable: it cannot be asked, or denies us.
            InputError: the field holds something else than text.
        """
        ...

    def replace(self, expected: str, text: Secret) -> None:
        """Give the field this text and leave every other field as it is, if the entry is still at `expected`.

        Raises:
            Conflict: the entry has moved on; nothing was written. A reply that was lost is made up for by looking.
            Unreachable: it cannot be asked, denies us, or is rotated by somebody else.
        """
        ...


class Places(Protocol):
    """Finds the place of a location, or of a consumer that is a field."""

    def of(self, pinned: Location | Consumer) -> Place:
        """InputError if it is not an address of ours, or leads to another server than the one pinned in it."""
        ...

    def servers(self, kind: ConsumerKind) -> tuple[str, ...]:
        """What fields of a kind may be pinned to from here, the usual one first; InputError if there is none."""
        ...

    def pinned(self, url: str) -> Location:
        """The location at an address, with the server that this runner's configuration names for it; InputError."""
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...
