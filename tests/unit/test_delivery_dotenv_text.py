"""The text of a .env file: one variable changes, every other character stays."""

import io
import shutil
import string
import subprocess

import pytest
from dotenv import dotenv_values
from hypothesis import assume, given
from hypothesis import strategies as st

from tokenguard.delivery.dotenv_text import is_other_format, values_of, with_value
from tokenguard.errors import InputError

NEW = "tgcanary-New.1"

KEPT = [
    ("V=old\n", "V=tgcanary-New.1\n"),
    ("V=old", "V=tgcanary-New.1"),
    ("", "V=tgcanary-New.1\n"),
    ("A=1", "A=1\nV=tgcanary-New.1\n"),
    ("A=1\r\n", "A=1\r\nV=tgcanary-New.1\r\n"),
    ("A=1\rB=2", "A=1\rB=2\rV=tgcanary-New.1\r"),
    ("\ufeffV=old\n", "V=tgcanary-New.1\n"),
    ("\ufeff  export V=old\r\nW=1\r\n", "  export V=tgcanary-New.1\r\nW=1\r\n"),
    ("\ufeff", "V=tgcanary-New.1\n"),
    ("\ufeffW=1\nV=old\n", "\ufeffW=1\nV=tgcanary-New.1\n"),
    ("\ufeff\nV=old\n", "\ufeff\nV=tgcanary-New.1\n"),
    ("\ufeff# c\nV=old\n", "\ufeff# c\nV=tgcanary-New.1\n"),
    ("V='old'\n", "V='tgcanary-New.1'\n"),
    ('V="old"\n', 'V="tgcanary-New.1"\n'),
    ('V="o\\"ld\nmore"\nB=2\n', 'V="tgcanary-New.1"\nB=2\n'),
    ("V='a # b' # c\n", "V='tgcanary-New.1' # c\n"),
    ("V=old # why\n", "V=tgcanary-New.1 # why\n"),
    ("V=old#part\n", "V=tgcanary-New.1\n"),
    ("V='old'# why\n", "V='tgcanary-New.1' # why\n"),
    ("V= # why\n", "V= tgcanary-New.1 # why\n"),
    ("V=\n\n\nB=2\n", "V=tgcanary-New.1\n\n\nB=2\n"),
    ("export V=old\n", "export V=tgcanary-New.1\n"),
    ("  export\tV\t=  old  \n", "  export\tV\t=  tgcanary-New.1  \n"),
    ("# V=old\nV=old\n", "# V=old\nV=tgcanary-New.1\n"),
    ("VV=1\nV=old\nAV=2\n", "VV=1\nV=tgcanary-New.1\nAV=2\n"),
    ("V=1\nB=2\nV='3'\n", "V=tgcanary-New.1\nB=2\nV='tgcanary-New.1'\n"),
    ("V=old\nexport V\n", "V=tgcanary-New.1\nexport V\n"),
    ("'V'=old\n", "'V'=tgcanary-New.1\n"),
    ("V=`old`\n", "V=tgcanary-New.1\n"),
    ("B='${V}' # \udcff\nV=old\n", "B='${V}' # \udcff\nV=tgcanary-New.1\n"),
    ("not a line at all !!\nV=old\n", "not a line at all !!\nV=tgcanary-New.1\n"),
]


@pytest.mark.parametrize(("before", "after"), KEPT)
def test_only_the_value_changes(before, after):
    assert with_value(before, "V", NEW) == after
    assert set(values_of(after, "V")) == {NEW}


QUOTES = [
    ("V=old", "a$b", "V='a$b'"),
    ('V="old"', "a$b", "V='a$b'"),
    ('V="old"', "a`b", "V='a`b'"),
    ('V="old"', "it's", 'V="it\'s"'),
    ("V='old'", "a#b", "V='a#b'"),
    ("V=old", "a#b", "V='a#b'"),
    ("V=old", "~root", "V='~root'"),
    ("V=old", "a&b;c|d", "V='a&b;c|d'"),
]


@pytest.mark.parametrize(("before", "value", "after"), QUOTES)
def test_a_value_gets_quotes_when_the_old_ones_would_not_hold_it(before, value, after):
    assert with_value(before, "V", value) == after


@pytest.mark.parametrize("value", ["a'b", "a${HOME}b", "a\\\\b", "ab\\", "a'b\"c"])
def test_a_value_that_dialects_read_differently_is_refused(value):
    with pytest.raises(InputError) as caught:
        with_value("V=old\n", "V", value)
    assert value not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    "before",
    [
        "V='unclosed\n",
        'V="unclosed\nB=2\n',
        "V='a'\"b\"\n",
        "V=old\\\n",
        "V=`open\nclose`\n",
        "V=`\n",
        "export V='x\n",
        "A=1\n'V' = 'x\n",
    ],
)
def test_a_line_that_cannot_be_read_is_refused_and_not_quoted(before):
    with pytest.raises(InputError, match="near line"):
        with_value(before, "V", NEW)
    with pytest.raises(InputError, match="near line"):
        values_of(before, "V")


