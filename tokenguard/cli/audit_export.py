"""`audit export`: audit entries as lines of JSON, each exactly once."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.errors import InputError
from tokenguard.files import read_named, shown
from tokenguard.shell.wiring import Wiring
from tokenguard.text import inert_json, pluralize
from tokenguard.usecases.export_audit import (
    MAX_CURSOR,
    Cursor,
    append_export,
    cursor_of_lines,
    lines_and_cursor,
    read_cursor,
)


@command("export")
@click.option("--format", "form", type=click.Choice(["jsonl"]), default="jsonl", help="One JSON object per line.")
@click.option(
    "--since",
    default="",
    metavar="CURSOR",
    help="Continue after the cursor of an earlier export; @FILE reads it from that export.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=PATH_TEXT,
    help="Append the missing entries to FILE; an incomplete last line is rewritten.",
)
@pass_wiring
def export(wiring: Wiring, *, form: str, since: str, output: str | None) -> None:  # noqa: ARG001 - one format so far
    """Print every audit entry of the store, its tokens and the items shared through it; the last line is a cursor.

    Entries are in the order of their chain; `chain` and `seq` identify an entry, `prev` and `hash` link it to the one
    before. With --since no entry is skipped or repeated, also if other runners write meanwhile or their clocks differ.
    With --output the file itself is the cursor: after an interrupted run, the next one completes it. Exit 6: a chain
    differs from the one that was exported before. After a migration, export to a new file without --since.
    """
    if output is not None:
        if since:
            raise InputError("--output continues from what the file holds", hint="leave --since out")
        count = append_export(wiring.store, Path(output))
        wiring.progress.note(f"{pluralize(count, 'entry', 'entries')} appended to {shown(Path(output))}")
        return
    for line in lines_and_cursor(wiring.store, _cursor(since)):
        wiring.screen.line(inert_json(line))


def _cursor(since: str) -> Cursor:
    if not since.startswith("@"):
        return read_cursor(since) if since else {}
    file = Path(since[1:])
    data = read_named(file, MAX_CURSOR, hint="name the file of an earlier export")
    return cursor_of_lines(data, source=file.name)[0]
