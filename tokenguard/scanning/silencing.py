"""How to silence findings that are not secrets, and which of the ways apply to those of a report."""

import shlex
from collections.abc import Iterator

from tokenguard.detection.judging.judged_types import JUDGED
from tokenguard.domain.finding import Finding, FindingKind, Report
from tokenguard.frozen import Frozen
from tokenguard.scanning.advice import Reach
from tokenguard.text import safe_text

_COMMENT = "put `pragma: allowlist secret` into a comment on its line"
_WAIVE = "fingerprints waive NAME --owner TEAM --reason TEXT --until DATE"


class AllowedSuppressors(Frozen, frozen=True, kw_only=True):
    """What silences a finding in content that got this far."""

    comment: bool = True
    baseline: str = ""
    """The command that accepts one; empty where no baseline is read."""


_IN_FILE = AllowedSuppressors(baseline="tokenguard baseline accept")
_IN_COMMIT = AllowedSuppressors(comment=False, baseline="tokenguard baseline accept --history")
_WAYS = {
    Reach.WORKTREE: _IN_FILE,
    Reach.STAGED: _IN_FILE,
    Reach.COMMITTED: _IN_COMMIT,
    Reach.PUSHED: _IN_COMMIT,
    Reach.RECEIVED: AllowedSuppressors(),
    Reach.MESSAGE: AllowedSuppressors(),
    Reach.STREAM: AllowedSuppressors(),
}


def silencing(report: Report, reach: Reach) -> Iterator[str]:
    """Two lines: the ways, and to how many of the findings each applies. None where there is no way."""
    ways = _WAYS.get(reach)
    if ways is None:
        return
    others = [each for each in report.findings if each.kind is not FindingKind.OWN]
    own = [each for each in report.findings if each.kind is FindingKind.OWN]
    if others:
        baseline = f"run `{ways.baseline} {_place(others[0])} --reason TEXT`" if ways.baseline else ""
        yield f"if it is not a secret, {', or '.join(filter(None, (_COMMENT if ways.comment else '', baseline)))}"
    elif own:
        yield "a known token cannot be silenced by a comment or a baseline"
    if report.findings:
        yield "; ".join((*_applying(others, ways, report), *_of_own(own)))


def _place(finding: Finding) -> str:
    """As a shell takes it."""
    path = f"./{finding.path}" if finding.path.startswith("-") else finding.path
    return shlex.quote(safe_text(f"{path}:{finding.line}", one_line=True, limit=300))


def _applying(others: list[Finding], ways: AllowedSuppressors, report: Report) -> Iterator[str]:
    if not others:
        return
    total = len(report.findings)
    by_comment = [each for each in others if not report.strict or _obeys_comments(each)]
    to = f"to {len(others):,} of {total:,} findings" if len(others) < total else "to every finding"
    if ways.comment and len(by_comment) < len(others):
        yield f"the comment applies to {len(by_comment):,} of {total:,} findings (--strict)"
        if ways.baseline:
            yield f"the baseline {to}"
    else:
        yield f"{'both apply' if ways.comment and ways.baseline else 'this applies'} {to}"


def _of_own(own: list[Finding]) -> Iterator[str]:
    live = [each for each in own if each.facts.get("state") != "revoked"]
    if live:
        yield f"{len(live):,} known: revoke (`tokenguard respond --code CODE`) or waive (`tokenguard {_WAIVE}`)"
    if len(own) > len(live):
        yield f"{len(own) - len(live):,} revoked: take it out"


def _obeys_comments(finding: Finding) -> bool:
    """Whether a comment silences it under --strict too."""
    return finding.kind is FindingKind.RULE or finding.type in JUDGED