def test_an_unclosed_quote_elsewhere_cannot_swallow_the_new_line():
    """An appended line would be inside the quote for python-dotenv, so it must not be appended."""
    text = "A='x'\nB=\"open"
    try:
        result = with_value(text, "V", NEW)
    except InputError:
        return
    assert dotenv_values(stream=io.StringIO(result))["V"] == NEW


names = st.text(string.ascii_letters + "_", min_size=1, max_size=6)
plain = st.text(string.ascii_letters + string.digits + "_.:/@%+,=-$&;#~!*", min_size=8, max_size=40)
lines = st.one_of(
    st.builds("{}={}".format, names, st.text(string.printable.replace("\n", "").replace("\r", ""), max_size=12)),
    st.builds("export {}='{}'".format, names, st.text(string.ascii_letters + " #\n", max_size=12)),
    st.builds('{}="{}"'.format, names, st.text(string.ascii_letters + " #$\n", max_size=12)),
    st.builds("# {}".format, st.text(max_size=12).filter(lambda text: "\r" not in text and "\n" not in text)),
    st.just(""),
)
files = st.builds(
    lambda parts, ends, bom: bom + "".join(part + end for part, end in zip(parts, ends, strict=False)),
    st.lists(lines, max_size=8),
    st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=8, max_size=8),
    st.sampled_from(["", "\ufeff"]),
)


@given(before=st.one_of(files, st.text(max_size=60)), name=names, value=plain)
def test_whatever_the_file_a_written_value_reads_back_and_the_rest_means_the_same(before, name, value):
    try:
        after = with_value(before, name, value)
    except InputError:
        assume(False)
    assert set(values_of(after, name)) == {value}
    read = dotenv_values(stream=io.StringIO(after.removeprefix("\ufeff")), interpolate=False)
    was = dotenv_values(stream=io.StringIO(before.removeprefix("\ufeff")), interpolate=False)
    assert {k: v for k, v in read.items() if k != name} == {k: v for k, v in was.items() if k != name}
    assert with_value(after, name, value) == after, "safe to repeat"


@given(before=files, name=names, value=plain, other=plain)
def test_a_rollback_restores_the_file_when_its_form_held_the_value(before, name, value, other):
    try:
        first = with_value(before, name, value)
        second = with_value(first, name, other)
        third = with_value(second, name, value)
    except InputError:
        assume(False)
    assert set(values_of(third, name)) == {value}
    assert len(third.splitlines()) == len(first.splitlines())


@pytest.mark.parametrize("shell", [name for name in ("sh", "dash", "bash") if shutil.which(name)])
@pytest.mark.parametrize("before", ["", "V=old\n", "V='old'\n", 'V="old"\n', "export V=old # why\n"])
@pytest.mark.parametrize("value", ["tgcanary.plain", "a$b`c`d", 'a"b"c(d)', "a!b*c?d[e]", "~a{b,c};e&f|g<h>i", "a\\nb"])
def test_a_shell_reads_the_same_value(shell, before, value):
    try:
        text = with_value(before, "V", value)
    except InputError:
        pytest.fail("this value has a safe form")
    answer = subprocess.run([shell], input=text + '\nprintf %s "$V"\n', capture_output=True, text=True, check=True)
    assert answer.stdout == value


OTHERS = [
    "apiVersion: v1\nkind: Secret\nstringData:\n  V: old\n",
    "# note\nservices:\n  app:\n    environment:\n      - V=old\n",
    "---\nV: old\n",
    '{\n  "V": "old"\n}\n',
    '[\n  "old"\n]\n',
    "<config>\n<v>old</v>\n</config>\n",
    "[app]\nother = 1\n",
    '[remote "origin"]\nurl = x\n',
    "[[app]]\nother = 1\n",
    '{"V":"old"}\n',
    '[{"V":"old"}]\n',
    "- hosts: all\n",
    "{}\n",
]
DOTENV = [
    "",
    "A=1\n# Note: see the manual\nB=http://host:80/x\n",
    "A='apiVersion: v1\nkind: Secret'\n",
    "export A\nif [ -f x ]; then\n. ./common.env\nfi\n",
    ": ${A:=1}\nPATH=$PATH:/opt\n",
    "[ -f common ] && . common\n",
    'set_path()\n{\n  PATH=$PATH:/opt\n  [ "$1" = x ] && [[ -n "$2" ]]\n}\nset_path\n',
]


@pytest.mark.parametrize(("text", "other"), [*((each, True) for each in OTHERS), *((each, False) for each in DOTENV)])
def test_a_file_of_another_format_is_told_from_one_of_variables(text, other):
    assert is_other_format(text) is other
