"""Evaluates every rule about a repository: collects violations, waivers and what is not evaluable."""

from collections import Counter
from datetime import datetime

from tokenguard.frozen import replace
from tokenguard.policy.evaluation import Assessment, RuleOutcome, Violation, Waived
from tokenguard.policy.model import Policy, Rule, Severity
from tokenguard.policy.repository_answer import RepositoryQuestion, RepositoryViolation
from tokenguard.policy.repository_view import RepositoryView
from tokenguard.policy.rules.repository_table import REPOSITORY_CHECKS


def assess_repository(policy: Policy, view: RepositoryView, now: datetime) -> Assessment:
    """Check a repository, or the changes of a commit, against a policy."""
    violations: list[Violation] = []
    waived: list[Waived] = []
    unknown: Counter[tuple[str, str]] = Counter()
    for rule in policy.rules:
        if rule.id not in REPOSITORY_CHECKS:
            continue
        for answer in REPOSITORY_CHECKS[rule.id](RepositoryQuestion(rule=rule, view=view, now=now)):
            applied = policy.applied_at(rule, answer.path)
            if applied.severity is Severity.OFF:
                continue
            if not isinstance(answer, RepositoryViolation):
                unknown[rule.id, answer.reason] += 1
                continue
            found = _violation(applied, answer)
            waiver = policy.waiver_at(rule.id, answer.path, now)
            if waiver is None:
                violations.append(found)
            else:
                waived.append(Waived(violation=found, waiver=waiver))
    severity_rank = list(Severity).index
    violations.sort(key=lambda each: (severity_rank(each.severity), each.path, each.line, each.rule))
    return Assessment(
        policy=policy,
        tokens=0,
        files=view.examined,
        violations=tuple(violations),
        waived=tuple(waived),
        not_evaluable=dict(sorted(unknown.items())),
    )


def _violation(rule: Rule, found: RepositoryViolation) -> Violation:
    return Violation(
        rule=rule.id,
        severity=rule.severity,
        text=found.text,
        fix=rule.fix.replace("PATH", found.path),
        path=found.path,
        line=found.line,
        in_file=not found.path.startswith("~/"),
    )


def evaluated_on_files(policy: Policy, name: str, view: RepositoryView, now: datetime) -> tuple[RuleOutcome, str]:
    """What one rule says of a few files: the gravest of its answers, and its words."""
    if policy.rule(name) is None:
        return RuleOutcome.NOT_ASKED, ""
    found = assess_repository(replace(policy, rules=tuple(rule for rule in policy.rules if rule.id == name)), view, now)
    for outcome, texts in (
        (RuleOutcome.VIOLATED, [f"{each.place}: {each.text}" for each in found.violations]),
        (RuleOutcome.UNKNOWN, [reason for _, reason in found.not_evaluable]),
        (RuleOutcome.WAIVED, [each.violation.place for each in found.waived]),
    ):
        if texts:
            return outcome, texts[0]
    return RuleOutcome.HOLDS, ""
