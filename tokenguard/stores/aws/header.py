"""The store's own secret: what a prefix is, and what it says of a move to or from another store."""

from collections.abc import Sequence

from tokenguard.clients.aws.secrets import CURRENT, Secrets, new_version
from tokenguard.domain.event import STORE_CHAIN, ChainHead, Event, extend
from tokenguard.domain.fingerprint import FingerprintKey
from tokenguard.domain.migration_status import Move
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.stores.aws.codec import StoreBody, damaged, pack, unpack
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.refusals import move_changed


class Header:
    """The secret `PREFIX/@store`, replaced by moving `AWSCURRENT` under compare-and-set."""

    def __init__(self, secrets: Secrets, place: AwsPlace) -> None:
        self._secrets = secrets
        self._place = place

    def read(self) -> tuple[str, StoreBody]:
        """What the store is, and the version that says so; InputError if there is none."""
        stored = self._secrets.read(self._place.header)
        if stored is None:
            raise InputError(
                f"there is no store at {self._place.url}", hint=f"tokenguard --store {self._place.url} init"
            )
        if isinstance(stored.data, str):
            raise damaged("the store's own secret holds what tokenguard does not write")
        return stored.version, unpack(stored.data, StoreBody)

    def put_move(self, expected: Move | None, move: Move | None, events: Sequence[Event]) -> StoreBody:
        """Replace the move if it still is `expected`, with its events; returns what the store is now.

        Raises:
            Conflict: it is another one by now. Nothing counts that was written.
        """
        since, body = self.read()
        if body.move != expected:
            raise move_changed()
        last = body.entries[-1]
        _, entries = extend(STORE_CHAIN, ChainHead(last.seq, last.hash), events)
        return self._put(since, replace(body, move=move, entries=(*body.entries, *entries)))

    def put_key(self, key: FingerprintKey) -> StoreBody:
        """Let the store know values by `key`; returns what it is now."""
        since, body = self.read()
        return body if body.fingerprint_key == key.data else self._put(since, replace(body, fingerprint_key=key.data))

    def _put(self, since: str, body: StoreBody) -> StoreBody:
        at = new_version()
        self._secrets.write(self._place.header, at, pack(body))
        self._secrets.move(self._place.header, CURRENT, at, since)
        return body
