"""The shape of the package stays within its limits: `python -m bench house` prints every number."""

import pytest

from bench import house

NUMBERS = house.numbers()


@pytest.mark.parametrize("number", NUMBERS, ids=[each.what for each in NUMBERS])
def test_the_house_keeps_its_shape(number):
    assert number.holds, f"{number.measured:g} {number.what}; the limit is {number.limit}"


def test_a_number_beyond_its_limit_does_not_hold():
    assert not house.HouseNumber("x", lambda: 2, 1).holds
    assert not house.HouseNumber("x", lambda: 98, 99, at_least=True).holds
    assert house.HouseNumber("x", lambda: 1e9, None).holds
