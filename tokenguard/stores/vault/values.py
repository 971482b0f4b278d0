"""The secret side: slots that are written once, and the live entry whose version is the pin."""

from collections import OrderedDict
from collections.abc import Callable

from tokenguard.clients.vault.kv import KvEntry, KvMount
from tokenguard.clients.vault.vault_errors import CasLost
from tokenguard.domain.names import Label, TokenId
from tokenguard.domain.secret import Value
from tokenguard.ports.store import Live, Tombstone
from tokenguard.stores.refusals import live_moved, no_such_token, slot_taken, slot_without_value, still_live
from tokenguard.stores.vault.codec import pack_live, pack_slot, unpack_live, unpack_slot
from tokenguard.stores.vault.layout import VaultAddress

_REMEMBERED = 8


class Slots:
    """Candidates and live values of every token.

    The last few values read are cached: a slot can never hold another value, and a runner that destroys one has also
    changed the document, so that this runner's next commit is refused.
    """

    def __init__(self, kv: KvMount, place: VaultAddress, alias: Callable[[TokenId], str | None]) -> None:
        self._kv = kv
        self._place = place
        self._alias_of = alias
        self._read: OrderedDict[tuple[TokenId, Label], Value] = OrderedDict()

    def put(self, token: TokenId, label: Label, content: Value | Tombstone) -> None:
        """Write the slot if it is empty; Conflict otherwise."""
        try:
            self._kv.write(self._place.candidate(token, label), pack_slot(content), 0)
        except CasLost:
            raise slot_taken() from None

    def read(self, token: TokenId, label: Label) -> Value | Tombstone | None:
        """What the slot holds."""
        if (token, label) in self._read:
            return self._read[token, label]
        entry = self._kv.read(self._place.candidate(token, label))
        content = None if entry is None else unpack_slot(entry.data)
        if isinstance(content, Value):
            self._remember(token, label, content)
        return content

    def live(self, token: TokenId) -> Live | None:
        """Return the live value; always read, never cached."""
        entry = self._live_entry(token)
        found = unpack_live(entry.data) if entry else None
        if entry is None or found is None:
            return None
        label, value = found
        self._remember(token, label, value)
        return Live(label, entry.version, value, ending=bool(entry.ends))

    def publish(self, token: TokenId, label: Label, pinned: int) -> int:
        """Make a candidate live under the pin; returns the new version."""
        value = self.read(token, label)
        if not isinstance(value, Value):
            raise slot_without_value()
        return self._write_live(token, label, value, pinned)

    def withdraw(self, token: TokenId, pinned: int) -> None:
        """Let nothing be live, under the pin."""
        self._write_live(token, None, None, pinned)

    def destroy(self, token: TokenId, label: Label) -> None:
        """Turn the slot into a tombstone and take the value's older versions away; safe to repeat."""
        entry = self._live_entry(token)
        live = unpack_live(entry.data) if entry else None
        if live is not None and live[0] == label:
            raise still_live()
        self._read.pop((token, label), None)
        path = self._place.candidate(token, label)
        slot = self._kv.read(path)
        version, content = (slot.version, unpack_slot(slot.data)) if slot else (0, None)
        if not isinstance(content, Tombstone):
            digest = None if content is None else content.digest()
            version = self._write_tombstone(path, Tombstone(reason="destroyed", digest=digest), version)
        if version > 1:
            self._kv.destroy(path, range(1, version))

    def _write_tombstone(self, path: str, tombstone: Tombstone, version: int) -> int:
        try:
            return self._kv.write(path, pack_slot(tombstone), version)
        except CasLost:
            raise slot_taken() from None

    def _live_entry(self, token: TokenId) -> KvEntry | None:
        alias = self._alias_of(token)
        return None if alias is None else self._kv.read(self._place.live(alias))

    def _write_live(self, token: TokenId, label: Label | None, value: Value | None, pinned: int) -> int:
        alias = self._alias_of(token)
        if alias is None:
            raise no_such_token()
        path = self._place.live(alias)
        if pinned == 0:
            self._kv.keep_one_version(path)  # a replaced value is to be in its quarantined slot and nowhere else
        ends = list[str]()
        try:
            try:
                version = self._kv.write(path, pack_live(label, value), pinned, ends.append)
            except CasLost:
                version = self._ending(path, label, value, ends.append)
            if not ends:
                return version
            self._kv.keep_one_version(path)  # consumers would lose what the server deletes by itself
            return self._kv.write(path, pack_live(label, value), version)
        except CasLost:
            raise live_moved() from None

    def _ending(self, path: str, label: Label | None, value: Value | None, ending: Callable[[str], None]) -> int:
        """The version of a publish that was stopped before it switched the end off; CasLost if there is none."""
        entry = self._kv.read(path)
        if entry is None or not entry.ends or unpack_live(entry.data) != (label, value):
            raise CasLost.now()
        ending(entry.ends)
        return entry.version

    def _remember(self, token: TokenId, label: Label, value: Value) -> None:
        self._read.pop((token, label), None)  # the newest last, also where several threads read
        self._read[token, label] = value
        if len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)
