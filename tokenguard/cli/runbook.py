"""`tokenguard runbook NAME`: writes the rotation runbook of one token, as Markdown or HTML."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.cli.selection_options import selects_due
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.files import shown
from tokenguard.inventory.selection import Filter
from tokenguard.output.save_file import save_page
from tokenguard.policy.model import due_of
from tokenguard.report.rotation_runbook import runbook as write_runbook
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.select_tokens import report_selection, select_tokens
from tokenguard.views.runbook_page import page


@command("runbook")
@click.argument("names", type=TOKEN_NAME, nargs=-1, metavar="[NAME]...")
@click.option("--html", "as_html", is_flag=True, help="A self-contained HTML page, ready to print.")
@click.option(
    "--output",
    metavar="FILE",
    type=PATH_TEXT,
    help="Write to this file instead of standard output; a new file gets mode 0600.",
)
@click.option("--force", is_flag=True, help="Replace an existing file that is not an earlier version of the document.")
@selects_due
@pass_wiring
def runbook(
    wiring: Wiring, names: tuple[TokenName, ...], *, as_html: bool, output: str | None, force: bool, wanted: Filter
) -> None:
    """Write the rotation runbook of tokens from their records, one after another. It never contains a value.

    It names the owner and the scope, the commands to type and the places to click, what to expect, and how to prove
    that the rotation is complete. Print it, or keep it where on-call engineers look.
    """
    found = select_tokens(wiring, names, wanted)
    report_selection(wiring, wanted, found)
    if not found and not wiring.screen.as_json:
        return
    text = "\n---\n\n".join(_written(wiring, snapshot) for snapshot in found)
    name = found[0].document.record.name if len(found) == 1 else pluralize(len(found), "token")
    if as_html:
        text = page(name, text)
    if output is not None:
        save_page(Path(output), text, force=force)
        wiring.progress.note(f"written to {shown(Path(output))}")
    elif wiring.screen.as_json:
        wiring.screen.document({"token": name, "type": "html" if as_html else "markdown", "runbook": text})
    else:
        wiring.screen.text(text)


def _written(wiring: Wiring, snapshot: Snapshot) -> str:
    record = snapshot.document.record
    due = due_of(record, wiring.policy)
    return write_runbook(
        snapshot.document,
        provider=wiring.vendors.provider_of(record),
        due_at=due.at if due else None,
        now=wiring.clock.now(),
        store_url=wiring.store_url,
    )
