"""`import FILE`: take tokens from a .env, CSV or JSON file."""

from collections import Counter
from pathlib import Path
from typing import Any

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.intake import Defaults, Fate, Intake, Outcome
from tokenguard.domain.names import token_name
from tokenguard.errors import ExitCode, InputError
from tokenguard.files import read_limited, shown
from tokenguard.inventory.readers import MAX_BYTES, Format, read_drafts
from tokenguard.shell.wiring import Wiring

_TONES = {
    Fate.ADDED: "green",
    Fate.REFUSED: "red",
    Fate.DUPLICATE: "yellow",
    Fate.SKIPPED: "dim",
    Fate.UNFINISHED: "red",
}
_CODES = {Fate.REFUSED: ExitCode.FINDINGS, Fate.UNFINISHED: ExitCode.UNFINISHED}


@command("import")
@click.argument("file", metavar="FILE")
@click.option("--as", "form", type=click.Choice(list(map(str, Format))), help="The file's format, if not by its name.")
@click.option("--prefix", default="imported", metavar="NAME", help="Where variables of a .env file get their names.")
@click.option("--provider", default="", metavar="P", help="For tokens that do not tell.")
@click.option("--scope", default="", metavar="KIND:ID", help="For tokens that do not tell.")
@click.option("--env", "environment", default="", metavar="E", help="For tokens that do not tell.")
@click.option("--owner", default="", metavar="TEAM", help="For tokens that do not tell.")
@click.option("--purpose", default="", metavar="TEXT", help="For tokens that do not tell.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@pass_wiring
def import_file(wiring: Wiring, /, file: str, *, form: str | None, prefix: str, dry_run: bool, **texts: Any) -> int:
    """Take the tokens of FILE into the inventory: a .env file, or a CSV or JSON list of records with values.

    What lacks an owner, a scope, an environment or a purpose becomes `unclaimed`. A value that the inventory has
    already is not added again, so an import can be repeated. Exit 1: some entries were refused; the others are in.
    Exit 3: of one a person must say that its consumer has it; `tokenguard rotate --resume` asks.
    """
    drafts = read_drafts(_read(Path(file)), Format(form) if form else Format.of(file), source=Path(file).name)
    defaults = Defaults(prefix=_prefix(prefix), texts={name: text for name, text in texts.items() if text})
    outcomes: list[Outcome] = []
    try:
        for outcome in Intake(wiring, defaults, dry_run=dry_run).run(drafts):
            outcomes.append(outcome)  # noqa: PERF402 - what was done is told even if the next one fails
    finally:
        _print(wiring, outcomes, dry_run=dry_run)
    return max((_CODES.get(each.fate, ExitCode.OK) for each in outcomes), default=ExitCode.OK)


def _read(path: Path) -> bytes:
    try:
        return read_limited(path, MAX_BYTES)
    except OSError:
        raise InputError(f"cannot read {shown(path)}", hint="name a file that exists and that you may read") from None


def _prefix(text: str) -> str:
    try:
        return token_name(text)
    except InputError as error:
        raise InputError("--prefix is not a name", hint=error.hint) from None


def _print(wiring: Wiring, outcomes: list[Outcome], *, dry_run: bool) -> None:
    if wiring.screen.as_json:
        document: dict[str, Any] = {"dry_run": dry_run}
        for fate in Fate:
            document[fate] = [
                {"place": each.place, "name": each.name, "provider": each.provider, "state": each.state,
                 "reason": each.reason}
                for each in outcomes if each.fate is fate
            ]  # fmt: skip
        wiring.screen.document(document)
        return
    if outcomes:
        wiring.screen.table(
            ("where", "what", "name", "provider", "state", "why"),
            [(each.place, each.fate, each.name, each.provider, each.state, each.reason) for each in outcomes],
            tones=[_TONES[each.fate] for each in outcomes],
        )
    count = Counter(each.fate for each in outcomes)
    told = ", ".join(f"{count[fate]} {fate}" for fate in Fate)
    wiring.screen.line(f"{told}{' (dry run: nothing was written)' if dry_run else ''}")
    if count[Fate.ADDED] and not dry_run:
        wiring.progress.note("nothing was asked of the providers yet: `tokenguard verify --all` does")
