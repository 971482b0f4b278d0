"""Compares the entries that are made from documents with the documents: the index, names and fingerprints.

Lists and lookups read those entries, not the documents, so another writer of them decides what is shown and found.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tokenguard.clients.vault.parallel import in_parallel
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.names import TokenId
from tokenguard.stores.vault.fingerprint_index import Holders
from tokenguard.stores.vault.folders import Folders
from tokenguard.stores.vault.inventory import VaultInventory
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.name_claims import VaultNames


@dataclass(frozen=True, slots=True)
class DerivedEntries:
    """What a store derives from its documents; differences are recorded in its folders' strays."""

    place: VaultAddress
    folders: Folders
    inventory: VaultInventory
    names: VaultNames
    holders: Holders
    load: Callable[[TokenId], Snapshot | None]

    def check(self) -> Sequence[Snapshot]:
        """Record every difference that the login can see; returns the tokens by their documents, ordered by name."""
        try:
            found = self.inventory.documents(self.load)
        except VaultError as error:
            if error.reason is not VaultFailure.DENIED:
                raise
            return ()
        tokens = sorted(found, key=lambda each: each.document.record.name)
        self._each(self._check_name, tokens)
        self._each(self._check_fingerprints, [each for each in tokens if each.document.fingerprints])
        return tokens

    def _check_name(self, snapshot: Snapshot) -> None:
        name = snapshot.document.record.name
        wrong = self.names.misled(snapshot.id, name)
        if wrong and self._now(snapshot).record.name == name:  # not renamed meanwhile
            self.folders.note_lost(self.place.name(name), wrong, self.names.restoring(snapshot.id, name))

    def _check_fingerprints(self, snapshot: Snapshot) -> None:
        lacking = self.holders.lacking(snapshot.id, snapshot.document.fingerprints)
        for mark in self._now(snapshot).fingerprints.intersection(lacking) if lacking else ():
            what = f"a leaked value of {snapshot.document.record.name} would not be recognised: its entry is gone"
            where = self.place.holder(mark, snapshot.id)
            self.folders.note_lost(where, what, self.holders.restoring(snapshot.id, mark))

    def _now(self, snapshot: Snapshot) -> Document:
        return (self.load(snapshot.id) or snapshot).document

    @staticmethod
    def _each(check: Callable[[Snapshot], None], tokens: Sequence[Snapshot]) -> None:
        """Check every token, the first one alone: a login that may not is refused once."""
        try:
            for each in tokens[:1]:
                check(each)
        except VaultError as error:
            if error.reason is not VaultFailure.DENIED:
                raise
            return
        in_parallel(check, tokens[1:])
