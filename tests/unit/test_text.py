"""T25: which characters of a text from outside reach no terminal, listed here and not asked of the code."""

import pytest

from tokenguard.text import safe_text

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


@pytest.mark.parametrize("text", ["plain", "Straße 7", "日本語", "a\\x1b", "🙂"])
def test_what_acts_on_nothing_stays_as_it_is(text):
    assert safe_text(text, one_line=True) == text
