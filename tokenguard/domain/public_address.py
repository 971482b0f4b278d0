"""Which internet addresses are public: judged by allowing what is, not by listing what is not. No lookups."""

import ipaddress

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_CLOSED_V4 = tuple(
    ipaddress.IPv4Network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # a cloud's own metadata service, in public space
    )
)  # fmt: skip
_PRIVATE = tuple(ipaddress.ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
"""RFC 1918 and RFC 4193: what an organisation gives its own machines."""
_OPEN_V6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    ipaddress.IPv6Network(each)
    for each in (
        "2001::/23",  # Teredo, benchmarks, ORCHID and other special uses
        "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    )
)  # fmt: skip
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def is_public(address: IpAddress) -> bool:
    """Whether the address is reachable on the public internet and not in a private network.

    An IPv6 address that carries an IPv4 one is judged by what it carries (NAT64), or is not public (mapped,
    compatible, 6to4, Teredo, ISATAP): those reach where the IPv4 address would, past a filter for it.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return False
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


def is_private(address: IpAddress) -> bool:
    """Whether it is an address that an organisation gives its own machines."""
    return any(address in network for network in _PRIVATE)


def is_loopback(address: IpAddress) -> bool:
    """Whether it is this machine, in the plain spelling (127.0.0.0/8 or ::1)."""
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None


def parsed(text: str) -> IpAddress | None:
    """The address that `text` is in its one strict spelling (no zone, no octal, no short form); None if it is none."""
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None
