"""The summary of `upkeep` does not count a token that could not be asked as one that is well."""

from tokenguard.usecases.upkeep_result import Duty, Summary, UpkeepLine
from tokenguard.views.upkeep_summary import _sums


def test_a_token_that_was_not_asked_is_counted_as_such():
    lines = (UpkeepLine(duty=Duty.VERIFY, name="a"), UpkeepLine(duty=Duty.VERIFY, name="b", asked=False))
    assert "1 of them not verified" in _sums(Summary(lines=lines))
    assert "not verified" not in _sums(Summary(lines=lines[:1]))
