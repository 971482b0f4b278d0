"""SARIF 2.1.0 (OASIS), for code hosts. Regions only: no snippet, so nothing of a line leaves."""

import json
from collections.abc import Sequence
from typing import Any

from tokenguard import __version__
from tokenguard.output.result import NotScanned, Result, ResultPlace, ResultRule
from tokenguard.text import inert_json

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_text(
    rules: Sequence[ResultRule], results: Sequence[Result], not_scanned: Sequence[NotScanned] | None = None
) -> str:
    """One run.

    Args:
        rules: every rule that a result may refer to, in the order of the document.
        results: what was found; a waived result is written as suppressed.
        not_scanned: what was left out; None for commands that scan nothing.
    """
    index = {rule.id: number for number, rule in enumerate(rules)}
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "tokenguard", "version": __version__, "rules": [_rule(each) for each in rules]}},
        "results": [_result(each, index) for each in results],
    }
    if not_scanned is not None:
        notes = [_notification(each) for each in not_scanned]
        run["columnKind"] = "unicodeCodePoints"
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": notes}]
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return inert_json(json.dumps(document, ensure_ascii=True, indent=2)) + "\n"


def _rule(rule: ResultRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        **({"name": rule.name} if rule.name else {}),
        "shortDescription": {"text": rule.summary},
        **({"fullDescription": {"text": rule.explanation}} if rule.explanation else {}),
        **({"help": {"text": rule.fix, "markdown": rule.fix}} if rule.fix else {}),
        **({"helpUri": rule.url} if rule.url else {}),
        **({"properties": {"security-severity": rule.severity, "tags": ["security"]}} if rule.severity else {}),
        "defaultConfiguration": {"level": rule.level},
    }


def _result(result: Result, index: dict[str, int]) -> dict[str, Any]:
    suppressed = {"kind": "external", "status": "accepted", "justification": result.waived}
    return {
        "ruleId": result.rule,
        "ruleIndex": index[result.rule],
        "level": result.level,
        "message": {"text": result.message},
        "locations": [_location(result.place)],
        "partialFingerprints": result.fingerprints,
        **({"suppressions": [suppressed]} if result.waived else {}),
    }


def _location(place: ResultPlace) -> dict[str, Any]:
    if place.resource:
        return {"logicalLocations": [{"fullyQualifiedName": place.resource, "kind": "resource"}]}
    artifact = {"uri": place.path, **({"uriBaseId": place.relative_to} if place.relative_to else {})}
    column = {"startColumn": place.column} if place.column else {}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": place.line or 1, **column}}}


def _notification(left_out: NotScanned) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": f"not scanned: {left_out.reason}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": left_out.path}}}],
    }
