"""`provider test`: plays provider files against services on loopback."""

from collections.abc import Iterator
from typing import Any

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import ExitCode, InputError
from tokenguard.shell.provider_descriptions import CheckedFile, check_files
from tokenguard.shell.wiring import Wiring
from tokenguard.text import counted


@command("test")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@click.option("--all", "all_of_them", is_flag=True, help="Every provider that is described by a file.")
@pass_wiring
def test(wiring: Wiring, names: tuple[str, ...], *, all_of_them: bool) -> ExitCode:
    """Play provider files against a service on this machine that behaves as the file says, and misbehaves.

    NAME is a provider, FILE the path of a provider file (`./acme.yaml`). Tokens are created, listed over several pages,
    told alive and dead, and revoked; replies get lost, the login fails, requests are limited, a list grows while it is
    read, revocations are late or have no effect, and a web page answers instead of the API. Nothing is sent to the
    provider. Exit 1: a check failed.
    """
    if all_of_them == bool(names):
        raise InputError("name providers, or give --all", hint="`tokenguard provider list` shows their names")
    results = []
    for each in check_files(wiring.settings, names):
        results.append(each)
        if not wiring.screen.as_json:
            for line in _lines(each, verbose=wiring.flags.verbose or len(names) == 1):
                wiring.screen.line(line)
    failed = sum(any(each.results.values()) for each in results)
    if wiring.screen.as_json:
        wiring.screen.document({"providers": [_document(each) for each in results]})
    else:
        wiring.screen.line(f"{counted(len(results), 'provider')}, {failed} failed")
    return ExitCode.FINDINGS if failed else ExitCode.OK


def _lines(found: CheckedFile, *, verbose: bool) -> Iterator[str]:
    failed = {name: why for name, why in found.results.items() if why}
    summary = (
        f"{len(failed)} of {len(found.results)} failed" if failed else f"{counted(len(found.results), 'check')} passed"
    )
    yield f"{found.name}: {summary if found.results else 'nothing to check: a person does everything'}"
    for name, why in found.results.items():
        if why or verbose:
            yield f"  {'failed' if why else 'passed'}: {name}{f': {why}' if why else ''}"


def _document(found: CheckedFile) -> dict[str, Any]:
    checks = [{"check": name, "passed": not why, "reason": why} for name, why in found.results.items()]
    return {"name": found.name, "passed": not any(found.results.values()), "checks": checks}
