"""Shared items on a Vault: one entry each, compressed, replaced by compare-and-set."""

import base64
import binascii
import zlib

from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.trouble import CasLost
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.ports.shelf import Item, Shared
from tokenguard.stores.inflating import inflated
from tokenguard.stores.refusals import shared_changed
from tokenguard.stores.vault.contents import damaged, pack, unpack
from tokenguard.stores.vault.layout import Place

_MAX_PACKED = 900_000
"""Characters; an entry of a Raft store holds a megabyte."""
_MAX_UNPACKED = 32 << 20


class _Packed(Frozen, frozen=True):
    data: str


class VaultShelf:
    """Implements the Shelf port."""

    def __init__(self, kv: KvMount, place: Place) -> None:
        self._kv = kv
        self._place = place

    def read(self, item: Item) -> Shared | None:
        """The item, or None."""
        entry = self._kv.read(self._place.shared(item))
        if entry is None:
            return None
        try:
            packed = base64.b64decode(unpack(entry.data, _Packed).data, validate=True)
            data = inflated(packed, _MAX_UNPACKED)
        except (zlib.error, binascii.Error):
            raise damaged(f"the shared {item} is not readable") from None
        return Shared(str(entry.version), data)

    def write(self, item: Item, data: bytes, revision: str) -> None:
        """Replace the item if it is still of that revision; Conflict otherwise, InputError if it is too large."""
        packed = base64.b64encode(zlib.compress(data, 6)).decode()
        if len(packed) > _MAX_PACKED:
            raise InputError(
                f"the {item} are more than one entry of a Vault holds", hint="publish them to a file or a web server"
            )
        try:
            self._kv.write(self._place.shared(item), pack(_Packed(packed)), int(revision or 0))
        except CasLost:
            raise shared_changed(item) from None
