"""The ledger of tombstones in each secret: AWS removes versions without a label, what they were is kept here."""

from tokenguard.domain.names import Label
from tokenguard.errors import Conflict
from tokenguard.ports.store import Tombstone
from tokenguard.stores.aws.bodies import GravesBody, pack, unpack
from tokenguard.stores.aws.secrets import Secrets, new_version

_LEDGER = "tg-graves"
_TRIES = 5


class Graves:
    """Ledgers, each moved on by compare-and-set."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def find(self, home: str, label: Label) -> Tombstone | None:
        """The tombstone of a label, if it has one."""
        ledger, _ = self._read(home)
        return ledger.stones.get(label)

    def add(self, home: str, label: Label, stone: Tombstone) -> None:
        """Write a tombstone down for good; safe to repeat, the first one stays."""
        for attempt in range(_TRIES):
            ledger, since = self._read(home)
            if label in ledger.stones:
                return
            at = new_version()
            self._secrets.write(home, at, pack(GravesBody(stones=ledger.stones | {label: stone})))
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
