"""Which store this machine knows at a place, looked up before SQLite opens the file.

Kept beside the anchors. It tells which anchor must be there, so that an anchor that was removed, and a whole other
store in this one's place, are noticed.
"""

import hashlib
import os
from datetime import datetime
from pathlib import Path

import msgspec

from tokenguard.errors import InputError, NewerFormat, Tampered
from tokenguard.file_replacement import replace_file
from tokenguard.files import check_private_file, make_private_dir, read_limited, shown
from tokenguard.frozen import Frozen
from tokenguard.ports.clock import Clock
from tokenguard.stores.local.anchor import FORMAT, FormatNumber, anchor_gone
from tokenguard.stores.local.layout import anchor_directory
from tokenguard.stores.local.sqlite_errors import translated

_LARGEST = 16_384


class PlaceWatch(Frozen, frozen=True, kw_only=True):
    """Since when this machine notices that a store is put back."""

    since: datetime | None = None
    """None: earlier than such things were written down."""
    begun: bool = False
    """By this very opening: an older copy that was put back before could not be noticed."""


class _KnownPlace(Frozen, frozen=True, kw_only=True):
    format: int
    directory: str
    identity: str
    since: datetime | None = None


class KnownPlace:
    """What this machine knows of the store in `directory`, as it was before SQLite opened that.

    Args:
        directory: where the store is.
        anew: whether an operator has deliberately replaced the store.

    Raises:
        Tampered: the anchor of the store that was here is gone, or what was remembered is not our writing.
        Unreachable: the state directory cannot be read.
    """

    def __init__(self, directory: Path, *, anew: bool = False) -> None:
        real = os.path.realpath(directory)
        self._directory = real.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        self._path = anchor_directory().with_name("places") / hashlib.sha256(os.fsencode(real)).hexdigest()[:32]
        with translated():
            self._known = None if anew else self._read()
            self._anchored = self._anchors()
        if self._known is not None and self._known.identity not in self._anchored:
            raise anchor_gone(anchor_directory() / self._known.identity)

    @property
    def used(self) -> bool:
        """Whether this machine used a store here before."""
        return self._known is not None

    def expects_anchor(self, identity: bytes) -> bool:
        """Whether the store's anchor was there; Tampered if another store was here."""
        if self._known is not None and self._known.identity != identity.hex():
            raise Tampered(
                "the store was replaced by another one",
                hint="if you replaced it yourself: tokenguard store restore --in-place",
            )
        return identity.hex() in self._anchored

    def remember(self, identity: bytes, clock: Clock) -> PlaceWatch:
        """Record the store as the one at this place; called after its anchor is written."""
        if self._known is not None and self._known.identity == identity.hex():
            return PlaceWatch(since=self._known.since)
        begun = identity.hex() not in self._anchored
        since = clock.now() if begun else None
        known = _KnownPlace(format=FORMAT, directory=self._directory, identity=identity.hex(), since=since)
        with translated():
            make_private_dir(self._path.parent)
            replace_file(self._path, msgspec.json.encode(known) + b"\n")
        return PlaceWatch(since=since, begun=begun)

    def _read(self) -> _KnownPlace | None:
        try:
            data = read_limited(self._path, _LARGEST)
            check_private_file(self._path)
            what = "this machine's record of the store"
            NewerFormat.check(what, msgspec.json.decode(data, type=FormatNumber).format, FORMAT)
            found = msgspec.json.decode(data, type=_KnownPlace)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (InputError, msgspec.DecodeError, ValueError, RecursionError):
            found = None
        if found is None or found.directory != self._directory:
            raise Tampered(
                "this machine's record of the store is damaged or was changed",
                hint=f"find out who changed {shown(self._path)}; then `tokenguard store restore --in-place`",
            )
        return found

    @staticmethod
    def _anchors() -> frozenset[str]:
        try:
            return frozenset(path.name for path in anchor_directory().iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()
