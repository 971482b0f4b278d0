"""A hint identifies a token only by what it shows of the secret part."""

import pytest

from tokenguard.domain.token_hint import contradicts, distinguishes, fits

VALUE = "sk-social-tgcanary9f8e7d6c5b4ax7y9"
UNSEPARATED = "acmesecrettgcanary9f8e7d6c5b4ax7y9"


@pytest.mark.parametrize(
    ("hint", "enough"),
    [
        ("sk-social-...", False),
        ("sk-social-", False),
        ("sk-social", False),
        ("sk", False),
        ("acmesecret...", False),
        ("acme_...ab", False),
        ("", False),
        ("...", False),
        ("****", False),
        ("sk-social-...x7y9", True),
        ("sk-social-…x7y9", True),
        ("**** **** x7y9", True),
        ("•••• x7y9", True),
        ("sk-social-9f8e", True),
        ("x7y9", True),
        ("ab12cd34...", True),
    ],
)
def test_only_characters_of_the_secret_part_tell_tokens_apart(hint, enough):
    assert distinguishes(hint) == enough


@pytest.mark.parametrize(
    ("hint", "text", "fit", "other"),
    [
        ("sk-social-...x7y9", VALUE, True, False),
        ("sk-social-…x7y9", VALUE, True, False),
        ("sk-social-****x7y9", VALUE, True, False),
        ("sk-social-...7y9", VALUE, False, False),
        ("sk-social-...", VALUE, False, False),
        ("acmesecret...", UNSEPARATED, False, False),
        ("acmesecret...x7y9", UNSEPARATED, True, False),
        ("sk-social-...zzzz", VALUE, False, True),
        ("pk-...x7y9", VALUE, False, True),
        ("x7y9", VALUE, False, False),
        ("", VALUE, False, False),
    ],
)
def test_a_hint_fits_or_contradicts_a_value(hint, text, fit, other):
    assert (fits(hint, text), contradicts(hint, text)) == (fit, other)
