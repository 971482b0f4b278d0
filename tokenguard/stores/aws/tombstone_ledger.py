"""The ledger of each secret: AWS removes versions without a label, what must be kept of them is kept here."""

import contextlib
from collections.abc import Callable, Mapping

from tokenguard.clients.aws.secrets import Secrets, new_version
from tokenguard.domain.names import Label
from tokenguard.errors import Conflict
from tokenguard.ports.store import Tombstone
from tokenguard.stores.aws.codec import GravesBody, pack, unpack

_LEDGER = "tg-graves"
_TRIES = 5


class Graves:
    """Ledgers, each moved on by compare-and-set."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def read(self, home: str) -> GravesBody:
        """The whole ledger; an empty one if there is none."""
        return self._read(home)[0]

    def opened(self, home: str) -> GravesBody:
        """The ledger, begun if there is none: once a secret has all its labels, there is no room for this one."""
        ledger, since = self._read(home)
        if since is None:
            at = new_version()
            self._secrets.write(home, at, pack(ledger))
            with contextlib.suppress(Conflict):  # then another runner has begun it
                self._secrets.move(home, _LEDGER, at, None)
            return self.read(home)
        return ledger

    def add(self, home: str, label: Label, stone: Tombstone, *, slot: str) -> None:
        """Write a tombstone down for good; safe to repeat, the first one stays. `slot` leaves the attic."""

        def buried(ledger: GravesBody) -> GravesBody:
            attic = {version: data for version, data in ledger.attic.items() if version != slot}
            return GravesBody(stones={label: stone} | ledger.stones, attic=attic)

        self._change(home, buried)

    def stow(self, home: str, slots: Mapping[str, bytes]) -> None:
        """Keep the contents of slots, by their version ids, so that their labels can go."""
        self._change(home, lambda ledger: GravesBody(stones=ledger.stones, attic={**ledger.attic, **slots}))

    def _change(self, home: str, change: Callable[[GravesBody], GravesBody]) -> None:
        for attempt in range(_TRIES):
            ledger, since = self._read(home)
            changed = change(ledger)
            if (changed.stones, changed.attic) == (ledger.stones, ledger.attic):
                return
            at = new_version()
            self._secrets.write(home, at, pack(changed))
            try:
                self._secrets.move(home, _LEDGER, at, since)
            except Conflict:
                # another runner buried something else; ours still has to be written
                if attempt == _TRIES - 1:
                    raise
            else:
                return

    def _read(self, home: str) -> tuple[GravesBody, str | None]:
        stored = self._secrets.read(home, stage=_LEDGER)
        if stored is None:
            return GravesBody(), None
        return unpack(stored.data if isinstance(stored.data, bytes) else b"", GravesBody), stored.version
