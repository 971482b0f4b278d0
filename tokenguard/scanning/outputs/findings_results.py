"""A report of findings as plain results, for the writers of SARIF and JUnit."""

import re
from urllib.parse import quote

from tokenguard.domain.finding import Finding, FindingKind, Report
from tokenguard.output.junit import JunitCase
from tokenguard.output.result import NotScanned, Result, ResultPlace, ResultRule
from tokenguard.scanning.advice import Reach, advice, subject, waiver_words
from tokenguard.text import counted, safe_text


def rules_of(report: Report) -> list[ResultRule]:
    """One rule for each type that was found."""
    types = sorted({(finding.kind.value, finding.type) for finding in (*report.findings, *report.waived)})
    return [
        ResultRule(
            id=_rule_id(kind, name),
            name=re.sub(r"\W+", "", name) or kind,
            summary=name,
            level="error" if kind != FindingKind.EXTRA else "warning",
        )
        for kind, name in types
    ]


def results_of(report: Report, reach: Reach) -> list[Result]:
    """What was found, and what is waived."""
    return [
        *(_result(finding, reach) for finding in report.findings),
        *(_result(finding, reach, waiver_words(finding)) for finding in report.waived),
    ]


def not_scanned(report: Report) -> list[NotScanned]:
    """What was left out."""
    return [NotScanned(path=_uri(skipped.path), reason=skipped.reason) for skipped in report.skipped]


def cases_of(report: Report, reach: Reach) -> list[JunitCase]:
    """Findings fail; what is waived or was not scanned is skipped."""
    cases = [_failed(finding, reach) for finding in report.findings]
    if not cases:
        cases.append(JunitCase(classname="tokenguard", name=f"{counted(report.files, 'file')} without findings"))
    for finding in report.waived:
        place = f"{_shown(finding.path)}:{finding.line}"
        cases.append(JunitCase(classname="tokenguard.waived", name=place, skipped=_shown(waiver_words(finding))))
    for skipped in report.skipped:
        name = _shown(skipped.path)
        cases.append(JunitCase(classname="tokenguard.unscanned", name=name, skipped=skipped.reason))
    return cases


def _failed(finding: Finding, reach: Reach) -> JunitCase:
    place, what = f"{_shown(finding.path)}:{finding.line}", _shown(subject(finding))
    return JunitCase(
        classname=f"tokenguard.{finding.kind}",
        name=place,
        failure=what,
        failure_type=finding.kind.value,
        details=f"{place}:{finding.column}: {what}\n{advice(finding, reach)}",
    )


def _result(finding: Finding, reach: Reach, waived: str = "") -> Result:
    path = _uri(finding.path)
    return Result(
        rule=_rule_id(finding.kind.value, finding.type),
        level="error" if finding.kind is not FindingKind.EXTRA else "warning",
        message=f"{subject(finding)}: {advice(finding, reach)}",
        place=ResultPlace(path=path, line=finding.line, column=finding.column),
        fingerprint=f"{finding.type}:{path}:{finding.line}",
        waived=waived,
    )


def _rule_id(kind: str, name: str) -> str:
    return f"{kind}/{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}"


def _uri(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"), safe="/!@-._~")


def _shown(text: str) -> str:
    return safe_text(text, one_line=True, limit=300)
