"""Writes the numbers of cases in docs/rotation.md, as pytest collects them: `make docs`."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.mutants.table import mutants

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/rotation.md"
_TABLE = re.compile(r"(<!-- proofs -->\n.*?<!-- /proofs -->)", re.DOTALL)
_ROW = re.compile(r"^\| (?P<what>.*?) \| (?P<tests>`tests/.*?) \| \d+ \| \d+ \|$", re.MULTILINE)
_FLAWS = re.compile(r"(plants )\w+( flaws\s+in\s+the\s+program)")
_COLLECT = """
import sys, pytest
class Plugin:
    def pytest_collection_modifyitems(self, items):
        print(*(f"{'slow' if item.get_closest_marker('slow') else 'test'} {item.nodeid}" for item in items), sep="\\n")
pytest.main(["--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[Plugin()])
"""


def render() -> str:
    """The page with the numbers of today's tests and flaws."""
    text = PAGE.read_text()
    found = _collected({test.partition("::")[0] for row in _ROW.finditer(text) for test in _tests(row["tests"])})

    def counted(row: re.Match[str]) -> str:
        cases = [sum(found[suite, test] for test in _tests(row["tests"])) for suite in ("test", "slow")]
        return f"| {row['what']} | {row['tests']} | {cases[0]} | {cases[1]} |"

    text = _TABLE.sub(lambda table: _ROW.sub(counted, table[1]), text)
    return _FLAWS.sub(rf"\g<1>{len(mutants())}\g<2>", text)


def _tests(cell: str) -> list[str]:
    return re.findall(r"`(tests/[^`]+)`", cell)


def _collected(files: set[str]) -> Counter[tuple[str, str]]:
    """How many cases each test and each file has, by suite."""
    command = [sys.executable, "-c", _COLLECT, *sorted(files)]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found: Counter[tuple[str, str]] = Counter()
    for suite, test in re.findall(r"^(slow|test) (tests/[^\[\n]+)", listed, re.MULTILINE):
        found.update([(suite, test), (suite, test.partition("::")[0])])
    return found


if __name__ == "__main__":
    PAGE.write_text(render())
