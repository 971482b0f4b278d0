"""Lists the entries of a KV version 2 mount with their current values; read-only."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tokenguard.clients.vault.kv import KvEntry, KvMount
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.domain.field_address import VaultField, VaultFolder
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.ports.secret_listing import ListedSecret, SkippedEntry

MAX_ENTRIES = 20_000
MAX_DEPTH = 16
_MAX_FIELDS = 200
_OF_ONE_ENTRY = {VaultFailure.DENIED: "denied", VaultFailure.DELETED: "deleted", VaultFailure.TOO_LARGE: "too large"}


class KvSurvey:
    """Implements `ports.secret_listing.SecretListing`.

    Args:
        kv: the mount.
        folder: where to begin; an entry of that very name is looked at too.
        wanted: labels that an entry must have; none: every entry.
        is_store: whether a folder with these names below it is a store of tokenguard, which is left alone.
    """

    def __init__(
        self,
        kv: KvMount,
        folder: VaultFolder,
        wanted: Mapping[str, str],
        is_store: Callable[[str, Sequence[str]], bool],
    ) -> None:
        self._kv = kv
        self._folder = folder
        self._wanted = wanted
        self._is_store = is_store
        self._count = 0

    def entries(self) -> Iterator[ListedSecret | SkippedEntry]:
        """Everything at and below the folder."""
        if self._folder.path:
            yield from self._entry(self._folder.path)
        yield from self._below(self._folder.path, 0)

    def _below(self, folder: str, depth: int) -> Iterator[ListedSecret | SkippedEntry]:
        try:
            names = self._kv.names(folder)
        except VaultError as error:
            yield self._passed(f"{folder}/", error)
            return
        if self._is_store(folder, names):
            yield SkippedEntry(address=self._address(f"{folder}/"), reason="a store of tokenguard", readable=True)
            return
        for name in sorted(names):
            path = f"{folder}/{name}" if folder else name
            if not name.endswith("/"):
                yield from self._entry(path)
            elif depth >= MAX_DEPTH:
                yield SkippedEntry(address=self._address(path), reason="nested too deeply", readable=False)
            else:
                yield from self._below(path.rstrip("/"), depth + 1)

    def _entry(self, path: str) -> Iterator[ListedSecret | SkippedEntry]:
        self._count += 1
        if self._count > MAX_ENTRIES:
            raise InputError(f"there are more than {MAX_ENTRIES:,} entries", hint="give a prefix with fewer entries")
        try:
            labels = self._kv.labels(path) if self._wanted else {}
            if any(labels.get(name) != text for name, text in self._wanted.items()):
                return
            found = self._kv.read(path)
            texts = _texts(found)
            if texts and not self._wanted:
                labels = self._labels(path)
        except VaultError as error:
            yield self._passed(path, error)
            return
        if texts:
            address = {name: VaultField(mount=self._kv.mount, path=path, field=name).url for name in texts}
            yield ListedSecret(path=path, texts=texts, addresses=address, labels=labels)

    def _labels(self, path: str) -> dict[str, str]:
        """Owners are a help: a login that may not see them sees the rest all the same."""
        try:
            return self._kv.labels(path)
        except VaultError as error:
            if error.reason is not VaultFailure.DENIED:
                raise
            return {}

    def _passed(self, path: str, error: VaultError) -> SkippedEntry:
        if error.reason not in _OF_ONE_ENTRY:
            raise error
        return SkippedEntry(address=self._address(path), reason=_OF_ONE_ENTRY[error.reason], readable=False)

    def _address(self, path: str) -> str:
        """What cannot be looked into, written as an address; a folder ends with a slash."""
        return VaultFolder(mount=self._kv.mount, path=path).url + ("/" if path.endswith("/") else "")


def _texts(found: KvEntry | None) -> dict[str, Secret]:
    data = found.data if found else {}
    texts = {name: Secret(text) for name, text in data.items() if isinstance(text, str) and name}
    return dict(list(texts.items())[:_MAX_FIELDS])
