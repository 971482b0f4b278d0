"""Shared items in Secrets Manager: one secret each, compressed, replaced by the move of one label."""

import zlib

from tokenguard.clients.aws.secrets import CURRENT, Secrets, new_version
from tokenguard.errors import Conflict, InputError
from tokenguard.ports.shelf import Item, Shared
from tokenguard.stores.aws.bodies import damaged
from tokenguard.stores.aws.place import AwsPlace
from tokenguard.stores.aws.projection import STORE
from tokenguard.stores.inflating import inflated
from tokenguard.stores.refusals import shared_changed

_MAX_PACKED = 65_536
"""Bytes of one secret's value."""
_MAX_UNPACKED = 32 << 20


class AwsShelf:
    """Implements the Shelf port."""

    def __init__(self, secrets: Secrets, place: AwsPlace, store_id: str) -> None:
        self._secrets = secrets
        self._place = place
        self._store_id = store_id

    def read(self, item: Item) -> Shared | None:
        """The item, or None."""
        stored = self._secrets.read(self._place.shared(item))
        if stored is None:
            return None
        try:
            packed = stored.data if isinstance(stored.data, bytes) else b""
            return Shared(stored.version, inflated(packed, _MAX_UNPACKED))
        except zlib.error:
            raise damaged(f"the shared {item} is not readable") from None

    def write(self, item: Item, data: bytes, revision: str) -> None:
        """Replace the item if it is still of that revision; Conflict otherwise, InputError if it is too large."""
        packed = zlib.compress(data, 6)
        if len(packed) > _MAX_PACKED:
            raise InputError(
                f"the {item} are more than one secret of AWS holds", hint="publish them to a file or a web server"
            )
        secret, version = self._place.shared(item), new_version()
        if not revision:
            if not self._secrets.create(secret, version, packed, {STORE: self._store_id}):
                raise shared_changed(item)
            return
        self._secrets.write(secret, version, packed)
        try:
            self._secrets.move(secret, CURRENT, version, revision)
        except Conflict:
            raise shared_changed(item) from None
