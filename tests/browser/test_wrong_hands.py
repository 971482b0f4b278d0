"""What people do wrong at a settings page, and that the flow notices it before anything depends on it."""

import pytest

from tests.browser.conftest import NAME
from tests.browser.sitting import DONE, PASTE, asked_label, asked_to_revoke
from tokenguard.domain.journal import Stage
from tokenguard.sandbox.fault_settings import Operation

STILL_ACCEPTED = "not yet: the provider still accepts the old token: was the right one revoked?"


def _rotated_up_to_the_revoke(household, as_asked, *command):
    """A planned rotation whose new token is in use; returns the sitting, the task that is shown and the new value."""
    sitting = household.sit_down("rotate", NAME, *command)
    new = as_asked(sitting.until(PASTE))
    sitting.paste(new)
    return sitting, sitting.until(DONE), new


def test_what_is_pasted_is_checked_before_it_is_stored(household, settings, as_asked):
    old = household.add()
    sitting = household.sit_down("rotate", NAME)
    new = as_asked(sitting.until(PASTE))
    first_half, second_half = new.split(":")
    for wrong, answer in {
        "": "nothing was pasted",
        old: "that is the old token",
        first_half: "one half",
        second_half: "one half",
        f"{first_half}: {second_half}": "white space",
        f"{new}\x07": "control characters",
        "https://web.descript.com/settings": "does not look like a Descript token",
        "x" * 7: "not between 8 and 4,096",
        "x" * 4_095: "longer than a terminal accepts",
    }.items():
        sitting.paste(wrong)
        assert answer in sitting.until(PASTE)
    assert household.live_value() == old
    sitting.paste(new)
    assert "not yet" not in sitting.until(DONE)
    assert household.live_value() == new
    settings.revoke("upload")
    sitting.type("done Ada")
    sitting.leaves(0)


def test_a_token_of_another_drive_is_ended_and_another_one_made(household, settings, as_asked):
    old = household.add()
    sitting = household.sit_down("rotate", NAME)
    first = asked_label(sitting.until(PASTE))
    wrong = settings.create(first, "Product")
    sitting.paste(wrong)

    shown = sitting.until("did you just create it? ")
    assert (
        f"drive:{household.drive_id('Product')} at descript, not to Marketing (drive:{household.drive_id('Marketing')})"
        in shown
    )
    sitting.type("yes")
    assert asked_to_revoke(sitting.until(DONE)) == first
    assert household.live_value() == household.consumer_value() == old
    sitting.type("done Ada")
    assert "still accepts that token" in sitting.until(DONE), "said, not done"
    settings.revoke(first)
    sitting.type("done Ada")

    shown = sitting.until(PASTE)
    assert asked_label(shown) != first
    sitting.paste(wrong)
    assert "was pasted before and not accepted" in sitting.until(PASTE)
    new = as_asked(shown)
    sitting.paste(new)
    assert asked_to_revoke(sitting.until(DONE)) == "upload"
    settings.revoke("upload")
    sitting.type("done Ada")
    sitting.leaves(0)
    assert household.live_value() == household.consumer_value() == new
    assert [household.alive(value) for value in (old, wrong, new)] == [False, False, True]


def test_said_to_be_revoked_and_not_done(household, settings, as_asked):
    """The word is tested at once, as often as it is given; the end needs the provider's own refusals."""
    old = household.add()
    sitting, _, _ = _rotated_up_to_the_revoke(household, as_asked)
    for _ in range(2):
        sitting.type("done Ada")
        assert STILL_ACCEPTED in sitting.until(DONE)
        assert household.alive(old)
    sitting.type("yes")
    assert "please begin with the word `done`" in sitting.until(DONE)
    settings.revoke("upload")
    sitting.type("Done, Ada")
    sitting.leaves(0)
    assert not household.alive(old)


