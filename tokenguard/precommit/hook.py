"""`tokenguard-hook`: what is staged, or pushed, must not hold a token. Offline, and quick on a clean commit."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tokenguard.errors import ExitCode, InputError, TokenguardError

if TYPE_CHECKING:
    from tokenguard.scanning.scanner import Suppressor

USAGE = """\
usage: tokenguard-hook [--baseline FILE] [--strict] [FILE]...
       tokenguard-hook --history [--since REV] [--baseline FILE] [--strict]
       tokenguard-hook --pre-receive [--strict]

Scans the index: FILEs as the index has them, or everything the next commit changes.
  --history      every content of every commit instead
  --since REV    only what came after that commit
  --pre-receive  what a push brings, as git describes it on standard input
  --baseline F   pass over what this baseline lists
  --own-only     only the team's own tokens, beside another scanner
  --require-own  fail where own tokens cannot be looked for
  --strict       fail when anything could not be scanned

exit codes: 0 clean, 1 findings, 2 bad usage, 70 a bug
"""
_FLAGS = frozenset({"--strict", "--history", "--pre-receive", "--own-only", "--require-own"})
_VALUES = frozenset({"--since", "--baseline"})


def main() -> NoReturn:
    """Run the hook of this process and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the hook with these arguments; returns the exit code and raises nothing."""
    try:
        return _run(list(arguments))
    except TokenguardError as error:
        return _say(error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", "the commit was not made", ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the boundary; a traceback could show what was scanned
        return _say(f"an unexpected {type(error).__name__}", "this is a bug in tokenguard", ExitCode.BUG)


def _run(arguments: list[str]) -> int:
    if arguments in (["-h"], ["--help"]):
        sys.stdout.write(USAGE)
        return ExitCode.OK
    wanted = _parsed(arguments)
    from tokenguard.scanning.advice import Reach  # noqa: PLC0415 - `--help` needs none of it
    from tokenguard.scanning.bundle import now_utc  # noqa: PLC0415
    from tokenguard.scanning.jobs import Job  # noqa: PLC0415
    from tokenguard.scanning.outputs.text import render  # noqa: PLC0415
    from tokenguard.scanning.own_tokens import load_own_tokens  # noqa: PLC0415
    from tokenguard.scanning.scanner import Stages  # noqa: PLC0415
    from tokenguard.shell.scan_key import find_scan_key  # noqa: PLC0415

    own = load_own_tokens(
        find_scan_key(os.environ), now_utc(), required=bool(wanted.flags & {"--own-only", "--require-own"})
    )
    job = Job(
        stages=Stages(own=own.stage, rules="--own-only" not in wanted.flags),
        suppressor=_suppressor(wanted),
        notes=own.notes,
    )
    here = Path()
    if "--pre-receive" in wanted.flags:
        report, reach = job.pushed(here, sys.stdin.read().splitlines()), Reach.PUSHED
    elif "--history" in wanted.flags:
        report, reach = job.history(here, wanted.values.get("--since", "")), Reach.PUSHED
    elif wanted.files:
        report, reach = job.index(here, wanted.files), Reach.STAGED
    else:
        report, reach = job.staged(here), Reach.STAGED
    sys.stdout.write(render(report, reach))
    return ExitCode.FINDINGS if report.findings or ("--strict" in wanted.flags and report.skipped) else ExitCode.OK


def _suppressor(wanted: "_Wanted") -> "Suppressor":
    from tokenguard.scanning.scanner import Suppressor  # noqa: PLC0415

    if "--baseline" not in wanted.values:
        return Suppressor()
    from tokenguard.scanning.baseline import suppressor  # noqa: PLC0415

    return suppressor(Path(wanted.values["--baseline"]))


class _Wanted:
    """The arguments, read by hand: argparse alone takes as long as a clean scan."""

    def __init__(self) -> None:
        self.flags: set[str] = set()
        self.values: dict[str, str] = {}
        self.files: list[str] = []


def _parsed(arguments: list[str]) -> _Wanted:
    wanted = _Wanted()
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            wanted.files.extend(rest)
        elif argument in _VALUES and (value := next(rest, "")):
            wanted.values[argument] = value
        elif argument in _FLAGS:
            wanted.flags.add(argument)
        elif argument.startswith("-"):
            raise InputError("there is no such option", hint="`tokenguard-hook --help` lists them")
        else:
            wanted.files.append(argument)
    if "--since" in wanted.values:
        wanted.flags.add("--history")
    if wanted.files and wanted.flags & {"--history", "--pre-receive"}:
        raise InputError("files and a history at once", hint="`tokenguard-hook --help` shows what goes together")
    return wanted


def _say(message: str, hint: str, code: ExitCode) -> int:
    sys.stderr.write(f"error: {message}\nhint: {hint}\n")
    return int(code)
