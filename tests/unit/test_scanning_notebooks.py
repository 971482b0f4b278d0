"""Notebooks: what was found is told by cell and line, whatever way the JSON was written, and never at a guess."""

import json
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.output.formats import OutputFormat
from tokenguard.scanning.advice import Reach
from tokenguard.scanning.content import Blob
from tokenguard.scanning.notebooks import cells_of
from tokenguard.scanning.outputs.write_findings import write_findings
from tokenguard.scanning.scanner import scan

CELLS = [
    {"cell_type": "markdown", "source": "a title\nwith MARK-text\n", "metadata": {"tags": ["MARK-meta"]}},
    {"cell_type": "code", "source": ["import x\n", 'key = "MARK-code"\n'], "outputs": [{"text": ["ok\n", "MARK-out\n"]}]},
    {"cell_type": "raw", "source": []},
    {"cell_type": "code", "source": ['a = "{[,:\\" MARK-odd"\n'], "outputs": []},
]  # fmt: skip
WHERE = {
    "MARK-text": "1, line 2", "MARK-meta": "1", "MARK-code": "2, line 2", "MARK-out": "2, output", "MARK-odd": "4, line 1", "MARK-top": "",
}  # fmt: skip


def cell_of(text: str, line: int, column: int) -> str:
    return cells_of(text, {(line, column), (1, 1), (2, 3)}).get((line, column), "")


def place(text: str, mark: str) -> tuple[int, int]:
    offset = text.index(mark)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


@pytest.mark.parametrize("indent", [1, 4, None])
@pytest.mark.parametrize("mark", WHERE)
def test_a_place_is_told_as_its_cell(mark: str, indent: int | None) -> None:
    text = json.dumps({"cells": CELLS, "metadata": {"note": "MARK-top"}, "nbformat": 4}, indent=indent)
    line, column = place(text, mark)
    assert cell_of(text, line, column) == WHERE[mark]
    if indent and mark != "MARK-text":
        assert cell_of(text, line, 1) == WHERE[mark]  # a rule that cannot tell the column


def test_a_line_of_many_cells_says_nothing_without_a_column() -> None:
    assert cell_of(json.dumps({"cells": CELLS}), 1, 1) == ""


@given(st.text(max_size=200), st.integers(1, 5), st.integers(1, 50))
def test_whatever_is_no_notebook_has_no_cell_and_raises_nothing(text: str, line: int, column: int) -> None:
    cell_of(text, line, column)
    cell_of('{"cells": [' + text, line, column)


@pytest.mark.parametrize(("indent", "whole"), [(None, True), (1, False)])
def test_very_many_findings_each_have_their_cell(indent: int | None, whole: bool) -> None:
    """Looked up in one pass: one by one they would take minutes."""
    lines = [f"k = 'sk-social-{secrets.token_hex(32)}'\n" for _ in range(1500)]
    text = json.dumps({"cells": [{"source": "".join(lines) if whole else lines}]}, indent=indent)
    findings = scan([Blob(path="a.ipynb", data=text.encode())]).findings
    assert [each.facts["cell"] for each in findings] == [f"1, line {number}" for number in range(1, 1501)]


def test_hostile_nesting_ends() -> None:
    assert cell_of('{"cells": ' + "[" * 200_000, 1, 5) == ""
    assert cell_of('{"cells": "' + "\\" * 200_001, 1, 5) == ""


def test_the_report_names_the_cell_and_keeps_the_line() -> None:
    source = ["import x\n", f"x.connect('sk-social-{secrets.token_hex(32)}')\n"]
    text = json.dumps({"cells": [{"cell_type": "code", "source": source}]}, indent=1)
    report = scan([Blob(path="a.ipynb", data=text.encode())])
    (finding,) = json.loads(write_findings(report, OutputFormat.JSON, Reach.STAGED))["findings"]
    assert (finding["line"], finding["cell"]) == (place(text, "sk-social")[0], "1, line 2")
    assert ", cell 1, line 2" in write_findings(report, OutputFormat.TEXT, Reach.STAGED)
