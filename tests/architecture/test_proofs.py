"""What pages say of the suites is what these run: numbers of cases, and which suite kills where."""

import re

import pytest

from docs.proofs import PAGE, render
from tests.architecture.test_pages import PAGES
from tests.faults.rotation_faults import Fault
from tests.model.model import Flaw


def test_the_numbers_of_cases_are_those_that_are_collected():
    assert PAGE.read_text() == render(), "run `make docs`"


def test_the_kinds_of_faults_and_flaws_are_as_many_as_the_page_says():
    said = re.findall(r"(\d+) (kinds of fault|deliberate flaws of the model)", PAGE.read_text())
    assert {what: int(number) for number, what in said} == {
        "kinds of fault": len(Fault),
        "deliberate flaws of the model": len(Flaw),
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_who_says_that_tests_kill_says_which_suite_does(page):
    """The kills at every effect are too many for `make test`."""
    paragraphs = [each for each in page.read_text().split("\n\n") if not each.startswith(("|", "<!-- threats"))]
    claims = [each for each in paragraphs if re.search(r"\bkills?\b", each) and re.search(r"tests/|\bcampaign", each)]
    assert [each for each in claims if "`make slow`" not in each] == []
