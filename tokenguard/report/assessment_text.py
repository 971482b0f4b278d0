"""An assessment for people at a terminal."""

from collections.abc import Sequence

from tokenguard.policy.evaluation import Assessment
from tokenguard.report.gathering import not_evaluable, summary, violations
from tokenguard.text import safe_text


def text_of(assessments: Sequence[Assessment]) -> str:
    """One line per violation with its fix, then waived and not evaluable rules."""
    lines = []
    for found in violations(assessments):
        owner = f" (owner {found.owner})" if found.owner else ""
        lines += [f"{found.severity}: {found.place}{owner}: {found.rule}: {found.text}", f"  fix: {found.fix}"]
    lines += [
        f"waived until {each.waiver.until:%Y-%m-%d} by {each.waiver.owner}: {each.violation.place}: "
        f"{each.violation.rule}: {each.waiver.reason}"
        for assessment in assessments
        for each in assessment.waived
    ]
    lines += [f"not evaluable: {rule}: {reason} ({count:,}x)" for rule, reason, count in not_evaluable(assessments)]
    lines.append(summary(assessments))
    return "\n".join(safe_text(line, one_line=True) for line in lines) + "\n"
