"""What is known of each provider without asking it: capabilities, manual steps, and sources of its description."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum, unique
from pathlib import Path

from tokenguard.documents import Tree
from tokenguard.domain.names import segment
from tokenguard.errors import InputError
from tokenguard.files import shown
from tokenguard.frozen import Frozen
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Capabilities, Guide
from tokenguard.providers import provider_registry
from tokenguard.settings import Settings
from tokenguard.shell.vendors import configured_provider


@unique
class DescriptionOrigin(StrEnum):
    """Where a provider's description comes from."""

    BUILT_IN = "built in"
    SHIPPED = "with tokenguard"
    OWN = "own file"


def origin_of(name: str) -> DescriptionOrigin | None:
    """Where tokenguard itself has a provider of that name from; None if it has none."""
    if name in provider_registry.BUILT_IN:
        return DescriptionOrigin.BUILT_IN
    return DescriptionOrigin.SHIPPED if name in provider_registry.described_services() else None


class KnownProvider(Frozen, frozen=True, kw_only=True):
    """One provider."""

    name: str
    origin: DescriptionOrigin
    base_url: str
    capabilities: Capabilities
    guide: Guide
    source: dict[str, str]
    """`documentation`, `contract`, `checked` and `tried_live`, where a file says so."""
    permissions: dict[str, str]
    """What a token can be granted, and what each permission allows."""
    admin_permissions: dict[str, str]
    """What the admin credential needs at least, and for what."""
    uses_admin: bool
    """Whether a request needs the admin credential."""


def known_providers(settings: Settings, clock: Clock) -> Iterator[KnownProvider]:
    """All of them, by name; InputError for a file that is not right."""
    names = {*provider_registry.BUILT_IN, *provider_registry.described_services(), *settings.providers}
    return (known_provider(name, settings, clock) for name in sorted(names))


def known_provider(name: str, settings: Settings, clock: Clock) -> KnownProvider:
    """One of them; InputError if there is none of that name, or its file is not right."""
    provider, file = configured_provider(name, settings, clock), settings.provider(name).file
    built_in = name in provider_registry.BUILT_IN
    said = None if built_in else provider_registry.description_of(name, file)
    origin = DescriptionOrigin.OWN if file is not None else DescriptionOrigin.SHIPPED
    return KnownProvider(
        name=name,
        origin=DescriptionOrigin.BUILT_IN if built_in else origin,
        base_url=provider.base_url,
        capabilities=provider.capabilities,
        guide=provider.guide(),
        source=dict(said.source if said is not None else getattr(provider, "source", {})),
        permissions={} if said is None else dict(said.permissions),
        admin_permissions=dict(said.admin_permissions if said else getattr(provider, "admin_permissions", {})),
        uses_admin=provider.capabilities.unattended if said is None else said.uses_admin,
    )


class CheckedFile(Frozen, frozen=True):
    """What came of playing one provider file against a service on loopback."""

    name: str
    results: dict[str, str]
    """By check: why it failed, or empty."""


def check_files(settings: Settings, names: Sequence[str]) -> Iterator[CheckedFile]:
    """Play the files of providers, given by name or path, or of all that have one; InputError for no such file."""
    from tokenguard.providers.generic.file_checks import checks_for, run_check  # brings a server
    from tokenguard.providers.generic.loading import load

    own = {name for name in settings.providers if settings.provider(name).file is not None}
    for name in names or sorted({*provider_registry.described_services(), *own}):
        if name in provider_registry.BUILT_IN:
            raise InputError(f"{name} is built in and has no file", hint="`tokenguard sandbox` imitates it")
        is_path = "/" in name or name.endswith((".yaml", ".yml"))
        file = None if is_path else settings.provider(name).file
        described = load(Path(name)) if is_path else provider_registry.description_of(name, file)
        results = {check.name: run_check(check, described) for check in checks_for(described)}
        yield CheckedFile(described.name, results)


class FileAnswers(Frozen, frozen=True, kw_only=True):
    """What is known of a service before its provider file is written; empty: the example stays."""

    base_url: str = ""
    documentation: str = ""
    contract: str = ""
    """A published OpenAPI description and its commit or date."""
    auth: str = ""
    """`bearer`, `basic` or `header NAME`."""
    by_person: str = ""
    """`create`, if only a person creates tokens; `all`, if a person lists and revokes them as well."""
    today: str = ""


