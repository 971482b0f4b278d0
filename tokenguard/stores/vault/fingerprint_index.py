"""The index from fingerprints to tokens: an entry for each pair, so that writers never meet and one listing answers.

A pair is written before the document that knows the value and removed after the one that forgot it: a crash between
leaves one too many, never one too few.
"""

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
    """Which tokens know which value."""

    kv: KvMount
    place: VaultAddress
    folders: Folders

    def of(self, fingerprint: Fingerprint) -> tuple[TokenId, ...]:
        """The tokens that know a value of that fingerprint, in the order of their ids; one request."""
        return tuple(sorted(token for _, token in self.folders.ours(self.place.holders(fingerprint), document_in)))

    def add(self, token: TokenId, fingerprints: Iterable[Fingerprint]) -> None:
        """Note what a document is about to know."""
        for fingerprint in sorted(fingerprints):
            with suppress(CasLost):  # it is noted already
                self.kv.write(self.place.holder(fingerprint, token), stamp(), 0)

    def remove(self, token: TokenId, fingerprints: Iterable[Fingerprint]) -> None:
        """Forget what the document has forgotten; best effort, since the document is written already."""
        for fingerprint in sorted(fingerprints):
            with suppress(VaultError):
                self.kv.forget(self.place.holder(fingerprint, token))
