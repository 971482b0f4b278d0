"""One KV version 2 mount: entries with versions, written by compare-and-set only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.clients.vault.vault_errors import CasLost, VaultError, VaultFailure

PAGE = 1_000
"""Keys of one page of a detailed listing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KvEntry:
    """The entry at a path. Its data may hold a value, so it has no repr."""

    version: int
    data: dict[str, Any]
    ends: str = ""
    """When the server deletes this version by itself (`delete_version_after`); empty: never."""

    def __repr__(self) -> str:
        return f"Entry(version={self.version})"


class KvMount:
    """Reads and writes below one mount. The caller joins paths from validated segments."""

    def __init__(self, connection: VaultConnection, mount: str) -> None:
        self._connection = connection
        self._mount = mount

    @property
    def connection(self) -> VaultConnection:
        """The login under it."""
        return self._connection

    @property
    def mount(self) -> str:
        """The mount's path."""
        return self._mount

    def read(self, path: str) -> KvEntry | None:
        """Return the current version, or None; VaultError if it was deleted."""
        try:
            answer = self._found(
                lambda client: client.secrets.kv.v2.read_secret_version(
                    path, mount_point=self._mount, raise_on_deleted_version=True
                )
            )
        except VaultError as error:
            if error.reason is VaultFailure.DELETED:
                raise VaultError.deleted(self._mount, path, error.version) from None
            raise
        return None if answer is None else _entry(answer)

    def write(self, path: str, data: Mapping[str, Any], cas: int, ending: Callable[[str], None] | None = None) -> int:
        """Write the next version if the current one is `cas` (0: none); returns the new version.

        `ending` hears when the server will delete the new version by itself (`delete_version_after`). Without it, that
        is an error: what was decided by this writing would be forgotten.

        `data` must hold something that was never written before (`stamp`): an answer that is lost is made up for by
        reading what is there, and only our own writing counts as ours.

        Raises:
            CasLost: the current version is another one. Nothing was written.
            VaultError: also if the server will delete it by itself; it is written.
        """
        return self._settled(path, cas, lambda: self._write(path, data, cas, ending), lambda found: found == dict(data))

    def merge(self, path: str, fields: Mapping[str, Any], cas: int) -> int:
        """Replace some fields of the current version if it is `cas`; the server keeps the others as they are.

        Returns the new version. An answer that is lost is made up for by reading: the next version with these fields
        in it is ours.

        Raises:
            CasLost: the current version is another one, or there is none. Nothing was written.
        """

        def holds(found: dict[str, Any]) -> bool:
            return all(found.get(name) == each for name, each in fields.items())

        return self._settled(path, cas, lambda: self._merge(path, fields, cas), holds)

    def names(self, path: str) -> Sequence[str]:
        """The names below a path; folders end with a slash."""
        answer = self._found(lambda client: client.secrets.kv.v2.list_secrets(path, mount_point=self._mount))
        return () if answer is None else _keys(answer)

    def labels(self, path: str) -> dict[str, str]:
        """Return an entry's custom metadata; empty if there is no entry."""
        answer = self._found(lambda client: client.secrets.kv.v2.read_secret_metadata(path, mount_point=self._mount))
        about = {} if answer is None else _part(answer, "data")
        found = {} if about.get("custom_metadata") is None else _part(about, "custom_metadata")
        return {name: text for name, text in found.items() if isinstance(text, str)}

    def versions(self, path: str, after: str = "") -> dict[str, int]:
        """The current versions of a page of entries below a path, those behind `after` in the order of their names.

        Raises:
            VaultError: UNSUPPORTED where a server has no such listing.
        """
        params = {"limit": str(PAGE), **({"after": after} if after else {})}
        answer = self._found(
            lambda client: client.adapter.request("list", f"/v1/{self._mount}/detailed-metadata/{path}", params=params)
        )
        details = {} if answer is None else _part(_part(answer, "data"), "key_info")
        return {name: _version(each) for name, each in details.items() if not name.endswith("/")}

    def keep_one_version(self, path: str) -> None:
        """Let the mount drop an entry's old versions as soon as there is a new one, and never the new one."""
        self._connection.call(
            lambda client: client.secrets.kv.v2.update_metadata(
                path, max_versions=1, delete_version_after="0s", mount_point=self._mount
            )
        )

    def destroy(self, path: str, versions: Sequence[int]) -> None:
        """Destroy the content of old versions permanently. Idempotent."""
        self._connection.call(
            lambda client: client.secrets.kv.v2.destroy_secret_versions(path, list(versions), mount_point=self._mount)
        )

    def forget(self, path: str) -> None:
        """Delete an entry with all its versions. Idempotent."""
        self._connection.call(
            lambda client: client.secrets.kv.v2.delete_metadata_and_all_versions(path, mount_point=self._mount)
        )

    def _found(self, ask: Callable[[Any], Any]) -> Any | None:
        """The answer to a question that may be repeated; None where there is nothing."""
        try:
            return self._connection.call(ask)
        except VaultError as error:
            if error.reason is VaultFailure.ABSENT:
                return None
            raise

    def _write(self, path: str, data: Mapping[str, Any], cas: int, ending: Callable[[str], None] | None) -> int:
        answer = self._connection.once(
            lambda client: client.secrets.kv.v2.create_or_update_secret(
                path, secret=dict(data), cas=cas, mount_point=self._mount
            )
        )
        version = _next_version(answer, cas)
        if at := _part(answer, "data").get("deletion_time"):
            if ending is None:
                raise VaultError.ending(self._mount, path)
            ending(str(at))
        return version

    def _merge(self, path: str, fields: Mapping[str, Any], cas: int) -> int:
        try:
            answer = self._connection.once(
                lambda client: client.adapter.request(
                    "patch",
                    f"/v1/{quote(self._mount)}/data/{quote(path)}",
                    headers={"Content-Type": "application/merge-patch+json"},
                    json={"options": {"cas": cas}, "data": dict(fields)},
                )
            )
        except VaultError as error:
            if error.reason in {VaultFailure.ABSENT, VaultFailure.DELETED}:
                raise VaultError.because(VaultFailure.CAS) from None
            raise
        return _next_version(answer, cas)

    def _settled(self, path: str, cas: int, attempt: Callable[[], int], ours: Callable[[dict[str, Any]], bool]) -> int:
        """Write with compare-and-set and resolve an unknown outcome by reading; returns the new version."""

        def arrived() -> bool:
            entry = self.read(path)
            return entry is not None and entry.version == cas + 1 and ours(entry.data)

        number = 0
        while True:
            number += 1
            try:
                return attempt()
            except VaultError as error:
                if error.reason is VaultFailure.CAS:
                    if number > 1 and arrived():
                        return cas + 1
                    raise CasLost.now() from None
                if not self._connection.pause(number, error):
                    if error.undecided and arrived():
                        return cas + 1
                    raise


def _next_version(answer: Any, cas: int) -> int:
    if _part(answer, "data").get("version") != cas + 1:
        raise VaultError.because(VaultFailure.MALFORMED)  # a mount without compare-and-set answers otherwise
    return cas + 1


def _entry(answer: Any) -> KvEntry:
    outer = _part(answer, "data")
    about = _part(outer, "metadata")
    ends = about.get("deletion_time")
    return KvEntry(
        version=_version(about, "version"), data=_part(outer, "data"), ends=ends if isinstance(ends, str) else ""
    )


def _keys(answer: Any) -> Sequence[str]:
    keys = _part(answer, "data").get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise VaultError.because(VaultFailure.MALFORMED)
    return tuple(keys)


def _version(details: Any, name: str = "current_version") -> int:
    version = details.get(name) if isinstance(details, dict) else None
    if not isinstance(version, int):
        raise VaultError.because(VaultFailure.MALFORMED)
    return version


def _part(answer: Any, name: str) -> dict[str, Any]:
    part = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(part, dict):
        raise VaultError.because(VaultFailure.MALFORMED)
    return part
