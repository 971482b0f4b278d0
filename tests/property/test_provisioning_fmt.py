"""Any layout: what `fmt` writes says the same with the same comments, and writing it again changes nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tokenguard.documents import load_yaml
from tokenguard.errors import InputError
from tokenguard.provisioning.canonical import canonical
from tokenguard.provisioning.manifest_fields import FIELDS, TOP

_blank = st.sampled_from(["", "", "", "\n", "\n\n", "# c1\n", "  # c2\n", "        # c3\n", "\n# c4\n\n", "#\n"])
_value = st.sampled_from(
    ["x", "'quoted'", '"double # not"', "[a, b]", "{a: b}", "~", "", "x # tail", "[a,\n            b]"]
)


@st.composite
def _laid_out(draw):
    """A manifest as somebody might have typed it."""
    step = draw(st.sampled_from([1, 2, 4]))

    def mapping(depth, keys, below):
        indent = " " * (depth * step)
        return "".join(f"{draw(_blank)}{indent}{key}:{below(depth, key)}" for key in keys)

    def scalar(_depth, _key):
        return f" {draw(_value)}\n"

    def token(depth, _key):
        names = draw(st.lists(st.sampled_from(list(FIELDS)), unique=True, max_size=4))
        return "\n" + mapping(depth + 1, names, scalar) if names else " {}\n"

    def top(depth, key):
        if key != "tokens":
            return scalar(depth, key)
        names = draw(st.lists(st.sampled_from(["a/a", "b/b", "'c/c'", "d"]), unique=True, max_size=4))
        return "\n" + mapping(depth + 1, names, token) if names else " {}\n"

    return mapping(0, draw(st.permutations(TOP)), top) + draw(_blank)


@settings(max_examples=150, deadline=None)
@given(_laid_out())
def test_it_says_the_same_and_is_stable(text):
    data = text.encode()
    before = load_yaml(data, source="x")
    try:
        after = canonical(data, source="x")
    except InputError:
        return
    assert load_yaml(after, source="x") == before
    assert sorted(after.split()) == sorted(data.split())
    assert canonical(after, source="x") == after


@settings(max_examples=150, deadline=None)
@given(_laid_out())
def test_ordinary_layouts_are_put_in_order(text):
    made = canonical(text.encode(), source="x").decode()
    tops = [line.split(":")[0] for line in made.splitlines() if line and not line.startswith((" ", "#"))]
    assert tops == list(TOP)
