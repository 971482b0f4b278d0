"""`provider test`: plays provider files against services on loopback, or tries one at the real service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.domain.scope import Scope
from tokenguard.errors import ExitCode, InputError, NeedsPerson
from tokenguard.files import shown
from tokenguard.interrupts import end_signals_as_interrupts
from tokenguard.shell.provider_descriptions import CheckedFile, check_files, read_description
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.live_trial import LiveTrial


@command("test")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@click.option("--all", "all_of_them", is_flag=True, help="Every provider that is described by a file.")
@click.option("--live", is_flag=True, help="Create, check and revoke one token at the real service; asks first.")
@click.option("--scope", default="", metavar="KIND:ID", help="With --live: the scope of the token.")
@click.option(
    "--permission", "permissions", multiple=True, metavar="TEXT", help="With --live: a permission of the token."
)
@click.option(
    "--report", "report", metavar="FILE", type=PATH_TEXT, help="With --live: the report; default NAME-live-DATE.json."
)
@click.option("--yes", is_flag=True, help="With --live: do not ask; required without a terminal.")
@pass_wiring
def test(
    wiring: Wiring,
    names: tuple[str, ...],
    *,
    all_of_them: bool,
    live: bool,
    scope: str,
    permissions: tuple[str, ...],
    report: str | None,
    yes: bool,
) -> ExitCode:
    """Test provider files against a simulated service on this machine, first as described, then with faults.

    NAME is a provider, FILE the path of a provider file (`./acme.yaml`). Tokens are created, listed over several pages,
    distinguished as alive or dead, and revoked. The faults: replies get lost, the login fails, requests are limited, a
    list grows while it is read, revocations are late or have no effect, a web page answers instead of the API. Nothing
    is sent to the provider. Exit 1: a check failed.

    With --live, one token is created at the real service of provider NAME with your admin credential. It is looked up
    in the list, checked, given another label if the file describes that, revoked and proven dead. The report holds no
    value. Ctrl-C, SIGTERM and SIGHUP revoke the token. Exit 5: a token may be alive; the report names its label.
    """
    if live:
        if len(names) != 1 or all_of_them:
            raise InputError("--live tries one provider", hint="name it")
        _check_name(names[0])
        where = Scope.parse(scope) if scope else None
        path = Path(report or f"{names[0]}-live-{wiring.clock.now():%Y-%m-%d}.json")
        return _try_live(wiring, LiveTrial(wiring, names[0], where, permissions, path), path, yes=yes)
    if scope or permissions or report or yes:
        raise InputError("--scope, --permission, --report and --yes require --live", hint="add --live")
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
        wiring.screen.line(f"{pluralize(len(results), 'provider')}, {failed} failed")
    return ExitCode.FINDINGS if failed else ExitCode.OK


def _check_name(given: str) -> None:
    """Refuse a file for a live trial, which needs the configured admin credential of a provider.

    Raises:
        InputError: it is a path, or the file at it is not valid.
    """
    if "/" in given or given.endswith((".yaml", ".yml")):
        name = read_description(Path(given)).name
        raise InputError(
            f"a live trial needs a configured provider, and {shown(Path(given))} is a file",
            hint=f"set [providers.{name}] file and admin, then: tokenguard provider test --live {name}",
        )


def _try_live(wiring: Wiring, trial: LiveTrial, report: Path, *, yes: bool) -> ExitCode:
    if not yes:
        if wiring.tty is None:
            raise NeedsPerson(
                "creating a token is not confirmed; nothing was done", hint="run the command with --yes to confirm"
            )
        wiring.tty.show(f"This creates a token named {trial.label} at {trial.place}, checks it, and revokes it.")
        confirm(wiring.tty, "go on", undone="done")
    with end_signals_as_interrupts():
        passed = trial.run()
    today = f"{wiring.clock.now():%Y-%m-%d}"
    if wiring.screen.as_json:
        steps = [{"step": each.name, "result": each.result, "reason": each.reason} for each in trial.steps]
        wiring.screen.document({"name": trial.name, "passed": passed, "report": str(report), "steps": steps})
    else:
        wiring.screen.line(f"{trial.name}: {'passed' if passed else 'failed'}; report: {shown(report)}")
        if passed:
            wiring.screen.line(f"add `tried_live: {today}` under `source` in the provider file")
    return ExitCode.OK if passed else ExitCode.FINDINGS


def _lines(found: CheckedFile, *, verbose: bool) -> Iterator[str]:
    failed = {name: why for name, why in found.results.items() if why}
    summary = (
        f"{len(failed)} of {len(found.results)} failed"
        if failed
        else f"{pluralize(len(found.results), 'check')} passed"
    )
    yield f"{found.name}: {summary if found.results else 'nothing to check: a person does everything'}"
    for name, why in found.results.items():
        if why or verbose:
            yield f"  {'failed' if why else 'passed'}: {name}{f': {why}' if why else ''}"


def _document(found: CheckedFile) -> dict[str, Any]:
    checks = [{"check": name, "passed": not why, "reason": why} for name, why in found.results.items()]
    return {"name": found.name, "passed": not any(found.results.values()), "checks": checks}
