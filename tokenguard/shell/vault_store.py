"""Making and opening a store on a Vault with what this runner's configuration says of it."""

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from tokenguard.clients.vault.connection import VaultConnection
from tokenguard.clients.vault.vault_settings import Login, LoginMethod, VaultSettings
from tokenguard.domain.event import Actor
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.http.address import Address, proxy_at
from tokenguard.ports.clock import Clock
from tokenguard.settings import Settings, VaultConfig
from tokenguard.shell.ci_job import in_ci
from tokenguard.shell.credentials import SERVICE_ACCOUNT, text_or_variable
from tokenguard.shell.identities import credential
from tokenguard.shell.known_servers import KnownServers
from tokenguard.shell.vault_environment import completed
from tokenguard.stores.actor import current_actor
from tokenguard.stores.refusals import as_of_before
from tokenguard.stores.vault.factory import connected, found, read_about
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.policies import VaultStoreRole, policy
from tokenguard.stores.vault.store import VaultStore

_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,62}){0,7}", re.ASCII)
_MAX_NODES = 16


def open_vault(
    url: str,
    config: VaultConfig | None,
    settings: Settings,
    environ: Mapping[str, str],
    clock: Clock,
    *,
    keyless: bool = False,
    told: Callable[[str], None] = lambda _text: None,
) -> VaultStore:
    """Open the store at `url`; `told` hears that its server is being waited for.

    Raises:
        InputError: there is none, the configuration says nothing usable of its server, names another one than this
            machine knows, or has a credential to offer that lives for ever although it must be `keyless`.
        Unreachable: the server cannot be asked, or does not accept the login.
        Tampered: what is there is not what we wrote.
    """
    place = VaultAddress.parse(url)
    where = vault_settings(config, settings, environ)
    if keyless:
        refuse_static(where.login)
    servers = known_servers(url, where)
    check_server(servers, config, environ)
    kv = connected(VaultConnection(where, clock, told), place)
    with as_of_before() if servers.used else nullcontext():
        about = read_about(kv, place)
    servers.remember()
    return VaultStore(kv, place, about, clock)


def make_vault(
    url: str,
    config: VaultConfig | None,
    settings: Settings,
    environ: Mapping[str, str],
    clock: Clock,
    *,
    sandbox: bool,
    anew: bool = False,
) -> VaultStore:
    """Make a store at `url`.

    Raises:
        InputError: there is one already; or this machine used one there, and it is not to be made `anew`.
        Unreachable: the login or the mount is not fit.
    """
    place = VaultAddress.parse(url)
    where = vault_settings(config, settings, environ)
    servers = known_servers(url, where)
    check_server(servers, config, environ)
    connection = VaultConnection(where, clock)
    kv = connected(connection, place)
    if servers.used and not anew:
        with as_of_before():
            read_about(kv, place)

    def actor() -> Actor:
        return replace(current_actor(), id=f"vault:{connection.lease.identity}")

    store = VaultStore(kv, place, found(kv, place, clock, actor, sandbox=sandbox), clock)
    servers.remember()
    return store


def known_servers(url: str, where: VaultSettings) -> KnownServers:
    """What this machine knows of where the store at `url` is."""
    return KnownServers(VaultAddress.parse(url).url, map(str, where.addresses), where.namespace)


def check_server(servers: KnownServers, config: VaultConfig | None, environ: Mapping[str, str]) -> None:
    """Refuse a server that this machine does not know, or that it would have to take the environment's word for.

    Raises:
        InputError: it is another one than before; or nothing but the environment names it where no state is kept.
        Tampered: what was remembered is not what tokenguard writes.
    """
    servers.check()
    if completed(config, environ).by_environment and not servers.known and not keeps_state(servers, environ):
        raise unnamed_server()


def keeps_state(servers: KnownServers, environ: Mapping[str, str]) -> bool:
    """Whether what is remembered here will be here the next time; a job of CI begins with nothing."""
    return not in_ci(environ) and servers.can_remember


