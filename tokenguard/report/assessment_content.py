"""An assessment as the content of one JSON document."""

from collections.abc import Sequence
from typing import Any

from tokenguard.policy.evaluation import Assessment, Violation
from tokenguard.report.gathering import not_evaluable, violations


def content(assessments: Sequence[Assessment]) -> dict[str, Any]:
    """The documented shape."""
    return {
        "policy": assessments[0].policy.name,
        "tokens": sum(each.tokens for each in assessments),
        **files_looked_at(assessments),
        "violations": [violation_content(each) for each in violations(assessments)],
        "waived": [
            {
                **violation_content(each.violation),
                "waived_by": each.waiver.owner,
                "reason": each.waiver.reason,
                "until": f"{each.waiver.until:%Y-%m-%d}",
            }
            for assessment in assessments
            for each in assessment.waived
        ],
        "not_evaluable": [
            {"rule": rule, "reason": reason, "tokens": count} for rule, reason, count in not_evaluable(assessments)
        ],
    }


def files_looked_at(assessments: Sequence[Assessment]) -> dict[str, int]:
    """`files`, if a repository was looked at."""
    counts = [each.files for each in assessments if each.files is not None]
    return {"files": sum(counts)} if counts else {}


def violation_content(found: Violation) -> dict[str, str | int]:
    """One violation, with `token` or `path`, and `line` where it is at one."""
    where: dict[str, str | int] = {"token": found.token} if found.token else {"path": found.path}
    if found.line:
        where["line"] = found.line
    store = {"store": found.store} if found.store else {}
    return {
        "rule": found.rule,
        "severity": found.severity.value,
        **where,
        **store,
        "owner": found.owner,
        "text": found.text,
        "fix": found.fix,
    }
