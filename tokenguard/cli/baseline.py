"""`tokenguard baseline`: the findings that the team has accepted."""

from collections.abc import Sequence
from pathlib import Path

import click

from tokenguard.cli.base import RenamedOption, command, group, pass_wiring
from tokenguard.cli.scan_profile import profile_option
from tokenguard.domain.finding import Report
from tokenguard.domain.profile import Profile
from tokenguard.errors import ExitCode
from tokenguard.files import replace_kept, shown
from tokenguard.scanning.baseline_file import NAME, Recorder, new_salt, read_baseline
from tokenguard.scanning.detect_secrets_baseline import DetectSecretsImporter, read_detect_secrets
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
_FILE = click.option(
    "--baseline",
    "path",
    cls=RenamedOption,
    former=("--file",),
    type=click.Path(path_type=Path),
    default=Path(NAME),
    help=f"The baseline file; default: {NAME}.",
)


@group(
    "baseline",
    {
        "update": ("tokenguard.cli.baseline:update", "Write a new baseline of all current findings."),
        "import": ("tokenguard.cli.baseline:import_former", "Import a .secrets.baseline of detect-secrets."),
    },
)
def baseline() -> None:
    """Accepted findings: `scan` and the hook skip what the baseline lists.

    Commit the file. It has one line per finding and no value, line number or date: moving a finding does not change it,
    and replacing the token makes a new finding. The team's own tokens are never skipped.
    """


@command("update")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@_FILE
@profile_option
@pass_wiring
def update(wiring: Wiring, paths: tuple[Path, ...], path: Path, profile: str) -> None:
    """Write a new baseline of the findings in PATH (default: the working directory); the file's salt is kept."""
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
    """Import the findings that FILE, a .secrets.baseline, lists and PATH still has; exit 1 if PATH has others.

    Findings audited as real secrets are not imported. Plug-ins and filters named in FILE are never run.
    """
    check_page(path)
    known, real = read_detect_secrets(former)
    recorder = DetectSecretsImporter(new_salt(), path.parent, known)
    report = _job(wiring, recorder, _asked(profile, paths)).paths(paths or (Path(),))
    _write(wiring, path, recorder, report, real=real, left=len(report.findings))
    return ExitCode.FINDINGS if report.findings else ExitCode.OK


def _asked(profile: str, paths: Sequence[Path]) -> Profile:
    """The profile of a scan of these paths: the requested one, made stricter by the repository's own settings."""
    return Profile(profile) | demanded(directories_of(paths)).profile


def _job(wiring: Wiring, recorder: Recorder, profile: Profile) -> ScanJob:
    """The findings of `scan` here, so that no finding of a known token gets into the baseline."""
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
        wiring.screen.line(f"audited as real secrets, not imported: {counts['real']:,}")
    if counts.get("left"):
        wiring.screen.line(f"not in it: {counted(counts['left'], 'finding')}: see `tokenguard scan`")
