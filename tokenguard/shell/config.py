"""Reads a configuration file (TOML) into Settings.

A configuration may name programs and addresses, so it is refused if other users can change it, or if it names them in
a repository. Unknown keys are errors: a typing mistake must not switch a protection off.
"""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import msgspec

from tokenguard.domain.duration import DURATION_HINT, parse_duration
from tokenguard.domain.names import segment
from tokenguard.domain.note_frequency import NoteFrequency
from tokenguard.errors import InputError
from tokenguard.files import expanded, read_limited, shell_word, shown, why_unreadable
from tokenguard.http.address import Address, proxy_at
from tokenguard.posix import others_can_write
from tokenguard.settings import (
    AwsConfig,
    CommandConfig,
    DestinationConfig,
    NotifyConfig,
    ProviderConfig,
    RouteConfig,
    ScanConfig,
    Settings,
    VaultConfig,
)
from tokenguard.shell.notify_settings import route_problem
from tokenguard.shell.repository_config import refuse_the_runners

MAX_BYTES = 65_536
MIN_FLOOR = timedelta(seconds=60)
MAX_FLOOR = timedelta(days=7)
_LONGEST_SILENCE = timedelta(days=31)
_LONGEST_REMINDER = timedelta(days=90)
_NEVER = "never"
_WHERE = re.compile(r"at `(\$[^`]*)`")
_UNKNOWN = re.compile(r"unknown field `([a-z_]{1,32})`")


