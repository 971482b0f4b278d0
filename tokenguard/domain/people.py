"""The people of an organisation: by which names records know each of them, and whether they have left."""

import unicodedata
from collections.abc import Iterable

from tokenguard.frozen import Frozen


class Person(Frozen, frozen=True, kw_only=True):
    """One person."""

    name: str
    """As records name them."""
    aliases: tuple[str, ...] = ()
    """Other names of the same person: logins, addresses, identities at the store."""
    left: bool = False


class Directory:
    """Finds people by any of their names, without regard to case, to how an accent is encoded, or to repeated spaces.

    Args:
        people: those who are known.
        complete: whether everyone who is missing there has left.
    """

    def __init__(self, people: Iterable[Person] = (), *, complete: bool = False) -> None:
        self._people = {person_key(name): each for each in people for name in (each.name, *each.aliases)}
        self._complete = complete

    @property
    def known(self) -> bool:
        """Whether any person is in it, so that it can be asked."""
        return bool(self._people)

    def find(self, name: str) -> Person | None:
        """The person of that name; None if no such person is known."""
        return self._people.get(person_key(name)) if name else None

    def named(self, identity: str) -> str:
        """An identity at the store with the person whom it is known to belong to."""
        found = self.find(identity)
        same = found is None or person_key(found.name) == person_key(identity)
        return identity if found is None or same else f"{found.name} ({identity})"

    def same(self, one: str, other: str) -> bool:
        """Whether both name the same person."""
        if not one or not other:
            return False
        found = self.find(one)
        return person_key(one) == person_key(other) or (found is not None and found is self.find(other))

    def has_left(self, name: str) -> bool | None:
        """Whether that person has left; None if it is not known, or if it names a runner or a credential."""
        found = self.find(name)
        if found is not None:
            return found.left
        is_person = name and ":" not in name and "/" not in name
        return True if is_person and self._complete else None


def person_key(name: str) -> str:
    """What is equal for two spellings of one name: of its case, its spaces, and its accents (Unicode's NFC).

    A login of an embedded store is the same with and without its kind.
    """
    return unicodedata.normalize("NFC", " ".join(name.split()).removeprefix("user:").casefold())
