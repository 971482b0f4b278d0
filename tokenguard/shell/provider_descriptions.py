"""What is known of each provider without asking it: capabilities, manual steps, and sources of its description."""

from collections.abc import Iterator, Sequence
from enum import StrEnum, unique
from pathlib import Path

from tokenguard.domain.names import segment
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Capabilities, Guide
from tokenguard.providers import provider_registry
from tokenguard.shell.settings import Settings
from tokenguard.shell.vendors import configured_provider


@unique
class DescriptionOrigin(StrEnum):
    """Where a provider's description comes from."""

    BUILT_IN = "built in"
    SHIPPED = "with tokenguard"
    OWN = "own file"


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
        source={} if said is None else dict(said.source),
        permissions={} if said is None else dict(said.permissions),
        admin_permissions={} if said is None else dict(said.admin_permissions),
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


def new_description(name: str) -> str:
    """The text of a provider file to begin with, every key of which is explained; InputError for no name."""
    text = (Path(provider_registry.__file__).parent / "new_service.yaml").read_text(encoding="utf-8")
    return text.replace("acme", segment(name, what="provider"))


def read_description(path: Path) -> str:
    """Read a provider file as commands do, and return the name in it; InputError with the place that is wrong."""
    from tokenguard.providers.generic.loading import load  # brings the YAML reader

    return load(path).name
