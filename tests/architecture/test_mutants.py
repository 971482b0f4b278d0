"""The table of flaws that `make mutants` plants: each row has a flaw, each flaw a place and a test, and the page shows it."""

import ast
import re

import pytest

from docs.threats import PAGE, render
from tests.mutants.table import ROOT, mutants, sections

THREATS = [pytest.param(each, id=each.attack[:60]) for rows in sections().values() for each in rows]
MUTANTS = [pytest.param(each, id=each.flaw) for each in mutants()]
SUITE = "_suite.py"
"""Ends the name of a suite, whose tests other modules run."""


def test_the_page_shows_the_table():
    assert PAGE.read_text() == render(), "run `make docs`"
    assert set(re.findall(r"<!-- threats: (\w+) -->", PAGE.read_text())) == set(sections())


def test_there_are_enough_flaws_and_each_name_is_used_once():
    flaws = [each.flaw for each in mutants()]
    assert len(flaws) == len(set(flaws)) >= 120
    assert [flaw for flaw in flaws if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", flaw)] == []
    assert sum(each.sample for each in mutants()) == 20


def test_each_promise_is_in_the_table():
    named = {each.attack.partition(" ")[0] for each in sections()["promises"]}
    assert {f"P{number}" for number in range(1, 12)} <= named


@pytest.mark.parametrize("threat", THREATS)
def test_each_row_has_a_flaw_that_one_of_its_tests_detects(threat):
    assert threat.tests
    assert bool(threat.mutants) is not bool(threat.unplanted)
    for mutant in threat.mutants:
        _, _, name = mutant.test.partition("::")
        suites = [test for test in threat.tests if test.partition("::")[0].endswith(SUITE)]
        listed = any(mutant.test.startswith(test) for test in threat.tests)
        assert listed or any(name.partition("[")[0].endswith(test.partition("::")[2]) for test in suites), mutant.flaw


@pytest.mark.parametrize("mutant", MUTANTS)
def test_each_flaw_has_one_place_and_a_test(mutant):
    flawed = mutant.planted((ROOT / mutant.file).read_text())
    assert mutant.old != mutant.new
    if mutant.file.endswith(".py"):
        ast.parse(flawed)
    path, _, name = mutant.test.partition("[")[0].partition("::")
    assert (ROOT / path).is_file()
    if name and "_contract" not in path:  # these run the tests of a suite
        assert f"def {name.rpartition('::')[2]}(" in (ROOT / path).read_text()
