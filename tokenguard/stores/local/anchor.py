"""The anchor: what this machine saw of a store last, kept outside it, so that an old copy put back shows."""

import hashlib
import hmac
from pathlib import Path

import msgspec

from tokenguard.errors import InputError, Tampered
from tokenguard.files import check_private_file, make_private_dir, read_limited, replace_file, shown
from tokenguard.frozen import Frozen
from tokenguard.stores.local.framing import framed, number
from tokenguard.stores.local.trouble import translated

_LARGEST = 4096
_LABEL = b"tokenguard/1/anchor"


class Seen(Frozen, frozen=True, kw_only=True):
    """One moment of the store."""

    generation: int
    root: bytes


class _Line(Frozen, frozen=True, kw_only=True):
    format: int
    generation: int
    root: str
    mac: str


class Anchor:
    """The anchor file of one store on this machine.

    Args:
        directory: private, outside the store's own.
        store_id: 16 bytes; names the file.
        key: 32 bytes, as old as the store, so that a rekey leaves every anchor valid.
    """

    def __init__(self, directory: Path, store_id: bytes, key: bytes) -> None:
        self._path = directory / store_id.hex()
        self._store_id = store_id
        self._key = key

    def read(self) -> Seen | None:
        """What was seen last; None on a machine that never saw the store. Tampered if it is not our writing."""
        try:
            with translated():
                try:
                    data = read_limited(self._path, _LARGEST)
                except FileNotFoundError:
                    return None
                check_private_file(self._path)
            line = msgspec.json.decode(data, type=_Line)
            seen = Seen(generation=line.generation, root=bytes.fromhex(line.root))
            valid = hmac.compare_digest(line.mac.encode(), self._mac(seen).encode())
        except (msgspec.DecodeError, ValueError, RecursionError, InputError):
            valid = False
        if not valid:
            raise self._tampered("the store's anchor is not what tokenguard wrote")
        return seen

    def write(self, seen: Seen) -> None:
        """Remember; durable when it returns."""
        line = _Line(format=1, generation=seen.generation, root=seen.root.hex(), mac=self._mac(seen))
        with translated():
            make_private_dir(self._path.parent)
            replace_file(self._path, msgspec.json.encode(line) + b"\n")

    def check(self, anchored: Seen | None, found: Seen) -> bool:
        """Tampered if the store went back; True if `found` is news that should be remembered.

        `anchored` must have been read before `found` was: then another process's commit can only make the store
        newer than the anchor, never older.
        """
        if anchored is None or anchored.generation < found.generation:
            return True
        if anchored != found:
            raise self._tampered("the store is older than what this machine saw of it, or another history of it")
        return False

    def _mac(self, seen: Seen) -> str:
        parts = framed(_LABEL, self._store_id, number(seen.generation), seen.root)
        return hmac.digest(self._key, parts, hashlib.sha256).hex()

    def _tampered(self, message: str) -> Tampered:
        return Tampered(
            message,
            hint=f"find out who changed it; if you put a backup back on purpose, remove {shown(self._path)}",
        )
