"""Reads and writes a server's configuration: mounts, policies, auth methods, roles, audit devices."""

from typing import Any

from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.errors import InputError, Unreachable
from tokenguard.ports.clock import Clock
from tokenguard.provisioning.server_setup.setup_diff import Found
from tokenguard.provisioning.server_setup.vault_setup import Resource, ServerObjectKind

_LISTED = {
    ServerObjectKind.MOUNT: "sys/mounts",
    ServerObjectKind.METHOD: "sys/auth",
    ServerObjectKind.AUDIT: "sys/audit",
}
"""What can only be asked for all at once; a server says of a single one that is missing what it says of an error."""
_LOOKS = 40
_PAUSE = 0.25
"""Seconds between two looks."""
_OWNER = "log in as an administrator of the server, or give them the output of `tokenguard setup --emit terraform`"


class VaultServer:
    """One server, with the login of its administrator."""

    def __init__(self, connection: VaultConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def read(self, resource: Resource) -> Found:
        """What the server has of it, or None.

        Raises:
            Unreachable: the login may not read it, or the server does not answer.
        """
        listing = _LISTED.get(resource.kind)
        try:
            data = self._connection.request("get", f"/v1/{listing or resource.path}").get("data")
        except VaultError as error:
            if error.reason in {VaultFailure.ABSENT, VaultFailure.UNSUPPORTED}:
                return None
            raise _denied(resource, "look at") if error.reason is VaultFailure.DENIED else error from None
        if not isinstance(data, dict):
            raise VaultError.because(VaultFailure.MALFORMED)
        found: Any = data.get(f"{resource.name}/") if listing else data
        return found if isinstance(found, dict) else None

    def write(self, resource: Resource) -> None:
        """Make it as it should be.

        Raises:
            Unreachable: the login may not write it, or the server does not answer.
            InputError: the server does not take it.
        """
        try:
            self._connection.once(
                lambda client: client.adapter.request("put", f"/v1/{resource.path}", json=dict(resource.wanted))
            )
        except VaultError as error:
            if error.reason is VaultFailure.DENIED:
                raise _denied(resource, "write") from None
            if error.reason in {VaultFailure.REFUSED, VaultFailure.UNSUPPORTED, VaultFailure.ABSENT}:
                raise InputError(f"the vault rejected the {resource.title}", hint=_REFUSED[resource.kind]) from None
            raise
        if resource.kind is ServerObjectKind.MOUNT:
            self._await_versions(resource.name)

    def _await_versions(self, mount: str) -> None:
        """A new mount takes no entries for the moment in which the server makes it a versioned one."""
        for _ in range(_LOOKS):
            try:
                self._connection.request("get", f"/v1/{mount}/config")
            except VaultError as error:
                if error.reason is not VaultFailure.REFUSED:
                    return  # a later use of the mount reports what is wrong
                self._clock.sleep(_PAUSE)
            else:
                return


def _denied(resource: Resource, verb: str) -> Unreachable:
    return Unreachable(f"the vault does not let this login {verb} the {resource.title}", hint=_OWNER)


_REFUSED = {
    ServerObjectKind.MOUNT: "check whether something else exists at that path or below it",
    ServerObjectKind.POLICY: "see the server's log",
    ServerObjectKind.METHOD: "check that the server supports this login method",
    ServerObjectKind.ISSUER: "the server must reach and trust the issuer "
    "(a cluster may need ca_certificate): see its log",
    ServerObjectKind.ROLE: "see the server's log",
    ServerObjectKind.AUDIT: "OpenBao takes audit devices from its own configuration file only: "
    "put it there; docs/ci.md shows how",
}
