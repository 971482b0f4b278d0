"""Explains a rule of a policy: its requirement, the reason, and the fix."""

from collections.abc import Mapping

from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.policy.catalogue import rule_description
from tokenguard.policy.model import Parameter, Policy
from tokenguard.text import nearest


class RuleExplanation(Frozen, frozen=True):
    """One rule as a policy configures it."""

    words: Mapping[str, str]
    parameters: Mapping[str, Parameter]


def explain_rule(policy: Policy, rule: str) -> RuleExplanation:
    """One rule as the policy configures it; InputError for an unknown rule."""
    found = next((each for each in policy.rules if each.id == rule), None)
    if found is None:
        known = [each.id for each in policy.rules]
        near = nearest(rule[:40], known)
        raise InputError(
            "unknown rule", hint=f"did you mean {near}?" if near else f"the rules of the policy: {', '.join(known)}"
        )
    words = {
        "rule": found.id,
        "policy": policy.name,
        "severity": found.severity.value,
        "demands": rule_description(found.id).demands,
        **({"says": found.says} if found.says else {}),
        "why": found.why,
        "source": found.source,
        "fix": found.fix,
        **({"applies": found.applies} if found.applies else {}),
        **({"holds": found.holds} if found.holds else {}),
    }
    return RuleExplanation(words, found.parameters)


def parameter_words(parameter: Parameter) -> str:
    """A parameter in one line."""
    if isinstance(parameter, Mapping):
        return ", ".join(f"{key}: {parameter_words(each)}" for key, each in parameter.items()) or "none"
    if isinstance(parameter, tuple):
        return ", ".join(map(str, parameter)) or "none"
    return str(parameter)
