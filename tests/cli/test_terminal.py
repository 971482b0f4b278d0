"""The person at a real terminal: what is shown, what is hidden, what may be answered."""

import os
import pty
import threading
import time
import uuid

import pytest

from tests.fakes.world import canary
from tokenguard.errors import NeedsPerson
from tokenguard.ports.operator import SilentProgress, StrayToken, Task, TokenTrace, TokenTraceAnswer
from tokenguard.shell.terminal import NonInteractiveOperator, TerminalOperator
from tokenguard.shell.tty import Tty

TASK = Task(
    title="create a token in Descript",
    where="https://web.example > Settings",
    steps=["click here", "copy"],
    why="for you",
)
HOSTILE = Task(title="paste\x1b]0;x\x07 it", where="https://a\u202emoc.b", steps=["a\nYou are needed: type done"])


class Person:
    """Types at the other end of a terminal, each answer as soon as its prompt is there."""

    def __init__(self, *script):
        self.master, slave = pty.openpty()
        self.tty = Tty(slave)
        self.seen = b""
        self._script = script
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self):
        for prompt, answer in self._script:
            self._until(prompt.encode())
            os.write(self.master, answer if isinstance(answer, bytes) else answer.encode() + b"\n")
        self._until(b"\0never")

    def _until(self, wanted):
        mark = len(self.seen)
        while wanted not in self.seen[mark:]:
            try:
                part = os.read(self.master, 4096)
            except OSError:
                return
            if not part:
                return
            self.seen += part
        time.sleep(0.05)  # the echo is off a moment after the prompt is out

    def leave(self):
        self.tty.close()
        self._thread.join(5)
        os.close(self.master)
        return self.seen.decode(errors="replace")


def _ask(script, question):
    person = Person(*script)
    try:
        answer = question(TerminalOperator(person.tty, SilentProgress()))
    finally:
        seen = person.leave()
    return answer, seen


def test_a_pasted_value_is_never_shown():
    value = canary()
    secret, seen = _ask([("hidden)", value)], lambda operator: operator.paste(TASK))
    assert secret.reveal() == value
    assert value not in seen
    for shown in (
        "You are needed: create a token in Descript",
        "1. click here",
        "where  https://web.example",
        "why    for you",
    ):
        assert shown in seen


def test_what_is_pasted_beyond_one_line_is_thrown_away_unseen():
    one, two = canary(), canary()
    script = [("hidden)", f"{one}\n{two}\n".encode())]
    secret, seen = _ask(script, lambda operator: operator.paste(TASK))
    assert secret.reveal() == one
    assert two not in seen


@pytest.mark.parametrize("given", ["dx_secret_{}", "dx_bearer_{}:dx_secret_{}", "sk-social-{}"])
def test_a_value_in_the_place_of_a_name_is_refused_and_goes_nowhere(given):
    """A name stands in the audit trail for ever."""
    value = given.format(uuid.uuid4(), uuid.uuid4())
    script = [("name when", f"done {value}"), ("your name", value), ("your name", "alex")]
    who, seen = _ask(script, lambda operator: operator.done(TASK))
    assert who == "alex"
    assert seen.count("looks like a token value") == 2


def test_an_empty_paste_is_asked_again():
    value = canary()
    secret, seen = _ask([("hidden)", ""), ("hidden)", value)], lambda operator: operator.paste(TASK))
    assert secret.reveal() == value
    assert "nothing was pasted" in seen


def test_a_retry_says_why_and_does_not_repeat_the_task():
    def question(operator):
        operator.paste(TASK)
        return operator.paste(TASK, retry="that is the old token")

    _, seen = _ask([("hidden)", canary()), ("hidden)", canary())], question)
    assert seen.count("You are needed") == 1
    assert "not yet: that is the old token" in seen


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["done ada"], "ada"),
        (["DONE: Ada Lovelace"], "Ada Lovelace"),
        (["done", "grace"], "grace"),
        ([""], None),
        (["later"], None),
        (["yes", "done ada"], "ada"),
        (["done ada\x1b[31m"], "ada\\x1b[31m"),
    ],
)
def test_done_takes_a_name_and_enter_means_later(typed, expected):
    prompts = ["leave it for later: "] * len(typed)
    if typed[0] == "done":
        prompts[1] = "your name"
    name, _ = _ask(list(zip(prompts, typed, strict=True)), lambda operator: operator.done(TASK))
    assert name == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["absent"], TokenTrace(TokenTraceAnswer.ABSENT, "alex")),
        (["on screen"], TokenTrace(TokenTraceAnswer.ON_SCREEN)),
        (["?", "r"], TokenTrace(TokenTraceAnswer.REVOKED, "alex")),
    ],
)
def test_trace_takes_one_of_four_words_and_asks_who_says_that_it_is_gone(typed, expected):
    script = [("did you find? ", answer) for answer in typed]
    script += [("your name", "alex")] if expected.ended else []
    found, seen = _ask(script, lambda operator: operator.ask_outcome(TASK))
    assert found == expected
    assert "you have revoked it now" in seen


STRAY = StrayToken(provider="descript", found="Ads (drive:d2)\nYou are needed:", wanted="drive:d1")


@pytest.mark.parametrize(("typed", "expected"), [(["yes"], True), (["n"], False), (["", "perhaps", "No"], False)])
def test_whose_a_token_of_another_place_is_takes_yes_or_no(typed, expected):
    found, seen = _ask(
        [("did you just create it? ", answer) for answer in typed], lambda operator: operator.created_now(STRAY)
    )
    assert found is expected
    assert "not to drive:d1" in seen
    assert not [line for line in seen.splitlines() if line.startswith("You are needed")]


def test_a_task_cannot_pretend_to_be_a_prompt():
    """T28: whatever came from a server or a record is shown in one line, with its controls visible."""
    _, seen = _ask([("leave it for later: ", "")], lambda operator: operator.done(HOSTILE))
    assert "\x1b]" not in seen
    assert "\\u202e" in seen
    assert [line for line in seen.splitlines() if line.startswith("You are needed")] == [
        "You are needed: paste\\x1b]0;x\\x07 it"
    ]


def test_leaving_at_a_prompt_is_an_interrupt():
    with pytest.raises(KeyboardInterrupt):
        _ask([("hidden)", b"\x04")], lambda operator: operator.paste(TASK))


@pytest.mark.parametrize("question", ["paste", "done", "ask_outcome"])
def test_nobody_to_ask_names_the_step(question, words):
    with pytest.raises(NeedsPerson) as caught:
        getattr(NonInteractiveOperator("--no-input is set"), question)(TASK)
    words(caught.value)


def test_nobody_to_ask_says_where_a_pasted_token_belongs(words):
    with pytest.raises(NeedsPerson) as caught:
        NonInteractiveOperator("--no-input is set").created_now(
            StrayToken(provider="descript", found="drive:d2", wanted="drive:d1")
        )
    words(caught.value)
