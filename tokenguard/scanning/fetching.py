"""Brings a bundle from where it was published, a file or an https address; its signature is checked elsewhere."""

from pathlib import Path

from tokenguard.errors import Unreachable
from tokenguard.files import read_named
from tokenguard.ports.clock import Clock
from tokenguard.scanning.bundle import MAX_BYTES


def is_address(source: str) -> bool:
    """Whether it names a place on the network."""
    return "://" in source


def read_bundle_file(path: Path) -> bytes:
    """The bytes of a bundle; InputError if there are none or too many."""
    return read_named(path, MAX_BYTES, hint="name the bundle that was published")


def fetch_bundle(address: str, clock: Clock, *, proxy: str = "", ca_bundle: Path | None = None) -> bytes:
    """The bytes that an address answers with: asked once, without credentials, no redirect followed.

    Args:
        address: https; plain http for this machine only.
        clock: of the client.
        proxy: for https; empty: none.
        ca_bundle: instead of the usual authorities.

    Raises:
        InputError: it is no such address.
        Unreachable: there is no usable answer.
    """
    from tokenguard.http.address import Address  # files need none of it
    from tokenguard.http.answer import Failure
    from tokenguard.http.client import Client, Network, Request

    base = Address.parse(address, what="address of a bundle")
    way = Address.parse(proxy, what="proxy of [network]", plain_http=True) if proxy else None
    outcome = Client(base, clock, Network(proxy=way, ca_bundle=ca_bundle), max_body=MAX_BYTES).send(Request())
    if isinstance(outcome, Failure):
        raise Unreachable(
            f"the bundle cannot be fetched: {outcome.cause}",
            hint="redirects are not followed and at most 16 MiB are read; check the address",
        )
    if not outcome.ok:
        raise Unreachable(
            f"the bundle cannot be fetched: the answer is {outcome.status}", hint="check the address, and try again"
        )
    return outcome.body
