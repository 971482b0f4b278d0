"""The assessments of several stores as one."""

from collections import Counter
from collections.abc import Sequence

from tokenguard.policy.evaluation import Assessment, Violation
from tokenguard.policy.model import Severity
from tokenguard.text import pluralize


def violations(assessments: Sequence[Assessment]) -> list[Violation]:
    """All violations, store by store, the gravest of each first."""
    return [violation for each in assessments for violation in each.violations]


def not_evaluable(assessments: Sequence[Assessment]) -> list[tuple[str, str, int]]:
    """For each rule and reason, the number of tokens that are not evaluable."""
    total: Counter[tuple[str, str]] = Counter()
    for each in assessments:
        total.update(each.not_evaluable)
    return [(rule, reason, count) for (rule, reason), count in sorted(total.items())]


def summary(assessments: Sequence[Assessment]) -> str:
    """What was checked and the result, in one line."""
    counts = Counter(violation.severity for violation in violations(assessments))
    parts = [f"{pluralize(counts[level], level.value)}" for level in Severity if counts[level]]
    found = ", ".join(parts) or "no violations"
    waived = sum(len(each.waived) for each in assessments)
    unknown = len({rule for rule, _, _ in not_evaluable(assessments)})
    name = assessments[0].policy.name
    tail = f", {waived:,} waived" if waived else ""
    tail += f", {pluralize(unknown, 'rule')} not evaluable for some tokens" if unknown else ""
    return f"checked {_looked_at(assessments)} against {name}: {found}{tail}"


def _looked_at(assessments: Sequence[Assessment]) -> str:
    tokens = [each.tokens for each in assessments if each.files is None]
    files = [each.files for each in assessments if each.files is not None]
    parts = [pluralize(sum(each), what) for each, what in ((tokens, "token"), (files, "file")) if each]
    return " and ".join(parts)
