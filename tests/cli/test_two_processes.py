"""Two commands at once on one store: one of them wins, the other one says so, and the store holds."""

import contextlib
import os
import subprocess
import sys

import pexpect
import pytest

from tests.cli.premises import FIELDS, NAME, Premises, check_refusal
from tests.fakes.answer import Answer
from tokenguard.domain.names import token_name

ADD = ("add", "a/b", "--provider", "manual", *FIELDS, "--stdin")
PASTE = "then Enter: "


@pytest.fixture
def premises(tmp_path, monkeypatch, capfd):
    return Premises(tmp_path, monkeypatch, capfd)


def _at_once(premises, *commands) -> list[Answer]:
    """Start all, then let them read their values together: that is when they go on."""
    started = [
        subprocess.Popen(
            [sys.executable, "-P", "-m", "tokenguard", *command], env={**os.environ, **premises.environ},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )
        for command in commands
    ]  # fmt: skip
    for number, process in enumerate(started):
        process.stdin.write(f"a-value-of-a-token-{number}")
    for process in started:
        with contextlib.suppress(BrokenPipeError):  # one that reads nothing may have ended
            process.stdin.close()
        process.stdin = None
    ends = [process.communicate(timeout=60) for process in started]
    return [Answer(process.returncode, *end) for process, end in zip(started, ends, strict=True)]


def _on_a_terminal(premises, *arguments):
    return pexpect.spawn(
        sys.executable, ["-P", "-m", "tokenguard", *arguments], env={**os.environ, **premises.environ},
        encoding="utf-8", timeout=30,
    )  # fmt: skip


def _ends(terminal) -> tuple[int, str]:
    terminal.expect(pexpect.EOF)
    terminal.close()
    return terminal.exitstatus, terminal.before


def test_one_name_added_twice_at_once_is_one_token(premises):
    premises.furnished()
    answers = _at_once(premises, ADD, ADD, ADD)
    won = [answer for answer in answers if answer.code == 0]
    assert len(won) == 1, answers
    for answer in answers:
        if answer.code:
            check_refusal(answer, answer.code)
            assert answer.code in {2, 3, 4}, "the name is taken, being made, or was changed at that moment"
    assert premises("audit", "verify").code == 0
    assert premises("show", "a/b", "--format", "json").document["state"] == "active"


def test_different_tokens_at_once_all_arrive(premises):
    premises.furnished()
    answers = _at_once(premises, *(("add", f"a/n{number}", *ADD[2:]) for number in range(4)))
    assert [answer.code for answer in answers] == [0] * 4, answers
    listed = premises("list", "--format", "json").document["tokens"]
    assert {token["name"] for token in listed} == {NAME, *(f"a/n{number}" for number in range(4))}
    assert premises("audit", "verify").code == 0


def test_two_inits_at_once_make_one_store(premises):
    answers = _at_once(premises, ("init", "--no-input"), ("init", "--no-input"))
    assert sorted(answer.code for answer in answers) == [0, 2], answers
    assert premises("list").code == 0


def test_edits_at_once_lose_nothing_in_silence(premises):
    premises.furnished()
    owners = ("audio", "search", "social")
    answers = _at_once(premises, *(("edit", NAME, "--owner", owner) for owner in owners))
    assert {answer.code for answer in answers} <= {0, 4}, answers
    edits = premises("audit", "log", NAME, "--op", "edit", "--format", "json").document["entries"]
    assert len(edits) == sum(answer.code == 0 for answer in answers) > 0
    assert premises("audit", "verify").code == 0


def test_a_rotation_that_waits_for_a_person_is_not_begun_again(premises, words):
    premises.furnished()
    first = _on_a_terminal(premises, "rotate", NAME)
    first.expect_exact(PASTE)
    error = premises.refused("rotate", NAME, code=3)
    words(error)
    first.sendintr()
    assert _ends(first)[0] == 130


def test_who_takes_over_fences_the_one_that_still_waits(premises):
    """The late paste is stored nowhere, and the late person is told to end what was made."""
    premises.furnished()
    first = _on_a_terminal(premises, "rotate", NAME)
    first.expect_exact(PASTE)
    assert premises.refused("rotate", NAME, "--resume", code=3), "without a person a living runner is left alone"
    second = _on_a_terminal(premises, "rotate", NAME, "--resume")
    second.expect_exact("take over from it? [yes/no] ")
    second.sendline("yes")
    second.expect_exact("what did you find? ")
    second.sendline("absent")
    second.expect_exact("your name")
    second.sendline("Ada")
    second.expect_exact(PASTE)

    first.sendline("the-late-value-of-nobody")
    first.expect_exact("leave it for later: ")
    assert "another run has continued without it" in first.before
    first.sendline("done Bo")
    code, text = _ends(first)
    assert code == 4, text
    assert "the-late-value-of-nobody" not in text

    second.sendline("the-new-value-of-the-token")
    second.expect_exact("leave it for later: ")
    second.sendline("done Ada")
    code, text = _ends(second)
    assert code == 5, "a provider that cannot be asked proves nothing"
    assert "asserted by Ada" in text
    live = _live(premises)
    assert live == "the-new-value-of-the-token"


def _live(premises) -> str:
    from tokenguard.shell.wiring import Wiring

    store = Wiring(environ=premises.environ).store
    return store.read_live(store.find(token_name(NAME)).id).value.token.reveal()
