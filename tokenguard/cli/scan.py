"""`tokenguard scan`: leaks in files, in what is staged, in a history, in a stream."""

import sys
from pathlib import Path

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.domain.finding import Report
from tokenguard.errors import ExitCode, InputError
from tokenguard.scanning.advice import Reach
from tokenguard.scanning.baseline import suppressor
from tokenguard.scanning.jobs import Job
from tokenguard.scanning.naming import named
from tokenguard.scanning.outputs import document
from tokenguard.scanning.outputs.formats import Format, render
from tokenguard.scanning.own_tokens import load_own_tokens
from tokenguard.scanning.scanner import Stages, Suppressor
from tokenguard.scanning.source import MAX_BYTES
from tokenguard.shell.scan_key import find_scan_key
from tokenguard.shell.wiring import Wiring


@command("scan")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--staged", is_flag=True, help="What the next commit changes, as the index has it.")
@click.option("--history", is_flag=True, help="Every content of every commit of all refs, and the messages.")
@click.option("--since", metavar="REV", default="", help="The history after it.")
@click.option("--stdin", is_flag=True, help="Standard input.")
@click.option("--baseline", type=click.Path(path_type=Path), help="Pass over what this file lists.")
@click.option("--own-only", is_flag=True, help="Only the team's own tokens, beside another scanner.")
@click.option("--require-own", is_flag=True, help="Fail where own tokens cannot be looked for.")
@click.option("--names", is_flag=True, help="Look up in the store whose own tokens were found.")
@click.option("--strict", is_flag=True, help="Exit 1 if anything was not scanned.")
@click.option("--format", "as_format", type=click.Choice([each.value for each in Format]), help="How to report.")
@pass_wiring
def scan(
    wiring: Wiring,
    paths: tuple[Path, ...],
    *,
    staged: bool,
    history: bool,
    since: str,
    stdin: bool,
    baseline: Path | None,
    own_only: bool,
    require_own: bool,
    names: bool,
    strict: bool,
    as_format: str | None,
) -> ExitCode:
    """Find leaked tokens; exit 1 if there are any.

    Without options it scans PATH (here, if none is given): what git tracks or would track, or every file where
    there is no git. Findings are the team's own tokens (if `fingerprints pull` was run), what detect-secrets finds, and
    vendors' tokens and pre-signed URLs that it does not know. No finding holds any part of a value, and nothing is
    sent anywhere.
    """
    chosen = Format(as_format or wiring.flags.format)
    if sum((bool(paths), staged, history or bool(since), stdin)) > 1:
        raise InputError("more than one thing to scan", hint="give paths, --staged, --history (--since) or --stdin")
    own = load_own_tokens(find_scan_key(wiring.environ), wiring.clock.now(), required=require_own or own_only)
    job = Job(
        stages=Stages(own=own.stage, rules=not own_only),
        suppressor=suppressor(baseline) if baseline else Suppressor(),
        notes=own.notes,
    )
    if stdin:
        report, reach = job.stream(sys.stdin.buffer.read(MAX_BYTES + 1)), Reach.STREAM
    elif staged:
        report, reach = job.staged(Path()), Reach.STAGED
    elif history or since:
        report, reach = job.history(Path(), since), Reach.PUSHED
    else:
        report, reach = job.paths(paths or (Path(),)), Reach.WORKTREE
    if names:
        report = named(report, lambda: wiring.store)
    _print(wiring, report, chosen, reach)
    return ExitCode.FINDINGS if report.findings or (strict and report.skipped) else ExitCode.OK


def _print(wiring: Wiring, report: Report, chosen: Format, reach: Reach) -> None:
    if chosen is Format.JSON:
        wiring.flags.format = "json"
        wiring.screen.document(document.content(report))
        return
    for line in render(report, chosen, reach).rstrip("\n").split("\n"):
        wiring.screen.line(line)
