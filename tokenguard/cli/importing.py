"""`import`: imports tokens from a file, a secret store or a provider's list."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokenguard.cli.base import PATH_TEXT, RenamedOption, break_glass_option, command, pass_wiring
from tokenguard.domain.names import token_name
from tokenguard.errors import ExitCode, InputError
from tokenguard.files import read_named
from tokenguard.inventory.readers import COLUMNS, MAX_BYTES, FileFormat, read_drafts
from tokenguard.policy.model import age_unknown
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.given_facts import creation_date
from tokenguard.usecases.import_file import Defaults, Importer
from tokenguard.usecases.import_outcome import ImportOutcome, ImportStatus
from tokenguard.usecases.rotation_jobs import named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tokenguard.usecases.import_provider import ProviderListing
    from tokenguard.usecases.import_secrets import SecretImport

_TONES = {
    ImportStatus.ADDED: "green",
    ImportStatus.REFUSED: "red",
    ImportStatus.DUPLICATE: "yellow",
    ImportStatus.SKIPPED: "dim",
    ImportStatus.UNFINISHED: "red",
    ImportStatus.UNREADABLE: "red",
}
_CODES = {
    ImportStatus.REFUSED: ExitCode.FINDINGS,
    ImportStatus.UNREADABLE: ExitCode.FINDINGS,
    ImportStatus.UNFINISHED: ExitCode.UNFINISHED,
}
_ALWAYS = frozenset(
    {ImportStatus.ADDED, ImportStatus.DUPLICATE, ImportStatus.SKIPPED, ImportStatus.REFUSED, ImportStatus.UNFINISHED}
)
_PREFIX = "imported"


@command("import")
@click.argument("file", metavar="[FILE]", type=PATH_TEXT, required=False)
@click.option(
    "--from",
    "source",
    default="",
    metavar="ADDRESS",
    help="vault://MOUNT[/PREFIX], aws://REGION[/PREFIX], doppler:PROJECT/CONFIG, gitlab:GROUP/PROJECT, "
    "onepassword://HOST/VAULT, provider:NAME.",
)
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME=VALUE",
    help="With --from vault:// or aws://: only entries with this tag; repeatable.",
)
@click.option(
    "--file-format",
    "form",
    cls=RenamedOption,
    former=("--as",),
    type=click.Choice(list(map(str, FileFormat))),
    help="Format of FILE, if its name does not show it. A CSV or JSON list may have the columns "
    f"{', '.join(dict.fromkeys(COLUMNS.values()))}. Semicolons separate the items of a cell, dates are written as "
    "2027-01-31, and `none` under `consumers` declares that there are none.",
)
@click.option("--prefix", default="", metavar="NAME", help="Prefix of proposed names; for a .env file: imported.")
@click.option("--provider", default="", metavar="P", help="Default provider for tokens without one.")
@click.option("--scope", default="", metavar="KIND:ID", help="Default scope for tokens without one.")
@click.option("--env", "environment", default="", metavar="E", help="Default environment for tokens without one.")
@click.option("--owner", default="", metavar="TEAM", help="Default owner for tokens without one.")
@click.option("--purpose", default="", metavar="TEXT", help="Default purpose for tokens without one.")
@click.option(
    "--created",
    default="",
    metavar="YYYY-MM-DD",
    help="When the values were created; otherwise their age is unknown.",
)
@click.option(
    "--update",
    is_flag=True,
    help="Update records from FILE, a list that `list --format csv` or json wrote; adds no token and changes no value.",
)
@click.option("--dry-run", "--plan", is_flag=True, help="Show what would be imported or changed; write nothing.")
@click.option("--yes", is_flag=True, help="With --update: do not ask for confirmation; required without a terminal.")
@break_glass_option
@pass_wiring
def import_file(
    wiring: Wiring, /, file: str | None, *, source: str, tags: tuple[str, ...], form: str | None, prefix: str,
    update: bool, dry_run: bool, yes: bool, **texts: Any,
) -> int:  # fmt: skip
    """Import the tokens of FILE: a .env file, or a CSV or JSON list of records with values.

    With --from, secrets of a Vault or of AWS that look like tokens are adopted in place; nothing there is changed. A
    value found in several places becomes one record, with the other places as its consumers. From Doppler, GitLab and
    1Password, values are copied into the store, and every place they were found in becomes a consumer. A provider's own
    list has no values: tokens that it lists and the inventory lacks are recorded without a value.

    Tokens without an owner, a scope, an environment or a purpose become `unclaimed`. A value that the inventory already
    has is not added again, so an import can be repeated. Exit 1: some were refused or could not be read; the others are
    imported. Exit 3: a person must confirm that a consumer has its token; `tokenguard rotate --resume` asks.

    With --update, edit a list in a spreadsheet. Columns may be left out, an empty cell clears a field, and `none`
    declares that there are no consumers. A changed name renames the token that has the row's id. The differences are
    shown and confirmed once. On any error nothing is written. A record that changed after the export is an error.
    """
    _check_options(file, source, tags, form, needless_yes=yes and not update)
    given = {name: text for name, text in texts.items() if text}
    if update:
        return _update(wiring, file, form, plan_only=dry_run, confirmed=yes, alone=not (given or prefix))
    if given.get("created"):
        creation_date(given["created"])  # the same for every token: refused before any is read
    if file:
        found = _in_file(wiring, file, form, _prefix(prefix or _PREFIX), given, dry_run=dry_run)
    else:
        wiring.second_person.prepare([])  # places where a value is found wait for no second person
        defaults = Defaults(prefix=_prefix(prefix) if prefix else "", texts=given)
        found = _source(wiring, source, tags).run(defaults, dry_run=dry_run)
    outcomes: list[ImportOutcome] = []
    if not dry_run:
        wiring.unfinished = "imported tokens are kept; run the same command again for the rest"
    try:
        for outcome in found:
            outcomes.append(outcome)  # noqa: PERF402 - what was done is told even if the next one fails
    except BaseException:
        if outcomes:
            _print(wiring, outcomes, dry_run=dry_run)
        raise
    _print(wiring, outcomes, dry_run=dry_run)
    return max((_CODES.get(each.fate, ExitCode.OK) for each in outcomes), default=ExitCode.OK)


def _check_options(
    file: str | None, source: str, tags: tuple[str, ...], form: str | None, *, needless_yes: bool
) -> None:
    if bool(file) == bool(source):
        raise InputError("give either a FILE or --from ADDRESS", hint="tokenguard import .env, for example")
    if source and form:
        raise InputError("--file-format needs a FILE", hint="leave --file-format out")
    if tags and not source:
        raise InputError("--tag needs --from", hint="leave --tag out")
    if needless_yes:
        raise InputError(
            "--yes needs --update", hint="leave --yes out, or add --update to change records to what FILE says"
        )


def _in_file(
    wiring: Wiring, file: str, form: str | None, prefix: str, texts: dict[str, str], *, dry_run: bool
) -> "Iterable[ImportOutcome]":
    """What becomes of each token of a file, as it is imported."""
    data, kind = _read(file, form)
    drafts = read_drafts(data, kind, source=Path(file).name)
    place = Path(file) if kind is FileFormat.ENV else None
    importer = Importer(wiring, Defaults(prefix=prefix, texts=texts, file=place), dry_run=dry_run)
    if not dry_run:
        importer.prepare(drafts)
    return importer.run(drafts)


def _read(file: str, form: str | None) -> tuple[bytes, FileFormat]:
    data = read_named(Path(file), MAX_BYTES, hint="name a file that exists and that you may read")
    return data, FileFormat(form) if form else FileFormat.of(file)


def _update(
    wiring: Wiring, file: str | None, form: str | None, *, plan_only: bool, confirmed: bool, alone: bool
) -> ExitCode:
    from tokenguard.cli.confirmed_edits import write_edits  # an import of new tokens needs none of it
    from tokenguard.usecases.update_records import plan_update

    if not file or not alone:
        raise InputError(
            "--update takes a FILE, --plan and --yes, and nothing else",
            hint="tokenguard list --format csv > tokens.csv; edit it; tokenguard import --update tokens.csv",
        )
    data, kind = _read(file, form)
    if kind is FileFormat.ENV:
        raise InputError("--update reads CSV and JSON", hint="`tokenguard list --format csv` writes such a file")
    edits = plan_update(wiring, data, kind, source=Path(file).name)
    return write_edits(wiring, edits, plan_only=plan_only, confirmed=confirmed)


def _source(wiring: Wiring, address: str, tags: tuple[str, ...]) -> "ProviderListing | SecretImport":
    if address.startswith("provider:"):
        if tags:
            raise InputError(
                "--tag works only with --from vault:// or aws://",
                hint="leave it out: every token that the provider lists is imported",
            )
        from tokenguard.usecases.import_provider import ProviderListing  # each source loads its own

        return ProviderListing(wiring, address)
    from tokenguard.usecases.import_secrets import SecretImport

    return SecretImport(wiring, address, tags)


def _prefix(text: str) -> str:
    try:
        return token_name(text)
    except InputError as error:
        raise InputError("--prefix must be a valid name", hint=error.hint) from None


def _print(wiring: Wiring, outcomes: list[ImportOutcome], *, dry_run: bool) -> None:
    if wiring.screen.as_json:
        document: dict[str, Any] = {"dry_run": dry_run}
        for fate in ImportStatus:
            document[fate] = [
                {"place": each.place, "name": each.name, "provider": each.provider, "state": each.state,
                 "reason": each.reason, "also": list(each.also), "undeclared": list(each.undeclared)}
                for each in outcomes if each.fate is fate
            ]  # fmt: skip
        wiring.screen.document(document)
        return
    if outcomes:
        wiring.screen.table(
            ("where", "what", "name", "provider", "state", "why"),
            [(each.place, each.fate, each.name, each.provider, each.state, _why(each)) for each in outcomes],
            tones=[_TONES[each.fate] for each in outcomes],
        )
    count = Counter(each.fate for each in outcomes)
    told = ", ".join(f"{count[fate]} {fate}" for fate in ImportStatus if fate in _ALWAYS or count[fate])
    wiring.screen.line(f"{told}{' (dry run: nothing was written)' if dry_run else ''}")
    if any(each.fate is ImportStatus.ADDED and not each.asked for each in outcomes) and not dry_run:
        wiring.progress.note("not yet verified with the providers: run `tokenguard verify --all`")
    if not dry_run:
        _tell_gaps(wiring, {each.name for each in outcomes if each.fate is ImportStatus.ADDED})
    if any(each.undeclared for each in outcomes):
        wiring.progress.note(
            "a rotation does not update undeclared consumers: declare all of them with `tokenguard edit NAME "
            "--deliver TARGET`"
        )


def _tell_gaps(wiring: Wiring, names: set[str]) -> None:
    """What `add` says of one token, of all that were imported: ages and consumers that are not known."""
    inventory = wiring.store.scan() if names else ()
    found = [snapshot.document.record for snapshot in inventory if snapshot.document.record.name in names]
    if any(each.missing for each in found):
        wiring.progress.note(
            "unclaimed tokens lack required fields: `tokenguard triage` asks for each and suggests values"
        )
    ageless = [each.name for each in found if age_unknown(each, wiring.policy)]
    undeclared = [each.name for each in found if each.consumers is None]
    if ageless:
        wiring.progress.note(f"age unknown (`tokenguard edit NAME --created YYYY-MM-DD` records it): {named(ageless)}")
    if undeclared:
        wiring.progress.note(
            f"no consumers declared (`tokenguard edit NAME --deliver TARGET`, or --no-consumers): {named(undeclared)}"
        )


def _why(outcome: ImportOutcome) -> str:
    """The reason, and the other places of the value."""
    also = f"also at {', '.join(outcome.also)}" if outcome.also else ""
    undeclared = f"not declared in its record: {', '.join(outcome.undeclared)}" if outcome.undeclared else ""
    return "; ".join(part for part in (outcome.reason, also, undeclared) if part)
