"""`tokenguard respond`: finds the owner of a leaked value, revokes it, and writes an incident report."""

from datetime import datetime
from pathlib import Path

import click

from tokenguard.cli.base import PATH, PATH_TEXT, RenamedOption, break_glass_option, command, pass_wiring, refuse_empty
from tokenguard.domain.leak import Spread
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.lookalikes import holds_issued, holds_opaque
from tokenguard.domain.secret import Secret
from tokenguard.domain.shape import MAX_LENGTH
from tokenguard.errors import ExitCode, InputError, NeedsPerson
from tokenguard.files import read_named, shown
from tokenguard.inventory.admission import checked_text
from tokenguard.output.save_file import check_kind, save_page
from tokenguard.report.incident import TITLE, IncidentToken, render
from tokenguard.scanning.foreign_reports import MAX_BYTES, ReportedLeak, read_report
from tokenguard.shell.tty import read_unseen
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.given_facts import since_date
from tokenguard.usecases.respond_end import LeakFacts, respond_to
from tokenguard.usecases.respond_lookup import Findings, look_up, revoking_providers
from tokenguard.views.response_view import show


@command("respond")
@click.argument("file", required=False, metavar="[FILE]", type=PATH)
@click.option(
    "--code",
    cls=RenamedOption,
    former=("--report",),
    metavar="CODE",
    help="The report code printed by `scan` or the hook.",
)
@click.option("--stdin", is_flag=True, help="Read the value from standard input.")
@click.option(
    "--reach", type=click.Choice(list(map(str, Spread))), help="How far the value spread; prompted for if missing."
)
@click.option(
    "--where",
    default="",
    metavar="TEXT",
    help="Where the value was found: a URL or a place; on a terminal prompted for if missing.",
)
@click.option("--since", default="", metavar="YYYY-MM-DD", help="Since when it has been there, if known.")
@click.option("--rotate", is_flag=True, help="Revoke and replace tokens that are not dead, without asking.")
@click.option(
    "--output",
    "summary",
    cls=RenamedOption,
    former=("--summary",),
    metavar="FILE",
    type=PATH_TEXT,
    help="Write the incident report as Markdown to this file; a new file gets mode 0600.",
)
@click.option("--force", is_flag=True, help="Replace an existing file that is not an earlier version of the document.")
@break_glass_option
@pass_wiring
def respond(
    wiring: Wiring,
    file: Path | None,
    *,
    code: str | None,
    stdin: bool,
    reach: str | None,
    where: str,
    since: str,
    rotate: bool,
    summary: str | None,
    force: bool,
) -> ExitCode:
    """Find the owner of a leaked value, check whether it still works, and revoke it.

    The value is read from a hidden prompt, or from FILE, the output of `scan --format json`, gitleaks, trufflehog,
    kingfisher or ggshield. Values are compared by fingerprint, and neither shown nor stored. The result is recorded in
    the audit trail. A token that is not dead is recorded as leaked until it is proven dead, or a person ends the leak
    with `edit --leak-ended`. A rotation starts only with --rotate, or after confirmation on a terminal. A report code
    identifies a token, not one of its values: if the token was rotated after an earlier report, a leak is recorded only
    with the value or --since.

    Exit 0: every leaked value is dead. 1: a value is alive, or belongs to no token of this store. 4: the state of a
    value is unknown. A rotation that was started keeps its own exit codes (5: not proven dead).
    """
    refuse_empty("--code", code)
    if (file is not None) + (code is not None) + stdin > 1:
        raise InputError("more than one source given", hint="give a file, --code or --stdin, or none of them")
    if summary is not None and not force:
        check_kind(Path(summary), TITLE, force=force)  # before anything is revoked
    place, begun = _place(wiring, where), _since(since, wiring.clock.now())
    wiring.unfinished = "nothing was recorded; run the command again"
    findings = look_up(wiring.store, wiring.vendors, wiring.scan_key(), _sightings(wiring, file, code, stdin=stdin))
    spread = _spread(wiring, reach, needed=bool(findings.leaks or summary))
    if spread not in {None, Spread.STAGED} and findings.leaks:
        place = place or _asked_place(wiring, findings)
    told = LeakFacts(reach=spread, where=place, since=begun) if spread else None
    cases, exit_code = respond_to(wiring, findings, told, rotate=rotate) if told else ([], ExitCode.OK)
    wiring.unfinished = ""
    if summary is not None and spread is not None:
        now, actor = wiring.clock.now(), wiring.store.actor().id
        page = render(cases, reach=spread, strangers=findings.strangers, now=now, actor=actor)
        save_page(Path(summary), page, force=True)
        wiring.progress.note(f"written to {shown(Path(summary))}")
    show(wiring.screen, cases, findings, spread, revoking_providers(wiring.vendors, findings))
    return max(exit_code, _standing(cases), ExitCode.FINDINGS if findings.strangers + findings.blank else ExitCode.OK)


