"""A guided rotation that is left at any question, undone, or run where nobody may be asked."""

from tests.browser.conftest import NAME
from tests.browser.sitting import DONE, FOUND, PASTE, YOUR_NAME, asked_label, asked_to_revoke
from tokenguard.domain.journal import Stage

PERSON = "person:ops desk"


def _left_at(household, prompt: str, *, words: tuple[str, ...] = ("--resume",), answers: tuple = ()) -> None:
    """Run up to `prompt`, giving the `answers` on the way, and press Ctrl-C there."""
    sitting = household.sit_down("rotate", NAME, *words)
    for question, answer in answers:
        sitting.until(question)
        sitting.type(answer)
    sitting.until(prompt)
    end = sitting.interrupt()
    assert "error: interrupted" in end
    assert f"`tokenguard rotate {NAME} --resume`" in end


def test_ctrl_c_at_every_question_then_resume(household, settings, as_asked):
    """Paste, trace, hand-over, name, revoke, name: each is left once, and at the end nothing is lost or left over."""
    old = household.add(PERSON)
    _left_at(household, PASTE, words=())
    _left_at(household, FOUND)
    _left_at(household, PASTE, answers=[(FOUND, "absent"), (YOUR_NAME, "Ada")])

    sitting = household.sit_down("rotate", NAME, "--resume")
    sitting.until(FOUND)
    sitting.type("absent")
    sitting.until(YOUR_NAME)
    sitting.type("Ada")
    new = as_asked(sitting.until(PASTE))
    sitting.paste(new)
    assert "deliver the new token" in sitting.until(DONE)
    sitting.interrupt()
    assert household.live_value() == new
    assert household.alive(old)

    _left_at(household, YOUR_NAME, answers=[(DONE, "done")])
    assert household.document().journal.stage is Stage.PUBLISHED
    _left_at(household, DONE, answers=[(DONE, "done Bo")])
    assert household.document().journal.stage is Stage.REVOKE_INTENDED
    _left_at(household, YOUR_NAME, answers=[(DONE, "done")])
    settings.revoke("upload")

    sitting = household.sit_down("rotate", NAME, "--resume")
    sitting.until(DONE)
    sitting.type("done Ada")
    assert "asserted by Ada, not proven" in sitting.leaves(5), "two attempts are only said to be absent"
    assert household.live_value() == new
    assert settings.listed() == [(household.document().record.label, "Marketing")]
    assert household.run("audit", "verify") == 0


def test_a_token_still_on_the_screen_is_pasted_after_a_resume(household, settings, as_asked):
    household.add()
    sitting = household.sit_down("rotate", NAME)
    new = as_asked(sitting.until(PASTE))
    sitting.interrupt()
    sitting = household.sit_down("rotate", NAME, "--resume")
    sitting.until(FOUND)
    for unclear in ("", "maybe"):
        sitting.type(unclear)
        assert "please answer one of: absent, on-screen, revoked, unknown" in sitting.until(FOUND)
    sitting.type("on screen")
    sitting.until(PASTE)
    sitting.paste(new)
    sitting.until(DONE)
    settings.revoke("upload")
    sitting.type("done Ada")
    sitting.leaves(0)
    assert household.live_value() == new


def test_nobody_knows_stays_open(household):
    household.add()
    _left_at(household, PASTE, words=())
    sitting = household.sit_down("rotate", NAME, "--resume")
    sitting.until(FOUND)
    sitting.type("unknown")
    assert "it is not known whether the token" in sitting.leaves(3)
    assert household.document().busy


def test_enter_leaves_it_for_later(household, settings, as_asked):
    """Before the revoke intent that is exit 3, after it 5: a death is owed."""
    old = household.add(PERSON)
    sitting = household.sit_down("rotate", NAME)
    sitting.paste(as_asked(sitting.until(PASTE)))
    sitting.until(DONE)
    sitting.type("")
    assert "use of the new token by" in sitting.leaves(3)
    sitting = household.sit_down("rotate", NAME, "--resume")
    sitting.until(DONE)
    sitting.type("done Bo")
    sitting.until(DONE)
    sitting.type("later")
    end = sitting.leaves(5)
    assert f"error: the old token of {NAME} is not revoked yet" in end
    assert f"tokenguard rotate {NAME} --resume" in end
    assert household.alive(old)


