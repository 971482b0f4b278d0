"""A field of a JSON object is replaced in its text, and every other byte stays as it was."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenguard.clients.aws.json_field import fields, replaced
from tokenguard.errors import InputError

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_TREES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=12
)
_SPACES = st.text(alphabet=" \t\r\n", max_size=3)


@st.composite
def documents(draw):
    """An object's text as people and programs write it: any order, any blanks, any escapes."""
    tree = draw(st.dictionaries(st.text(), _TREES, min_size=1, max_size=6))
    name = draw(st.sampled_from(sorted(tree)))
    tree[name] = draw(st.text())
    escaped = draw(st.booleans())
    blank = lambda: draw(_SPACES)  # noqa: E731
    parts = [
        f"{blank()}{json.dumps(key, ensure_ascii=escaped)}{blank()}:{blank()}"
        f"{json.dumps(each, ensure_ascii=escaped, indent=draw(st.sampled_from([None, 2])))}{blank()}"
        for key, each in tree.items()
    ]
    return f"{blank()}{{{','.join(parts)}}}{blank()}", name, tree


@given(documents(), st.text(alphabet=string.printable + "äß\u2028", max_size=40))
@settings(max_examples=150, deadline=None)
def test_only_the_named_field_changes(document, value):
    text, name, tree = document
    changed = replaced(text, name, value)
    assert json.loads(changed) == {**tree, name: value}
    assert list(json.loads(changed)) == list(tree), "the order of the keys"
    span = fields(text)[name]
    assert changed.startswith(text[: span.start])
    assert changed.endswith(text[span.end :])
    assert changed == text[: span.start] + json.dumps(value) + text[span.end :]


@given(documents())
@settings(max_examples=100, deadline=None)
def test_what_is_read_is_what_json_reads(document):
    text, name, tree = document
    found = fields(text)
    assert list(found) == list(tree)
    assert found[name].value == tree[name]
    assert all(json.loads(text[span.start : span.end]) == tree[key] for key, span in found.items())


@given(st.text(max_size=60) | st.text(alphabet='{}[]":,\\0e-.truefalsn \n', max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_an_object_or_refused(text):
    try:
        found = fields(text)
    except InputError:
        return
    assert set(json.loads(text)) == set(found)


def test_numbers_that_python_would_round_stay_digit_for_digit():
    text = '{"a":1.10,"b":123456789012345678901234567890.0e400,"token":"tgcanary-old","c":-0.0}'
    assert replaced(text, "token", "tgcanary-new") == text.replace("old", "new")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '"text"', "{}x", '{"a":1,}', '{"a":1 "b":2}', '{"a":1,"a":2}', '{"a":NaN}', "{'a':1}", '{"a"}',
     '{"a":1}{}', '{"a":' + "[" * 100_000, '{"\\ud800x":'],
)  # fmt: skip
def test_what_is_not_one_plain_object_is_refused(text):
    with pytest.raises(InputError) as caught:
        fields(text)
    assert text[:20] not in caught.value.message or not text


def test_a_number_or_null_is_no_text():
    found = fields('{"a": 12345678901, "b": null, "c": "x"}')
    assert [isinstance(each.value, str) for each in found.values()] == [False, False, True]
