"""What the hook does where something may be found, or is asked for: it loads the scanner, and reports."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenguard.errors import ExitCode, InputError, TokenguardError
from tokenguard.interrupts import end_signals_as_interrupts
from tokenguard.precommit.arguments import USAGE, HookArguments, parsed

if TYPE_CHECKING:
    from datetime import datetime

    from tokenguard.domain.finding import Report
    from tokenguard.domain.profile import Profile
    from tokenguard.policy.model import Policy
    from tokenguard.precommit.changes import StagedFiles
    from tokenguard.scanning.advice import Reach
    from tokenguard.scanning.jobs import ScanJob
    from tokenguard.scanning.narrowing import Narrowing
    from tokenguard.scanning.scan_options import Demands
    from tokenguard.scanning.scanner import Suppressor
    from tokenguard.scanning.staged_blobs import Staged
    from tokenguard.settings import ScanConfig


def scanned(arguments: Sequence[str], staged: "Staged | None" = None) -> int:
    """Run the hook with these arguments; returns the exit code and raises nothing.

    Args:
        arguments: as the command line has them.
        staged: what they ask for, if it has been read already.
    """
    try:
        with end_signals_as_interrupts():
            return _run(list(arguments), staged)
    except TokenguardError as error:
        return _say(error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", "the commit was not made", ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the boundary; a traceback could show what was scanned
        return _say(f"an unexpected {type(error).__name__}", "this is a bug in tokenguard", ExitCode.BUG)


def report_lost() -> int:
    """Say that a clean report could not be written; returns the exit code."""
    hint = "free space, or redirect the output; the scan itself found nothing"
    return _say("standard output could not be written", hint, ExitCode.UNREACHABLE)


def _run(arguments: list[str], staged: "Staged | None") -> int:
    if arguments in (["-h"], ["--help"]):
        sys.stdout.write(USAGE)
        return ExitCode.OK
    wanted = parsed(arguments)
    from tokenguard.scanning.outputs.findings_text import findings_text  # `--help` needs none of it
    from tokenguard.shell.known_tokens_note import with_note_once
    from tokenguard.shell.scan_settings import user_scan_settings

    settings = user_scan_settings(os.environ)
    changes = _changes(wanted)
    job, demands = _job(wanted, _demands(wanted), settings, changes)
    report, reach = _report(job, wanted, staged)
    report = demands.noted(_with_names(report, os.environ) if settings and settings.names else report)
    report = with_note_once(report, settings.known_tokens_note) if settings else with_note_once(report)
    show_all, quiet = "--show-all" in wanted, "--quiet" in wanted
    sys.stdout.write(findings_text(report, reach, show_all=show_all, quiet=quiet))
    violated = changes.violate() if changes is not None else False
    return ExitCode.FINDINGS if violated or demands.fail(report) else ExitCode.OK


def _demands(wanted: HookArguments) -> "Demands":
    """What the command line and the repository ask for, the stricter of each."""
    from tokenguard.scanning.scan_options import Demands, demanded, demanded_by_server

    here, pushed = Path(), "--pre-receive" in wanted
    asked = Demands(
        strict="--strict" in wanted,
        require_own="--require-own" in wanted,
        profile=_profile(wanted),
        within_limits=pushed,
    )
    return asked | (demanded_by_server(here) if pushed else demanded([here]))


def _profile(wanted: HookArguments) -> "Profile":
    from tokenguard.domain.profile import Profile

    name = wanted.values.get("--profile", Profile.DEFAULT)
    if name not in list(Profile):
        raise InputError("unknown profile", hint=f"--profile is one of {', '.join(Profile)}")
    return Profile(name)


def _job(
    wanted: HookArguments, demands: "Demands", settings: "ScanConfig | None", changes: "StagedFiles | None"
) -> "tuple[ScanJob, Demands]":
    """The scan, and what its report is held to, also by the policy."""
    from tokenguard.scanning.bundle import now_utc
    from tokenguard.scanning.jobs import ScanJob
    from tokenguard.scanning.known_token_stage import load_own_tokens
    from tokenguard.scanning.scanner import Stages
    from tokenguard.shell.scan_key import find_scan_key
    from tokenguard.shell.scan_settings import policy_of_scans, team_rules

    only_own = "--own-only" in wanted
    now, policy, base = now_utc(), policy_of_scans(os.environ), _base(wanted)
    own = load_own_tokens(find_scan_key(os.environ), now, required=only_own or demands.require_own)
    narrowing, notes, demands = _narrowed(demands, base, policy)
    job = ScanJob(
        stages=Stages(
            own=own.stage,
            rules=not only_own,
            profile=demands.profile,
            team=None if only_own else team_rules(settings),
            comments_silence_shapes=not demands.strict,
            other_comments=lambda: _other_comments(policy()),
            narrowing=narrowing,
        ),
        suppressor=_suppressor(wanted, base, now),
        notes=(*own.notes, *notes),
        watch=changes.see if changes is not None else None,
    )
    return job, demands


def _narrowed(
    demands: "Demands", base: Path, policy: "Callable[[], Policy]"
) -> "tuple[Narrowing | None, tuple[str, ...], Demands]":
    """What the repository leaves out as far as the policy allows, what it wanted in vain, and the policy's limit."""
    if not demands.wishes:
        return None, (), demands
    from tokenguard.frozen import replace  # few repositories leave anything out
    from tokenguard.scanning.narrowing import allowed_narrowing

    allowed = allowed_narrowing(demands.wishes, base, policy)
    return allowed.narrowing, allowed.notes, replace(demands, most_excluded=allowed.most_excluded)


