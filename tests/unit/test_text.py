"""T25: which characters of a text from outside reach no terminal, listed here and not asked of the code."""

import json
import re

import pytest

from tokenguard.text import inert_json, safe_text

ACTS = {
    "escape": "\x1b", "bell": "\x07", "backspace": "\x08", "carriage return": "\r", "delete": "\x7f", "C1 CSI": "\x9b",
    "next line": "\x85", "right-to-left override": "\u202e", "isolate": "\u2066", "right-to-left mark": "\u200f",
    "zero width space": "\u200b", "zero width joiner": "\u200d", "byte order mark": "\ufeff", "soft hyphen": "\u00ad",
    "line separator": "\u2028", "paragraph separator": "\u2029", "tag": "\U000e0041", "private use": "\ue000",
    "unassigned": "\u0378", "lone surrogate": "\ud800",
}  # fmt: skip


@pytest.mark.parametrize("char", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("one_line", [False, True])
def test_a_character_that_acts_is_written_as_an_escape(char, one_line):
    shown = safe_text(f"before{char}after", one_line=one_line)
    assert char not in shown
    assert shown.isprintable()
    assert shown.startswith("before\\")


@pytest.mark.parametrize("char", ["\n", "\t"])
def test_a_line_end_or_tab_stays_unless_it_is_to_be_one_line(char):
    assert safe_text(f"a{char}b") == f"a{char}b"
    assert char not in safe_text(f"a{char}b", one_line=True)


COMMANDS = {
    "GitHub": "::add-mask::0", "GitHub, indented": "  ::stop-commands::x", "GitHub, with a colon": "::debug:", "Azure": "##vso[task.prependpath]/tmp",
    "Azure, within a line": "a ##vso[task.setvariable variable=A]b", "a section": "##[error]all is well",
    "TeamCity": "##teamcity[buildStatus status='SUCCESS']", "three signs": "###[error]", "a line below": "a\n::error::b",
}  # fmt: skip
"""What runners of builds act on in a line of a log."""

RUNNERS = re.compile(r"(?m)^\s*::|##\w*\[")


@pytest.mark.parametrize("text", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("one_line", [False, True])
def test_a_command_to_a_runner_is_written_with_an_escape(text, one_line):
    assert RUNNERS.search(text)
    shown = safe_text(text, one_line=one_line)
    assert not RUNNERS.search(shown)
    assert safe_text(shown, one_line=one_line) == shown


@pytest.mark.parametrize("text", COMMANDS.values(), ids=COMMANDS)
def test_a_document_for_programs_says_the_same_without_a_command(text):
    written = inert_json(json.dumps({"path": text}))
    assert not RUNNERS.search(written)
    assert json.loads(written) == {"path": text}


@pytest.mark.parametrize("text", ["# Title", "## Title", "a::b", "C++ #1 [a]", "[::1]:8200"])
def test_what_is_no_command_stays_as_it_is(text):
    assert safe_text(text, one_line=True) == text


@pytest.mark.parametrize("text", ["plain", "Straße 7", "日本語", "a\\x1b", "🙂"])
def test_what_acts_on_nothing_stays_as_it_is(text):
    assert safe_text(text, one_line=True) == text
