"""Preflight checks before the first write: read-only, with a hint for each problem."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure

MIN_LIFE = 900.0
"""Seconds that a login must last, if it can be neither renewed nor made again: three runs of five minutes."""
MIN_VERSIONS = 2
"""The minimum number of versions per entry: with one, a mistaken write cannot be undone."""


@dataclass(frozen=True, slots=True)
class PreflightProblem:
    """A problem that would make a run fail."""

    message: str
    hint: str


def problems(
    connection: VaultConnection, mount: str, needs: Mapping[str, tuple[str, ...]], now: float, lasts: float = MIN_LIFE
) -> Iterator[PreflightProblem]:
    """Return all problems.

    Args:
        connection: a login.
        mount: where the entries are.
        needs: capabilities by API path (without `/v1/`).
        now: the monotonic time.
        lasts: seconds that the login must live, if it can be neither renewed nor made again.

    Raises:
        VaultError: the server is sealed, not set up, or cannot be asked.
    """
    yield from _health(connection)
    yield from _mount(connection, mount)
    yield from _capabilities(connection, needs)
    lease = connection.lease
    if lease.ends is not None and lease.ends - now < lasts and not (lease.renewable or lease.repeatable):
        yield PreflightProblem(
            f"the login ends in {max(lease.ends - now, 0):.0f} seconds and can be neither renewed nor repeated",
            f"use a renewable token, or one that lasts {lasts:.0f} seconds or longer",
        )


def _health(connection: VaultConnection) -> Iterator[PreflightProblem]:
    try:
        connection.once(lambda client: client.adapter.request("get", "/v1/sys/health"))
    except VaultError as error:
        # 429, 472 and 473 are how standbys and replicas answer this one question
        if error.reason not in {VaultFailure.THROTTLED, VaultFailure.STANDBY}:
            raise
        yield PreflightProblem(
            "the vault's address is that of a standby, which may answer reads without its leader's latest writes",
            "name every node in [vault] address, or the address of the active node (/v1/sys/health answers 200)",
        )


def is_other_kind(connection: VaultConnection, mount: str) -> bool:
    """Whether the mount is there and is not KV version 2; False if the login may not know of it."""
    try:
        return not _is_kv2(connection, mount)
    except VaultError as error:
        if error.reason not in {VaultFailure.DENIED, VaultFailure.ABSENT}:
            raise
        return False


def _is_kv2(connection: VaultConnection, mount: str) -> bool:
    found = connection.request("get", f"/v1/sys/internal/ui/mounts/{mount}").get("data")
    options = (found.get("options") if isinstance(found, dict) else None) or {}
    return options.get("version") == "2"


def _mount(connection: VaultConnection, mount: str) -> Iterator[PreflightProblem]:
    try:
        fit = _is_kv2(connection, mount)
    except VaultError as error:
        if error.reason not in {VaultFailure.DENIED, VaultFailure.ABSENT}:
            raise
        yield PreflightProblem(
            f"there is no mount {mount}, or the login may not see it", "check MOUNT in the store's address"
        )
        return
    if not fit:
        yield PreflightProblem(
            f"the mount {mount} is not KV version 2: it has no compare-and-set",
            f"create one with `vault secrets enable -path={mount} -version=2 kv`, or name another mount",
        )
        return
    yield from _configuration(connection, mount)


def _configuration(connection: VaultConnection, mount: str) -> Iterator[PreflightProblem]:
    try:
        found: Any = connection.call(lambda client: client.secrets.kv.v2.read_configuration(mount_point=mount)).get(
            "data"
        )
    except VaultError as error:
        if error.reason is not VaultFailure.DENIED:
            raise
        yield PreflightProblem(
            f"the login may not read the configuration of the mount {mount}",
            f'add to its policy: `path "{mount}/config" {{ capabilities = ["read"] }}`',
        )
        return
    found = found if isinstance(found, dict) else {}
    if found.get("delete_version_after") not in {None, "", "0s", 0}:
        yield PreflightProblem(
            f"the mount {mount} deletes entries by itself after some time",
            f"vault write {mount}/config delete_version_after=0s",
        )
    if found.get("max_versions") in range(1, MIN_VERSIONS):
        yield PreflightProblem(
            f"the mount {mount} keeps one version of an entry: a mistaken write cannot be undone",
            f"vault write {mount}/config max_versions=10",
        )


def _capabilities(connection: VaultConnection, needs: Mapping[str, tuple[str, ...]]) -> Iterator[PreflightProblem]:
    for path, missing in lacking(held(connection, needs), needs):
        yield PreflightProblem(
            f"the login may not {' or '.join(missing)} {path}",
            "compare the role's policy with `tokenguard init --print-policy`",
        )


def held(connection: VaultConnection, paths: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Return the login's capabilities by API path; one request."""
    answer = connection.request("post", "/v1/sys/capabilities-self", json={"paths": sorted(paths)})
    data = answer.get("data")
    return data if isinstance(data, dict) else {}


def lacking(
    capabilities: Mapping[str, Sequence[str]], needs: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, list[str]]]:
    """Return the missing capabilities by path."""
    for path, wanted in sorted(needs.items()):
        have = capabilities.get(path) or ()
        missing = [] if "root" in have else [each for each in wanted if each not in have]
        if missing:
            yield path, missing
