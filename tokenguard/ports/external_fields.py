"""The port for external fields with adopted or delivered values: read in place, replaced by compare-and-set."""

from collections.abc import Mapping
from typing import Protocol

from tokenguard.domain.field_address import AwsFolder, VaultFolder
from tokenguard.domain.secret import Secret
from tokenguard.domain.token import Consumer, ConsumerKind, Location
from tokenguard.errors import InputError, Unfinished
from tokenguard.frozen import Frozen
from tokenguard.ports.secret_listing import SecretListing


class UnexpectedValue(Unfinished):
    """An external field holds a foreign value, or was removed. Nothing was written there."""

    @classmethod
    def at(cls, url: str) -> "UnexpectedValue":
        """Return the error for the field at `url`."""
        return cls(
            f"{url} does not hold the expected value: another writer has changed or removed it",
            hint="find the writer in that server's log, restore the value, then retry; nothing was overwritten",
        )


class Absence(Frozen, frozen=True):
    """A deleted entry that can be restored."""

    message: str
    hint: str


class FieldValue(Frozen, frozen=True):
    """A field's value at one revision of its entry."""

    text: Secret
    version: str
    """The revision of the whole entry, which `replace` must expect."""
    ending: Absence | None = None
    """Why the server will delete the entry by itself, with the way to prevent it; None if it will not."""


class ExternalField(Protocol):
    """One field of an external entry."""

    def read(self) -> FieldValue | None:
        """What the field holds; None if there is no such entry or field.

        Raises:
            Unreachable: it cannot be asked, or denies us.
            InputError: the field holds something else than text.
        """
        ...

    def absence(self) -> Absence | None:
        """Why `read` found nothing, where the entry was deleted and can be brought back; None otherwise."""
        ...

    def replace(self, expected: str, text: Secret) -> None:
        """Give the field this text and leave every other field as it is, if the entry is still at `expected`.

        Raises:
            Conflict: the entry has moved on; nothing was written. A reply that was lost is made up for by looking.
            Unreachable: it cannot be asked, or denies us.
            Unfinished: it is rotated by another party, or the server will delete what was written by itself.
        """
        ...


def nothing_there(place: ExternalField, url: str, *, hint: str) -> InputError:
    """There is no such field, or what was there was deleted; `hint` is for a field that never was."""
    gone = place.absence()
    return InputError(gone.message, hint=gone.hint) if gone else InputError(f"there is no such field: {url}", hint=hint)


class ExternalFields(Protocol):
    """Finds the place of a location, or of a consumer that is a field."""

    def of(self, pinned: Location | Consumer) -> ExternalField:
        """The field; InputError if the address is not supported, or is on another server than the pinned one."""
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


class SurveyedFields(ExternalFields, Protocol):
    """Fields on servers whose entries can be listed."""

    def vault_survey(self, folder: VaultFolder, wanted: Mapping[str, str]) -> SecretListing:
        """The entries below a folder on a Vault that have the wanted custom metadata."""
        ...

    def aws_survey(self, folder: AwsFolder, wanted: Mapping[str, str]) -> SecretListing:
        """The secrets below a prefix on AWS that have the wanted tags."""
        ...
