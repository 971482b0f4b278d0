"""What a configuration says of this runner."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from tokenguard.domain.note_frequency import NoteFrequency
from tokenguard.frozen import Frozen, field

_IN_ENVIRONMENT = "env:"


class ProviderConfig(Frozen, frozen=True, kw_only=True):
    """`[providers.NAME]`."""

    base_url: str = ""
    admin: str = ""
    """`env:VARIABLE`, or the name of a record of kind provider_admin."""
    death_floor: timedelta | None = None
    file: Path | None = None
    """The description of a generic provider."""
    revoke_route: str = ""
    paging: str = ""
    """Autoposting: `none`, where its list is given out whole."""


class CommandConfig(Frozen, frozen=True, kw_only=True):
    """`[commands.NAME]`: what `command:NAME` means on this machine."""

    argv: tuple[str, ...]
    verify_argv: tuple[str, ...] | None = None
    timeout: float = 60.0
    """Seconds."""


class VaultConfig(Frozen, frozen=True, kw_only=True):
    """`[vault]`, or `[stores.NAME.vault]` for one store: where the server is and how to log in."""

    address: str = ""
    """`https://HOST:PORT`, or `env:VARIABLE`; empty: that of --server or the environment (`vault_environment`)."""
    others: tuple[str, ...] = ()
    """More nodes of the same cluster, where `address` is a list."""
    namespace: str = ""
    ca_bundle: Path | None = None
    auth: str = "token"
    """`token`, `approle`, `jwt` or `kubernetes`."""
    auth_mount: str = ""
    role: str = ""
    """The role, or `env:VARIABLE`; for AppRole the role_id."""
    credential: str = ""
    """The token, secret_id or JWT: `env:VARIABLE`, `file:PATH`, or for a JWT `github-oidc:AUDIENCE`."""
    wrapped: bool = False
    """The credential is a wrapping token that holds the secret_id."""
    asked: str = ""
    """The address that --server gives."""
    by_environment: bool = False
    """Nothing but the environment names the server."""
    ca_fallback: Path | None = None
    """The environment's CA bundle, where the configuration names none."""


class AwsConfig(Frozen, frozen=True, kw_only=True):
    """`[aws]`: what a store's address does not say. Without `role`, AWS's default chain finds credentials."""

    endpoint: str = ""
    """Another place that speaks AWS's protocol; the environment's is not looked at."""
    kms_key: str = ""
    """With which key `init` has the store encrypted."""
    role: str = ""
    """The ARN of a role to take with the job's own identity, or `env:VARIABLE`."""
    credential: str = ""
    """That identity: `github-oidc:AUDIENCE`, `env:VARIABLE` or `file:PATH`."""


class DestinationConfig(Frozen, frozen=True, kw_only=True):
    """`[destinations."HOST"]`: a host that this runner hands values to, with its own credential there."""

    credential: str = ""
    """`env:VARIABLE` or `file:PATH`."""
    url: str = ""
    """Where its API is, if not at the usual place on the host."""
    ca_bundle: Path | None = None


class ScanConfig(Frozen, frozen=True, kw_only=True):
    """`[scan]`: how this user looks for leaks. Only the user's own configuration may say it, no repository."""

    names: bool = False
    """The hook may open the store to say whose a known token is."""
    bundle: str = ""
    """Where `fingerprints pull` looks if nothing is named: an https address, a path, or `store`."""
    known_tokens_note: NoteFrequency = NoteFrequency.ONCE
    """When to say that known tokens are not searched for, because there is no scan key or bundle."""
    detect_secrets_plugins: tuple[Path, ...] = ()
    """Python files with plug-ins of detect-secrets; they are run."""
    detect_secrets_filters: tuple[str, ...] = ()
    """`PATH::FUNCTION`, or the name of one of detect-secrets' own filters."""


class RouteConfig(Frozen, frozen=True, kw_only=True):
    """`[notify.routes.NAME]`: one receiver of notifications, and what it takes."""

    webhook: str = ""
    """The address of a receiver, or `env:VARIABLE`."""
    secret: str = ""
    """What signs webhooks, or the password at the mail server: `env:VARIABLE` or `file:PATH`."""
    smtp: str = ""
    """The mail server: `HOST[:PORT]`."""
    tls: str = "starttls"
    """How mail is encrypted on its way to the server: `starttls`, `tls`, or `none` on this machine."""
    user: str = ""
    """The login at the mail server."""
    sender: str = ""
    """The address that mail comes from."""
    to: tuple[str, ...] = ()
    """The addresses that mail goes to."""
    chat: str = ""
    """The address of a chat for apprise, which holds a token: `env:VARIABLE` or `file:PATH`."""
    owners: tuple[str, ...] = ()
    """The teams it is for; empty: all, and what no team owns."""
    severity: str = "note"
    """The lowest severity that it takes."""
    events: tuple[str, ...] = ()
    """The kinds that it takes; empty: all."""
    per_hour: int = 20
    """Messages at most."""


class NotifyConfig(Frozen, frozen=True, kw_only=True):
    """`[notify]`: who is told what happens in the store."""

    upkeep_within: timedelta = timedelta(hours=26)
    """After how long without an upkeep to notify of it."""
    remind_after: timedelta | None = timedelta(days=7)
    """When what still holds is told again for the first time; None: never."""
    routes: Mapping[str, RouteConfig] = field(default_factory=dict)


class Settings(Frozen, frozen=True, kw_only=True):
    """What the configuration file says; the defaults where there is none."""

    source: Path | None = None
    store_url: str = ""
    stores: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
    commands: Mapping[str, CommandConfig] = field(default_factory=dict)
    destinations: Mapping[str, DestinationConfig] = field(default_factory=dict)
    """By `host[:port]`."""
    proxy: str = ""
    ca_bundle: Path | None = None
    policy_file: Path | None = None
    people_file: Path | None = None
    """`[people] file`: the CSV of the organisation's people."""
    people_complete: bool = False
    """Whether everyone who is missing in it has left."""
    aws: AwsConfig = AwsConfig()
    scan: ScanConfig = ScanConfig()
    notify: NotifyConfig | None = None
    """None: this runner takes no part in notifications."""
    vault: VaultConfig | None = None
    vaults: Mapping[str, VaultConfig] = field(default_factory=dict)
    """By the name of the store."""

    def vault_of(self, url: str, given: str = "") -> VaultConfig | None:
        """Which Vault a store's address means: that of the store's own table (`given` names it), or `[vault]`."""
        names = [name for name in (given, *self.stores) if self.stores.get(name) == url]
        return next((self.vaults[name] for name in names if name in self.vaults), self.vault)

    def provider(self, name: str) -> ProviderConfig:
        """What is set for a provider, or the defaults."""
        return self.providers.get(name, ProviderConfig())

    def credential_variables(self) -> frozenset[str]:
        """The environment variables with credentials: every `env:VARIABLE` in the configuration."""
        return frozenset(_variables(self))


def _variables(part: object) -> Iterator[str]:
    match part:
        case str():
            if part.startswith(_IN_ENVIRONMENT):
                yield part.removeprefix(_IN_ENVIRONMENT)
        case Mapping():
            for each in part.values():
                yield from _variables(each)
        case tuple() | list():
            for each in part:
                yield from _variables(each)
        case Frozen():
            for name in part.__struct_fields__:
                yield from _variables(getattr(part, name))


def admin_variable(provider: str) -> str:
    """The environment variable that may hold a provider's admin credential for one run."""
    return f"TOKENGUARD_ADMIN_{re.sub('[^A-Z0-9]', '_', provider.upper())}"
