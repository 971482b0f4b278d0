"""The anchor: the last state of a store seen on this machine, kept outside it to detect rollbacks."""

import contextlib
import hashlib
import hmac
from pathlib import Path

import msgspec

from tokenguard.errors import InputError, NewerFormat, Tampered
from tokenguard.files import check_private_file, fsync_dir, make_private_dir, read_limited, shown, write_new
from tokenguard.frozen import Frozen
from tokenguard.stores.local.length_prefix import length_prefixed, number
from tokenguard.stores.local.sqlite_errors import translated

FORMAT = 1
"""Of what this machine remembers of stores: anchors and known places."""
_LARGEST = 4096
_LABEL = b"tokenguard/1/anchor"


class AnchoredState(Frozen, frozen=True, kw_only=True):
    """One moment of the store."""

    generation: int
    root: bytes


class FormatNumber(Frozen, frozen=True, kw_only=True):
    """The key of a file of the state directory that says how to read the rest."""

    format: int


class _AnchorLine(Frozen, frozen=True, kw_only=True):
    format: int
    generation: int
    root: str
    mac: str


class Anchor:
    """The anchor file of one store on this machine.

    Args:
        directory: private, outside the store's own.
        identity: 16 bytes; names the file.
        key: 32 bytes, as old as the store, so that a rekey leaves every anchor valid.
        expected: it was there before SQLite opened the store.
    """

    def __init__(self, directory: Path, identity: bytes, key: bytes, *, expected: bool = False) -> None:
        self._path = directory / identity.hex()
        self._next = directory / f".{identity.hex()}.next"
        self._identity = identity
        self._key = key
        self._expected = expected
        self._prepared: AnchoredState | None = None

    def read(self) -> AnchoredState | None:
        """Return the last state seen; None if this machine has never seen the store.

        Raises:
            NewerFormat: a newer version wrote the anchor.
            Tampered: the anchor was not written by tokenguard, or has disappeared.
        """
        try:
            with translated():
                try:
                    data = read_limited(self._path, _LARGEST)
                except FileNotFoundError:
                    if self._expected:
                        raise anchor_gone(self._path) from None
                    return None
                check_private_file(self._path)
            NewerFormat.check("the store's anchor", msgspec.json.decode(data, type=FormatNumber).format, FORMAT)
            line = msgspec.json.decode(data, type=_AnchorLine)
            seen = AnchoredState(generation=line.generation, root=bytes.fromhex(line.root))
            valid = hmac.compare_digest(line.mac.encode(), self._mac(seen).encode())
        except (msgspec.DecodeError, ValueError, RecursionError, InputError):
            valid = False
        if not valid:
            raise Tampered("the store's anchor is damaged or was changed", hint=_whose(self._path))
        self._expected = True
        return seen

    def prepare(self, seen: AnchoredState) -> None:
        """Write the file that `write` will rename; called before a commit, which must not happen if this fails."""
        line = _AnchorLine(format=FORMAT, generation=seen.generation, root=seen.root.hex(), mac=self._mac(seen))
        with translated():
            make_private_dir(self._path.parent)
            with contextlib.suppress(FileNotFoundError):
                self._next.unlink()
            write_new(self._next, msgspec.json.encode(line) + b"\n")
        self._prepared = seen

    def write(self, seen: AnchoredState) -> None:
        """Write the anchor; durable on return. The caller holds the store's lock."""
        if self._prepared != seen:
            self.prepare(seen)
        self._prepared = None
        with translated():
            self._next.rename(self._path)
            fsync_dir(self._path.parent)
        self._expected = True

    def check(self, anchored: AnchoredState | None, found: AnchoredState) -> bool:
        """Tampered if the store went back; True if `found` is news that should be remembered.

        `anchored` must have been read before `found` was: then another process's commit can only make the store
        newer than the anchor, never older.
        """
        if anchored is None or anchored.generation < found.generation:
            return True
        if anchored != found:
            raise Tampered(
                "the store is older than the state this machine saw last, or has a different history",
                hint=_whose(self._path),
            )
        return False

    def _mac(self, seen: AnchoredState) -> str:
        parts = length_prefixed(_LABEL, self._identity, number(seen.generation), seen.root)
        return hmac.digest(self._key, parts, hashlib.sha256).hex()


def anchor_gone(path: Path) -> Tampered:
    """The error for an anchor that this machine had."""
    return Tampered("the store's anchor on this machine has disappeared", hint=_whose(path))


def _whose(path: Path) -> str:
    return (
        f"find out who changed the store or {shown(path)}; then restore a backup: tokenguard store restore FILE, or, "
        "if you replaced the store yourself, accept it: tokenguard store restore --in-place"
    )
