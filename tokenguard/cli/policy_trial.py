"""`policy test`: runs a team's tests of its policy."""

from pathlib import Path

import click

from tokenguard.cli.base import PATH, command, pass_wiring
from tokenguard.errors import ExitCode
from tokenguard.files import read_named
from tokenguard.policy.loader import is_file_name
from tokenguard.policy.model import Policy
from tokenguard.policy.policy_tests import MAX_BYTES, PolicyTestResult, Trial, read_trial, run
from tokenguard.shell.wiring import Wiring
from tokenguard.text import safe_text
from tokenguard.usecases.assess import chosen_policy


@command("test")
@click.argument("file", type=PATH)
@click.option("--policy", "named", metavar="NAME|FILE", help="Use this policy instead of the one named in FILE.")
@pass_wiring
def test(wiring: Wiring, file: Path, *, named: str | None) -> ExitCode:
    """Run the test cases of FILE: example tokens and files with the expected results; exit 1 if one fails.

    No store is opened. Possible results of a rule: holds, violated, waived, unknown (not evaluable), not
    asked (the policy does not apply it).
    """
    data = read_named(file, MAX_BYTES, hint="name a file that exists")
    trial = read_trial(data, source=file.name)
    results = list(run(trial, _policy(wiring, file, trial, named), wiring.clock.now()))
    failed = sum(bool(each.failures) for each in results)
    if wiring.screen.as_json:
        cases = [{"name": each.name, "passed": not each.failures, "failures": list(each.failures)} for each in results]
        wiring.screen.document({"passed": len(results) - failed, "failed": failed, "cases": cases})
    else:
        _print(wiring, results, failed)
    return ExitCode.FINDINGS if failed else ExitCode.OK


def _policy(wiring: Wiring, file: Path, trial: Trial, named: str | None) -> Policy:
    """The policy named on the command line, or in the file (relative to it), or the effective one."""
    if named is not None or not trial.policy:
        return chosen_policy(wiring, named)
    if is_file_name(trial.policy):
        return chosen_policy(wiring, str(file.parent.absolute() / trial.policy))
    return chosen_policy(wiring, trial.policy)


def _print(wiring: Wiring, results: list[PolicyTestResult], failed: int) -> None:
    for each in results:
        wiring.screen.line(safe_text(f"{'FAIL' if each.failures else 'pass'}  {each.name}", one_line=True))
        for line in each.failures:
            wiring.screen.line(safe_text(f"      {line}", one_line=True))
    wiring.screen.line(f"{len(results) - failed:,} passed, {failed:,} failed")
