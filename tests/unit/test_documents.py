"""Attacks T13 and T14: what a YAML or JSON file from outside may not do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.documents import MAX_DEPTH, MAX_NODES, load_json, load_yaml
from tokenguard.errors import InputError

CANARY = "tgcanary-document"

BAD_YAML = {
    "anchor": (b"a: &x 1\n", 1),
    "alias": (b"a: 1\nb: *x\n", 2),
    "bomb": (b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", 1),
    "tag": (b"a: 1\nb: !!python/object/apply:os.system [x]\n", 2),
    "plain tag": (b"a: !!str 1\n", 1),
    "own tag": (b"a: !secret x\n", 1),
    "bang": (b"a: ! x\n", 1),
    "merge key": (b"a: 1\n<<: {b: 2}\n", 2),
    "two documents": (b"a: 1\n---\nb: 2\n", 2),
    "directive": (b"%YAML 1.1\n---\na: 1\n", 1),
    "tag directive": (b"%TAG ! tag:x,2000:\n---\na: 1\n", 1),
    "deep flow": (b"a: " + b"[" * 200_00 + b"\n", 1),
    "deep block": (b"".join(b" " * n + b"a:\n" for n in range(40)), None),
    "too many": (b"[" + b"a," * (MAX_NODES + 1) + b"]", 1),
    "duplicate": (b"a: 1\nb: 2\na: 3\n", 3),
    "duplicate after quoting": (b"a: 1\n'a': 3\n", 2),
    "nested duplicate": (b"a:\n  b: 1\n  b: 2\n", 3),
    "list as key": (b"? [a]\n: b\n", 1),
    "mapping as key": (b"{{a: b}: c}\n", 1),
    "empty key": (b": x\n", 1),
    "not UTF-8": (b"a: 1\nb: \xff\xfe\n", 2),
    "UTF-16": ("a: 1".encode("utf-16"), 1),
    "control character": (b"a: 1\nb: \x07\n", 2),
    "NUL": (b"a: \x00\n", 1),
    "unbalanced": (b"a: [1\n", None),
    "tab indent": (b"a:\n\tb: 1\n", 2),
    "unclosed quote": (b"a: 'x\n", None),
    "bare percent": (b"%\n", None),
    "bad escape": (b'a: "\\q"\n', 1),
}

BAD_JSON = {
    "empty": b"",
    "trailing": b"{} {}",
    "duplicate": b'{"a": 1, "a": 2}',
    "nested duplicate": b'[{"a": {"b": 1, "b": 2}}]',
    "NaN": b"[NaN]",
    "Infinity": b"[-Infinity]",
    "float overflow": b"[1e999]",
    "huge int": b"[" + b"9" * 5000 + b"]",
    "lone surrogate": b'["\\ud800"]',
    "lone surrogate in a key": b'{"\\udfff": 1}',
    "deep": b"[" * 100_000,
    "deep closed": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    "too many": b"[" + b"1," * MAX_NODES + b"1]",
    "not UTF-8": b'["\xff"]',
    "raw control": b'["\x01"]',
    "single quotes": b"{'a': 1}",
    "comment": b"[1] // x",
    "unclosed string": b'["' + b'\\"' * 30_000,
    "unclosed string that ends in half an escape": b'["' + b'\\"' * 30_000 + b"\\",
}


@pytest.mark.parametrize(("data", "line"), BAD_YAML.values(), ids=BAD_YAML)
def test_yaml_that_is_not_plain_is_refused_with_its_line(data, line):
    with pytest.raises(InputError) as caught:
        load_yaml(data, source="policy.yaml")
    assert caught.value.message.startswith(f"policy.yaml:{line}:" if line else "policy.yaml:")


@pytest.mark.parametrize("data", BAD_JSON.values(), ids=BAD_JSON)
def test_json_that_is_not_strict_is_refused(data):
    with pytest.raises(InputError, match=r"^in\.json:"):
        load_json(data, source="in.json")


@pytest.mark.parametrize("load", [load_yaml, load_json])
def test_a_file_that_is_too_large_is_refused_before_it_is_parsed(load, words):
    with pytest.raises(InputError) as caught:
        load(b"x" * 11, source="f", max_bytes=10)
    words(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        f"{CANARY}: &x 1",
        f"a: {CANARY}\na: {CANARY}",
        f"a: [{CANARY}",
        f'{{"{CANARY}": 1, "{CANARY}": 2}}',
        f"[{CANARY}]",
    ],
)
@pytest.mark.parametrize("load", [load_yaml, load_json])
def test_an_error_quotes_nothing_from_the_file(load, data):
    assert CANARY not in _complaint(load, data.encode())


def test_yaml_scalars_stay_text():
    """`no`, `1.10`, dates and hexadecimal mean what is written, and only null is nothing."""
    assert load_yaml(b"a: no\nb: 1.10\nc: 2026-01-01\nd: 0x1f\ne: ~\nf:\ng: ''\nh: 'null'\n", source="f") == {
        "a": "no",
        "b": "1.10",
        "c": "2026-01-01",
        "d": "0x1f",
        "e": None,
        "f": None,
        "g": "",
        "h": "null",
    }


def test_yaml_builds_nested_collections():
    assert load_yaml(b"rules:\n- id: x\n  days: {prod: 90}\n- [a, [b]]\nlast: |\n  two\n  lines\n", source="f") == {
        "rules": [{"id": "x", "days": {"prod": "90"}}, ["a", ["b"]]],
        "last": "two\nlines\n",
    }


@pytest.mark.parametrize("data", [b"", b"# only a comment\n", b"---\n...\n"])
def test_an_empty_yaml_file_is_nothing(data):
    assert load_yaml(data, source="f") is None


def test_a_byte_order_mark_is_no_error():
    assert load_yaml(b"\xef\xbb\xbfa: 1\n", source="f") == {"a": "1"}
    assert load_json(b'\xef\xbb\xbf{"a": 1}', source="f") == {"a": 1}


def test_json_keeps_its_types():
    assert load_json(b'{"a": [1, -2.5, true, null, "\\ud83d\\ude00"]}', source="f") == {
        "a": [1, -2.5, True, None, "\U0001f600"]
    }


def test_the_name_of_the_file_cannot_speak_to_the_terminal():
    with pytest.raises(InputError) as caught:
        load_yaml(b"a: [", source="\x1b]0;x\x07.yaml")
    assert "\x1b" not in caught.value.message


@given(st.binary(max_size=300))
def test_any_bytes_give_a_tree_or_our_error(data):
    for load in (load_yaml, load_json):
        assert "\n" not in _complaint(load, data)


@given(st.text(alphabet="a: -[]{}&*!<|>'\"%#,\n?~\t", max_size=60))
def test_any_yaml_like_text_gives_a_tree_or_our_error(text):
    _complaint(load_yaml, text.encode())


def _complaint(load, data):
    try:
        load(data, source="f")
    except InputError as error:
        return error.message + error.hint
    return ""