def unnamed_server() -> InputError:
    """Only the environment names the server, and nothing on this machine could notice that it is another one."""
    return InputError(
        "only the environment sets the address of Vault, and this machine keeps no state to verify it",
        hint="give it: --server https://HOST:8200, or [vault] address in this runner's configuration",
    )


def policies(url: str) -> dict[str, str]:
    """The policy of each role for the store at `url`; nothing is asked of any server."""
    place = VaultAddress.parse(url)
    return {role.value: policy(role, place) for role in VaultStoreRole}


def vault_nodes(config: VaultConfig | None, environ: Mapping[str, str]) -> tuple[str, tuple[Address, ...]]:
    """The namespace, and the nodes of the one cluster, the usual one first; no credential is looked for.

    Raises:
        InputError: nothing names them, or what does is garbled.
    """
    found = completed(config, environ)
    return _plain_path("namespace", found.namespace), _nodes(found, environ)


def vault_settings(config: VaultConfig | None, settings: Settings, environ: Mapping[str, str]) -> VaultSettings:
    """A connection's settings; InputError if the configuration leaves out or garbles what is needed."""
    config = completed(config, environ)
    _plain_path("auth_mount", config.auth_mount)
    namespace, nodes = vault_nodes(config, environ)
    return VaultSettings(
        address=nodes[0],
        others=nodes[1:],
        login=_login(config, settings, environ),
        namespace=namespace,
        ca_bundle=config.ca_bundle or settings.ca_bundle or config.ca_fallback,
        proxy=proxy_at(settings.proxy),
    )


def refuse_static(login: Login) -> None:
    """InputError for a login with a stored credential that never expires."""
    if login.method is LoginMethod.TOKEN or (login.method is LoginMethod.APPROLE and not login.wrapped):
        raise InputError(
            f"[vault] logs in with a stored {login.method} credential, which the policy refuses in CI "
            "(ci-long-lived-key)",
            hint='let the job log in with its own identity: auth = "jwt", or "kubernetes"; docs/ci.md',
        )


def _plain_path(name: str, text: str) -> str:
    path = text.strip("/")
    if text and not _PATH.fullmatch(path):
        raise InputError(f"{name} of [vault] is not a plain path", hint="for example teams/video")
    return path


def _node(text: str, environ: Mapping[str, str]) -> Address:
    given = text_or_variable(text, environ, what="address", table="[vault]")
    found = Address.parse(given, what="address of Vault")
    if found.path.endswith("/v1"):
        raise InputError(
            "the address of Vault ends in /v1, which tokenguard adds to each request",
            hint="leave /v1 out of VAULT_ADDR, --server or [vault] address",
        )
    return found


def _nodes(config: VaultConfig, environ: Mapping[str, str]) -> tuple[Address, ...]:
    named = (config.address, *config.others)
    found = tuple(_node(text, environ) for text in named)
    if len(found) > _MAX_NODES or len(set(named)) < len(found):
        raise InputError(
            f"address of [vault] is not a list of at most {_MAX_NODES} different nodes",
            hint="name each node of one cluster once, or only a load balancer",
        )
    return found


def _login(config: VaultConfig, settings: Settings, environ: Mapping[str, str]) -> Login:
    try:
        method = LoginMethod(config.auth)
    except ValueError:
        raise InputError("unknown auth method in [vault]", hint=f"one of {', '.join(LoginMethod)}") from None
    if method is not LoginMethod.TOKEN and not config.role:
        raise InputError(f"role of [vault] is missing, {method} needs one", hint="for approle it is the role_id")
    source = config.credential or (SERVICE_ACCOUNT if method is LoginMethod.KUBERNETES else "")
    if not source and method is LoginMethod.TOKEN:
        raise InputError(
            "no login for Vault is configured",
            hint='set VAULT_TOKEN, run `vault login`, or set [vault] credential = "env:VARIABLE" or "file:PATH"',
        )
    own = method in {LoginMethod.JWT, LoginMethod.KUBERNETES}
    return Login(
        method=method,
        credential=credential(source, environ, settings, table="[vault]", own=own),
        mount=config.auth_mount.strip("/"),
        role=text_or_variable(config.role, environ, what="role", table="[vault]"),
        wrapped=config.wrapped,
    )
