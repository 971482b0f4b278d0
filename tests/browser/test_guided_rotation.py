"""A person rotates a Descript token: the terminal says what to do, the browser does it, nothing else is known."""

from tests.browser.conftest import NAME
from tests.browser.sitting import DONE, PASTE, asked_label, asked_to_revoke


def test_planned_no_gap_and_the_old_token_is_proven_dead(household, settings, as_asked):
    old = household.add()
    sitting = household.sit_down("rotate", NAME, "--reason", "quarterly")
    shown = sitting.until(PASTE)
    assert "You are needed: create a token at descript" in shown
    assert household.sandbox.info.settings_url in shown
    label, new = asked_label(shown), as_asked(shown)
    assert household.alive(old)
    sitting.paste(new)

    shown = sitting.until(DONE)
    assert household.consumer_value() == household.live_value() == new
    assert household.alive(old), "the old token works until everybody has the new one"
    assert asked_to_revoke(shown) == "upload"
    settings.revoke("upload")
    sitting.type("done Ada")
    end = sitting.leaves(0)

    assert "the old token is dead: refused 3 times, while a live one was accepted" in end
    assert settings.listed() == [(label, "Marketing")]
    assert (household.alive(old), household.alive(new)) == (False, True)
    assert household.document().journal.revoked_by == "Ada"
    assert household.run("audit", "verify") == 0


def test_compromised_revokes_before_it_replaces(household, settings, as_asked):
    old = household.add()
    sitting = household.sit_down("rotate", NAME, "--compromised", "--reason", "posted in a ticket")
    shown = sitting.until(DONE)
    assert "every minute it lives is a risk" in shown
    settings.revoke(asked_to_revoke(shown))
    sitting.type("done")
    sitting.until("your name [")
    sitting.type("Ada")

    shown = sitting.until(PASTE)
    assert not household.alive(old)
    new = as_asked(shown)
    sitting.paste(new)
    assert "the old token is dead" in sitting.leaves(0)
    assert household.consumer_value() == household.live_value() == new