def test_no_input_says_who_is_needed_where_and_for_what(household, settings, as_asked):
    """Exit 3 before anything is begun, and before the revoke intent; 5 is what a runner says after it."""
    household.add()
    before = household.document()
    end = household.sit_down("rotate", NAME, "--no-input").leaves(3)
    assert f"error: a person is needed (--no-input is set): create a token at descript for {NAME}" in end
    assert household.sandbox.info.settings_url in end
    assert household.document() == before

    sitting = household.sit_down("rotate", NAME)
    sitting.until(PASTE)
    sitting.interrupt()
    label = household.document().journal.attempts[-1].label
    assert f"look for the token {label}" in household.sit_down("rotate", NAME, "--resume", "--no-input").leaves(3)

    sitting = household.sit_down("rotate", NAME, "--resume")
    sitting.until(FOUND)
    sitting.type("absent")
    sitting.until(YOUR_NAME)
    sitting.type("Ada")
    sitting.paste(as_asked(sitting.until(PASTE)))
    sitting.until(DONE)
    sitting.interrupt()
    assert "revoke a token at descript" in household.sit_down("rotate", "--resume", "--no-input").leaves(5)


def test_abort_takes_everything_back(household, settings, as_asked):
    old = household.add(PERSON)
    sitting = household.sit_down("rotate", NAME)
    shown = sitting.until(PASTE)
    label, new = asked_label(shown), as_asked(shown)
    sitting.paste(new)
    sitting.until(DONE)
    assert household.consumer_value() == new
    sitting.interrupt()

    sitting = household.sit_down("rotate", NAME, "--abort")
    assert "at ops desk" in sitting.until(DONE)
    sitting.type("done Bo")
    assert f"find the token named {label}" in sitting.until(DONE)
    settings.revoke(label)
    sitting.type("done Ada")
    sitting.leaves(0)
    assert household.document().journal.stage is Stage.ABORTED
    assert not household.alive(new)
    assert household.live_value() == household.consumer_value() == old
    assert settings.listed() == [("upload", "Marketing")]


def test_after_a_person_was_asked_to_revoke_an_abort_looks_whether_the_old_token_lives(household, settings, as_asked):
    """The intent alone takes nothing away: the way back is open until the old token is refused, or said to be revoked."""
    old = household.add()
    sitting = household.sit_down("rotate", NAME)
    shown = sitting.until(PASTE)
    label, new = asked_label(shown), as_asked(shown)
    sitting.paste(new)
    sitting.until(DONE)
    sitting.interrupt()
    assert household.document().journal.stage is Stage.REVOKE_INTENDED

    sitting = household.sit_down("rotate", NAME, "--abort")
    assert asked_to_revoke(sitting.until(DONE)) == label
    settings.revoke(label)
    sitting.type("done Ada")
    sitting.leaves(0)
    assert household.live_value() == household.consumer_value() == old
    assert settings.listed() == [("upload", "Marketing")]


def test_after_the_old_token_was_revoked_there_is_no_way_back(household, settings, as_asked):
    """Also if the person left before saying so: what the provider refuses is not a token to go back to."""
    household.add()
    sitting = household.sit_down("rotate", NAME)
    new = as_asked(sitting.until(PASTE))
    sitting.paste(new)
    sitting.until(DONE)
    settings.revoke("upload")
    sitting.interrupt()
    household.sit_down("rotate", NAME, "--abort").leaves(2)
    assert household.live_value() == household.consumer_value() == new

    sitting = household.sit_down("rotate", NAME, "--resume")
    sitting.until(DONE)
    sitting.type("done Ada")
    sitting.leaves(0)


def test_after_a_person_said_revoked_there_is_no_way_back_while_the_proof_is_open(household, settings, as_asked):
    """Also while the provider still accepts the old token: it may only lag."""
    old = household.add()
    sitting = household.sit_down("rotate", NAME)
    new = as_asked(sitting.until(PASTE))
    sitting.paste(new)
    sitting.until(DONE)
    sitting.type("done Ada")
    sitting.until(DONE)
    sitting.interrupt()
    assert household.alive(old)
    household.sit_down("rotate", NAME, "--abort").leaves(2)
    assert household.live_value() == household.consumer_value() == new
