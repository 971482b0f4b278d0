"""`tokenguard upkeep`: runs all scheduled work, with one summary."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.errors import ExitCode
from tokenguard.output.formats import OutputFormat
from tokenguard.output.save_file import check_kind, check_page, save_page
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.upkeep_result import Summary, UpkeepLine
from tokenguard.views.upkeep_summary import UPKEEP_FORMATS, show_summary


@command("upkeep")
@click.argument("file", metavar="[FILE]", type=PATH_TEXT, required=False)
@click.option("--env", "environment", metavar="E", default="", help="The environment to select, with its overlay.")
@click.option("--concurrent", is_flag=True, help="Allow other runners on the same AWS store; not needed elsewhere.")
@click.option("--format", "as_format", type=click.Choice([*map(str, UPKEEP_FORMATS)]), help="Output format.")
@click.option(
    "--metrics",
    metavar="FILE",
    type=PATH_TEXT,
    help="Also write the output of `tokenguard metrics` to FILE, with the end of this run.",
)
@pass_wiring
def upkeep(
    wiring: Wiring, file: str | None, *, environment: str, concurrent: bool, as_format: str | None, metrics: str | None
) -> ExitCode:
    """Run all scheduled work: resume, apply, rotate due tokens, verify, check consumers, detect drift.

    It never prompts. FILE is a manifest (default: tokens.yaml, if it exists); without one, apply and drift are skipped.
    New items of the manifest are applied only with an approval (`tokenguard approve`). A failure at one token does not
    stop the rest. The exit code is the most severe one: 6 tampering, 5 a revocation not proven, 4 no clear answer, 3
    unfinished or waiting for a person or an approval, 2 an invalid or unfulfillable manifest, 1 a dead token, a
    consumer without the live value, or drift.
    """
    from tokenguard.usecases.run_upkeep import Upkeep  # loads what works

    wiring.concurrent = concurrent
    wiring.flags.no_input = True
    wiring.tty = None
    if metrics is not None:
        from tokenguard.report.open_metrics import OPENING  # few runs write them

        check_page(Path(metrics))
        check_kind(Path(metrics), OPENING)  # before the work, whose exit code a refusal would replace
    _ = wiring.store  # without the store no other result matters
    wiring.unfinished = "nothing is lost; run `tokenguard upkeep` again to continue"
    chosen = OutputFormat(as_format or wiring.flags.format)
    work, lines = Upkeep(wiring, file, environment), list[UpkeepLine]()
    try:
        for line in work.run():
            lines.append(line)
            if line.code is not ExitCode.OK:
                wiring.progress.note(f"{line.duty}: {line.name}: {line.says}" if line.name else line.says)
    except BaseException as stop:
        from tokenguard.cli.error_handler import exit_code_of  # it imports the table of commands

        code = exit_code_of(stop)
        show_summary(wiring, Summary(lines=tuple(lines), held=tuple(work.held), stopped_by=code), chosen)
        raise
    found = Summary(lines=tuple(lines), held=tuple(work.held))
    show_summary(wiring, found, chosen)
    if metrics is not None:
        from tokenguard.usecases.write_metrics import metrics_text  # few runs write them

        save_page(Path(metrics), metrics_text(wiring, upkeep_code=found.exit_code))
    if found.exit_code is ExitCode.OK:
        wiring.stores.check_listed_whole()
    return found.exit_code
