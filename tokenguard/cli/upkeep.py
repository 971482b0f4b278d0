"""`tokenguard upkeep`: everything that a schedule repeats, with one summary at its end."""

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import ExitCode
from tokenguard.output.formats import OutputFormat
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.upkeep_result import Done, Summary
from tokenguard.views.upkeep_summary import UPKEEP_FORMATS, show_summary


@command("upkeep")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--env", "environment", metavar="E", default="", help="The environment that is meant; with its overlay.")
@click.option("--concurrent", is_flag=True, help="Work beside other runners on a store on AWS; others need no leave.")
@click.option("--format", "as_format", type=click.Choice([*map(str, UPKEEP_FORMATS)]), help="How to tell it.")
@pass_wiring
def upkeep(wiring: Wiring, file: str | None, *, environment: str, concurrent: bool, as_format: str | None) -> ExitCode:
    """Do what a schedule repeats: resume, apply, rotate what is due, verify, check consumers, look for drift.

    Nothing is asked. FILE is a manifest, tokens.yaml where there is one; without a manifest nothing is applied and no
    drift looked for. Of it only what repeats is applied, and what is new under an approval (`tokenguard approve`). What
    fails at one token does not keep the rest from being done. The exit code is the gravest: 6 tampering, 5 a revoke
    owed or unproven, 4 no clear answer, 3 unfinished or waiting for a person or an approval, 2 a manifest that cannot
    be fulfilled, 1 a dead token, a consumer without the live value, or drift.
    """
    from tokenguard.usecases.run_upkeep import Upkeep  # loads what works

    wiring.concurrent = concurrent
    wiring.flags.no_input = True
    wiring.tty = None
    _ = wiring.store  # where it cannot be opened, nothing else is worth telling
    wiring.unfinished = "nothing is lost; run `tokenguard upkeep` again, and it goes on from there"
    chosen = OutputFormat(as_format or wiring.flags.format)
    work, lines = Upkeep(wiring, file, environment), list[Done]()
    try:
        for line in work.run():
            lines.append(line)
            if line.code is not ExitCode.OK:
                wiring.progress.note(f"{line.duty}: {line.name}: {line.says}" if line.name else line.says)
    except BaseException:
        show_summary(wiring, Summary(lines=tuple(lines), held=tuple(work.held), stopped=True), chosen)
        raise
    found = Summary(lines=tuple(lines), held=tuple(work.held))
    show_summary(wiring, found, chosen)
    return found.exit_code
