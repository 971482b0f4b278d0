"""The recovery code: read out on the telephone, typed back at night."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.stores.local.recovery_words import new_recovery_code, recovery_bytes


def test_a_code_has_160_bits_in_seven_groups():
    code = new_recovery_code()
    assert len(recovery_bytes(code)) == 20
    assert [len(group) for group in code.reveal().split("-")] == [5] * 7
    assert recovery_bytes(new_recovery_code()) != recovery_bytes(code)


@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        lambda text: text.replace("-", ""),
        lambda text: text.replace("-", " "),
        lambda text: f"  {text}\n",
        lambda text: text.replace("0", "O").replace("1", "l"),
        lambda text: text.replace("0", "o").replace("1", "I"),
        lambda text: " - ".join(text.split("-")),
    ],
)
def test_case_dashes_spaces_and_misread_digits_do_not_matter(typed):
    for _ in range(20):
        code = new_recovery_code()
        assert recovery_bytes(Secret(typed(code.reveal()))) == recovery_bytes(code)


def test_typing_mistakes_are_noticed():
    rng = random.Random(5)
    missed = 0
    for _ in range(400):
        text = list(new_recovery_code().reveal())
        at = rng.choice([index for index, char in enumerate(text) if char != "-"])
        text[at] = rng.choice([char for char in "0123456789ABCDEFGHJKMNPQRSTVWXYZ" if char != text[at]])
        try:
            recovery_bytes(Secret("".join(text)))
            missed += 1
        except InputError:
            pass
    assert missed <= 1  # each has a chance of 2^-15


@given(st.text(max_size=60))
def test_anything_else_is_bad_input_that_is_not_quoted(text: str):
    with pytest.raises(InputError) as caught:
        recovery_bytes(Secret(text))
    assert caught.value.hint
    assert len(text) < 12 or text not in caught.value.message
