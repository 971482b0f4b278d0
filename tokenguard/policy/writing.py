"""A policy as one document without layers, in the form that policy files have."""

from collections.abc import Mapping
from typing import Any

from tokenguard.policy.loader import FORMAT
from tokenguard.policy.model import Parameter, Policy, Rule, RuleSelector


def as_document(policy: Policy) -> dict[str, Any]:
    """What `load_policy` makes the same policy of, written as JSON."""
    return {
        "format": int(FORMAT),
        "name": policy.name,
        "rules": [_rule(rule) for rule in policy.rules if not rule.holds],
        "own_rules": [_own_rule(rule) for rule in policy.rules if rule.holds],
        "overrides": [
            {
                "rule": each.rule,
                **match_words(each.match),
                **({"severity": each.severity.value} if each.severity else {}),
                **_parameters(each.parameters),
            }
            for each in policy.overrides
        ],
        "waivers": [
            {
                "rule": each.rule,
                **match_words(each.match),
                "owner": each.owner,
                "reason": each.reason,
                "until": f"{each.until:%Y-%m-%d}",
            }
            for each in policy.waivers
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    words = {"why": rule.why, "source": rule.source, "fix": rule.fix}
    return {"id": rule.id, "severity": rule.severity.value, **words, **_parameters(rule.parameters)}


def _own_rule(rule: Rule) -> dict[str, Any]:
    applies = {"applies": rule.applies} if rule.applies else {}
    return {**_rule(rule), "says": rule.says, "holds": rule.holds, **applies}


def match_words(match: RuleSelector) -> dict[str, str]:
    """What a match says, by its keys."""
    found = {"environment": match.environment, "provider": match.provider, "path": match.path}
    token = {"token": match.token} if match.token != RuleSelector().token else {}
    return {**token, **{key: text for key, text in found.items() if text}}


def _parameters(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    return {name: _plain(each) for name, each in parameters.items()}


def _plain(parameter: Any) -> Any:
    if isinstance(parameter, Mapping):
        return {key: _plain(each) for key, each in parameter.items()}
    return list(parameter) if isinstance(parameter, tuple) else parameter
