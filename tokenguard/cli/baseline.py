"""`tokenguard baseline`: what the team has decided to live with."""

from collections.abc import Sequence
from pathlib import Path

import click

from tokenguard.cli.base import command, group, pass_wiring
from tokenguard.cli.scan_profile import profile_option
from tokenguard.domain.finding import Report
from tokenguard.domain.profile import Profile
from tokenguard.errors import ExitCode
from tokenguard.files import replace_kept, shown
from tokenguard.scanning.baseline_file import NAME, Recorder, new_salt, read_baseline
from tokenguard.scanning.detect_secrets_baseline import FormerRecorder, read_former
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.known_token_stage import load_own_tokens
from tokenguard.scanning.scan_options import demanded
from tokenguard.scanning.scanner import Stages
from tokenguard.shell.save_file import check_page
from tokenguard.shell.scan_key import find_scan_key
from tokenguard.shell.scan_settings import team_rules
from tokenguard.shell.wiring import Wiring
from tokenguard.text import counted
from tokenguard.usecases.scan_target import directories_of

_READABLE = 0o644  # it is committed: nothing in it is secret
_FILE = click.option("--file", "path", type=click.Path(path_type=Path), default=Path(NAME), help=f"Default: {NAME}.")


@group(
    "baseline",
    {
        "update": ("tokenguard.cli.baseline:update", "Accept everything that is found now, and nothing else."),
        "import": ("tokenguard.cli.baseline:import_former", "Take over a .secrets.baseline of detect-secrets."),
    },
)
def baseline() -> None:
    """Findings that are known: `scan` and the hook pass over what the baseline lists.

    The file is committed. It has one line a finding and holds no value, line number or date; moving a finding does
    not change it, replacing the token makes a new finding. The team's own tokens are never passed over.
    """


@command("update")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@_FILE
@profile_option
@pass_wiring
def update(wiring: Wiring, paths: tuple[Path, ...], path: Path, profile: str) -> None:
    """Write the baseline anew from what PATH (here, if none is given) holds; the file's salt stays."""
    check_page(path)
    salt = read_baseline(path)[0] if path.exists() else new_salt()
    recorder = Recorder(salt, path.parent)
    report = _job(wiring, recorder, _asked(profile, paths)).paths(paths or (Path(),))
    _write(wiring, path, recorder, report, left=len(report.findings))


@command("import")
@click.argument("former", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@_FILE
@profile_option
@pass_wiring
def import_former(wiring: Wiring, former: Path, paths: tuple[Path, ...], path: Path, profile: str) -> ExitCode:
    """Take over what FILE, a .secrets.baseline, lists and PATH still holds; exit 1 if more is found than it lists.

    What its audit called a real secret is not taken over. Plugins and filters that FILE names are never run.
    """
    check_page(path)
    known, real = read_former(former)
    recorder = FormerRecorder(new_salt(), path.parent, known)
    report = _job(wiring, recorder, _asked(profile, paths)).paths(paths or (Path(),))
    _write(wiring, path, recorder, report, real=real, left=len(report.findings))
    return ExitCode.FINDINGS if report.findings else ExitCode.OK


def _asked(profile: str, paths: Sequence[Path]) -> Profile:
    """What a scan of these paths reports: as it was asked for, and at least as their repository asks for."""
    return Profile(profile) | demanded(directories_of(paths)).profile


def _job(wiring: Wiring, recorder: Recorder, profile: Profile) -> ScanJob:
    """What `scan` finds here, so that no rule's finding of an own token is taken in where the token is known."""
    own = load_own_tokens(find_scan_key(wiring.environ), wiring.clock.now())
    stages = Stages(own=own.stage, profile=profile, team=team_rules(wiring.settings.scan))
    return ScanJob(stages=stages, suppressor=recorder)


def _write(wiring: Wiring, path: Path, recorder: Recorder, report: Report, **counts: int) -> None:
    replace_kept(path.absolute(), recorder.written(), fresh=_READABLE)
    if wiring.screen.as_json:
        wiring.screen.document({"file": str(path), "entries": len(recorder.entries), "files": report.files, **counts})
        return
    wiring.screen.line(
        f"{shown(path)}: {counted(len(recorder.entries), 'entry', 'entries')} from {counted(report.files, 'file')}"
    )
    if counts.get("real"):
        wiring.screen.line(f"called real by an audit, and findings still: {counts['real']:,}")
    if counts.get("left"):
        wiring.screen.line(f"not in it: {counted(counts['left'], 'finding')}, which `tokenguard scan` shows")
