"""Validates the text of a callback URL without a name lookup. Pure: no network.

The same URL is read differently by browsers, proxies and libraries; what any of them could read as another place is
refused rather than understood.
"""

import re
from enum import StrEnum, unique
from urllib.parse import parse_qsl, unquote, urlsplit

from tokenguard.domain.lookalikes import holds_issued
from tokenguard.domain.public_address import is_loopback, is_public, parsed
from tokenguard.frozen import Frozen

MAX_LENGTH = 2048
HTTPS_PORT = 443
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)  # what ends like this is an IPv4 address to a browser
_MAX_HOST = 253
_PRIVATE_ENDINGS = frozenset(
    {"localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa", "test", "invalid",
     "example", "onion", "localdomain"}
)  # fmt: skip
_SECRET_NAMES = re.compile(
    r".*(?:token|secret|passw(?:or)?d|apikey|credential|signature)s?[0-9]*|"  # however it is run together
    r"(?:.*[^a-z])?(?:pwd|pass|key|auth|authorization|bearer|sig|jwt|session)s?[0-9]*"
)
_SECRET_BEGINS = re.compile(r"dx_(?:bearer|secret)_|sk-social-|whsec_|ap_live_|Bearer\b")
_LONG_RANDOM = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_+/=-]{43,}", re.ASCII)


@unique
class UrlProblem(StrEnum):
    """Why a URL must not be given to a provider as a callback. A closed list; it quotes nothing of the URL."""

    MALFORMED = "it is not a plain absolute URL"
    NOT_HTTPS = "it is not https"
    USERINFO = "it holds a user name or password"
    FRAGMENT = "it holds a fragment"
    SECRET_IN_QUERY = "its query holds a token"  # noqa: S105 - a sentence, not a value
    HOST = "its host is not a public name or an address in the usual spelling"
    PRIVATE = "its host is not on the public internet"
    PORT = "its port is not allowed"


class CallbackParts(Frozen, frozen=True, kw_only=True):
    """A callback URL taken apart; `problem` says why it must not be used."""

    host: str = ""
    """Lower case; an IPv6 address without its brackets."""
    port: int = 0
    https: bool = False
    problem: UrlProblem | None = None


def read_callback_url(
    url: str, *, ports: frozenset[int] = frozenset({HTTPS_PORT}), allow_loopback: bool = False
) -> CallbackParts:
    """Parse and validate a callback URL without a name lookup.

    Args:
        url: the text, from anywhere.
        ports: the ports that are allowed.
        allow_loopback: for tests and practice: a literal loopback address is fine, over http too and at any port.
    """
    if not _plain(url):
        return CallbackParts(problem=UrlProblem.MALFORMED)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return CallbackParts(problem=UrlProblem.MALFORMED)
    if parts.scheme not in {"https", "http"} or not url.lower().startswith(f"{parts.scheme}://"):
        wrong = UrlProblem.MALFORMED if not parts.scheme or not parts.netloc else UrlProblem.NOT_HTTPS
        return CallbackParts(problem=wrong)
    https = parts.scheme == "https"
    host = parts.hostname or ""
    if "@" in parts.netloc:
        problem: UrlProblem | None = UrlProblem.USERINFO
    elif "#" in url:
        problem = UrlProblem.FRAGMENT
    elif holds_secret(parts.query):
        problem = UrlProblem.SECRET_IN_QUERY
    else:
        problem = _host_problem(host, bracketed="[" in parts.netloc)
    port = (HTTPS_PORT if https else 80) if port is None else port
    if allow_loopback and problem in {None, UrlProblem.PRIVATE} and means_this_machine(host):
        problem = None
    elif problem is None and not https:
        problem = UrlProblem.NOT_HTTPS
    elif problem is None and port not in ports:
        problem = UrlProblem.PORT
    return CallbackParts(host=host, port=port, https=https, problem=problem)


def holds_secret(query: str) -> bool:
    """Whether a query seems to carry a credential: by a parameter's name, or by what a value looks like."""
    try:
        pairs = parse_qsl(query.replace(";", "&"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return True  # too many parameters to check
    for name, value in [*pairs, ("", unquote(query))]:
        if value and _SECRET_NAMES.fullmatch(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", unquote(name)).lower()):
            return True
        if holds_issued(value) or _SECRET_BEGINS.search(value) or (name and _LONG_RANDOM.fullmatch(value)):
            return True
    return False


def _plain(url: str) -> bool:
    return (
        0 < len(url) <= MAX_LENGTH
        and url.isascii()
        and url.isprintable()
        and not any(char in url for char in ' "<>\\^`{|}')
    )


def _host_problem(host: str, *, bracketed: bool) -> UrlProblem | None:
    address = parsed(host)
    if address is not None:
        written = str(address) if not bracketed else host  # IPv6 has many fair spellings, IPv4 only one
        if (address.version == 6) != bracketed or written != host:  # noqa: PLR2004 - IPv6
            return UrlProblem.HOST
        return None if is_public(address) else UrlProblem.PRIVATE
    labels = host.split(".")
    named = len(host) <= _MAX_HOST and all(_LABEL.fullmatch(label) for label in labels)
    if bracketed or not named or _NUMBER.fullmatch(labels[-1]):
        return UrlProblem.HOST
    return UrlProblem.PRIVATE if len(labels) == 1 or labels[-1] in _PRIVATE_ENDINGS else None


def means_this_machine(host: str) -> bool:
    """Whether it is `localhost` or an address of this machine, in any spelling."""
    address = parsed(host)
    return host == "localhost" or (address is not None and is_loopback(address))
