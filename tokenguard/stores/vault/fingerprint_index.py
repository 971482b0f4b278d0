"""The index from fingerprints to tokens: one entry per pair, so that writers never conflict and one listing suffices.

A pair is written before the document that knows the value and removed after the document that no longer does: a crash
in between leaves a surplus pair, never a missing one.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import CasLost, VaultError
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import TokenId
from tokenguard.stores.vault.codec import stamp
from tokenguard.stores.vault.folders import Folders, document_in
from tokenguard.stores.vault.layout import VaultAddress


@dataclass(frozen=True, slots=True)
class Holders:
    """Maps fingerprints to the tokens that know their values."""

    kv: KvMount
    place: VaultAddress
    folders: Folders

    def of(self, fingerprint: Fingerprint) -> tuple[TokenId, ...]:
        """Return the tokens that know a value with that fingerprint, ordered by id; one request."""
        return tuple(sorted(token for _, token in self.folders.ours(self.place.holders(fingerprint), document_in)))

    def lacking(self, token: TokenId, fingerprints: Iterable[Fingerprint]) -> list[Fingerprint]:
        """Return the fingerprints of a document that do not lead to its token."""
        return [each for each in sorted(fingerprints) if not self._leads(each, token)]

    def _leads(self, fingerprint: Fingerprint, token: TokenId) -> bool:
        folder = self.place.holders(fingerprint)
        return token in self.folders.listed.get(folder, ()) or token in self.kv.names(folder)

    def restoring(self, token: TokenId, fingerprint: Fingerprint) -> str:
        """Return the command that writes a pair again."""
        pair, mount = json.dumps(stamp()), self.kv.mount
        return f"`printf '%s' '{pair}' | bao kv put -cas=0 -mount={mount} {self.place.holder(fingerprint, token)} -`"

    def add(self, token: TokenId, fingerprints: Iterable[Fingerprint]) -> None:
        """Add the fingerprints that a document is about to know."""
        for fingerprint in sorted(fingerprints):
            with suppress(CasLost):  # already there
                self.kv.write(self.place.holder(fingerprint, token), stamp(), 0)

    def remove(self, token: TokenId, fingerprints: Iterable[Fingerprint]) -> None:
        """Remove fingerprints that the document no longer knows. Best effort: the document is already written."""
        for fingerprint in sorted(fingerprints):
            with suppress(VaultError):
                self.kv.forget(self.place.holder(fingerprint, token))
