"""An assessment as Markdown, for a pull request or a wiki; external text is escaped and mentions no users."""

from collections.abc import Sequence

from tokenguard.markdown import inert, plain, table
from tokenguard.policy.evaluation import Assessment
from tokenguard.report.gathering import not_evaluable, summary, violations

_TITLES = {"check": "Policy check", "drift": "Drift"}


def markdown_of(assessments: Sequence[Assessment], *, command: str = "check") -> str:
    """The summary, then tables of violated, waived and not evaluable rules."""
    parts = [f"# {_TITLES[command]}", plain(summary(assessments)) + "."]
    if found := violations(assessments):
        rows = [
            [each.severity.value, inert(each.place), inert(each.owner), inert(each.rule), inert(each.text),
             inert(each.fix)]
            for each in found
        ]  # fmt: skip
        parts += ["## Violations", table(["severity", "token", "owner", "rule", "what", "fix"], rows)]
    if waived := [each for assessment in assessments for each in assessment.waived]:
        rows = [
            [inert(each.violation.place), inert(each.violation.rule), inert(each.waiver.owner),
             inert(each.waiver.reason), f"{each.waiver.until:%Y-%m-%d}"]
            for each in waived
        ]  # fmt: skip
        parts += ["## Waived", table(["token", "rule", "by", "reason", "until"], rows)]
    if unknown := not_evaluable(assessments):
        rows = [[inert(rule), inert(reason), f"{count:,}"] for rule, reason, count in unknown]
        parts += ["## Not evaluable", table(["rule", "why", "tokens"], rows)]
    return "\n\n".join(parts) + "\n"
