"""Writes `rule_patterns.json`: for every pattern of detect-secrets' default plugins its superset and its needs.

Run it (`python -m tokenguard.detection.rule_table`) when the pinned detect-secrets changes; a test compares the file
with what this module makes of the installed version. No scan imports it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins import keyword
from detect_secrets.plugins.base import RegexBasedDetector

from tokenguard.detection.superset import Needs, needs, superset

TABLE = Path(__file__).with_name("rule_patterns.json")
VERSION = "1.5.0"
_FIRST_OF_VALUE = r"\w"
# Public IPv4 addresses hold no letter, and detect-secrets' default filters drop values without letters.
_CANNOT_FIND = frozenset({"IPPublicDetector"})
# Its class excludes white space and the colon, so a match cannot leave the scalar it started in: all of it is a core.
WHOLE_IS_CORE = frozenset({"BasicAuthDetector"})


def table() -> dict[str, Any]:
    """The content of the file."""
    return {
        "detect_secrets": VERSION,
        "rules": [
            {"plugin": plugin, "superset": wide, "cores": list(needed.cores), "run": needed.run}
            for plugin, wide, needed in (*_regexes(), *_keywords())
        ],
    }


def regexes() -> Iterator[tuple[str, re.Pattern[str]]]:
    """The plug-ins' expressions, each with its plug-in, but those for keywords: the table's rows but for the last."""
    every: dict[str, Any] = get_mapping_from_secret_type_to_class()
    for plugin in every.values():
        name = plugin.__name__
        if not issubclass(plugin, RegexBasedDetector) or name in _CANNOT_FIND:
            continue
        for regex in plugin.denylist:
            yield name, regex


def _regexes() -> Iterator[tuple[str, str, Needs]]:
    for name, regex in regexes():
        wide = superset(regex.pattern, regex.flags)
        whole = name in WHOLE_IS_CORE
        yield name, wide, Needs(cores=(wide,), run=0) if whole else needs(regex.pattern, regex.flags)


def _keywords() -> Iterator[tuple[str, str, Needs]]:
    """The patterns of names that sound secret, cut at the first character of the value."""
    narrow = Needs(cores=(superset("|".join(keyword.DENYLIST), re.IGNORECASE),), run=0)
    for name in sorted(dir(keyword)):
        regex = getattr(keyword, name)
        if not isinstance(regex, re.Pattern):
            continue
        if name.startswith("PRECEDED"):
            cut = "['\"`]" + regex.pattern.partition(r"(\1)")[2]
        else:
            cut = regex.pattern.partition(f"({keyword.SECRET})")[0] + _FIRST_OF_VALUE
        yield "KeywordDetector", superset(cut, regex.flags), narrow


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), indent=1) + "\n", encoding="ascii")
