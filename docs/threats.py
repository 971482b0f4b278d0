"""Writes the tables of attacks in docs/threat-model.md from those of `tests/mutants`: `make docs`."""

import re
from pathlib import Path

from tests.mutants.table import Threat, sections

PAGE = Path(__file__).with_name("threat-model.md")
_BETWEEN = re.compile(r"<!-- threats: (\w+) -->\n.*?<!-- /threats -->", re.DOTALL)
_HEAD = "| Attack or accident | Required behaviour | Test | Planted flaw |\n|---|---|---|---|\n"
_PROMISES = "| Promise or rule | Meaning | Test | Planted flaw |\n|---|---|---|---|\n"


def render() -> str:
    """The page with the tables as they are in `tests/mutants/threats/`."""
    return _BETWEEN.sub(lambda found: _table(found[1]), PAGE.read_text())


def _table(name: str) -> str:
    head = _PROMISES if name == "promises" else _HEAD
    rows = "".join(_row(threat) for threat in sections()[name])
    return f"<!-- threats: {name} -->\n{head}{rows}<!-- /threats -->"


def _row(threat: Threat) -> str:
    flaws = [mutant.flaw for mutant in threat.mutants]
    return f"| {threat.attack} | {threat.behaviour} | {_spans(threat.tests)} | {_spans(flaws) or threat.unplanted} |\n"


def _spans(texts: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


if __name__ == "__main__":
    PAGE.write_text(render())