_OF_ANY_SERVICE = frozenset(
    {"name", "kind", "scope_kind", "auth", "admin_auth", "encoding", "lifetime", "source", "overlap", "revoke"}
)
"""Keys whose values in the example are those of many services."""
_PAGE = re.compile(r"https?://[^\s/]+\S*")
_COLUMN = 33
"""Where comments of the example begin."""
_MOVED = re.compile(r"(?m)^(\S.{0,30}?|  \S.{0,28}?) {2,}(# .*)$")
"""A line whose comment an answer has moved, as long as there is room."""
_SPECIAL = {"probe": ("query", "scope", "scope_name"), "create": ("request",), "list": ("query", "status")}
_GUIDE = {
    "create": """\
guide:                           # what a person does, in the service's words
  where: https://acme.example > Settings > Keys
  create:
    - create a key, name it {label}, and grant it {permissions} in {scope_name} ({scope})
    - copy the value; it is shown only once
""",
    "all": """\
  revoke:
    - find {label} ({hint}) and choose Delete
""",
}


def new_description(name: str, answers: FileAnswers | None = None) -> str:
    """The text of a provider file to begin with, every key of which is explained; InputError for no name.

    Args:
        name: the provider.
        answers: what differs from the example.

    Raises:
        InputError: the name is not a segment, or an answer cannot stand in a provider file.
    """
    from tokenguard.providers.generic.loading import describe  # brings the YAML reader

    said = answers or FileAnswers()
    text = (Path(provider_registry.__file__).parent / "new_service.yaml").read_text(encoding="utf-8")
    gone = {"create": ("create:",), "all": ("create:", "list:", "revoke:")}.get(said.by_person, ())
    parts = [part for part in text.split("\n\n") if not part.startswith(gone or ("\0",))]
    if gone:
        guide = _GUIDE["create"] + (_GUIDE["all"] if said.by_person == "all" else "")
        parts = [
            each.replace("lifetime: 90d                    # optional: tokens are created with an expiry\n", "")
            for each in parts
        ]
        parts.insert(-1, guide.rstrip("\n"))
    text = "\n\n".join(parts).replace("acme", segment(name, what="provider"))
    text = text.replace("see below", "see docs/providers.md")
    if said.documentation and not _PAGE.fullmatch(said.documentation):
        raise InputError(
            "documentation: this must be the address of a page", hint="write https://HOST/PATH, or leave it out"
        )
    for key, given in (
        ("base_url", said.base_url),
        ("  documentation", said.documentation),
        ("auth", said.auth),
        ("admin_auth", said.auth),
    ):
        if given:
            text = _with_value(text, key, given)
    if said.contract:
        text = re.sub(
            r"(?m)^(  documentation: .*\n)", lambda found: f"{found[1]}  contract: {said.contract}\n", text, count=1
        )
    if said.today:
        text = _with_value(text, "  checked", said.today)
    text = _MOVED.sub(lambda found: f"{found[1]:<{_COLUMN}}{found[2]}", text)
    if said != FileAnswers():
        describe(text.encode(), source="the new file")
    return text


def _with_value(text: str, key: str, value: str) -> str:
    """The file with another value for a key; what follows on its line stays."""
    return re.sub(rf"(?m)^{key}: \S+", lambda _: f"{key}: {value}", text, count=1)


class ReadFile(Frozen, frozen=True):
    """A valid provider file."""

    name: str
    left: tuple[str, ...]
    """What is as in the example that `provider new` writes, so that it may be of no service."""


def read_description(path: Path) -> ReadFile:
    """Read a provider file as commands do; InputError with the place that is wrong."""
    from tokenguard.documents import load_yaml  # brings the YAML reader
    from tokenguard.providers.generic.loading import load

    name = load(path).name
    mine = load_yaml(path.read_bytes(), source=shown(path))
    example = load_yaml(new_description(name).encode(), source="the example")
    return ReadFile(name, tuple(_left(mine, example)))


def _left(mine: Tree, example: Tree) -> Iterator[str]:
    """The keys, down to those of sections, that have the values of the example and that few services can have."""
    if not isinstance(mine, dict) or not isinstance(example, dict):
        return
    for key, value in mine.items():
        theirs = example.get(key)
        if value == theirs and key not in _OF_ANY_SERVICE:
            yield key
        elif isinstance(value, dict) and isinstance(theirs, dict):
            yield from (
                f"{key}.{each}" for each in _SPECIAL.get(key, ()) if each in value and value[each] == theirs[each]
            )
