"""`tokenguard scan`: finds leaks in files, staged changes, history and streams."""

from pathlib import Path
from typing import Any

import click

from tokenguard.cli.base import PATH, command, pass_wiring
from tokenguard.cli.scan_profile import profile_option
from tokenguard.domain.finding import Report
from tokenguard.domain.profile import Profile
from tokenguard.errors import ExitCode
from tokenguard.frozen import Frozen, replace
from tokenguard.output.formats import OutputFormat
from tokenguard.output.save_file import check_page
from tokenguard.scanning.advice import Reach
from tokenguard.scanning.find_baseline import find_suppressor
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.known_token_stage import load_own_tokens
from tokenguard.scanning.narrowing import AllowedNarrowing, allowed_narrowing, other_comments
from tokenguard.scanning.outputs.findings_content import content
from tokenguard.scanning.outputs.findings_text import findings_text
from tokenguard.scanning.outputs.write_findings import FINDING_FORMATS, rooted, write_findings
from tokenguard.scanning.resolve_owners import named
from tokenguard.scanning.root_paths import RootPaths
from tokenguard.scanning.scan_options import Demands, demanded
from tokenguard.scanning.scanner import Stages
from tokenguard.scanning.stable_tags import StableTagger
from tokenguard.settings import ScanConfig
from tokenguard.shell.known_tokens_note import with_note_once
from tokenguard.shell.scan_settings import team_rules
from tokenguard.shell.tty import read_unseen
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.explain_finding import explained_finding
from tokenguard.usecases.save_findings import save_report
from tokenguard.usecases.scan_target import ScanTarget, agent_records


class _Options(Frozen, frozen=True, kw_only=True):
    """The options of one run, as click gives them."""

    paths: tuple[Path, ...]
    staged: bool
    history: bool
    since: str
    stdin: bool
    commit_msg: Path | None
    agents: bool
    baseline: Path | None
    no_baseline: bool
    own_only: bool
    require_own: bool
    names: bool
    profile: str
    strict: bool
    max_pragmas: int | None
    base: str
    plugins: tuple[Path, ...]
    filters: tuple[str, ...]
    explain: str
    show_all: bool
    output: Path | None
    quiet: bool
    as_format: str | None


@command("scan")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=PATH)
@click.option("--staged", is_flag=True, help="The staged changes.")
@click.option("--history", is_flag=True, help="All commits of all refs, with their messages.")
@click.option("--since", metavar="REV", default="", help="Only commits after this revision.")
@click.option("--stdin", is_flag=True, help="Scan standard input.")
@click.option("--commit-msg", metavar="FILE", type=PATH, help="Scan a commit message.")
@click.option("--agents", is_flag=True, help="Transcripts and caches of coding agents in your home directory.")
@click.option(
    "--baseline",
    type=PATH,
    help="The baseline of accepted findings; default: .tokenguard-baseline at the top of the repository.",
)
@click.option("--no-baseline", is_flag=True, help="Use no baseline.")
@click.option("--own-only", is_flag=True, help="Only known tokens; for use with another scanner.")
@click.option("--require-own", is_flag=True, help="Fail if known tokens cannot be searched for.")
@click.option("--names", is_flag=True, help="Look up the found tokens' owners in the store.")
@profile_option
@click.option(
    "--strict", is_flag=True, help="Exit 1 if anything was not scanned; comments cannot silence vendors' tokens."
)
@click.option(
    "--max-pragmas", type=click.IntRange(0), metavar="N", help="Fail if comments silence more lines than this."
)
@click.option("--base", metavar="REV", default="", help="Read .tokenguard.toml from this revision.")
@click.option(
    "--detect-secrets-plugin",
    "plugins",
    multiple=True,
    metavar="FILE",
    type=PATH,
    help="Also run this detect-secrets plug-in (it executes code).",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FILE::NAME",
    help="Also run this detect-secrets filter (it executes code).",
)
@click.option("--explain", metavar="PATH:LINE", default="", help="Explain why a place is reported or left out.")
@click.option(
    "--show-all", is_flag=True, help="Print all findings; the default is at most 100 per file and 1,000 in total."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=PATH,
    help="Write the report to FILE in this format, and text to standard output.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print findings only, and nothing if there are none.")
