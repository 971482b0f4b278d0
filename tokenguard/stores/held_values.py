"""Reads the values of one token, for listings of all of them (`Values.holdings`)."""

from tokenguard.domain.names import Label, TokenId
from tokenguard.domain.secret import Value
from tokenguard.ports.store import Live, Tombstone, Values


class StoredValues:
    """Asks the store for each value.

    Args:
        store: holds them.
        token: whose values they are.
    """

    def __init__(self, store: Values, token: TokenId) -> None:
        self._store = store
        self._token = token

    def live(self) -> Live | None:
        """The value consumers get, or None."""
        return self._store.read_live(self._token)

    def candidate(self, label: Label) -> Value | Tombstone | None:
        """What the slot holds."""
        return self._store.read_candidate(self._token, label)