def _other_comments(policy: "Policy") -> tuple[str, ...]:
    from tokenguard.scanning.narrowing import other_comments  # only where a line has one

    return other_comments(policy)


def _base(wanted: HookArguments) -> Path:
    """The directory to which the scan's paths are relative."""
    from tokenguard.scanning.root_paths import root_of

    here = Path().absolute()
    return here if wanted.files else root_of(here)


def _changes(wanted: HookArguments) -> "StagedFiles | None":
    """The changes of a commit are checked against the rules about repositories; history, push and message are not."""
    if any(option in wanted for option in ("--own-only", "--pre-push", "--pre-receive", "--history", "--commit-msg")):
        return None
    from tokenguard.precommit.changes import StagedFiles

    return StagedFiles()


def _report(job: "ScanJob", wanted: HookArguments, staged: "Staged | None") -> "tuple[Report, Reach]":
    from tokenguard.scanning.advice import Reach

    here = Path()
    if "--pre-receive" in wanted:
        from tokenguard.precommit.push import incoming

        return job.pushed(here, incoming()), Reach.RECEIVED
    if "--pre-push" in wanted:
        from tokenguard.precommit.push import outgoing

        return job.outgoing(here, *outgoing(wanted.remote)), Reach.COMMITTED
    if "--history" in wanted:
        from tokenguard.scanning.push_status import with_reach

        return with_reach(job.history(here, wanted.values.get("--since", "")), here), Reach.PUSHED
    if "--commit-msg" in wanted:
        return job.message(Path(wanted.values["--commit-msg"])), Reach.MESSAGE
    if staged is None:
        staged_report = job.index(here, wanted.files) if wanted.files else job.staged(here)
    else:
        staged_report = job.given(staged)
    return staged_report, Reach.STAGED


def _suppressor(wanted: HookArguments, base: Path, now: "datetime") -> "Suppressor":
    from tokenguard.scanning.find_baseline import find_suppressor

    given = wanted.values.get("--baseline", "")
    own = "--no-baseline" not in wanted and "--pre-receive" not in wanted  # a server has no working tree to find it in
    return find_suppressor(
        [Path().absolute()],
        base=base,
        now=now,
        given=Path(given) if given else None,
        wanted=own or bool(given),
        by_git=not wanted.files,
    )


def _say(message: str, hint: str, code: ExitCode) -> int:
    from tokenguard.domain.lookalikes import holds_issued  # few commits end so

    if holds_issued(message):  # as where a value stands in place of a file's name
        message = "an argument, or what a message quotes, looks like a token value"
    sys.stderr.write(f"error: {message}\nhint: {hint}\n")
    return int(code)


def _with_names(report: "Report", environ: Mapping[str, str]) -> "Report":
    """The report with names from the store. Never prompts, since a commit waits."""
    from tokenguard.scanning.resolve_owners import named  # only where the user lets the hook go online
    from tokenguard.shell.wiring import Wiring

    wiring = Wiring(environ=environ)
    wiring.flags.no_input = True
    try:
        return named(report, lambda: wiring.store)
    finally:
        wiring.close()
