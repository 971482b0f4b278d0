"""An assessment as SARIF 2.1.0, for code hosts: tokens are logical locations, since they stand in no file."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from tokenguard import __version__
from tokenguard.policy.catalogue import CATALOGUE, about
from tokenguard.policy.evaluation import Assessment, Violation
from tokenguard.policy.model import Rule
from tokenguard.report.gathering import violations
from tokenguard.text import safe_text

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(assessments: Sequence[Assessment]) -> str:
    """One run, with every rule of the policy that is asked."""
    rules = [rule for rule in assessments[0].policy.rules if about(rule.id).checked]
    run = {
        "tool": {"driver": {"name": "tokenguard", "version": __version__, "rules": [_rule(each) for each in rules]}},
        "results": [_result(each, [rule.id for rule in rules]) for each in violations(assessments)],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=True, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": CATALOGUE[rule.id].demands if rule.id in CATALOGUE else rule.why},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.fix} ({rule.source})"},
        "defaultConfiguration": {"level": rule.severity.value if rule.severity != "off" else "none"},
    }


def _result(found: Violation, rules: Sequence[str]) -> dict[str, Any]:
    name = safe_text(found.place, one_line=True)
    return {
        "ruleId": found.rule,
        "ruleIndex": rules.index(found.rule),
        "level": found.severity.value,
        "message": {"text": safe_text(f"{name}: {found.text}; fix: {found.fix}", one_line=True)},
        "locations": [_location(found, name)],
        "partialFingerprints": {"place/v1": f"{found.rule}:{name}"},
    }


def _location(found: Violation, name: str) -> dict[str, Any]:
    if not found.in_file:
        return {"logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}]}
    artifact = {"uri": quote(found.path), "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": found.line or 1}}}
