"""Finds a provider by its name and builds it from settings; a brand's module is imported only when it is asked for."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tokenguard.domain.names import segment
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.errors import InputError
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Issuer, Provider, ValueRevoker
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.text import suggestion

if TYPE_CHECKING:
    from tokenguard.providers.generic.description import Description

BUILT_IN = ("autoposting", "aws-iam", "descript", "manual", "openbao-approle")
_SERVICES = Path(__file__).parent / "services"
"""Descriptions that come with tokenguard: one file for each service, named like it."""


@runtime_checkable
class Issuing(Protocol):
    """A provider whose tokens are made and ended by API."""

    def issuer(self, admin: Value, scope: Scope | None) -> Issuer | None:
        """Bound to the admin credential and a record's scope; None where this one has no such routes."""
        ...


@runtime_checkable
class ValueRevokingProvider(Protocol):
    """A provider that revokes tokens by API that it is shown."""

    def value_revoker(self, admin: Value | None) -> ValueRevoker | None:
        """Bound to the admin credential; None where this one cannot, or needs the credential."""
        ...


@runtime_checkable
class RunnerIssuing(Protocol):
    """A provider that the runner's own identity is enough for."""

    def runner_issuer(self, scope: Scope | None) -> Issuer:
        """What makes and ends tokens of a scope with it."""
        ...


@runtime_checkable
class LoggedIn(Protocol):
    """An issuer whose credential may be a person's session, which is used for one run."""

    def end_session(self) -> str | None:
        """End it; why it goes on living, or empty. None: it was not a session, or not used."""
        ...


def build(name: str, settings: ProviderSettings, clock: Clock) -> Provider:
    """The provider of that name; InputError for an unknown one or for settings it cannot work with."""
    segment(name, what="provider")
    if name in BUILT_IN and settings.file is not None:
        raise InputError(f"{name} is built in and takes no file", hint="give the provider in the file another name")
    match name:
        case "descript":
            from tokenguard.providers.descript import Descript  # brings the HTTP client

            return Descript(settings, clock)
        case "autoposting":
            from tokenguard.providers.autoposting import Autoposting  # brings the HTTP client

            return Autoposting(settings, clock)
        case "aws-iam":
            from tokenguard.providers.aws_iam import AwsIam  # brings AWS's SDK, once it is asked

            return AwsIam(settings, clock)
        case "manual":
            from tokenguard.providers.manual import Manual  # as the others

            return Manual(clock)
        case "openbao-approle":
            from tokenguard.providers.openbao_approle import OpenBaoAppRole  # brings the HTTP client

            return OpenBaoAppRole(settings, clock)
        case _:
            return _described(name, settings, clock)


def issuer(provider: Provider, admin: Value | None, scope: Scope | None = None) -> Issuer | None:
    """What makes and ends tokens of a scope with the admin credential; None without one, or where a person does it."""
    if admin is None or not isinstance(provider, Issuing):
        return None
    return provider.issuer(admin, scope)


def value_revoker(provider: Provider, admin: Value | None) -> ValueRevoker | None:
    """What ends tokens by their value; None where the provider cannot, or needs the admin credential."""
    return provider.value_revoker(admin) if isinstance(provider, ValueRevokingProvider) else None


def described_services() -> list[str]:
    """The services whose description comes with tokenguard."""
    return sorted(path.stem for path in _SERVICES.glob("*.yaml"))


def description_of(name: str, file: Path | None) -> "Description":
    """What a file says of a provider: the configured one, or the one that comes with tokenguard; InputError."""
    from tokenguard.providers.generic.loading import load  # brings the YAML reader

    path = file or _SERVICES / f"{name}.yaml"
    if file is None and not path.is_file():
        meant = suggestion(name, (*BUILT_IN, *described_services()))
        raise InputError(
            f"unknown provider: {name}",
            hint=f"{meant}`tokenguard provider list` shows what there is; describe another one in a file named by "
            f"`[providers.{name}] file`",
        )
    description = load(path)
    if description.name != name:
        raise InputError(
            f"the provider file for `{name}` describes another provider: `{description.name}`",
            hint="the file's `name` and the name in the configuration must be the same",
        )
    return description


def _described(name: str, settings: ProviderSettings, clock: Clock) -> Provider:
    from tokenguard.providers.generic.generic_provider import Generic  # brings the HTTP client

    return Generic(description_of(name, settings.file), settings, clock)
