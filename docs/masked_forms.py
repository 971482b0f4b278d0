"""Writes the table of forms in docs/redaction.md from what masking does with each: `python -m docs.masked_forms`."""

import sys
from collections import defaultdict
from pathlib import Path

from tests.fakes.masked_forms import FORMS, reason_of, status, token, written
from tokenguard.domain.secret import Secret
from tokenguard.redaction.known import MaskedValue
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import redact

PAGE = Path(__file__).with_name("redaction.md")
_BEGIN, _END = "<!-- forms -->\n", "\n<!-- /forms -->"
_TRIED = 4
"""Values for each form: what is left must be the same for all."""


def measured() -> dict[str, str]:
    """Each form with its result."""
    known = [token(seed) for seed in range(_TRIED)]
    matchers = [Matcher.of([MaskedValue(id="id", name="t", secret=Secret(value))]) for value in known]
    return {
        name: status([redact(matcher, written(name, value)) for value, matcher in zip(known, matchers, strict=True)])
        for name in FORMS
    }


def table() -> str:
    """The rows: what is masked, what in part, and what is not found for which reason."""
    rows = defaultdict[str, list[str]](list)
    for name, result in measured().items():
        reason = reason_of(name)
        rows[f"{result}: {reason}" if reason else result].append(name)
    ordered = sorted(
        rows, key=lambda row: (["masked", "in part"].index(row) if row in {"masked", "in part"} else 2, row)
    )
    lines = [f"| {row} | {', '.join(sorted(rows[row], key=str.lower))} |" for row in ordered]
    return "\n".join(["| Result | Forms |", "|---|---|", *lines])


def shown(page: str) -> str:
    """The table that a page has."""
    return page.partition(_BEGIN)[2].partition(_END)[0]


if __name__ == "__main__":
    head, _, rest = PAGE.read_text().partition(_BEGIN)
    PAGE.write_text(head + _BEGIN + table() + _END + rest.partition(_END)[2])
    sys.stdout.write(f"{PAGE.name}\n")
