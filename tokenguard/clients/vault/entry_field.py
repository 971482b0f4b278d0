"""One field of an external KV version 2 entry: read in place, replaced by the server's patch with `cas`."""

from typing import NoReturn

from tokenguard.clients.vault.kv import KvEntry, KvMount
from tokenguard.clients.vault.preflight import is_other_kind
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.domain.field_address import VaultField
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, Unfinished
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
        return FieldValue(Secret(text), str(entry.version), self._ending(entry))

    def absence(self) -> Absence | None:
        """Return that the entry was deleted, with the commands that restore it, or that its mount is another kind."""
        try:
            entry = self._kv.read(self._address.path)
        except VaultError as error:
            if error.reason is VaultFailure.DELETED:
                return Absence(f"the entry at {self._address.url} was deleted", error.hint)
            return None
        mount = self._address.mount
        if entry is None and is_other_kind(self._kv.connection, mount):
            return Absence(
                f"the mount {mount} is not KV version 2: it has no compare-and-set",
                f"`vault kv enable-versioning {mount}` upgrades it; or move the entry to another mount",
            )
        return None

    def replace(self, expected: str, text: Secret) -> None:
        """Replace the field if the entry is still at version `expected`; CasLost otherwise.

        Raises:
            Unfinished: the server will delete the new version by itself. It is written.
        """
        try:
            self._kv.merge(self._address.path, {self._address.field: text.reveal()}, int(expected))
        except VaultError as error:
            self._explain(error, ("read", "patch"))
        entry = self._entry()
        if entry is not None and (ending := self._ending(entry)):
            raise Unfinished(ending.message, hint=f"{self._keep}, then resume")

    @property
    def _at(self) -> str:
        return f"-mount={self._address.mount} {self._address.path}"

    @property
    def _keep(self) -> str:
        return f"switch that off for entry and mount (`vault kv metadata put -delete-version-after=0s {self._at}`)"

    def _ending(self, entry: KvEntry) -> Absence | None:
        if not entry.ends:
            return None
        at, field = self._at, self._address.field
        return Absence(
            f"the vault will delete the entry at {self._address.url} by itself at {entry.ends[:19]}Z "
            "(delete_version_after)",
            f"{self._keep}, and write it anew: `vault kv get -field={field} {at} | vault kv patch {at} {field}=-`",
        )

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
            f"the vault does not let the login in use {' and '.join(needed)} {self._address.url}",
            hint=f'add to its policy: `path "{policy_path(self._address)}" {{ capabilities = [{able}] }}`',
            reason=error.reason,
        ) from None


def policy_path(address: VaultField) -> str:
    """The path that a policy names for the entry of a field."""
    return f"{address.mount}/data/{address.path}"
