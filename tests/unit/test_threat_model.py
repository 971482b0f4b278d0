"""The threat model names a test for every attack; that each exists, `tests/architecture/test_references.py` checks."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "threat-model.md"


def test_every_attack_has_a_test():
    attacks = PAGE.read_text().split("## Attacks, and where each is tried")[1]
    rows = [line for line in attacks.splitlines() if line.startswith("|") and not re.match(r"\|(---|\s*Attack)", line)]
    assert len(rows) > 100
    assert [row for row in rows if "`tests/" not in row] == []
