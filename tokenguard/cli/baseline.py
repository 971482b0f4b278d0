"""`tokenguard baseline`: the findings that the team has accepted."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH, RenamedOption, command, group, pass_wiring
from tokenguard.cli.scan_profile import profile_option
from tokenguard.domain.profile import Profile
from tokenguard.errors import ExitCode, NeedsPerson
from tokenguard.files import shown
from tokenguard.scanning.baseline_file import BaselineContent, decoded_path, new_baseline
from tokenguard.scanning.baseline_matching import Recorder
from tokenguard.scanning.detect_secrets_baseline import DetectSecretsImporter, read_detect_secrets
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.accept_findings import AcceptanceTerms, Acceptor
from tokenguard.usecases.baseline_target import BaselineTarget

_file_option = click.option(
    "--baseline",
    "path",
    cls=RenamedOption,
    former=("--file",),
    type=PATH,
    help="The baseline file; default: .tokenguard-baseline at the top of the repository.",
)


@group(
    "baseline",
    {
        "accept": ("tokenguard.cli.baseline:accept", "Accept the finding at a place, with a reason."),
        "review": ("tokenguard.cli.baseline:review", "Decide about each new finding on a terminal."),
        "update": ("tokenguard.cli.baseline:update", "Accept all current findings."),
        "import": ("tokenguard.cli.baseline:import_former", "Import a .secrets.baseline of detect-secrets."),
    },
)
def baseline() -> None:
    """Accepted findings: `scan` and the hook skip what the baseline lists.

    Commit .tokenguard-baseline at the top of the repository; it is found there. It has one line per finding and no
    value or line number: a finding may move, also with its file, and a token that replaces another is a new finding.
    Known tokens of the team are never skipped.
    """


@command("accept")
@click.argument("places", nargs=-1, required=True, metavar="FINDING...")
@click.option("--reason", metavar="TEXT", default="", help="The reason (required); the file shows it in plain text.")
@click.option("--until", metavar="YYYY-MM-DD", default="", help="The day on which the acceptance ends.")
@click.option("--history", is_flag=True, help="Search for the finding in all commits, as `scan --history` does.")
@_file_option
@profile_option
@pass_wiring
def accept(
    wiring: Wiring, places: tuple[str, ...], *, reason: str, until: str, history: bool, path: Path | None, profile: str
) -> None:
    """Accept the finding at FINDING: PATH:LINE or PATH:LINE:COLUMN, as a report prints it.

    The finding is searched for in the working tree, then in the index. A known token of the team cannot be accepted.
    """
    terms = AcceptanceTerms(reason=reason, until=until, now=wiring.clock.now())
    target = BaselineTarget.of(wiring, [Path()], path, Profile(profile))
    before = target.read()
    acceptor = _acceptor(target, before)
    for place in places:
        acceptor = acceptor.at(place, terms, history=history)
    if not wiring.screen.as_json:
        for entry in sorted({*acceptor.content.entries} - {*before.entries}):
            wiring.screen.line(f"accepted: {shown(Path(decoded_path(entry.path)))}: {entry.type}")
    _write(wiring, target, before, acceptor.content, accepted=len(places))


@command("review")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=PATH)
@_file_option
@profile_option
@pass_wiring
def review(wiring: Wiring, paths: tuple[Path, ...], *, path: Path | None, profile: str) -> None:
    """Go through the findings in PATH (default: the working directory) that are not accepted yet.

    Each answer is saved immediately. For each accepted finding you enter a reason and, optionally, an expiry date.
    """
    if wiring.tty is None:
        raise NeedsPerson(
            "a person decides about each finding",
            hint="run it on a terminal without --no-input, or `tokenguard baseline accept PATH:LINE --reason TEXT`",
        )
    target = BaselineTarget.of(wiring, paths, path, Profile(profile))
    acceptor = _acceptor(target, target.read())
    accepted, left = acceptor.review(wiring.tty, target.scanned, target.write)
    if wiring.screen.as_json:
        wiring.screen.document({"file": str(target.file), "accepted": accepted, "left": left})
    else:
        wiring.screen.line(f"{shown(target.file)}: {accepted:,} accepted, {pluralize(left, 'finding')} left")


@command("update")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=PATH)
@_file_option
@profile_option
@pass_wiring
def update(wiring: Wiring, paths: tuple[Path, ...], path: Path | None, profile: str) -> None:
    """Accept all findings in PATH (default: the working directory), and remove those that no longer exist.

    Lines of files outside PATH, dates and reasons are kept. Expired acceptances are not renewed.
    """
    target = BaselineTarget.of(wiring, paths, path, Profile(profile))
    before = target.read()
    recorder = Recorder(before, target.paths, target.now)
    report = target.job(recorder).paths(target.scanned)
    _write(wiring, target, before, recorder.content(target.scanned), files=report.files, left=len(report.findings))


@command("import")
@click.argument("former", metavar="FILE", type=PATH)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=PATH)
@_file_option
@profile_option
@pass_wiring
def import_former(wiring: Wiring, former: Path, paths: tuple[Path, ...], path: Path | None, profile: str) -> ExitCode:
    """Import the findings that FILE, a .secrets.baseline, lists and PATH still has; exit 1 if PATH has others.

    Findings audited as real secrets are not imported. Plug-ins and filters named in FILE are never run.
    """
    target = BaselineTarget.of(wiring, paths, path, Profile(profile))
    known, real = read_detect_secrets(former)
    recorder = DetectSecretsImporter(target.paths, target.now, known)
    report = target.job(recorder).paths(target.scanned)
    content = recorder.content(target.scanned)
    _write(wiring, target, new_baseline(), content, files=report.files, real=real, left=len(report.findings))
    return ExitCode.FINDINGS if report.findings else ExitCode.OK


def _acceptor(target: BaselineTarget, content: BaselineContent) -> Acceptor:
    return Acceptor(content=content, paths=target.paths, jobs=target.job, now=target.now)


def _write(
    wiring: Wiring, target: BaselineTarget, before: BaselineContent, content: BaselineContent, **counts: int
) -> None:
    attribute = target.write(content)
    entries = len(set(content.entries))
    for note in target.notes:
        wiring.progress.note(note)
    if before.damaged:
        wiring.progress.note(f"left out: {pluralize(before.damaged, 'damaged line')} of the previous file")
    if wiring.screen.as_json:
        wiring.screen.document({"file": str(target.file), "entries": entries, **counts})
        return
    seen = f" from {pluralize(counts['files'], 'file')}" if "files" in counts else ""
    wiring.screen.line(f"{shown(target.file)}: {pluralize(entries, 'entry', 'entries')}{seen}")
    if target.is_in_git:
        wiring.progress.note("stage the baseline together with the change: pre-commit reads the staged version")
    if attribute:
        wiring.screen.line(
            "`.gitattributes` now has merge=union for it, so that git merges the additions of two branches"
        )
    if counts.get("real"):
        wiring.screen.line(f"audited as real secrets, not imported: {counts['real']:,}")
    if counts.get("left"):
        wiring.screen.line(f"{pluralize(counts['left'], 'finding')} not listed there; `tokenguard scan` shows them")
