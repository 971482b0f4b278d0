"""What the targets of remote deliveries say: `KIND:[//HOST/]PLACE#NAME`, in one canonical spelling each.

The host is part of the target, so that a record pins where its value may go; which credential belongs to a host is
said by the runner's own configuration. Only the vendors' own hosts may be left out.
"""

import re
from dataclasses import dataclass

from tokenguard.domain.field_address import parse_field
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import InputError
from tokenguard.text import safe_text

_HOST = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?"
_DNS_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
SECRET_PLACE = rf"(?P<namespace>{_DNS_LABEL})/(?P<secret>{_DNS_LABEL}(?:\.{_DNS_LABEL}){{0,4}})"
"""Where a Kubernetes Secret is; a pattern for ASCII text."""


@dataclass(frozen=True, slots=True)
class _Grammar:
    pattern: re.Pattern[str]
    default_host: str
    hint: str


@dataclass(frozen=True, slots=True)
class RemoteTarget:
    """One place at one host."""

    host: str
    """`host[:port]`, lower case."""
    parts: dict[str, str]


def _grammar(place: str, default_host: str, hint: str) -> _Grammar:
    host = rf"(?://(?P<host>{_HOST})/)" + ("?" if default_host else "")
    return _Grammar(re.compile(host + place, re.ASCII), default_host, hint)


# Names as the vendors' documentation of their APIs allows them.
_GRAMMARS = {
    ConsumerKind.GITHUB: _grammar(
        r"(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]{0,38})/(?P<repo>[A-Za-z0-9._-]{1,100})"
        r"(?:@(?P<environment>(?! )[^#\x00-\x1f\x7f]{1,255}(?<! )))?#(?P<name>(?!GITHUB_)[A-Z_][A-Z0-9_]{0,254})",
        "api.github.com",
        "write github:OWNER/REPOSITORY[@ENVIRONMENT]#NAME, NAME in capitals and not beginning with GITHUB_",
    ),
    ConsumerKind.GITLAB: _grammar(
        r"(?P<project>[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}){1,20})"
        r"#(?P<name>[A-Za-z0-9_]{1,255})(?:@(?P<scope>(?! )[A-Za-z0-9_.*/${} -]{1,255}(?<! )))?",
        "gitlab.com",
        "write gitlab:GROUP/PROJECT#KEY[@ENVIRONMENT]",
    ),
    ConsumerKind.KUBERNETES: _grammar(
        rf"{SECRET_PLACE}#(?P<name>[A-Za-z0-9._-]{{1,100}})",
        "",
        "write k8s://HOST[:PORT]/NAMESPACE/SECRET#KEY",
    ),
    ConsumerKind.DOPPLER: _grammar(
        r"(?P<project>[a-z0-9_-]{1,100})/(?P<config>[a-z0-9_-]{1,100})#(?P<name>[A-Z_][A-Z0-9_]{0,199})",
        "api.doppler.com",
        "write doppler:PROJECT/CONFIG#NAME",
    ),
    ConsumerKind.ONEPASSWORD: _grammar(
        r"(?P<vault>[a-z0-9]{26})/(?P<item>[a-z0-9]{26})#(?P<name>[A-Za-z0-9 ._-]{1,100})",
        "",
        "write onepassword://CONNECT-HOST[:PORT]/VAULT-ID/ITEM-ID#FIELD",
    ),
}


def canonical(kind: ConsumerKind, target: str) -> str:
    """The target in its canonical spelling; InputError (exit 2) if it is none of this kind."""
    if kind.is_field:
        return parse_field(f"{kind}:{target}").url.partition(":")[2]
    found = _match(kind, target)
    host = found["host"]
    vendor = _GRAMMARS[kind].default_host
    place = target.removeprefix(f"//{host}/") if host else target
    return place if host in {None, vendor} else f"//{host}/{place}"


def parse_target(consumer: Consumer) -> RemoteTarget:
    """Read the target of a consumer at one of the hosts; InputError if a record holds something else."""
    found = _match(consumer.kind, consumer.target)
    parts = {name: text for name, text in found.groupdict().items() if text is not None and name != "host"}
    return RemoteTarget(found["host"] or _GRAMMARS[consumer.kind].default_host, parts)


def _match(kind: ConsumerKind, target: str) -> re.Match[str]:
    found = _GRAMMARS[kind].pattern.fullmatch(target)
    if found is None or any(part in {".", ".."} for part in re.split(r"[/#@]", target)):
        raise InputError(
            f"not a target of {kind}: {safe_text(target, one_line=True, limit=80)!r}", hint=_GRAMMARS[kind].hint
        )
    return found
