"""`tokenguard report`: reports the state of the inventory."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.cli.selection_options import selects_due
from tokenguard.errors import InputError
from tokenguard.files import shown
from tokenguard.inventory.selection import Filter
from tokenguard.output.formats import OutputFormat, json_text
from tokenguard.output.save_file import save_page
from tokenguard.report.posture import Posture
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.build_report import as_of_moment, posture_of

REPORT_FORMATS = (
    OutputFormat.MARKDOWN,
    OutputFormat.TEXT,
    OutputFormat.HTML,
    OutputFormat.JSON,
    OutputFormat.CSV,
    OutputFormat.ICS,
)
"""`text` is the same as Markdown."""


@command("report")
@click.option("--policy", "named", metavar="NAME|FILE", help="The policy to use instead of the configured one.")
@click.option("--ask-providers", is_flag=True, help="Compare with the providers' own lists of tokens.")
@click.option("--all-stores", is_flag=True, help="Include every configured store.")
@click.option("--as-of", metavar="DATE", help="The state at the end of that day (UTC), or a forecast for a future day.")
@click.option("--format", "as_format", type=click.Choice([*map(str, REPORT_FORMATS)]), help="Output format.")
@click.option("--html", "as_html", is_flag=True, help="Short for --format html.")
@click.option(
    "--output",
    metavar="FILE",
    type=PATH_TEXT,
    help="Write to this file instead of standard output; a new file gets mode 0600.",
)
@click.option("--force", is_flag=True, help="Replace an existing file that is not an earlier version of the document.")
@selects_due
@pass_wiring
def report(
    wiring: Wiring,
    *,
    named: str | None,
    ask_providers: bool,
    all_stores: bool,
    as_of: str | None,
    as_format: str | None,
    as_html: bool,
    output: str | None,
    force: bool,
    wanted: Filter,
) -> None:
    """Report owners, due dates, violations, waivers, rotations, and what could not be evaluated.

    The formats are Markdown; html, a self-contained page with charts; json and csv, with every row; ics, a calendar of
    the due dates of the next 90 days. A report never contains a value. --as-of goes back as far as the audit trail.
    """
    form = _form(as_format or wiring.flags.format, as_html=as_html)
    moment = as_of_moment(as_of) if as_of is not None else None
    judged = form is not OutputFormat.ICS
    posture = posture_of(wiring, named, wanted, every=all_stores, ask=ask_providers, at=moment, judged=judged)
    text = _written(posture, form)
    if output is not None:
        save_page(Path(output), text, force=force)
        wiring.progress.note(f"written to {shown(Path(output))}")
    else:
        wiring.screen.text(text)
    wiring.stores.check_listed_whole()


def _form(given: str, *, as_html: bool) -> OutputFormat:
    form = OutputFormat(given)
    if not as_html:
        return form
    if form in {OutputFormat.JSON, OutputFormat.CSV, OutputFormat.ICS}:
        raise InputError(f"--html and --format {form.value} contradict each other", hint="give one of the two")
    return OutputFormat.HTML


def _written(posture: Posture, form: OutputFormat) -> str:
    if form is OutputFormat.HTML:
        from tokenguard.report.page import as_page  # only a page loads what draws charts

        return as_page(posture)
    from tokenguard.report import posture_forms as forms  # a page does not need it

    if form is OutputFormat.ICS:
        from tokenguard.report.calendar_file import as_calendar  # only a calendar needs it

        return as_calendar(posture)
    if form is OutputFormat.CSV:
        return forms.as_csv(posture)
    if form is OutputFormat.JSON:
        return json_text(forms.as_json(posture))
    return forms.as_markdown(posture)
