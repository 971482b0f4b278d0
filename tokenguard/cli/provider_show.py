"""`provider list|show|lint`: what is known of providers without asking them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tokenguard.cli.base import PATH, command, pass_wiring
from tokenguard.files import shown
from tokenguard.ports.provider import ByValue, Capabilities, Method
from tokenguard.settings import admin_variable
from tokenguard.shell.provider_descriptions import (
    KnownProvider,
    known_provider,
    known_providers,
    read_description,
)
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize

_NEVER = "never tried live"
_DONE_BY = {Method.API: "API", Method.PERSON: "person", Method.NEVER: "no"}

_BY_VALUE = {ByValue.ALWAYS: ", by value", ByValue.LEAKED: "; API for leaked values", ByValue.NEVER: ""}


@command("list")
@pass_wiring
def list_providers(wiring: Wiring) -> None:
    """List all providers: built in, described by files that come with tokenguard, and those of your configuration."""
    found = list(known_providers(wiring.settings, wiring.clock))
    if wiring.screen.as_json:
        wiring.screen.document({"providers": [_document(each) for each in found]})
        return
    rows = [
        (
            each.name,
            *_can(each.capabilities),
            each.source.get("checked", "-"),
            each.source.get("tried_live", _NEVER) if each.source else "-",
            each.origin.value,
        )
        for each in found
    ]
    wiring.screen.table(("name", "create", "revoke", "probe", "list", "checked", "tried live", "described"), rows)


@command("show")
@click.argument("name")
@pass_wiring
def show(wiring: Wiring, name: str) -> None:
    """Show what tokenguard can do at provider NAME, what a person does there, and the sources of its description."""
    found = known_provider(name, wiring.settings, wiring.clock)
    if wiring.screen.as_json:
        wiring.screen.document(_document(found))
        return
    for line in _lines(found):
        wiring.screen.line(line)


@command("lint")
@click.argument("file", type=PATH)
@pass_wiring
def lint(wiring: Wiring, file: Path) -> None:
    """Validate the provider file FILE, and list the keys that still hold the example of `provider new`.

    Exit 2, with line and column, if it is invalid.
    """
    found = read_description(file)
    if found.left:
        wiring.progress.note(
            f"still as in the example: {', '.join(found.left)}; remove what {found.name} does not have"
        )
    if wiring.screen.as_json:
        wiring.screen.document({"file": str(file), "provider": found.name, "as_in_the_example": list(found.left)})
    else:
        wiring.screen.line(f"{shown(file)}: {found.name}: valid")


def _can(can: Capabilities) -> tuple[str, str, str, str]:
    listed = ("per scope" if can.lists_per_scope else "yes") if can.lists else "no"
    return _DONE_BY[can.mint], _DONE_BY[can.revoke], "yes" if can.probe else "no", listed


def _death(can: Capabilities) -> str:
    if can.probe:
        return "refused while a control is accepted"
    return "missing from a complete list" if can.lists else "asserted by a person only"


def _delays(can: Capabilities) -> str:
    """How long what the provider did may take to show."""
    parts = (
        (can.activate_lag, "a new token may be refused for {}"),
        (can.revoke_lag, "a revoked one accepted for {}"),
    )
    said = [text.format(f"{lag.total_seconds():g} s") for lag, text in parts if lag]
    return ", ".join(said)


def _limits(can: Capabilities) -> Iterator[str]:
    if can.max_active is not None:
        yield f"slots          at most {pluralize(can.max_active, 'token')} at a time, so a rotation needs a free one"
    if waits := _delays(can):
        yield f"delay          {waits}"


def _proof(can: Capabilities) -> Iterator[str]:
    yield f"proof of death {_death(can)}"
    if can.probe:
        yield "control        another live token or the admin credential; it distinguishes a refusal from an outage"
    if can.by_value is ByValue.LEAKED:
        yield "leaked values  the provider revokes them for good (there is no undo), and may tell the owner"


def _credentials(found: KnownProvider) -> Iterator[str]:
    can = found.capabilities
    if len(can.fields) > 1:
        yield f"value          {', '.join(can.fields)}: `add` asks for each"
    if found.uses_admin:
        yield f"admin          {admin_variable(found.name)}, or `[providers.{found.name}] admin`"
        if len(can.admin_fields) > 1:
            yield f"admin value    {', '.join(can.admin_fields)}: `add --kind provider_admin` asks for each"


def _lines(found: KnownProvider) -> Iterator[str]:
    can = found.capabilities
    create, revoke, probe, listed = _can(can)
    yield f"provider       {found.name} ({found.origin})"
    yield f"address        {found.base_url or '-'}"
    yield f"create         {create}"
    yield f"revoke         {revoke}{_BY_VALUE[can.by_value]}"
    if can.replaces:
        yield "new value      for the same token; the old value becomes invalid: `rotate --in-place`"
    if can.updates:
        yield f"change         {' and '.join(sorted(can.updates))}, while the value stays: `edit --at-provider`"
    yield f"probe          {probe}"
    yield f"list           {listed}"
    yield f"scope          {can.scope_kind or 'any'}{', checked' if can.verifies_scope else ''}"
    yield from _limits(can)
    yield from _proof(can)
    yield from _credentials(found)
    for key, text in found.source.items():
        yield f"{key.replace('_', ' '):<14} {text}"
    if found.source and "tried_live" not in found.source:
        how = f"; run: tokenguard provider test --live {found.name}" if can.unattended else ""
        yield f"tried live     {_NEVER}{how}"
    for title, table in (
        ("permissions of a token", found.permissions),
        ("permissions that the admin credential needs", found.admin_permissions),
    ):
        if table:
            yield f"{title}:"
            yield from (f"  {name}: {why}" for name, why in table.items())
    for title, steps in (("create", found.guide.create), ("revoke", found.guide.revoke)):
        if steps:
            yield f"to {title}, at {found.guide.where}:"
            yield from (f"  {number}. {step}" for number, step in enumerate(steps, 1))


def _document(found: KnownProvider) -> dict[str, Any]:
    can = found.capabilities
    return {
        "name": found.name,
        "described": found.origin.value,
        "base_url": found.base_url,
        "create": can.mint.value,
        "revoke": can.revoke.value,
        "revoke_by_value": can.by_value.value,
        "replace_in_place": can.replaces,
        "update": sorted(can.updates),
        "probe": can.probe,
        "list": can.lists,
        "list_per_scope": can.lists_per_scope,
        "scope": can.scope_kind,
        "checks_scope": can.verifies_scope,
        "source": found.source,
        "permissions": found.permissions,
        "admin_permissions": found.admin_permissions,
        "uses_admin": found.uses_admin,
        "admin_fields": list(can.admin_fields) if found.uses_admin else [],
        "max_active": can.max_active,
        "tried_live": found.source.get("tried_live"),
        "guide": {"where": found.guide.where, "create": list(found.guide.create), "revoke": list(found.guide.revoke)},
    }
