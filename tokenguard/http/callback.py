"""Validates a callback URL: every address behind it is checked, then pinned.

The name is looked up once. What is connected to later is an address that was judged here, so that a name which
answers differently the second time (DNS rebinding) leads nowhere new.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from tokenguard.domain.callback_url import HTTPS_PORT, UrlProblem, means_this_machine, read_callback_url
from tokenguard.domain.public_address import is_loopback, is_public, parsed
from tokenguard.errors import InputError, Unreachable
from tokenguard.http.address import Address
from tokenguard.http.client import DEADLINE, Client, Network
from tokenguard.ports.clock import Clock
from tokenguard.waiting import DeadlineExceeded, run_with_deadline

Resolve = Callable[[str, int], Sequence[str]]
"""All addresses of a name; OSError if it has none."""

_MAX_ADDRESSES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackUrl:
    """A URL that was validated, with the addresses that its host had then."""

    url: str
    host: str
    port: int
    https: bool
    addresses: tuple[str, ...]
    """Every one of them public (or loopback, where that was allowed)."""

    @property
    def path(self) -> tuple[str, ...]:
        """The segments of its path, decoded, empty ones left out."""
        return tuple(unquote(segment) for segment in urlsplit(self.url).path.split("/") if segment)

    def client(self, clock: Clock, network: Network | None = None, *, deadline: float = DEADLINE) -> Client:
        """A client of its origin that connects to the first of its addresses and never looks the name up again."""
        base = Address("https" if self.https else "http", self.host, self.port, "")
        return Client(base, clock, network, deadline=deadline, pinned=self.addresses[0])


def validate_callback_url(
    url: str,
    *,
    ports: frozenset[int] = frozenset({HTTPS_PORT}),
    allow_loopback: bool = False,
    resolve: Resolve | None = None,
) -> CallbackUrl:
    """Check a URL before it is given to a provider as `callback_url`, or called.

    It must be https at one of `ports`, without a user name, a fragment or a token in its query; and every address that
    its host has must be on the public internet.

    Args:
        url: the text, from anywhere.
        ports: the ports that are allowed; 443 only, if nothing is said.
        allow_loopback: for tests and practice: literal loopback addresses are fine, over http and at any port.
        resolve: how a name's addresses are found; the system's resolver if None.

    Raises:
        InputError: it must not be used; the message says why and quotes nothing of it.
        Unreachable: its name could not be looked up.
    """
    look_up = resolve or _looked_up
    parts = read_callback_url(url, ports=ports, allow_loopback=allow_loopback)
    if parts.problem is not None:
        raise _bad(parts.problem)
    try:
        found = tuple(dict.fromkeys(run_with_deadline(lambda: look_up(parts.host, parts.port), DEADLINE)))
    except (OSError, UnicodeError, DeadlineExceeded):
        found = ()
    if not found:
        raise Unreachable(
            "the callback URL's host has no address", hint="check its spelling, and that its name is public"
        )
    may_be_loopback = allow_loopback and means_this_machine(parts.host)
    for text in found[: _MAX_ADDRESSES + 1]:
        address = parsed(text)
        fine = address is not None and (is_loopback(address) if may_be_loopback else is_public(address))
        if not fine or len(found) > _MAX_ADDRESSES:
            raise _bad(UrlProblem.PRIVATE)
    return CallbackUrl(url=url, host=parts.host, port=parts.port, https=parts.https, addresses=found)


def _looked_up(host: str, port: int) -> list[str]:
    if parsed(host) is not None:
        return [host]
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(row[4][0]) for row in rows]


def _bad(problem: UrlProblem) -> InputError:
    return InputError(
        f"not a usable callback URL: {problem.value}",
        hint="write https://host/path with a public host; identify a callback by its job id, not by a token in its URL",
    )
