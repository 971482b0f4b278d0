"""Validates base URLs (https, or http to loopback addresses only) and joins paths."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from tokenguard.domain import public_address
from tokenguard.errors import InputError
from tokenguard.text import safe_text

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9](?:[a-z0-9-]{0,62}))*", re.ASCII)
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*", re.ASCII)
_PORTS = {"https": 443, "http": 80}
_MAX_URL = 2048


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL that was checked: no userinfo, no query, no way to climb, https unless loopback."""

    scheme: str
    host: str
    """Lower case; an IPv6 address without its brackets."""
    port: int
    path: str
    """Empty, or starting with a slash and not ending with one."""

    @classmethod
    def parse(cls, text: str, *, what: str = "provider address", plain_http: bool = False) -> "Address":
        """Read a base URL; InputError (exit 2) says what is wrong with it, without showing any of it.

        `plain_http` is for proxies: what is sent through one is encrypted end to end all the same.
        """
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise _bad(what, "it does not parse as a URL") from None
        if len(text) > _MAX_URL or not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
            raise _bad(what, "it holds characters a URL cannot hold")
        if "@" in parts.netloc:
            raise _bad(what, "it holds a user name or password")
        if parts.scheme not in _PORTS or not parts.netloc:
            raise _bad(what, "it does not begin with https:// and a host")
        if parts.query or parts.fragment or text.endswith(("?", "#")):
            raise _bad(what, "it holds a query or a fragment")
        path = parts.path.rstrip("/")
        if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
            raise _bad(what, "its path has a segment that is not plain text")
        host = _host(parts.hostname or "", what)
        address = cls(parts.scheme, host, port or _PORTS[parts.scheme], path)
        if parts.scheme == "http" and not address.loopback and not plain_http:
            raise _bad(what, "it is not https (plain http is for this machine only)")
        return address

    @property
    def loopback(self) -> bool:
        """Whether it names this machine: `localhost` or an address of 127.0.0.0/8 or ::1, in the usual spelling."""
        return self.host == "localhost" or is_loopback(self.host)

    @property
    def private(self) -> bool:
        """Whether it is a private address in digits, or a name without a dot, as containers of one network have."""
        literal = public_address.parsed(self.host)
        return "." not in self.host if literal is None else public_address.is_private(literal)

    @property
    def authority(self) -> str:
        """`host[:port]`, the port only when it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`, the port only when it is not the scheme's own."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return self.origin + self.path

    def target(self, segments: tuple[str, ...], query: tuple[tuple[str, str], ...] = ()) -> str:
        """The request target of a path below the base; every segment is encoded, so none can leave its place."""
        if any(segment in {"", ".", ".."} for segment in segments):
            raise ValueError("not a path segment")
        path = "".join("/" + quote(segment, safe="") for segment in segments)
        pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
        return (self.path + path or "/") + (f"?{pairs}" if pairs else "")


def proxy_at(url: str, *, what: str = "proxy") -> Address | None:
    """The address of a proxy, None for no text; InputError if it is not usable."""
    return Address.parse(url, what=what, plain_http=True) if url else None


def is_loopback(host: str) -> bool:
    """Whether a literal address is a loopback one; False for names."""
    address = public_address.parsed(host.partition("%")[0])
    return address is not None and public_address.is_loopback(address)


def _host(host: str, what: str) -> str:
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        if not _HOST.fullmatch(host):
            raise _bad(what, "its host name is not valid") from None
        return host


def _bad(what: str, why: str) -> InputError:
    return InputError(
        f"not a usable {safe_text(what, one_line=True, limit=80)}: {why}",
        hint="write https://host[:port][/path] and keep credentials out of addresses",
    )
