"""A report as SARIF 2.1.0, for code hosts. Regions only: no snippet, so nothing of a line leaves."""

import json
import re
from typing import Any
from urllib.parse import quote

from tokenguard import __version__
from tokenguard.domain.finding import Finding, Kind, Report
from tokenguard.scanning.advice import Reach, advice, subject, waiver_words

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(report: Report, reach: Reach) -> str:
    """One run with one rule for each type that was found."""
    types = sorted({(finding.kind.value, finding.type) for finding in (*report.findings, *report.waived)})
    rules = [
        {
            "id": _rule_id(kind, name),
            "name": re.sub(r"\W+", "", name) or kind,
            "shortDescription": {"text": name},
            "defaultConfiguration": {"level": "error" if kind != Kind.EXTRA else "warning"},
        }
        for kind, name in types
    ]
    run = {
        "tool": {"driver": {"name": "tokenguard", "version": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [
            *(_result(finding, types, reach) for finding in report.findings),
            *(_result(finding, types, reach) | _suppressed(finding) for finding in report.waived),
        ],
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {
                        "level": "warning",
                        "message": {"text": f"not scanned: {skipped.reason}"},
                        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(skipped.path)}}}],
                    }
                    for skipped in report.skipped
                ],
            }
        ],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=True, indent=2) + "\n"


def _result(finding: Finding, types: list[tuple[str, str]], reach: Reach) -> dict[str, Any]:
    region = {"startLine": finding.line, "startColumn": finding.column}
    return {
        "ruleId": _rule_id(finding.kind.value, finding.type),
        "ruleIndex": types.index((finding.kind.value, finding.type)),
        "level": "error" if finding.kind is not Kind.EXTRA else "warning",
        "message": {"text": f"{subject(finding)}: {advice(finding, reach)}"},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": _uri(finding.path)}, "region": region}},
        ],
        "partialFingerprints": {"place/v1": f"{finding.type}:{_uri(finding.path)}:{finding.line}"},
    }


def _suppressed(finding: Finding) -> dict[str, Any]:
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": waiver_words(finding)}]}


def _rule_id(kind: str, name: str) -> str:
    return f"{kind}/{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}"


def _uri(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"), safe="/!@-._~")
