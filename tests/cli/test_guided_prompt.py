"""The hidden prompt on a real terminal: it is deaf before it is seen, and says so when a paste does not fit."""

import os
import pty
import termios
import threading

import pytest

from tokenguard.errors import InputError
from tokenguard.shell.tty import Tty


@pytest.fixture
def terminal():
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def _asking(theirs) -> tuple[threading.Thread, list]:
    answers: list = []

    def ask():
        try:
            answers.append(Tty(theirs).ask_hidden("value: "))
        except InputError as error:
            answers.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread, answers


def _echoes(descriptor) -> bool:
    return bool(termios.tcgetattr(descriptor)[3] & termios.ECHO)


def test_a_paste_at_the_very_moment_of_the_prompt_is_not_shown(terminal):
    ours, theirs = terminal
    assert _echoes(theirs)
    thread, answers = _asking(theirs)
    shown = os.read(ours, 7)
    assert (shown, _echoes(theirs)) == (b"value: ", False)
    os.write(ours, b"tgcanary-pasted\n")
    thread.join(10)
    assert answers[0].reveal() == "tgcanary-pasted"
    assert _echoes(theirs)
    assert b"pasted" not in os.read(ours, 100)


@pytest.mark.parametrize("length", [4_095, 4_096, 6_000])
def test_a_paste_that_the_terminal_cuts_is_refused_instead_of_stored_in_part(terminal, length):
    ours, theirs = terminal
    thread, answers = _asking(theirs)
    os.read(ours, 7)
    os.write(ours, b"x" * length + b"\n")
    thread.join(10)
    assert isinstance(answers[0], InputError)
    assert "longer than a terminal" in answers[0].message


def test_the_longest_line_that_a_terminal_hands_over_arrives_whole(terminal):
    ours, theirs = terminal
    thread, answers = _asking(theirs)
    os.read(ours, 7)
    os.write(ours, b"x" * 4_094 + b"\n")
    thread.join(10)
    assert len(answers[0]) == 4_094