def _sightings(wiring: Wiring, file: Path | None, code: str | None, *, stdin: bool) -> list[ReportedLeak]:
    if code is not None:
        return [ReportedLeak(scanner="report code", token=code)]
    if file is not None:
        data = read_named(file, MAX_BYTES, hint="name the file that the scanner wrote")
        return read_report(data, source=shown(file))
    if stdin:
        text = read_unseen(MAX_LENGTH + 1).decode("utf-8", "surrogateescape").strip()
    elif wiring.tty is not None:
        text = wiring.tty.ask_hidden("the value that leaked (it stays hidden): ").reveal().strip()
    else:
        raise NeedsPerson(
            "no leaked value was given", hint="without a terminal, give a findings file, --code or --stdin"
        )
    if not text or len(text.encode("utf-8", "surrogateescape")) > MAX_LENGTH:
        raise InputError(
            "this cannot be a token value", hint=f"give only the value, at most {MAX_LENGTH:,} bytes"
        )  # fmt: skip
    return [ReportedLeak(scanner="a person", values=(Secret(text),))]


def _spread(wiring: Wiring, reach: str | None, *, needed: bool) -> Spread | None:
    if reach is not None:
        return Spread(reach)
    if not needed:
        return None
    if wiring.tty is None:
        raise NeedsPerson(
            "--reach is required", hint=f"use one of: {', '.join(map(str, Spread))}"
        )  # fmt: skip
    while True:
        for each in Spread:
            wiring.tty.show(f"  {each.value:<10} {each.meaning}")
        answer = wiring.tty.ask("how far did it spread? ").lower()
        matching = [each for each in Spread if answer and each.value.startswith(answer)]
        if len(matching) == 1:
            return matching[0]


def _place(wiring: Wiring, text: str) -> str:
    place = checked_text(wiring.store, text, what="place") if text else ""
    if holds_issued(place) or holds_opaque(place):
        raise InputError(
            "--where looks like a token value", hint="name the place where it was found, never the value itself"
        )
    return place


def _since(text: str, now: datetime) -> datetime | None:
    if not text:
        return None
    since = since_date(text)
    if since > now:
        raise InputError("--since is in the future", hint="give the day since which it has been there, YYYY-MM-DD")
    return since


def _asked_place(wiring: Wiring, findings: Findings) -> str:
    """Ask the person where the value was found, unless every finding has a place."""
    if all(each.path for leaked in findings.leaks for each in leaked.sightings):
        return ""
    if wiring.tty is None:
        wiring.progress.note("--where was not given: the place of the leak is not recorded")
        return ""
    while True:
        try:
            return _place(wiring, wiring.tty.ask("where was it found? (a URL or a place; Enter if unknown) ").strip())
        except InputError as error:
            wiring.tty.show(f"  {error.message}: {error.hint}")


def _standing(cases: list[IncidentToken]) -> ExitCode:
    """The exit code for tokens that were not revoked."""
    verdicts = {case.verdict for case in cases}
    if Verdict.UNKNOWN in verdicts:
        return ExitCode.UNREACHABLE
    return ExitCode.FINDINGS if Verdict.ALIVE in verdicts else ExitCode.OK
