"""One field of an external KV version 2 entry: read in place, replaced by the server's patch with `cas`."""

from typing import NoReturn

from tokenguard.clients.vault.kv import KvEntry, KvMount
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.domain.field_address import VaultField
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.ports.external_fields import Absence, FieldValue


class KvField:
    """Implements `ports.external_fields.ExternalField`.

    The value goes out as a merge patch, so that the server keeps every other field itself: nothing of them is sent
    back, and nothing can be lost by reading numbers or unknown kinds on the way.
    """

    def __init__(self, kv: KvMount, address: VaultField) -> None:
        self._kv = kv
        self._address = address

    def read(self) -> FieldValue | None:
        """Return the field's value; None if the entry is missing or deleted, or lacks the field."""
        entry = self._entry()
        text = entry.data.get(self._address.field) if entry else None
        if entry is None or text is None:
            return None
        if not isinstance(text, str):
            raise InputError(
                f"the field at {self._address.url} is not text", hint="name a field that holds only the token"
            )
        return FieldValue(Secret(text), str(entry.version))

    def absence(self) -> Absence | None:
        """Return that the entry was deleted, with the commands that restore it."""
        try:
            self._kv.read(self._address.path)
        except VaultError as error:
            if error.reason is VaultFailure.DELETED:
                return Absence(f"the entry at {self._address.url} was deleted", error.hint)
        return None

    def replace(self, expected: str, text: Secret) -> None:
        """Replace the field if the entry is still at version `expected`; CasLost otherwise."""
        try:
            self._kv.merge(self._address.path, {self._address.field: text.reveal()}, int(expected))
        except VaultError as error:
            self._explain(error, ("read", "patch"))

    def _entry(self) -> KvEntry | None:
        try:
            return self._kv.read(self._address.path)
        except VaultError as error:
            if error.reason is VaultFailure.DELETED:
                return None
            self._explain(error, ("read",))

    def _explain(self, error: VaultError, needed: tuple[str, ...]) -> NoReturn:
        if error.reason not in {VaultFailure.DENIED, VaultFailure.UNSUPPORTED}:
            raise error
        able = ", ".join(f'"{each}"' for each in needed)
        raise VaultError(
            f"the vault denies the login in use to {' and '.join(needed)} {self._address.url}",
            hint=f'add to its policy: `path "{policy_path(self._address)}" {{ capabilities = [{able}] }}`',
            reason=error.reason,
        ) from None


def policy_path(address: VaultField) -> str:
    """The path that a policy names for the entry of a field."""
    return f"{address.mount}/data/{address.path}"
