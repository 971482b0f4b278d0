"""The hook's arguments, read by hand: argparse alone takes as long as a clean scan."""

import os

from tokenguard.errors import InputError

USAGE = """\
usage: tokenguard-hook [--baseline FILE] [--strict] [FILE]...
       tokenguard-hook --commit-msg FILE
       tokenguard-hook --history [--since REV] [--baseline FILE] [--strict]
       tokenguard-hook --pre-push [--strict] [-- REMOTE ADDRESS]
       tokenguard-hook --pre-receive [--strict]

Scans the index: the staged content of FILEs, or everything that the next commit changes.
  --commit-msg F the commit message in F instead, as git passes it to a commit-msg hook
  --history      all versions of all files in all commits instead
  --since REV    only commits after REV; implies --history
  --pre-push     the commits of a push, as git or pre-commit passes them to a pre-push hook
  --pre-receive  the commits of a push that arrives at a server, as git passes them on standard input
  --baseline F   the accepted findings, in place of .tokenguard-baseline at the top
  --no-baseline  use no baseline
  --profile P    what to report: default, detect-secrets, or strict, which leaves out nothing
  --own-only     search only for known tokens (those of your team), for use beside another scanner
  --require-own  fail if known tokens cannot be searched for
  --show-all     print every finding, without the limits of 100 per file and 1,000 in total
  -q, --quiet    print findings only, and nothing if there are none
  --strict       fail if anything was not scanned

to silence a finding that is not a secret
  comment        `pragma: allowlist secret` on its line, or `pragma: allowlist nextline secret` on the line before
  baseline       `tokenguard baseline accept FILE:LINE --reason TEXT`; with --history for one of an old commit
Neither silences a known token of the team: revoke it (`tokenguard respond --code CODE`), or waive it for a
limited time (`tokenguard fingerprints waive NAME`). With --strict, comments do not silence vendors' formats.

exit codes: 0 clean, 1 findings, 2 bad usage, 70 a bug
"""
_INPUTS = frozenset({"--history", "--pre-push", "--pre-receive", "--commit-msg"})
_FLAGS = _INPUTS - {"--commit-msg"} | {
    "--strict",
    "--own-only",
    "--require-own",
    "--show-all",
    "--no-baseline",
    "--quiet",
}
_VALUES = frozenset({"--since", "--baseline", "--commit-msg", "--profile"})


class HookArguments:
    """What was asked for."""

    def __init__(self) -> None:
        self.flags: set[str] = set()
        self.values: dict[str, str] = {}
        self.files: list[str] = []
        self.remote = ""
        """Where a push goes, as git gives it to a pre-push hook."""

    def __contains__(self, option: str) -> bool:
        return option in self.flags or option in self.values


def parsed(arguments: list[str]) -> HookArguments:
    """Read the arguments; InputError if one is not known, might be a file's name, or some do not go together.

    A hook runner puts the names of files after the options: a repository could switch rules off with a name.
    """
    wanted = HookArguments()
    rest = iter(arguments)
    for argument in ("--quiet" if each == "-q" and not os.path.lexists(each) else each for each in rest):
        if argument == "--":
            wanted.files.extend(rest)
        elif argument.startswith("-") and os.path.lexists(argument):
            raise InputError(
                "a file in this directory is named like an option", hint="rename it, or write `--` before the files"
            )
        elif argument in _VALUES and (value := next(rest, "")):
            wanted.values[argument] = value
        elif argument in _FLAGS:
            wanted.flags.add(argument)
        elif argument.startswith("-"):
            raise InputError("there is no such option", hint="`tokenguard-hook --help` lists them")
        else:
            wanted.files.append(argument)
    if "--pre-push" in wanted:
        wanted.remote, wanted.files = (wanted.files or [""])[0], []
    if "--since" in wanted:
        wanted.flags.add("--history")
    if sum((bool(wanted.files), *(option in wanted for option in _INPUTS))) > 1:
        raise InputError("more than one scan target", hint="`tokenguard-hook --help` shows what goes together")
    return wanted
