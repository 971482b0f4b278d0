"""Remembers the servers of a shared store, so that a changed address is noticed before a login is sent.

A configuration may take an address from the environment, and a login is sent with the first request: so what is
configured now is compared with what was reached before, and nothing is sent to an unconfirmed server.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable

import msgspec

from tokenguard.errors import InputError, Tampered, TokenguardError
from tokenguard.file_replacement import replace_file
from tokenguard.files import check_private_file, make_private_dir, read_limited, shown
from tokenguard.frozen import Frozen
from tokenguard.http.address import Address
from tokenguard.stores.local.layout import anchor_directory

_LARGEST = 16_384
_THIS_MACHINE = "this machine"


class _KnownServer(Frozen, frozen=True, kw_only=True):
    store: str
    servers: tuple[str, ...]
    used: tuple[str, ...] | None = None
    """The namespaces in which a store was used; None in files of earlier versions, which may have used any."""


class KnownServers:
    """The servers of one store, as this machine knows them.

    Args:
        url: the store's address, in its one spelling.
        configured: where the configuration says that it is now.
        namespace: the one on the server that the configuration names. Servers are pinned for all namespaces of an
            address together, so that the pin cannot be avoided by another namespace.
    """

    def __init__(self, url: str, configured: Iterable[str], namespace: str = "") -> None:
        self._url = url
        self._configured = frozenset(map(_name, configured))
        self._namespace = namespace
        self._path = anchor_directory().with_name("servers") / hashlib.sha256(url.encode()).hexdigest()[:32]

    def check(self) -> None:
        """Refuse servers that this machine has not reached the store at, if it has reached it before.

        Raises:
            InputError: the configuration names another server than it did; nothing was sent to it.
            Tampered: what was remembered is not what tokenguard writes.
        """
        known = frozenset(self._known().servers)
        strange = sorted(self._configured - known)
        if known and strange:
            raise InputError(
                f"this machine used {self._url} at {', '.join(sorted(known))} before; "
                f"the configuration names {strange[0]}",
                hint=f"if it has moved there: tokenguard --store {self._url} doctor --accept-server; nothing was sent",
            )

    @property
    def known(self) -> bool:
        """Whether this machine has a server of the store on record; Tampered as for `check`."""
        return bool(self._known().servers)

    @property
    def used(self) -> bool:
        """Whether this machine has used a store at this address, in this namespace; Tampered as for `check`."""
        used = self._known().used
        return used is None or self._namespace in used

    @property
    def can_remember(self) -> bool:
        """Whether what is remembered could be kept; makes the folder for it."""
        try:
            make_private_dir(self._path.parent)
        except (OSError, TokenguardError):
            return False
        return os.access(self._path.parent, os.W_OK)

    def remember(self) -> None:
        """Record that the store was used; a machine that keeps no state (a container, a CI job) records nothing."""
        known = self._known()
        if not (self._configured <= set(known.servers) and self._namespace in (known.used or ())):
            with contextlib.suppress(OSError, TokenguardError):
                self._keep(known, {*(known.used or ()), self._namespace})

    def accept(self) -> None:
        """Know the configured servers as well; InputError or OSError where that cannot be kept."""
        known = self._known()
        self._keep(known, known.used)

    def _keep(self, known: _KnownServer, used: Iterable[str] | None) -> None:
        make_private_dir(self._path.parent)
        kept = _KnownServer(
            store=self._url,
            servers=tuple(sorted({*known.servers, *self._configured})),
            used=None if used is None else tuple(sorted(used)),
        )
        replace_file(self._path, msgspec.json.encode(kept) + b"\n")

    def _known(self) -> _KnownServer:
        try:
            data = read_limited(self._path, _LARGEST)
            check_private_file(self._path)
            found = msgspec.json.decode(data, type=_KnownServer)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return _KnownServer(store=self._url, servers=(), used=())
        except (OSError, InputError, msgspec.DecodeError, ValueError, RecursionError):
            found = None
        if found is None or found.store != self._url:
            raise Tampered(
                "this machine's record of the store's servers is damaged or was changed",
                hint=f"investigate who changed {shown(self._path)}, then remove it",
            )
        return found


def _name(server: str) -> str:
    """A server without its port where that is this machine: tunnels and practice servers have changing ones."""
    if "://" not in server:
        return server
    address = Address.parse(server, plain_http=True)  # whether that is allowed is for the client to say
    return _THIS_MACHINE if address.loopback else str(address)
