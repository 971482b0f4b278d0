"""The store's own secret: its description, its own audit entries and its migration marker."""

from collections.abc import Sequence

from tokenguard.clients.aws.secrets import CURRENT, Secrets, Stored, new_version
from tokenguard.domain.event import STORE_CHAIN, ChainHead, Event, extend
from tokenguard.domain.fingerprint import FingerprintKey
from tokenguard.domain.migration_status import Move
from tokenguard.errors import Tampered
from tokenguard.frozen import replace
from tokenguard.stores.aws.codec import StoreBody, damaged, pack, unpack_store
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.aws.put_back import check_current
from tokenguard.stores.refusals import NoStore, move_changed


class Header:
    """The secret `PREFIX/@store`, replaced by moving `AWSCURRENT` with compare-and-set."""

    def __init__(self, secrets: Secrets, place: AwsPlace) -> None:
        self._secrets = secrets
        self._place = place

    def read(self) -> tuple[str, StoreBody]:
        """Return the version and content of the store's description; InputError if there is no store."""
        stored = self._secrets.read(self._place.header)
        if stored is None:
            check = "check REGION and PREFIX, and whose account it is (`aws sts get-caller-identity`)"
            doubt = ", or the present login is of another account"
            raise NoStore(self._place.url, self._place.url, check, doubt=doubt)
        if isinstance(stored.data, str):
            raise damaged("the store's own secret has content that tokenguard never writes")
        return stored.version, unpack_store(stored.data)

    def check(self) -> None:
        """Raise Tampered if an earlier description was put back."""
        stored = self._secrets.read(self._place.header)
        if stored is not None and not check_current(
            self._secrets, self._place.header, self._place.region, stored, _length
        ):
            self.check()

    def put_move(self, expected: Move | None, move: Move | None, events: Sequence[Event]) -> StoreBody:
        """Replace the migration marker if it still is `expected`, with its events; returns the new description.

        Raises:
            Conflict: the marker has changed. Nothing that was written takes effect.
        """
        since, body = self.read()
        if body.move != expected:
            raise move_changed()
        last = body.entries[-1]
        _, entries = extend(STORE_CHAIN, ChainHead(last.seq, last.hash), events)
        return self._put(since, replace(body, move=move, entries=(*body.entries, *entries)))

    def put_key(self, key: FingerprintKey) -> StoreBody:
        """Replace the store's fingerprint key; returns the new description."""
        since, body = self.read()
        return body if body.fingerprint_key == key.data else self._put(since, replace(body, fingerprint_key=key.data))

    def _put(self, since: str, body: StoreBody) -> StoreBody:
        at = new_version()
        self._secrets.write(self._place.header, at, pack(body))
        self._secrets.move(self._place.header, CURRENT, at, since)
        return body


def _length(stored: Stored) -> int:
    try:
        return len(unpack_store(stored.data).entries) if isinstance(stored.data, bytes) else 0
    except Tampered:
        return 0
