"""An assessment as plain results, for the writers of SARIF and JUnit."""

from collections.abc import Sequence
from urllib.parse import quote

from tokenguard.output.junit import JunitCase
from tokenguard.output.result import Result, ResultPlace, ResultRule
from tokenguard.policy.catalogue import CATALOGUE, rule_description
from tokenguard.policy.evaluation import Assessment, Violation
from tokenguard.policy.model import Rule
from tokenguard.report.gathering import not_evaluable, summary, violations
from tokenguard.text import pluralize, safe_text


def rules_of(assessments: Sequence[Assessment]) -> list[ResultRule]:
    """Every active rule of the policy."""
    return [_rule(rule) for rule in assessments[0].policy.rules if rule_description(rule.id).checked]


def results_of(assessments: Sequence[Assessment]) -> list[Result]:
    """One result per violation; a token is a named resource, since it is in no file."""
    return [_result(each) for each in violations(assessments)]


def cases_of(assessments: Sequence[Assessment]) -> list[JunitCase]:
    """Violations fail; waived and not evaluable rules are skipped."""
    cases = [
        JunitCase(
            classname=f"tokenguard.{each.rule}",
            name=_shown(each.place),
            failure=_shown(each.text),
            failure_type=each.severity.value,
            details=_shown(f"{each.place}: {each.text}; fix: {each.fix}"),
        )
        for each in violations(assessments)
    ] or [JunitCase(classname="tokenguard.policy", name=_shown(summary(assessments)))]
    for each in (waived for assessment in assessments for waived in assessment.waived):
        reason = f"waived until {each.waiver.until:%Y-%m-%d} by {each.waiver.owner}: {each.waiver.reason}"
        rule, place = each.violation.rule, each.violation.place
        cases.append(JunitCase(classname=f"tokenguard.{rule}", name=_shown(place), skipped=_shown(reason)))
    for rule, reason, count in not_evaluable(assessments):
        name = _shown(f"not evaluable for {pluralize(count, 'token')}")
        cases.append(JunitCase(classname=f"tokenguard.{rule}", name=name, skipped=_shown(reason)))
    return cases


def _rule(rule: Rule) -> ResultRule:
    return ResultRule(
        id=rule.id,
        summary=CATALOGUE[rule.id].demands if rule.id in CATALOGUE else rule.why,
        explanation=rule.why,
        fix=f"{rule.fix} ({rule.source})",
        level=rule.severity.value if rule.severity != "off" else "none",
    )


def _result(found: Violation) -> Result:
    name = safe_text(found.place, one_line=True)
    place = ResultPlace(resource=name)
    if found.in_file:
        place = ResultPlace(path=quote(found.path), line=found.line, relative_to="%SRCROOT%")
    return Result(
        rule=found.rule,
        level=found.severity.value,
        message=safe_text(f"{name}: {found.text}; fix: {found.fix}", one_line=True),
        place=place,
        fingerprints={"place/v1": f"{found.rule}:{name}"},
    )


def _shown(text: str) -> str:
    return safe_text(text, one_line=True, limit=500)
