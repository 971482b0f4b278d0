"""A report of findings as plain results, for the writers of SARIF and JUnit."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from urllib.parse import quote

from tokenguard.detection.judging.judged_types import JUDGED
from tokenguard.domain.finding import Finding, FindingKind, Report
from tokenguard.output.junit import JunitCase
from tokenguard.output.result import NotScanned, Result, ResultPlace, ResultRule
from tokenguard.scanning.advice import Reach, advice, subject, waiver_words
from tokenguard.scanning.narrowing import kind_id
from tokenguard.scanning.outputs.printed_findings import by_line
from tokenguard.text import pluralize, safe_text
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.token_format import TokenFormat

_OWN_SEVERITY, _VENDOR_SEVERITY, _NAMELESS_SEVERITY = "9.5", "8.5", "5.5"
"""Scores as code hosts read them: critical from 9.0, high from 7.0, medium from 4.0."""
_LEVELS = {"medium": "warning", "low": "note"}
"""By the confidence of a finding without a vendor's format."""
_END_OWN = "`tokenguard respond --code CODE` with the report code of the finding names its owner and revokes it"
_END_OTHER = (
    "find out which service takes it, revoke it there, and read the new value from the store (`tokenguard exec`)"
)
_URL = re.compile(r"https://[^\s,`)]+")


def rules_of(report: Report) -> list[ResultRule]:
    """One rule for each type that was found, with how to end such a token."""
    types = sorted({(finding.kind.value, finding.type) for finding in (*report.findings, *report.waived)})
    return [_rule(kind, name) for kind, name in types]


def results_of(report: Report, reach: Reach) -> list[Result]:
    """What was found, and what is waived; each with a fingerprint that survives moved lines."""
    seen: Counter[str] = Counter()
    return [
        *(_result(finding, reach, seen) for finding in report.findings),
        *(_result(finding, reach, seen, waiver_words(finding)) for finding in report.waived),
    ]


def not_scanned(report: Report) -> list[NotScanned]:
    """What was left out."""
    return [NotScanned(path=_uri(skipped.path), reason=skipped.reason) for skipped in report.skipped]


def cases_of(report: Report, reach: Reach) -> list[JunitCase]:
    """Lines with findings fail; what is waived or was not scanned is skipped. No two cases have the same name."""
    cases = [_failed(findings, reach) for findings in by_line(report.findings)]
    if not cases:
        cases.append(JunitCase(classname="tokenguard", name=f"{pluralize(report.files, 'file')} without findings"))
    for waived in by_line(report.waived):
        reasons = "; ".join(dict.fromkeys(_shown(waiver_words(each)) for each in waived))
        cases.append(JunitCase(classname="tokenguard.waived", name=_name(waived), skipped=reasons))
    left_out: dict[str, list[str]] = {}
    for skipped in report.skipped:
        place = f"{skipped.path}:{skipped.line}" if skipped.line else skipped.path
        left_out.setdefault(_shown(place), []).append(skipped.reason)
    for name, codes in left_out.items():
        said = ", ".join(dict.fromkeys(codes))
        cases.append(JunitCase(classname="tokenguard.unscanned", name=name, skipped=said))
    return cases


def _failed(findings: Sequence[Finding], reach: Reach) -> JunitCase:
    first, what = findings[0], "; ".join(dict.fromkeys(_shown(subject(each)) for each in findings))
    details = (f"{_name([each])}:{each.column}: {_shown(subject(each))}\n{advice(each, reach)}" for each in findings)
    return JunitCase(
        classname=f"tokenguard.{first.kind}",
        name=_name(findings),
        failure=what,
        failure_type=first.kind.value,
        details="\n".join(dict.fromkeys(details)),
    )


def _name(findings: Sequence[Finding]) -> str:
    first = findings[0]
    origin = f" ({first.origin.commit[:12]})" if first.origin is not None else ""
    return f"{_shown(first.path)}:{first.line}{origin}"


def _rule(kind: str, name: str) -> ResultRule:
    form = _formats().get(name)
    end = _END_OWN if kind == FindingKind.OWN else form.end if form is not None else _END_OTHER
    url = _URL.search(end)
    nameless = kind != FindingKind.OWN and name in JUDGED
    return ResultRule(
        id=_rule_id(kind, name),
        name=re.sub(r"\W+", "", name) or kind,
        summary=name,
        level="warning" if nameless else "error",
        explanation=f"{form.vendor}: {form.what}" if form is not None else "",
        fix=f"How to end it: {end}",
        url=url[0].rstrip(".;") if url is not None else "",
        severity=_OWN_SEVERITY if kind == FindingKind.OWN else _NAMELESS_SEVERITY if nameless else _VENDOR_SEVERITY,
    )


def _result(finding: Finding, reach: Reach, seen: Counter[str], waived: str = "") -> Result:
    rule, path = _rule_id(finding.kind.value, finding.type), _uri(finding.path)
    place = hashlib.sha256(f"{rule}\0{path}\0{finding.tag}".encode()).hexdigest()[:16]
    seen[place] += 1
    return Result(
        rule=rule,
        level=_LEVELS.get(finding.facts.get("confidence", ""), "error"),
        message=f"{subject(finding)}: {advice(finding, reach)}",
        place=ResultPlace(path=path, line=finding.line, column=finding.column),
        fingerprints={"primaryLocationLineHash": f"{place}:{seen[place]}"},
        waived=waived,
    )


@cache
def _formats() -> dict[str, TokenFormat]:
    return {each.type: each for each in reversed(FORMATS)}


def _rule_id(kind: str, name: str) -> str:
    return f"{kind}/{kind_id(name)}"


def _uri(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"), safe="/!@-._~")


def _shown(text: str) -> str:
    return safe_text(text, one_line=True, limit=300)
