"""Settings from the environment of the vault and bao tools, as defaults for the configuration (ADR 0018).

Either of `BAO_X` and `VAULT_X` counts; where both are set and differ, nothing is guessed. Address, namespace, authority
and token belong together: the environment's are never sent to another server that the configuration names.
"""

from collections.abc import Mapping
from pathlib import Path

from tokenguard.errors import InputError
from tokenguard.files import expanded
from tokenguard.frozen import replace
from tokenguard.http.address import Address
from tokenguard.settings import VaultConfig

_FAMILIES = ("BAO_", "VAULT_")
_FALSE = frozenset({"", "0", "f", "false"})
_HELPER = ".vault-token"
"""Where `vault login` and `bao login` leave a token, below the home directory."""


def completed(config: VaultConfig | None, environ: Mapping[str, str]) -> VaultConfig:
    """The configuration, with what it leaves open taken from `--server` and the environment.

    Raises:
        InputError: no source names a server, two name different ones, or two variables contradict each other.
    """
    config = config or VaultConfig()
    if config.address:
        _check_asked(config, config.address, "[vault] address", environ)
        return _with_credential(config, environ)
    if named := variable("ADDR", environ):
        _check_asked(config, f"env:{named}", named, environ)
        found = _from_environment(replace(config, address=f"env:{named}"), environ)
        return replace(found, by_environment=not config.asked)
    if config.asked:
        return _with_credential(replace(config, address=config.asked), environ)
    raise InputError(
        "the address of Vault is not configured",
        hint='set VAULT_ADDR, give --server https://HOST:8200, or set [vault] address = "https://HOST:8200"',
    )


def variable(name: str, environ: Mapping[str, str]) -> str:
    """Which of BAO_NAME and VAULT_NAME is set; empty: neither. InputError if they contradict each other."""
    held = [each for each in (family + name for family in _FAMILIES) if environ.get(each, "").strip()]
    if len({environ[each].strip().rstrip("/") for each in held}) > 1:
        raise InputError(
            f"{held[0]} and {held[1]} are both set, and differ",
            hint="unset one of them, or name the server in the configuration, [vault] address",
        )
    return held[0] if held else ""


def skipped_verification(environ: Mapping[str, str]) -> str:
    """The variable that asks for certificates not to be checked; empty: none does. It has no effect here."""
    names = [family + "SKIP_VERIFY" for family in _FAMILIES]
    return next((name for name in names if environ.get(name, "").strip().lower() not in _FALSE), "")


def _from_environment(config: VaultConfig, environ: Mapping[str, str]) -> VaultConfig:
    namespace, authority = variable("NAMESPACE", environ), variable("CACERT", environ)
    return replace(
        config,
        namespace=config.namespace or (environ[namespace].strip() if namespace else ""),
        ca_fallback=expanded(environ[authority].strip()) if authority else None,
        credential=config.credential or (_credential(environ) if config.auth == "token" else ""),
    )


def _with_credential(config: VaultConfig, environ: Mapping[str, str]) -> VaultConfig:
    """A server of the configuration gets the environment's token only if the environment means no other server."""
    if config.credential or config.auth != "token":
        return config
    named = variable("ADDR", environ)
    if not named or _same(f"env:{named}", config.address, config, environ):
        return replace(config, credential=_credential(environ))
    raise InputError(
        f"the configuration names a server and no credential, and {named} names another server",
        hint=f'set [vault] credential = "env:VARIABLE" or "file:PATH", or unset {named}; nothing was sent',
    )


def _credential(environ: Mapping[str, str]) -> str:
    """Where a token is: the variable, or the file in which `vault login` leaves one; empty: nowhere."""
    if named := variable("TOKEN", environ):
        return f"env:{named}"
    file = Path(environ.get("HOME") or "/nowhere") / _HELPER
    return f"file:{file}" if file.is_file() else ""


def _same(one: str, other: str, config: VaultConfig, environ: Mapping[str, str]) -> bool:
    """Whether two settings name one server; any node of a list counts."""
    nodes = {_parsed(each, environ) for each in (other, *(config.others if other == config.address else ()))}
    return _parsed(one, environ) in nodes


def _parsed(text: str, environ: Mapping[str, str]) -> Address:
    given = environ.get(text.removeprefix("env:"), "").strip() if text.startswith("env:") else text
    return Address.parse(given, what="address of the vault")


def _check_asked(config: VaultConfig, address: str, source: str, environ: Mapping[str, str]) -> None:
    if config.asked and not _same(config.asked, address, config, environ):
        raise InputError(
            f"--server and {source} name different servers", hint=f"leave --server out, or change {source}"
        )