@pytest.mark.parametrize("another", [True, False], ids=["another token to compare with", "nothing to compare with"])
def test_the_new_token_revoked_instead_of_the_old(household, settings, as_asked, another):
    """It proves nothing about the old one; once both are refused, only a third token tells death from an outage."""
    old = household.add()
    third = settings.create("third", "Marketing")
    add_third = (
        "add", "video/search/prod/index", "--provider", "descript", "--scope", f"drive:{household.drive_id('Marketing')}",
        "--env", "prod", "--owner", "video", "--purpose", "index", "--no-consumers", "--from-env", "THIRD",
    )  # fmt: skip
    household.environ["THIRD"] = third
    if another:
        assert household.run(*add_third) == 0
    sitting, shown, new = _rotated_up_to_the_revoke(household, as_asked)
    label = household.document().journal.attempts[-1].label
    assert f"do not revoke the one named {label}: it is the new token" in shown
    settings.revoke(label)
    sitting.type("done Ada")
    sitting.leaves(5)  # nobody is asked to revoke the old one while the new one is refused
    assert (household.alive(old), household.alive(new)) == (True, False)
    assert household.document().busy

    settings.revoke("upload")
    if not another:
        household.sit_down("rotate", NAME, "--resume").leaves(5)
        assert household.document().journal.proof is None
        assert household.run(*add_third) == 0
    household.sit_down("rotate", NAME, "--resume").leaves(4)  # it has ended, and the token in use is refused
    journal = household.document().journal
    assert journal.stage is Stage.DONE
    assert journal.proof.proven
    assert household.run("verify", NAME) == 1, "and the record knows it"


def test_a_name_typed_differently_is_found_again_by_its_day(household, settings, as_asked):
    """Nobody can check what was typed; at the next revoke the name is not in the list, and the flow stays safe."""
    household.add()
    sitting = household.sit_down("rotate", NAME)
    label = asked_label(sitting.until(PASTE))
    first = settings.create("uplaod", "Marketing")
    sitting.paste(first)
    sitting.until(DONE)
    settings.revoke("upload")
    sitting.type("done Ada")
    sitting.leaves(0)

    sitting, shown, second = _rotated_up_to_the_revoke(household, as_asked)
    assert asked_to_revoke(shown) == label
    assert label not in dict(settings.listed())
    today = household.document().journal.old.created_at
    assert f"typed differently when it was created: look for one created on {today:%Y-%m-%d}" in shown
    sitting.type("done Ada")
    assert STILL_ACCEPTED in sitting.until(DONE)
    sitting.type("")
    assert "is not revoked yet" in sitting.leaves(5)

    sitting = household.sit_down("rotate", NAME, "--resume")
    sitting.until(DONE)
    settings.revoke("uplaod")
    sitting.type("done Ada")
    sitting.leaves(0)
    assert [household.alive(value) for value in (first, second)] == [False, True]


def test_a_page_that_breaks_after_creating_leaves_no_unknown_token(household, settings, as_asked):
    """The token exists, its value was never seen: it is found by the name that was written ahead, and ended."""
    household.add()
    sitting = household.sit_down("rotate", NAME)
    label = asked_label(sitting.until(PASTE))
    household.sandbox.knobs.drop_reply_after_commit[Operation.TOKEN_CREATE] = 2  # browsers try a lost form again
    settings.submit(label, "Marketing")
    assert (label, "Marketing") in settings.listed()
    sitting.interrupt()

    sitting = household.sit_down("rotate", NAME, "--resume")
    shown = sitting.until("what did you find? ")
    assert f"every token named exactly {label}" in shown
    settings.revoke(label)
    sitting.type("revoked")
    sitting.until("your name")
    sitting.type("Ada")
    shown = sitting.until(PASTE)
    assert asked_label(shown) != label
    sitting.paste(as_asked(shown))
    sitting.until(DONE)
    settings.revoke("upload")
    sitting.type("done Ada")
    assert f"{label} (asserted by Ada, not proven)" in sitting.leaves(5)
    assert len(settings.listed()) == 1


def test_a_provider_that_lags_a_little_costs_no_second_click(household, settings, as_asked):
    old = household.add()
    sitting, _, _ = _rotated_up_to_the_revoke(household, as_asked)
    household.sandbox.knobs.revoke_lag = 0.2
    settings.revoke("upload")
    sitting.type("done Ada")
    assert "not yet" not in sitting.leaves(0)
    assert not household.alive(old)
