"""Our shapes as rules for gitleaks and its kin, which know no look-around: their neighbours are left to its filters."""

import json
import re

from tokenguard.detection.extra_rules import RULES, ExtraRule

_LOOK_AROUND = re.compile(r"\(\?<?!\[[^\]]*\]\)")
_LONG_COUNT = re.compile(r"\{(\d+),\d{4,}\}")  # Go counts to 1,000


def gitleaks_rules() -> str:
    """A TOML file that extends gitleaks' default rules by one for each of our shapes."""
    parts = ['title = "tokenguard shapes"\n\n[extend]\nuseDefault = true\n']
    parts += [_rule(rule) for rule in RULES if not rule.only_ci and not rule.near]
    return "\n".join(parts)


def regex_of(rule: ExtraRule) -> str:
    """The rule's regex without look-around, as Go reads it."""
    return _LONG_COUNT.sub(r"{\1,}", _LOOK_AROUND.sub("", rule.pattern))


def _rule(rule: ExtraRule) -> str:
    identifier = "tokenguard-" + re.sub(r"[^a-z0-9]+", "-", rule.type.lower()).strip("-")
    regex = regex_of(rule)
    lines = [
        "[[rules]]",
        f"id = {json.dumps(identifier)}",
        f"description = {json.dumps(rule.type)}",
        f"regex = {json.dumps(regex)}",
    ]
    if "?P<value>" in regex:
        lines.append("secretGroup = 1")
    return "\n".join(lines) + "\n"
