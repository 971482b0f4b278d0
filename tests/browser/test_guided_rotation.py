"""A person rotates a Descript token: the terminal says what to do, the browser does it, nothing else is known."""

from tests.browser.conftest import NAME
from tests.browser.sitting import DONE, HOW_MANY, PASTE, asked_label, asked_to_revoke


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
    sitting.until(HOW_MANY)
    sitting.type("1")
    shown = sitting.until(DONE)
    assert "the token is compromised" in shown
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


def test_a_token_made_on_the_page_is_added_by_the_same_hands(household, settings, as_asked):
    """`add --issue` with a provider that only people can ask."""
    drive = household.drive_id("Product")
    sitting = household.sit_down(
        "add", NAME, "--issue", "--provider", "descript", "--scope", f"drive:{drive}", "--scope-name", "Product",
        "--env", "prod", "--owner", "video", "--purpose", "upload", "--no-consumers",
    )  # fmt: skip
    value = as_asked(sitting.until(PASTE))
    sitting.paste(value)
    assert f"active, alive; drive:{drive} (Product)" in sitting.leaves(0)
    assert household.live_value() == value
    assert settings.listed() == [(household.document().record.label, "Product")]


def test_add_takes_a_value_by_hidden_prompt(household, settings):
    value = settings.create("made before tokenguard", "Product")
    sitting = household.sit_down(
        "add", NAME, "--provider", "descript", "--scope", f"drive:{household.drive_id('Product')}",
        "--env", "prod", "--owner", "video", "--purpose", "upload", "--no-consumers",
    )  # fmt: skip
    sitting.until(f"value of {NAME} (it stays hidden): ")
    sitting.paste(value)
    sitting.leaves(0)
    assert household.live_value() == value
