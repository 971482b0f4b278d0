"""Our token formats as rules for gitleaks and its kin, which know no look-around: what may follow is left to them."""

import json
import re

from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import expression_of
from tokenguard.token_formats.token_format import TokenFormat

_LONG_COUNT = re.compile(r"\{(\d+),\d{4,}\}")  # Go counts to 1,000


def gitleaks_rules() -> str:
    """A TOML file that extends gitleaks' default rules by one for each format that needs no words around it."""
    parts = ['title = "Vendor token formats of tokenguard"\n\n[extend]\nuseDefault = true\n']
    parts += [_rule(kind) for kind in FORMATS if kind.stands_alone]
    return "\n".join(parts)


def regex_of(kind: TokenFormat) -> str:
    """The format's regex without look-around, as Go reads it."""
    return _LONG_COUNT.sub(r"{\1,}", "|".join(map(expression_of, kind.shapes)))


def _rule(kind: TokenFormat) -> str:
    lines = [
        "[[rules]]",
        f"id = {json.dumps(f'tokenguard-{kind.id}')}",
        f"description = {json.dumps(kind.type)}",
        f"regex = {json.dumps(regex_of(kind))}",
    ]
    return "\n".join(lines) + "\n"