@click.option("--format", "as_format", type=click.Choice([*map(str, FINDING_FORMATS)]), help="Output format.")
@pass_wiring
def scan(wiring: Wiring, /, **options: Any) -> ExitCode:
    """Find leaked tokens; exit 1 if there are any.

    Without options it scans PATH (default: the working directory): the files that git tracks or would track, or every
    file outside git. Findings are known tokens (those of your team, after `fingerprints pull`), the findings of
    detect-secrets, and further vendors' tokens, pre-signed URLs and assigned secrets. Values without a vendor's format
    get a confidence of high, medium or low. Low confidence is left out and counted, and so are commit ids and digests
    that pin content (after `rev:`, or in lock files). --profile strict reports them, and --explain gives the reasons.
    No finding contains any part of a value, and nothing is sent anywhere.

    With --agents it scans what Claude Code, Cursor, Codex and GitHub Copilot keep on this machine, for known tokens and
    vendors' formats, and reports session and time of each finding.

    A .tokenguard.toml at the top of the scanned repository can make scans stricter ([scan] strict, require_own,
    max_pragmas, profile). It can exclude files and kinds only as far as the organisation's policy allows ([scan]
    exclude, disable). Every summary counts these, and known tokens are still found. In CI, --base reads it from the
    base branch.
    """
    asked = _Options(**options)
    chosen = OutputFormat(asked.as_format or wiring.flags.format)
    if asked.output is not None:
        check_page(asked.output)
    if asked.explain:
        return _explain(wiring, asked.explain, as_json=chosen is OutputFormat.JSON)
    source = _target(wiring, asked)
    wanted = Demands(
        strict=asked.strict,
        require_own=asked.require_own,
        most_allowed=asked.max_pragmas,
        profile=Profile(asked.profile),
    )
    demands = wanted | demanded(source.directories, base=asked.base)
    allowed = allowed_narrowing(demands.wishes, source.base, lambda: wiring.policy)
    demands |= Demands(most_excluded=allowed.most_excluded)
    report, reach = source.scanned(_job(wiring, asked, source, demands, allowed, chosen), read_unseen)
    if asked.names or wiring.settings.scan.names:
        report = named(report, lambda: wiring.store)
    report = demands.noted(report)
    if asked.output is not None:
        save_report(asked.output, report, chosen, reach, source.paths_in_repository)
        chosen = OutputFormat.TEXT
    _print(wiring, report, chosen, reach, source.paths_in_repository, show_all=asked.show_all, quiet=asked.quiet)
    return ExitCode.FINDINGS if demands.fail(report) else ExitCode.OK


def _target(wiring: Wiring, asked: _Options) -> ScanTarget:
    return ScanTarget(
        paths=asked.paths, staged=asked.staged, history=asked.history, since=asked.since, stdin=asked.stdin,
        message=asked.commit_msg, agents=agent_records(wiring.environ) if asked.agents else None,
    )  # fmt: skip


def _job(
    wiring: Wiring,
    asked: _Options,
    source: ScanTarget,
    demands: Demands,
    allowed: AllowedNarrowing,
    chosen: OutputFormat,
) -> ScanJob:
    now = wiring.clock.now()
    own = load_own_tokens(wiring.scan_key(), now, required=demands.require_own or asked.own_only)
    return ScanJob(
        stages=Stages(
            own=own.stage,
            rules=not asked.own_only,
            profile=demands.profile,
            team=None if asked.own_only else team_rules(_settings(wiring, asked.plugins, asked.filters)),
            comments_silence_shapes=not demands.strict,
            other_comments=lambda: other_comments(wiring.policy),
            narrowing=allowed.narrowing,
        ),
        suppressor=find_suppressor(
            source.directories,
            base=source.base,
            now=now,
            given=asked.baseline,
            wanted=not asked.no_baseline and not asked.agents,
            by_git=source.is_named_by_git,
        ),
        notes=(*own.notes, *allowed.notes),
        tagger=StableTagger(source.paths_in_repository) if chosen is OutputFormat.SARIF else None,
    )


def _explain(wiring: Wiring, place: str, *, as_json: bool) -> ExitCode:
    found = explained_finding(place)
    if as_json:
        wiring.flags.format = "json"
        wiring.screen.document({"found": found})
        return ExitCode.OK
    for each in found:
        facts = [(name, text) for name, text in each.items() if isinstance(text, str)]
        wiring.screen.pairs([*facts, *(("reason", reason) for reason in each["reasons"])])
    if not found:
        wiring.screen.line("nothing was found there, with any profile")
    return ExitCode.OK


def _settings(wiring: Wiring, plugins: tuple[Path, ...], filters: tuple[str, ...]) -> ScanConfig:
    """The settings of the user's configuration, with the plug-ins and filters of this command line."""
    found = wiring.settings.scan
    return replace(
        found,
        detect_secrets_plugins=(*found.detect_secrets_plugins, *(path.absolute() for path in plugins)),
        detect_secrets_filters=(*found.detect_secrets_filters, *filters),
    )


def _print(
    wiring: Wiring,
    report: Report,
    chosen: OutputFormat,
    reach: Reach,
    paths: RootPaths,
    *,
    show_all: bool,
    quiet: bool,
) -> None:
    if chosen is OutputFormat.TEXT:
        report = with_note_once(report, wiring.settings.scan.known_tokens_note)
        if text := findings_text(report, reach, show_all=show_all, quiet=quiet):
            wiring.screen.text(text)
    elif chosen is OutputFormat.JSON:
        wiring.flags.format = "json"
        wiring.screen.document(content(report))
    else:
        written = write_findings(rooted(report, paths), chosen, reach, show_all=show_all)
        wiring.screen.text(written, commands=chosen is OutputFormat.GITHUB)
