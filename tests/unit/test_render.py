"""T25: nothing that was read from outside acts on a terminal, whichever way it is shown."""

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from tokenguard.shell.progress import Silent, StderrProgress
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


def test_a_terminal_gets_colour_only_if_it_wants():
    for environ, colour in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
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
    progress = StderrProgress(stream)
    for _ in range(3):
        progress.waiting("for the provider")
    progress.step("stored")
    progress.note("by the way")
    assert stream.getvalue() == "  for the provider\n* stored\n! by the way\n"


def test_progress_on_a_terminal_is_one_live_line():
    stream = Terminal()
    progress = StderrProgress(stream)
    progress.waiting("one")
    progress.waiting("two")
    progress.step(HOSTILE)
    shown = stream.getvalue()
    assert shown.startswith("\r\x1b[K… one\r\x1b[K… two\r\x1b[K✓ ")
    assert _harmless(shown.partition("✓ ")[2])
    progress.clear()
    assert stream.getvalue() == shown


def test_silence_is_silent():
    progress = Silent()
    for say in (progress.step, progress.note, progress.waiting):
        assert say("x") is None
    assert progress.clear() is None
