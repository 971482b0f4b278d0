"""INI without sections gives the lines that detect-secrets rebuilds: random and mutated texts."""

import io

from hypothesis import example, given
from hypothesis import strategies as st

from tokenguard.detection import detect_secrets_adapter
from tokenguard.detection.ini_lines import rebuilt_ini

KEYS = ["key", "password", "a.b", 'say "x"', "[global", "k v", "", '{"x"', "DEFAULT", "%(key)s", "é", "key2"]
VALUES = ["", "one", "one two", '"quoted"', "'it'", "'", '"', 'a "b"', "= x", ": y", "key", "%", "%%", "%(key)s", "%(no)s",
          "sha512-aa==", '{"x": 1},', "v ; c", "v # c", "a\x0bb", "a\x85b", "a\u2028b", "x\x1cy", "\xa0", "éé"]  # fmt: skip
LINES = ["", "  ", "# pragma: allowlist nextline secret", "; pragma: allowlist nextline secret ", "  # comment", "; c",
         "# pragma: allowlist secret", "[section]", "[global]", "[DEFAULT]", "no delimiter", "}", "key"]  # fmt: skip
DELIMITERS = ["=", " = ", ": ", ":", "==", " := ", "  =  ", "\t=\t", ""]
assigned = st.builds("{}{}{}{}".format, st.sampled_from(["", "", " ", "\t"]), st.sampled_from(KEYS), st.sampled_from(DELIMITERS),
                     st.sampled_from(VALUES))  # fmt: skip
continued = st.builds("{}{}".format, st.sampled_from([" ", "    ", "\t"]), st.sampled_from([*VALUES, *LINES]))
texts = st.lists(st.one_of(assigned, continued, st.sampled_from(LINES), st.text(max_size=10)), max_size=12).map(
    "\n".join
)
TRACEBACKS = (ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError)


class Named(io.StringIO):
    name = "a.txt"


def by_detect_secrets(text: str) -> list[str] | None:
    return detect_secrets_adapter.transformers().get_transformed_file(Named(text), use_eager_transformers=True)


def outcome(rebuild, text: str) -> object:
    try:
        return rebuild(text)
    except TRACEBACKS as error:
        return type(error)


@given(texts)
@example("a = 1\n\n  # pragma: allowlist nextline secret\n  2\nb = 3\n")
@example("a =\n  1\n  # c\n  ; c\n  2\nb = 3\n")
@example("a = 1\n[global]\nb = 2\n")
@example("password = x\npassword2 = y\n")
@example("a =\n  1\n  2\nb = '1'\nc = \"2\"\n")
@example("a:= 1\na2 : = 2\nk = v\n k = v\n")
@example("a = '\nb = \"\n")
def test_ini_is_rebuilt_as_detect_secrets_does(text: str) -> None:
    assert outcome(rebuilt_ini, text) == outcome(by_detect_secrets, text)


@given(st.lists(st.tuples(st.sampled_from(KEYS[:6]), st.sampled_from(VALUES[:6])), max_size=9), st.data())
def test_ini_that_can_be_read_is_rebuilt_so_too(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    """With keys that differ, so that `configparser` refuses few of them."""
    rows = [
        f"{key}{number}{data.draw(st.sampled_from(DELIMITERS[:7]))}{value}" for number, (key, value) in enumerate(pairs)
    ]
    for at in data.draw(st.lists(st.integers(0, len(rows)), max_size=4)):
        rows.insert(at, data.draw(st.one_of(continued, st.sampled_from(LINES[:7]))))
    text = "\n".join(rows)
    assert outcome(rebuilt_ini, text) == outcome(by_detect_secrets, text)
