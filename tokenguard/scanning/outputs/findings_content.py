"""A report of findings as the content of one JSON document."""

from typing import Any

from tokenguard.domain.finding import Finding, Report


def content(report: Report) -> dict[str, Any]:
    """The documented shape."""
    return {
        "scanned": {
            "files": report.files,
            "bytes": report.bytes,
            "skipped": [
                {"path": skipped.path, "reason": skipped.reason} | ({"line": skipped.line} if skipped.line else {})
                for skipped in report.skipped
            ],
        },
        "suppressed": report.suppressed,
        "allowed": report.allowed,
        "profile": report.profile.value,
        "left_out": report.left_out,
        "excluded": report.excluded,
        "disabled": report.disabled,
        "notes": list(report.notes),
        "waived": [_finding(finding) for finding in report.waived],
        "findings": [_finding(finding) for finding in report.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "kind": finding.kind.value,
        "type": finding.type,
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "tag": finding.tag,
        **finding.facts,
    }
    if finding.origin is not None:
        fields |= {"commit": finding.origin.commit, "author_date": finding.origin.author_date}
    return fields
