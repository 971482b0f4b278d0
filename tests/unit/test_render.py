"""T25: nothing that was read from outside acts on a terminal, whichever way it is shown."""

import io
import json
import os
import re
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.ports.operator import SilentProgress
from tokenguard.shell.progress import StderrProgress
from tokenguard.shell.render import Screen
from tokenguard.text import safe_text

HOSTILE = "\x1b]0;owned\x07\x9b2J\u202egnp.exe\u200b\ud800\r\n[bold]x[/bold]"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def _screen(*, terminal=False, as_json=False, **environ):
    stream = Terminal() if terminal else io.StringIO()
    return Screen(as_json=as_json, stream=stream, environ=environ), stream


def _harmless(text):
    return safe_text(text) == text


def test_a_plain_table_is_aligned():
    screen, stream = _screen()
    screen.table(("name", "env"), [("a/long/name", "prod"), ("b", "")])
    assert stream.getvalue() == "NAME         ENV\na/long/name  prod\nb\n"


def test_a_path_in_a_hint_stays_whole_and_a_flood_does_not():
    screen, stream = _screen()
    path = "/home/somebody" + "/directory" * 18
    screen.table(("mend it with",), [(f"remove {path}",), ("x" * 5_000,)])
    assert path in stream.getvalue()
    assert len(stream.getvalue()) < 2400


def test_a_terminal_gets_colour_only_if_it_wants():
    for environ, colour in (
        ({"TERM": "xterm"}, True),
        ({}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ):
        screen, _ = _screen(terminal=True, **environ)
        assert screen.rich is colour


def test_cells_are_never_markup():
    screen, stream = _screen(terminal=True)
    screen.table(("name",), [("[red]x[/red]",)], tones=["red"])
    assert "[red]x[/red]" in stream.getvalue()


@given(st.text(max_size=40))
def test_no_way_of_showing_lets_a_control_through(text):
    for as_json in (False, True):
        screen, stream = _screen(as_json=as_json)
        screen.line(text)
        screen.pairs([("label", text), ("none", "")])
        if as_json:
            screen.document({"text": text})
        else:
            screen.table(("a",), [(text,)])
        assert _harmless(stream.getvalue())


def test_a_hostile_name_is_visible_and_harmless():
    screen, stream = _screen()
    screen.line(HOSTILE)
    shown = stream.getvalue()
    assert "\\x1b" in shown
    assert shown.count("\n") == 1


def test_json_is_one_document_that_reads_back():
    screen, stream = _screen(as_json=True)
    screen.line("not printed")
    screen.document({"text": HOSTILE})
    assert json.loads(stream.getvalue()) == {"text": HOSTILE}
    assert stream.getvalue().isascii()


def test_progress_in_a_log_is_lines_without_repeats():
    stream = io.StringIO()
    progress = StderrProgress(stream, environ={"NO_COLOR": "1"})
    for _ in range(3):
        progress.waiting("for the provider")
    progress.step("stored")
    progress.note("by the way")
    assert stream.getvalue() == "  for the provider\n* stored\n! by the way\n"


def test_progress_on_a_terminal_is_one_live_line():
    stream = Terminal()
    progress = StderrProgress(stream, environ={"NO_COLOR": "1"})
    progress.waiting("one")
    progress.waiting("two")
    progress.step(HOSTILE)
    shown = stream.getvalue()
    assert shown.startswith("\r\x1b[K… one\r\x1b[K… two\r\x1b[K✓ ")
    assert _harmless(shown.partition("✓ ")[2])
    progress.clear()
    assert stream.getvalue() == shown


def test_progress_on_a_dumb_terminal_erases_nothing():
    stream = Terminal()
    progress = StderrProgress(stream, environ={"TERM": "dumb"})
    progress.waiting("one")
    progress.step("stored")
    assert stream.getvalue() == "  one\n✓ stored\n"


def test_a_live_line_fits_its_terminal_so_that_it_can_be_erased():
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 40))
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        StderrProgress(stream, environ={"NO_COLOR": "1"}).waiting("asking a provider for a new token " * 3)
        shown = os.read(ours, 4096).decode()
    os.close(ours)
    assert len(shown.removeprefix("\r\x1b[K")) < 40
    assert shown.endswith("…")


def test_silence_is_silent():
    progress = SilentProgress()
    for say in (progress.step, progress.note, progress.waiting):
        assert say("x") is None
    assert progress.clear() is None


COLUMNS = ("name", "scope", "state", "why")
ROW = ("video/publisher/prod/upload", "drive:316b891f6ad4ce97 (Marketing)", "active", "")


@pytest.mark.parametrize("environ", [{"TERM": "xterm"}, {"NO_COLOR": "1"}], ids=["colour", "plain"])
@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_name_is_whole_in_one_line_however_narrow_the_terminal_is(monkeypatch, environ, width):
    """It is what people copy into the next command."""
    monkeypatch.setenv("COLUMNS", str(width))
    screen, stream = _screen(terminal=True, **environ)
    screen.table(COLUMNS, [ROW, ("b", "", "", "")], tones=["", ""])
    shown = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert ROW[0] in shown
    assert "…" not in shown
    assert "active" in shown
    if width >= 80:
        assert max(map(len, shown.splitlines())) <= width


@pytest.mark.parametrize("environ", [{"TERM": "xterm"}, {"NO_COLOR": "1"}], ids=["colour", "plain"])
@pytest.mark.parametrize("width", [40, 80, 110, 140, 200])
def test_a_command_and_each_word_of_prose_is_whole_in_one_line(monkeypatch, environ, width):
    """A path that is divided, or a command on two lines, cannot be copied."""
    path, fix = (
        f"/srv/{'long-name/' * 3}config.toml",
        "tokenguard edit video/legacy/a --deliver TARGET (or --no-consumers)",
    )
    rows = [
        ("warn", "policy", f"{path} is old, and others can read it", ""),
        ("warn", "consumers", "none declared", fix),
    ]
    monkeypatch.setenv("COLUMNS", str(width))
    screen, stream = _screen(terminal=True, **environ)
    screen.table(("", "check", "finding", "fix"), rows, tones=["", ""])
    shown = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
    assert any(fix in line for line in shown)
    assert any(path in line for line in shown)


def test_a_row_that_is_too_wide_becomes_a_block_with_labels(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    screen, stream = _screen(terminal=True, NO_COLOR="1")
    screen.table(("#", *COLUMNS), [("1", *ROW)])
    assert stream.getvalue() == (
        "1  video/publisher/prod/upload\n  scope drive:316b891f6ad4ce97 (Marketing)  state active\n"
    )


def test_a_level_is_shown_with_what_it_is_of(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    screen, stream = _screen(terminal=True, NO_COLOR="1")
    screen.table(("", "check", "finding"), [("fail", "store", "there is no store at that place")])
    assert stream.getvalue() == "fail  store\n  finding there is no store at that place\n"


def test_a_pipe_gets_one_line_a_row_whatever_its_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    screen, stream = _screen()
    screen.table(COLUMNS, [ROW])
    assert len(stream.getvalue().splitlines()) == 2


def test_marks_are_coloured_where_colour_is_wanted():
    for environ, start in (({"TERM": "xterm"}, "\x1b[32m✓\x1b[0m stored\n"), ({"NO_COLOR": "1"}, "✓ stored\n")):
        stream = Terminal()
        StderrProgress(stream, live=False, environ=environ).step("stored")
        assert stream.getvalue() == start
