"""`provider list|show|new|lint`: what is known of providers without asking them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.domain.names import segment
from tokenguard.errors import InputError
from tokenguard.files import shown, write_new
from tokenguard.frozen import replace
from tokenguard.ports.provider import ByValue, Capabilities, Method
from tokenguard.settings import admin_variable
from tokenguard.shell.provider_descriptions import (
    FileAnswers,
    KnownProvider,
    known_provider,
    known_providers,
    new_description,
    read_description,
)
from tokenguard.shell.tty import Tty
from tokenguard.shell.wiring import Wiring

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
    """Show what tokenguard can do at provider NAME, what a person does there, and what its description is based on."""
    found = known_provider(name, wiring.settings, wiring.clock)
    if wiring.screen.as_json:
        wiring.screen.document(_document(found))
        return
    for line in _lines(found):
        wiring.screen.line(line)


@command("new")
@click.argument("name")
@click.option("--output", metavar="FILE", help="Write to this file, which must not exist, instead of standard output.")
@click.option("--base-url", default="", metavar="URL", help="What every request begins with.")
@click.option("--documentation", default="", metavar="URL", help="The vendor's page that describes the API.")
@click.option("--contract", default="", metavar="TEXT", help="A published OpenAPI description, and its commit or date.")
@click.option("--auth", default="", metavar="HOW", help="How requests carry a token: bearer, basic, header NAME.")
@click.option(
    "--by-person",
    type=click.Choice(["create", "all"]),
    default=None,
    help="create: only a person creates tokens; all: a person also lists and revokes them.",
)
@pass_wiring
def new(wiring: Wiring, /, name: str, *, output: str | None, by_person: str | None, **given: str) -> None:
    """Write a file that describes provider NAME, to begin with: an example of every key, with its explanation.

    On a terminal, options that are missing are asked for; an empty answer keeps the example. Replace what differs by
    what the provider's documentation says, leave out what it does not have, validate the file with `tokenguard provider
    lint`, and play it with `tokenguard provider test`.
    """
    segment(name, what="provider")
    answers = FileAnswers(**given, by_person=by_person or "")
    if wiring.tty is not None and output is not None:
        answers = _asked(wiring.tty, answers, by_person=by_person)
    if answers != FileAnswers():
        answers = replace(answers, today=f"{wiring.clock.now():%Y-%m-%d}")
    text = new_description(name, answers)
    if output is None:
        wiring.screen.text(text)
        return
    try:
        write_new(Path(output), text.encode())
    except OSError:
        raise InputError(f"cannot create {shown(Path(output))}", hint="name a file that does not exist yet") from None
    wiring.progress.note(f"written to {shown(Path(output))}; validate it with: tokenguard provider lint {output}")


_QUESTIONS = {
    "base_url": "address of the API, such as https://api.acme.example/v2",
    "documentation": "page that documents it",
    "contract": "published OpenAPI description and its commit or date, if there is one",
    "auth": "how requests carry a token: bearer, basic or header NAME",
}


def _asked(tty: Tty, answers: FileAnswers, *, by_person: str | None) -> FileAnswers:
    """Ask for what was not given as an option."""
    found = {
        key: tty.ask(f"{question} (empty: the example stays): ")
        for key, question in _QUESTIONS.items()
        if not getattr(answers, key)
    }
    if by_person is None:
        told = tty.ask("who creates tokens, api or person: ").lower() == "person"
        revokes = told and tty.ask("who revokes them, api or person: ").lower() == "person"
        found["by_person"] = ("all" if revokes else "create") if told else ""
    return replace(answers, **found)


@command("lint")
@click.argument("file", type=click.Path(path_type=Path))
@pass_wiring
def lint(wiring: Wiring, file: Path) -> None:
    """Validate the provider file FILE; exit 2 with line and column if it is invalid."""
    name = read_description(file)
    if wiring.screen.as_json:
        wiring.screen.document({"file": str(file), "provider": name})
    else:
        wiring.screen.line(f"{shown(file)}: {name}: valid")


def _can(can: Capabilities) -> tuple[str, str, str, str]:
    listed = ("per scope" if can.lists_per_scope else "yes") if can.lists else "no"
    return _DONE_BY[can.mint], _DONE_BY[can.revoke], "yes" if can.probe else "no", listed


def _death(can: Capabilities) -> str:
    if can.probe:
        return "refused while a control is accepted"
    return "missing from a complete list" if can.lists else "asserted by a person only"


def _lines(found: KnownProvider) -> Iterator[str]:
    can = found.capabilities
    create, revoke, probe, listed = _can(can)
    yield f"provider       {found.name} ({found.origin})"
    yield f"address        {found.base_url or '-'}"
    yield f"create         {create}"
    yield f"revoke         {revoke}{_BY_VALUE[can.by_value]}"
    if can.replaces:
        yield "new value      in place, which ends the old one: `rotate --in-place`"
    yield f"probe          {probe}"
    yield f"list           {listed}"
    yield f"scope          {can.scope_kind or 'any'}{', checked' if can.verifies_scope else ''}"
    yield f"proof of death {_death(can)}"
    if can.unattended:
        yield f"admin          {admin_variable(found.name)}, or `[providers.{found.name}] admin`"
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
        "probe": can.probe,
        "list": can.lists,
        "list_per_scope": can.lists_per_scope,
        "scope": can.scope_kind,
        "checks_scope": can.verifies_scope,
        "source": found.source,
        "permissions": found.permissions,
        "admin_permissions": found.admin_permissions,
        "tried_live": found.source.get("tried_live"),
        "guide": {"where": found.guide.where, "create": list(found.guide.create), "revoke": list(found.guide.revoke)},
    }
