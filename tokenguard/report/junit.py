"""An assessment as JUnit XML, for build servers: one failed test case for each violation."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from tokenguard.policy.evaluation import Assessment
from tokenguard.report.gathering import not_evaluable, summary, violations
from tokenguard.text import counted, safe_text


def render(assessments: Sequence[Assessment], *, command: str = "check") -> str:
    """A suite that fails by its violations; what is waived or not evaluable is a skipped case."""
    found, unknown = violations(assessments), not_evaluable(assessments)
    waived = [each for assessment in assessments for each in assessment.waived]
    skipped = len(unknown) + len(waived)
    suite = ET.Element(
        "testsuite",
        name=f"tokenguard {command}",
        tests=str(max(len(found), 1) + skipped),
        failures=str(len(found)),
        skipped=str(skipped),
        errors="0",
    )
    for violation in found:
        case = _case(suite, violation.rule, violation.place)
        failure = ET.SubElement(case, "failure", message=_shown(violation.text), type=violation.severity.value)
        failure.text = _shown(f"{violation.place}: {violation.text}; fix: {violation.fix}")
    if not found:
        _case(suite, "policy", summary(assessments))
    for each in waived:
        reason = f"waived until {each.waiver.until:%Y-%m-%d} by {each.waiver.owner}: {each.waiver.reason}"
        case = _case(suite, each.violation.rule, each.violation.place)
        ET.SubElement(case, "skipped", message=_shown(reason))
    for rule, reason, count in unknown:
        case = _case(suite, rule, f"not evaluable for {counted(count, 'token')}")
        ET.SubElement(case, "skipped", message=_shown(reason))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def _case(suite: ET.Element, rule: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=f"tokenguard.{rule}", name=_shown(name))


def _shown(text: str) -> str:
    return safe_text(text, one_line=True, limit=500)
