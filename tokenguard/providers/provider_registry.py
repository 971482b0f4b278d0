"""Finds a provider by its name and builds it from settings; a brand's module is imported only when it is asked for."""

from typing import Protocol, runtime_checkable

from tokenguard.domain.names import segment
from tokenguard.domain.secret import Value
from tokenguard.errors import InputError
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Issuer, Provider
from tokenguard.providers.provider_settings import ProviderSettings

BUILT_IN = ("autoposting", "descript", "manual")


@runtime_checkable
class Issuing(Protocol):
    """A provider whose tokens are made and ended by API."""

    def issuer(self, admin: Value) -> Issuer | None:
        """Bound to the admin credential; None where this one has no such routes."""
        ...


@runtime_checkable
class LoggedIn(Protocol):
    """An issuer whose credential may be a person's session, which is used for one run."""

    def end_session(self) -> str | None:
        """End it; why it goes on living, or empty. None: it was no session, or not used."""
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
        case "manual":
            from tokenguard.providers.manual import Manual  # as the others

            return Manual(clock)
        case _:
            return _described(name, settings, clock)


def issuer(provider: Provider, admin: Value | None) -> Issuer | None:
    """What makes and ends tokens with the admin credential; None without one, or where a person does it."""
    if admin is None or not isinstance(provider, Issuing):
        return None
    return provider.issuer(admin)


def _described(name: str, settings: ProviderSettings, clock: Clock) -> Provider:
    if settings.file is None:
        raise InputError(
            f"unknown provider: {name}",
            hint=f"built in: {', '.join(BUILT_IN)}; describe another one in a file named by `[providers.{name}] file`",
        )
    from tokenguard.providers.generic.generic_provider import Generic  # brings the HTTP client
    from tokenguard.providers.generic.loading import load  # brings the YAML reader

    description = load(settings.file)
    if description.name != name:
        raise InputError(
            f"the provider file for {name} is about another one: {description.name}",
            hint="the file's `name` and the name in the configuration must be the same",
        )
    return Generic(description, settings, clock)
