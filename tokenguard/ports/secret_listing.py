"""The port for listing external secrets: read-only, entry by entry, with unreadable entries reported."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen


class ListedSecret(Frozen, frozen=True, kw_only=True):
    """One entry of others, with the texts in it."""

    path: str
    """Its whole path or name, segments between slashes."""
    texts: Mapping[str, Secret]
    """By field; under the empty name, the text of an entry that has no fields."""
    addresses: Mapping[str, str]
    """By field: where exactly that is."""
    labels: Mapping[str, str]
    """What people wrote beside it: tags, custom metadata."""


class SkippedEntry(Frozen, frozen=True, kw_only=True):
    """An entry or a folder that was not looked into."""

    address: str
    reason: str
    readable: bool
    """False: we may not read it, or it is damaged. True: it is not for us to look into."""


class SecretListing(Protocol):
    """One walk."""

    def entries(self) -> Iterator[ListedSecret | SkippedEntry]:
        """Everything that is there, in the order of paths.

        Raises:
            InputError: there is more than we are willing to read.
            Unreachable: the server cannot be asked at all.
        """
        ...
