"""A batch ends with its most severe code: 6, 5, 4, 3, then 2 and 1 (README)."""

from itertools import combinations

import pytest

from tokenguard.errors import ExitCode
from tokenguard.rotation.batch import most_severe_code

ORDER = [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(("graver", "milder"), list(combinations(ORDER, 2)))
def test_the_more_severe_of_two_codes_wins_in_either_order(graver, milder):
    for codes in ((graver, milder), (milder, graver), (milder, graver, milder)):
        assert most_severe_code(map(ExitCode, codes)) == graver


def test_a_batch_of_nothing_is_a_success():
    assert most_severe_code([]) == ExitCode.OK
