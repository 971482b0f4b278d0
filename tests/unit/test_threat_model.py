"""The threat model names a test for every attack, and every one of them exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "threat-model.md"
REFERENCES = sorted(set(re.findall(r"`(tests/[\w/.]+\.py(?:::\w+)?)`", PAGE.read_text())))


def test_there_is_something_to_check():
    assert len(REFERENCES) > 30


@pytest.mark.parametrize("reference", REFERENCES)
def test_the_test_that_is_named_exists(reference):
    path, _, name = reference.partition("::")
    assert (ROOT / path).is_file()
    if name:
        assert re.search(rf"^\s*(?:async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


def test_every_attack_has_a_test():
    attacks = PAGE.read_text().split("## Attacks, and where each is tried")[1]
    rows = [line for line in attacks.splitlines() if line.startswith("|") and not re.match(r"\|(---|\s*Attack)", line)]
    assert [row for row in rows if "`tests/" not in row] == []
