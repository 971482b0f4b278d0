"""`tokenguard metrics`: the state of the inventory for a monitoring system."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.errors import InputError
from tokenguard.files import shown
from tokenguard.output.save_file import save_page
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.write_metrics import metrics_text


@command("metrics")
@click.option(
    "--output",
    metavar="FILE",
    type=PATH_TEXT,
    help="Write to this file, replaced in one step; a new file gets mode 0600.",
)
@pass_wiring
def metrics(wiring: Wiring, output: str | None) -> None:
    """Write the state of the inventory as OpenMetrics text: ages, due and overdue tokens, leaks, unproven revocations.

    Counts are by environment, owner and provider; no token is named. The time and exit code of the last `upkeep` are
    included if the store knows them: `upkeep` records its runs if the configuration has a [notify] table. For the
    text-file collector of Prometheus' node exporter, `upkeep --metrics FILE` writes the file when it ends.
    """
    if wiring.screen.as_json:
        raise InputError("`tokenguard metrics` writes OpenMetrics text only", hint="leave --format out")
    text = metrics_text(wiring)
    if output is None:
        wiring.screen.text(text)
    else:
        save_page(Path(output), text)
        wiring.progress.note(f"written to {shown(Path(output))}")
    wiring.stores.check_listed_whole()
