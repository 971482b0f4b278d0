"""No prompt shows a value that is given to it: at every question what is pasted stays off the screen."""

import ast
import os
import pty
import secrets
import string
import termios
import threading
import uuid
from pathlib import Path

import pytest

import tokenguard
from tokenguard.shell.tty import Tty
from tokenguard.shell.typed_line import TypedLine

SOURCES = Path(tokenguard.__file__).parent


def screen(answers, question):
    """Ask on a terminal of its own, type each answer when the terminal waits; returns what came of it and the screen."""
    mine, theirs = pty.openpty()
    shown, found = bytearray(), []
    tty = Tty(theirs)

    def ask():
        try:
            found.append(question(tty))
        except KeyboardInterrupt:
            found.append(None)

    asking = threading.Thread(target=ask)
    asking.start()
    for answer in answers:
        while not shown.rstrip().endswith((b":", b"?")):
            shown += os.read(mine, 4096)
        os.write(mine, answer)
        shown += b"|"
    asking.join(30)
    os.set_blocking(mine, False)
    try:
        while part := os.read(mine, 4096):
            shown += part
    except BlockingIOError:
        pass
    echoes = bool(termios.tcgetattr(theirs)[3] & termios.ECHO)
    os.close(mine)
    os.close(theirs)
    assert echoes, "the terminal is as it was"
    return found[0], shown.decode()


def test_what_is_pasted_is_taken_and_not_shown():
    value = f"tgcanary_{secrets.token_hex(16)}"
    found, shown = screen([f"{value}\n".encode()], lambda tty: tty.ask("what did you find? "))
    assert found == value
    assert value not in shown
    assert value[:8] not in shown


def test_what_is_typed_is_shown():
    def typed(tty):
        return tty.ask("name: ")

    found, shown = screen([b"ab\n"], typed)
    assert found == "ab"
    assert "ab" in shown


@pytest.mark.parametrize(
    ("keys", "text", "seen"),
    [
        ([b"a", b"b", b"\x7f", b"c", b"\n"], "ac", "ab\b \bc"),
        ([b"a", b"\x15", b"b", b"\n"], "b", "a\b \bb"),
        ([b"\x7f", b"a", b"\n"], "a", "a"),
        ([b"\xc3", b"\xbc", b"\n"], "ü", "ü"),
        ([b"\x1b[A", b"a", b"\n"], "a", "a"),
        ([b"a", b"\x04", b"\n"], "a", "a"),
        ([b"pasted", b"a", b"\n"], "pasteda", "******a"),
    ],
)
def test_keys(keys, text, seen):
    line = TypedLine()
    assert "".join(line.take(key) for key in keys) == seen
    assert (line.text, line.ended) == (text, True)


@pytest.mark.parametrize(
    "public",
    [
        "https://api.acme.example/v2",
        "openbao-approle",
        "alex@team.example",
        "github:acme/api abc1234",
        "header X-Api-Key",
    ],
)
def test_a_pasted_address_or_name_is_shown_where_one_is_asked_for(public):
    """It was shown as stars, so that its author could not check it."""
    found, shown = screen([f"{public}\n".encode()], lambda tty: tty.ask("address: ", public=True))
    assert (found, public in shown) == (public, True)
    hidden, stars = screen([f"{public}\n".encode()], lambda tty: tty.ask("what happened? "))
    assert (hidden, public in stars) == (public, False)


@pytest.mark.parametrize(
    "make",
    [
        lambda: f"tgcanary_{secrets.token_hex(8)}",
        lambda: secrets.token_hex(16),
        lambda: secrets.token_hex(6),
        lambda: secrets.token_urlsafe(32),
        lambda: f"https://user:{secrets.token_hex(10)}@acme.example/",
        lambda: f"https://hooks.acme.example/{secrets.token_urlsafe(24)}",
        lambda: str(uuid.uuid4()),
        lambda: "".join(secrets.choice(string.ascii_lowercase) for _ in range(24)),
        lambda: "".join(secrets.choice(string.ascii_letters) for _ in range(20)),
    ],
)
def test_a_value_is_not_shown_where_an_address_or_name_is_asked_for(make):
    for _ in range(200):
        value = make()
        line = TypedLine(public=True)
        assert line.take(f"{value}\n".encode()) == "*" * len(value)
        assert line.text == value


def test_a_value_in_two_pastes_is_not_shown():
    line = TypedLine(public=True)
    first, rest = "tgcanary_", secrets.token_hex(8)
    line.take(first.encode())
    assert rest not in line.take(f"{rest}\n".encode())


def test_a_pasted_list_answers_one_question_a_line_and_shows_none():
    names = [f"tgcanary_{secrets.token_hex(8)}" for _ in range(3)]
    found, shown = screen(["\n".join([*names, ""]).encode()], lambda tty: [tty.ask(f"{n}: ") for n in (1, 2, 3)])
    assert found == names
    assert not any(name in shown for name in names)


def test_what_was_pasted_before_a_hidden_question_does_not_answer_it():
    value = secrets.token_hex(12)

    def both(tty):
        return tty.ask("first: "), tty.ask_hidden("second: ").reveal()

    found, shown = screen([b"one\nstray-value\n", f"{value}\n".encode()], both)
    assert found == ("one", value)
    assert value not in shown
    assert "stray" not in shown


def test_every_prompt_of_the_program_goes_through_this_terminal():
    """No other way to ask: neither `input`, nor click's prompts, nor `getpass.getpass`."""
    ways = {"input", "prompt", "confirm", "getpass"}
    found = []
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                of = (
                    node.func.value.id
                    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
                    else ""
                )
                way = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                if name == "input" or (of in {"click", "getpass"} and way in ways):
                    found.append(f"{path.name}:{node.lineno}")
    assert found == []
