"""A report as JUnit XML, for build servers: one failed test case for each finding."""

import xml.etree.ElementTree as ET

from tokenguard.domain.finding import Report
from tokenguard.scanning.advice import Reach, advice, subject, waiver_words
from tokenguard.text import counted, safe_text


def render(report: Report, reach: Reach) -> str:
    """A suite that fails by its findings; what is waived or was not scanned is a skipped case."""
    passed_over = len(report.skipped) + len(report.waived)
    suite = ET.Element(
        "testsuite",
        name="tokenguard scan",
        tests=str(max(len(report.findings), 1) + passed_over),
        failures=str(len(report.findings)),
        skipped=str(passed_over),
        errors="0",
    )
    for finding in report.findings:
        place = f"{_shown(finding.path)}:{finding.line}"
        case = ET.SubElement(suite, "testcase", classname=f"tokenguard.{finding.kind}", name=place)
        failure = ET.SubElement(case, "failure", message=_shown(subject(finding)), type=finding.kind.value)
        failure.text = f"{place}:{finding.column}: {_shown(subject(finding))}\n{advice(finding, reach)}"
    if not report.findings:
        ET.SubElement(
            suite, "testcase", classname="tokenguard", name=f"{counted(report.files, 'file')} without findings"
        )
    for finding in report.waived:
        place = f"{_shown(finding.path)}:{finding.line}"
        case = ET.SubElement(suite, "testcase", classname="tokenguard.waived", name=place)
        ET.SubElement(case, "skipped", message=_shown(waiver_words(finding)))
    for skipped in report.skipped:
        case = ET.SubElement(suite, "testcase", classname="tokenguard.unscanned", name=_shown(skipped.path))
        ET.SubElement(case, "skipped", message=skipped.reason)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def _shown(text: str) -> str:
    return safe_text(text, one_line=True, limit=300)