class _Strict(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    pass


class _Vault(_Strict, frozen=True):
    address: str | list[str] = ""
    namespace: str = ""
    ca_bundle: str = ""
    auth: str = "token"
    auth_mount: str = ""
    role: str = ""
    credential: str = ""
    wrapped: bool = False


class _Store(_Strict, frozen=True):
    url: str = ""
    vault: _Vault | None = None


class _ProviderSection(_Strict, frozen=True):
    base_url: str = ""
    admin: str = ""
    death_floor: str | int | float | None = None
    file: str = ""
    revoke_route: str = ""
    paging: str = ""


class _Command(_Strict, frozen=True):
    argv: list[str]
    verify_argv: list[str] | None = None
    timeout: float = 60.0


class _Destination(_Strict, frozen=True):
    credential: str
    url: str = ""
    ca_bundle: str = ""


class _Network(_Strict, frozen=True):
    proxy: str = ""
    ca_bundle: str = ""


class _Policy(_Strict, frozen=True):
    file: str = ""


class _People(_Strict, frozen=True):
    file: str = ""
    complete: bool = False


class _Aws(_Strict, frozen=True):
    endpoint: str = ""
    kms_key: str = ""
    role: str = ""
    credential: str = ""


class _Scan(_Strict, frozen=True):
    names: bool = False
    bundle: str = ""
    known_tokens_note: NoteFrequency = NoteFrequency.ONCE
    detect_secrets_plugins: list[str] = []
    detect_secrets_filters: list[str] = []


class _Route(_Strict, frozen=True):
    webhook: str = ""
    smtp: str = ""
    tls: str = "starttls"
    user: str = ""
    sender: str = ""
    to: list[str] = []
    chat: str = ""
    secret: str = ""
    owners: list[str] = []
    severity: str = "note"
    events: list[str] = []
    per_hour: int = 20


class _Notify(_Strict, frozen=True):
    upkeep_within: str = "26h"
    remind_after: str = "7d"
    routes: dict[str, _Route] = {}


class _File(_Strict, frozen=True):
    store: _Store = _Store()
    stores: dict[str, _Store] = {}
    providers: dict[str, _ProviderSection] = {}
    commands: dict[str, _Command] = {}
    destinations: dict[str, _Destination] = {}
    network: _Network = _Network()
    policy: _Policy = _Policy()
    people: _People = _People()
    vault: _Vault | None = None
    aws: _Aws = _Aws()
    scan: _Scan = _Scan()
    notify: _Notify | None = None


def read_settings(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the file; InputError if it is missing, writable by others, invalid, or a repository's that says too much."""
    try:
        _check_owner(path)
        text = read_limited(path, MAX_BYTES).decode()
        tree = tomllib.loads(text)
    except OSError as error:
        raise InputError(
            f"cannot read the configuration {shown(path)}: {why_unreadable(error)}",
            hint="give a file that exists, or leave out --config and TOKENGUARD_CONFIG",
        ) from None
    except UnicodeDecodeError:
        raise _bad(path, "it is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise _bad(path, f"line {line[1]} is not valid TOML" if line else "it is not valid TOML") from None
    except RecursionError:
        raise _bad(path, "it is nested too deeply") from None
    try:
        file = msgspec.convert(tree, _File)
    except msgspec.ValidationError as error:
        raise _bad(path, _reason(str(error))) from None
    refuse_the_runners(path, tree, environ)
    return _settings(path, file)


def _reason(text: str) -> str:
    """Translate msgspec's error: known key names are shown, the file's content is not."""
    where = found[1].removeprefix("$").replace("[...]", ".NAME").lstrip(".") if (found := _WHERE.search(text)) else ""
    place = f" in [{where}]" if where else ""
    if "unknown field" in text:
        name = _UNKNOWN.search(text)
        return f"unknown key {name[1]!r}{place}" if name else f"unknown key{place}"
    if "missing required field" in text:
        return f"a required key is missing{place}"
    return f"a value of the wrong type{place}"


def _settings(path: Path, file: _File) -> Settings:
    base = path.parent
    return Settings(
        source=path,
        store_url=file.store.url,
        stores={segment(name, what="store name in the configuration"): each.url for name, each in file.stores.items()},
        providers={
            segment(name, what="provider in the configuration"): _provider(path, name, each)
            for name, each in file.providers.items()
        },
        commands={
            segment(name, what="command in the configuration"): _command(path, name, each)
            for name, each in file.commands.items()
        },
        destinations={host: _destination(path, host, each) for host, each in file.destinations.items()},
        proxy=str(proxy_at(file.network.proxy, what="proxy of [network]") or ""),
        ca_bundle=_placed(base, file.network.ca_bundle),
        policy_file=_placed(base, file.policy.file),
        people_file=_placed(base, file.people.file),
        people_complete=file.people.complete,
        scan=_scan(base, file.scan),
        notify=_notify(path, file.notify),
        aws=AwsConfig(
            endpoint=file.aws.endpoint,
            kms_key=file.aws.kms_key,
            role=file.aws.role,
            credential=file.aws.credential,
        ),
        vault=_vault(path, file.store.vault or file.vault),
        vaults={name: made for name, each in file.stores.items() if (made := _vault(path, each.vault))},
    )


def _scan(base: Path, found: _Scan) -> ScanConfig:
    return ScanConfig(
        names=found.names,
        bundle=found.bundle,
        known_tokens_note=found.known_tokens_note,
        detect_secrets_plugins=tuple(base / expanded(name) for name in found.detect_secrets_plugins),
        detect_secrets_filters=tuple(_filter(base, name) for name in found.detect_secrets_filters),
    )


def _notify(path: Path, found: _Notify | None) -> NotifyConfig | None:
    if found is None:
        return None
    within = parse_duration(found.upkeep_within)
    if within is None or not timedelta(0) < within <= _LONGEST_SILENCE:
        raise _bad(path, "upkeep_within of [notify] is not a duration of at most 31 days", DURATION_HINT)
    routes = {segment(name, what="route of [notify]"): _route(path, name, each) for name, each in found.routes.items()}
    return NotifyConfig(upkeep_within=within, remind_after=_remind_after(path, found.remind_after), routes=routes)


def _remind_after(path: Path, text: str) -> timedelta | None:
    after = None if text == _NEVER else parse_duration(text)
    if text != _NEVER and (after is None or not timedelta(days=1) <= after <= _LONGEST_REMINDER):
        raise _bad(path, f"remind_after of [notify] is not between 1d and {_LONGEST_REMINDER.days}d", 'or "never"')
    return after


def _route(path: Path, name: str, found: _Route) -> RouteConfig:
    made = msgspec.convert(msgspec.to_builtins(found), RouteConfig)  # the same fields, frozen
    if (problem := route_problem(name, made)) is not None:
        raise _bad(path, *problem)
    return made


def _filter(base: Path, name: str) -> str:
    path, separator, function = name.rpartition("::")
    named = name.startswith("detect_secrets.") or not separator
    return name if named else f"{base / expanded(path)}::{function}"


def _vault(path: Path, found: _Vault | None) -> VaultConfig | None:
    if found is None:
        return None
    address, *others = [found.address] if isinstance(found.address, str) else found.address or [""]
    return VaultConfig(
        address=address,
        others=tuple(others),
        namespace=found.namespace,
        ca_bundle=_placed(path.parent, found.ca_bundle),
        auth=found.auth,
        auth_mount=found.auth_mount,
        role=found.role,
        credential=found.credential,
        wrapped=found.wrapped,
    )


def _provider(path: Path, name: str, found: _ProviderSection) -> ProviderConfig:
    address = Address.parse(found.base_url, what=f"base_url of [providers.{name}]") if found.base_url else None
    floor = None if found.death_floor is None else _duration(path, name, found.death_floor)
    if floor is not None and floor < MIN_FLOOR and not (address and address.loopback):
        raise _bad(
            path,
            f"death_floor of [providers.{name}] is under {MIN_FLOOR.seconds} seconds",
            "a shorter proof of death is accepted for loopback addresses only",
        )
    return ProviderConfig(
        base_url=str(address or ""),
        admin=found.admin,
        death_floor=floor,
        file=_placed(path.parent, found.file),
        revoke_route=found.revoke_route,
        paging=found.paging,
    )


def _duration(path: Path, name: str, given: str | float) -> timedelta:
    found = parse_duration(str(given).strip())
    if found is None:
        raise _bad(path, f"death_floor of [providers.{name}] is not a duration", DURATION_HINT)
    if not timedelta(0) < found <= MAX_FLOOR:
        raise _bad(path, f"death_floor of [providers.{name}] is zero or more than {MAX_FLOOR.days} days", DURATION_HINT)
    return found


def _destination(path: Path, host: str, found: _Destination) -> DestinationConfig:
    what = "host of [destinations]"
    authority = Address.parse(f"https://{host}", what=what).authority
    address = Address.parse(found.url, what=f"url of [destinations.{authority}]") if found.url else None
    if authority != host or (address is not None and address.authority != host):
        raise _bad(
            path,
            f"[destinations.{authority}] and its url name different hosts",
            'write the host as the targets of deliveries do: [destinations."HOST[:PORT]"]',
        )
    return DestinationConfig(
        credential=found.credential, url=str(address or ""), ca_bundle=_placed(path.parent, found.ca_bundle)
    )


def _command(path: Path, name: str, found: _Command) -> CommandConfig:
    if not found.argv or not found.argv[0] or found.verify_argv == []:
        raise _bad(path, f"argv of [commands.{name}] is empty", 'for example argv = ["/usr/local/bin/deploy-token"]')
    if not 0 < found.timeout <= 3600:  # noqa: PLR2004 - an hour, in seconds
        raise _bad(path, f"timeout of [commands.{name}] is not between 0 and 3600 seconds")
    verify = None if found.verify_argv is None else tuple(found.verify_argv)
    return CommandConfig(argv=tuple(found.argv), verify_argv=verify, timeout=found.timeout)


def _placed(base: Path, name: str) -> Path | None:
    return base / expanded(name) if name else None


def _check_owner(path: Path) -> None:
    info = path.stat()
    if stat.S_ISREG(info.st_mode) and others_can_write(info):
        raise _bad(path, "other users can change it", f"become its owner, and run: chmod go-w {shell_word(path)}")


def _bad(path: Path, reason: str, hint: str = "correct the configuration; nothing was done") -> InputError:
    return InputError(f"the configuration {shown(path)} is not valid: {reason}", hint=hint)
