"""How far what a history holds has got: whether any remote that this clone knows of has the commit."""

from pathlib import Path

from tokenguard.domain.finding import Finding, Report
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.scanning.advice import Reach
from tokenguard.scanning.git import find_git


def with_reach(report: Report, directory: Path) -> Report:
    """The report on a history, each finding with `reach`: `committed` while no remote-tracking branch has it.

    A clone that knows of no remote cannot tell who fetched from it: then nothing is said, and all counts as pushed.
    """
    git = find_git(directory) if report.findings else None
    if git is None or not git.output("for-each-ref", "--count=1", "refs/remotes/"):
        return report
    try:
        here = set(git.output("rev-list", "--all", "HEAD", "--not", "--remotes").decode().split())
    except InputError:  # HEAD is of a branch without a commit
        here = set(git.output("rev-list", "--all", "--not", "--remotes").decode().split())
    return replace(report, findings=tuple(_told(each, here) for each in report.findings))


def _told(finding: Finding, here: set[str]) -> Finding:
    if finding.origin is None:
        return finding
    reach = Reach.COMMITTED if finding.origin.commit in here else Reach.PUSHED
    return replace(finding, facts=finding.facts | {"reach": reach.value})
