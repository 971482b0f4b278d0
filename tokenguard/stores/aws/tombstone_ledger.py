"""Tombstone ledger. AWS garbage-collects unlabelled versions, so digests we must keep are stored here."""

import contextlib
from collections.abc import Callable, Mapping

from tokenguard.clients.aws.secrets import Secrets, new_version
from tokenguard.domain.names import Label
from tokenguard.errors import Conflict
from tokenguard.ports.store import Tombstone
from tokenguard.stores.aws.codec import LedgerBody, pack, unpack

_LEDGER = "tg-graves"
_TRIES = 5


class TombstoneLedger:
    """The ledgers of one store's secrets, updated by compare-and-set."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def read(self, primary: str) -> LedgerBody:
        """Return the whole ledger; empty if there is none."""
        return self._read(primary)[0]

    def opened(self, primary: str) -> LedgerBody:
        """Return the ledger, created if missing: a secret with all 20 labels in use cannot get another one later."""
        ledger, since = self._read(primary)
        if since is None:
            at = new_version()
            self._secrets.write(primary, at, pack(ledger))
            with contextlib.suppress(Conflict):  # another runner has created it
                self._secrets.move(primary, _LEDGER, at, None)
            return self.read(primary)
        return ledger

    def add(self, primary: str, label: Label, tombstone: Tombstone, *, slot: str) -> None:
        """Record a tombstone permanently (idempotent; the first wins) and drop the archived `slot`."""

        def with_tombstone(ledger: LedgerBody) -> LedgerBody:
            archived_slots = {version: data for version, data in ledger.archived_slots.items() if version != slot}
            return LedgerBody(tombstones={label: tombstone} | ledger.tombstones, archived_slots=archived_slots)

        self._change(primary, with_tombstone)

    def archive(self, primary: str, slots: Mapping[str, bytes]) -> None:
        """Archive the contents of slots by version id, so that their labels can be removed."""
        self._change(
            primary,
            lambda ledger: LedgerBody(tombstones=ledger.tombstones, archived_slots={**ledger.archived_slots, **slots}),
        )

    def _change(self, primary: str, change: Callable[[LedgerBody], LedgerBody]) -> None:
        for attempt in range(_TRIES):
            ledger, since = self._read(primary)
            changed = change(ledger)
            if (changed.tombstones, changed.archived_slots) == (ledger.tombstones, ledger.archived_slots):
                return
            at = new_version()
            self._secrets.write(primary, at, pack(changed))
            try:
                self._secrets.move(primary, _LEDGER, at, since)
            except Conflict:
                # another runner changed the ledger; this change still has to be written
                if attempt == _TRIES - 1:
                    raise
            else:
                return

    def _read(self, primary: str) -> tuple[LedgerBody, str | None]:
        stored = self._secrets.read(primary, stage=_LEDGER)
        if stored is None:
            return LedgerBody(), None
        return unpack(stored.data if isinstance(stored.data, bytes) else b"", LedgerBody), stored.version
