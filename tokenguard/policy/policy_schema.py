"""The JSON Schema of policy files, for editors; made from the catalogue of rules, so that it cannot lag behind."""

from collections.abc import Mapping
from typing import Any

from tokenguard.domain.leak import Spread
from tokenguard.domain.names import SEGMENT
from tokenguard.domain.second_person import SensitiveKind
from tokenguard.domain.silencing_comment import SilencingComment
from tokenguard.mapping_reader import MAX_TEXT
from tokenguard.policy.catalogue import CATALOGUE, DEMANDED, MAX_CONDITION, ParameterType, RuleDescription
from tokenguard.policy.loader import FORMAT
from tokenguard.policy.model import Severity
from tokenguard.policy.rule_parameters import MAX_COUNT, MAX_DAYS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LINE = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_WORD = {"type": "string", "pattern": f"^{SEGMENT.pattern}$"}
_DAYS = {"type": "integer", "minimum": 1, "maximum": MAX_DAYS}
_WORDS = {"type": "array", "items": _LINE}
_CONDITION = {"type": "string", "minLength": 1, "maxLength": MAX_CONDITION}
_SORTS: Mapping[ParameterType, dict[str, Any]] = {
    ParameterType.DAYS: _DAYS,
    ParameterType.COUNT: {"type": "integer", "minimum": 1, "maximum": MAX_COUNT},
    ParameterType.DAYS_LIST: {"type": "array", "items": _DAYS},
    ParameterType.DAYS_BY_ENVIRONMENT: {"type": "object", "propertyNames": _WORD, "additionalProperties": _DAYS},
    ParameterType.WORDS: _WORDS,
    ParameterType.ALLOWED_WORDS: _WORDS,
    ParameterType.COMMENTS: {"type": "array", "items": {"enum": [each.value for each in SilencingComment]}},
    ParameterType.FIELDS: {"type": "array", "items": {"enum": list(DEMANDED)}, "minItems": 1, "uniqueItems": True},
    ParameterType.WORDS_BY_PURPOSE: {"type": "object", "additionalProperties": _WORDS},
    ParameterType.WORDS_BY_CONTEXT: {"type": "object", "additionalProperties": _WORDS},
    ParameterType.REACHES: {"type": "array", "items": {"enum": [each.value for each in Spread]}},
    ParameterType.OPERATIONS: {"type": "array", "items": {"enum": [each.value for each in SensitiveKind]}},
    ParameterType.WINDOWS: {**_WORDS, "description": "UTC: `mon-fri 02:00-05:00`, `02:00-05:00`, or `never`"},
    ParameterType.FREEZES: {**_WORDS, "description": "a day, `2026-12-24`, or two, `2026-12-20..2027-01-05`"},
}
_SEVERITY = {"enum": [each.value for each in Severity]}
_TEXTS = {"why": _LINE, "source": _LINE, "fix": _LINE}


def policy_schema() -> dict[str, Any]:
    """The schema of one policy file."""
    return {
        "$schema": _DIALECT,
        "title": "tokenguard policy",
        "type": "object",
        "required": ["format", "name"],
        "additionalProperties": False,
        "properties": {
            "format": {"const": int(FORMAT)},
            "name": _LINE,
            "extends": {
                **_LINE,
                "description": "default, strict, descript, autoposting, ci, or a file beside this one",
            },
            "rules": _list([_rule(name, about) for name, about in CATALOGUE.items()]),
            "own_rules": {"type": "array", "items": _own_rule()},
            "overrides": _list([_override(name, about) for name, about in CATALOGUE.items()], {"rule": _WORD}),
            "waivers": {"type": "array", "items": _waiver()},
        },
        "anyOf": [{"required": [key]} for key in ("extends", "rules", "own_rules")],
    }


def _list(kinds: list[dict[str, Any]], other: dict[str, Any] | None = None) -> dict[str, Any]:
    """A list whose items are told apart by their rule; `other` is what a rule of the team's own may have."""
    known = [_mapping({**_where(repository=False), "severity": _SEVERITY, **other}, ["rule"])] if other else []
    return {"type": "array", "items": {"anyOf": [*kinds, *known]}}


def _mapping(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _rule(name: str, about: RuleDescription) -> dict[str, Any]:
    parameters = {key: _SORTS[sort] for key, sort in about.parameters.items()}
    properties = {"id": {"const": name}, "severity": _SEVERITY, **_TEXTS, **parameters}
    return {**_mapping(properties, ["id"]), "description": about.demands}


def _own_rule() -> dict[str, Any]:
    conditions = {"holds": _CONDITION, "applies": _CONDITION}
    properties = {"id": _WORD, "severity": _SEVERITY, **_TEXTS, "says": _LINE, **conditions}
    return _mapping(properties, [key for key in properties if key != "applies"])


def _override(name: str, about: RuleDescription) -> dict[str, Any]:
    parameters = {key: _SORTS[sort] for key, sort in about.parameters.items()}
    where = _where(repository=about.repository)
    found = _mapping({"rule": {"const": name}, **where, "severity": _SEVERITY, **parameters}, ["rule"])
    return {**found, "anyOf": [{"required": [key]} for key in where]}


def _waiver() -> dict[str, Any]:
    where = {**_where(repository=False), **_where(repository=True)}
    day = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
    properties = {"rule": _WORD, **where, "owner": _WORD, "reason": _LINE, "until": day}
    found = _mapping(properties, ["rule", "owner", "reason", "until"])
    return {**found, "anyOf": [{"required": [key]} for key in where]}


def _where(*, repository: bool) -> dict[str, Any]:
    return {"path": _LINE} if repository else {"token": _LINE, "environment": _LINE, "provider": _LINE}
