"""`tokenguard-hook`: what is staged, or pushed, must not hold a token. Offline, and quick on a clean commit."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tokenguard.errors import ExitCode, InputError, TokenguardError

USAGE = """\
usage: tokenguard-hook [--strict] [FILE]...
       tokenguard-hook --history [--since REV] [--strict]
       tokenguard-hook --pre-receive [--strict]

Scans the index: FILEs as the index has them, or everything the next commit changes.
  --history      every content of every commit instead
  --since REV    only what came after that commit
  --pre-receive  what a push brings, as git describes it on standard input
  --strict       fail when anything could not be scanned

exit codes: 0 clean, 1 findings, 2 bad usage, 70 a bug
"""
_FLAGS = frozenset({"--strict", "--history", "--pre-receive"})


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
    flags, since, files = _parsed(arguments)
    from tokenguard.scanning.advice import Reach  # noqa: PLC0415 - `--help` needs none of it
    from tokenguard.scanning.jobs import Job  # noqa: PLC0415
    from tokenguard.scanning.outputs.text import render  # noqa: PLC0415
    from tokenguard.scanning.scanner import Stages, Suppressor  # noqa: PLC0415

    job = Job(stages=Stages(), suppressor=Suppressor())
    here = Path()
    if "--pre-receive" in flags:
        report, reach = job.pushed(here, sys.stdin.read().splitlines()), Reach.PUSHED
    elif "--history" in flags:
        report, reach = job.history(here, since), Reach.PUSHED
    elif files:
        report, reach = job.index(here, files), Reach.STAGED
    else:
        report, reach = job.staged(here), Reach.STAGED
    sys.stdout.write(render(report, reach))
    return ExitCode.FINDINGS if report.findings or ("--strict" in flags and report.skipped) else ExitCode.OK


def _parsed(arguments: list[str]) -> tuple[set[str], str, list[str]]:
    """Flags, the value of --since, and files. By hand: argparse alone takes as long as a clean scan."""
    flags: set[str] = set()
    since = ""
    files: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            files.extend(rest)
        elif argument == "--since" and (since := next(rest, "")):
            flags.add("--history")
        elif argument in _FLAGS:
            flags.add(argument)
        elif argument.startswith("-"):
            raise InputError("there is no such option", hint="`tokenguard-hook --help` lists them")
        else:
            files.append(argument)
    if files and flags - {"--strict"}:
        raise InputError("files and a history at once", hint="`tokenguard-hook --help` shows what goes together")
    return flags, since, files


def _say(message: str, hint: str, code: ExitCode) -> int:
    sys.stderr.write(f"error: {message}\nhint: {hint}\n")
    return int(code)
