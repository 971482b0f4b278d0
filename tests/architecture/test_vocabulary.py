"""The package speaks the language of its field: roles instead of indefinite pronouns, and no private vocabulary."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "tokenguard"
DOCS = PACKAGE.parent / "docs"

PRONOUNS = re.compile(r"\b(nobody|somebody|whoever|whatever)\b", re.IGNORECASE)
"""A sentence names the role instead: operator, runner, consumer, provider, attacker."""

PRIVATE = frozenset(
    [
        "attic",
        "Attic",
        "buried",
        "bury",
        "_bury",
        "catch_up",
        "doomed",
        "evicted",
        "founding",
        "framed",
        "Founded",
        "Graves",
        "GravesBody",
        "grave",
        "graves",
        "gravest",
        "gravest_code",
        "home_of",
        "inflated",
        "in_time",
        "is_never",
        "load_home",
        "may_abort",
        "may_abort_if_alive",
        "Minted",
        "_mint_anew",
        "_mint_by_api",
        "_mint_by_person",
        "_store_minted",
        "prove_in_passing",
        "reap",
        "reaping",
        "Rewound",
        "rewind",
        "Shelf",
        "shelf",
        "shelf_of",
        "spare_home",
        "stones",
        "stow",
        "stowed",
        "sweep",
        "take_back",
        "take_turn",
        "to_die",
        "told_if_slow",
        "TookTooLong",
        "Trouble",
        "trouble",
        "Untamed",
        "VoidBody",
        "_voided",
    ]
)
"""Names that only this project ever had for things the field has a word for."""


NEGATED_NOUN = re.compile(
    r"\b(?<!here )(?:is|are|was|were) no (?!longer\b|more\b|one\b|other\b|such\b)[a-z]+(?! (?:in|at|for|left|to)\b)"
)
"""`X is no Y` reads as a riddle: `X is not a Y`. What `there is no` says is plain."""


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path.read_text()


def package_of(path: str) -> str:
    return path.partition("/")[0]


def names_in(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Name(id=name):
                found.add(name)
            case ast.arg(arg=name) | ast.Attribute(attr=name):
                found.add(name)
            case ast.alias(name=name, asname=asname):
                found |= {name, asname or ""}
            case _:
                pass
    return found


def test_no_sentence_has_an_indefinite_pronoun():
    assert [path for path, text in sources() if PRONOUNS.search(text)] == []


def test_no_sentence_says_that_something_is_no_noun():
    pages = [(path.name, path.read_text()) for path in (*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md"))]
    found = [(path, each[0]) for path, text in (*sources(), *pages) for each in NEGATED_NOUN.finditer(text)]
    assert found == []
    assert NEGATED_NOUN.search("this is no cursor")
    assert not NEGATED_NOUN.search("there is no cursor, and it is no longer read")


@pytest.mark.parametrize("package", sorted({package_of(path) for path, _ in sources()}))
def test_a_package_has_no_private_names(package):
    found = {path: sorted(names_in(text) & PRIVATE) for path, text in sources() if package_of(path) == package}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_private_names_would_be_seen():
    assert names_in("def reap(stones: int) -> None:\n    store.shelf = Graves(attic=1)\n") & PRIVATE == {
        "reap", "stones", "shelf", "Graves",
    }  # fmt: skip


def test_a_command_in_a_hint_is_filled_in():
    found = [
        f"{path}:{node.lineno}"
        for path, text in sources()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.keyword) and node.arg == "hint" and isinstance(node.value, ast.Constant)
        if re.search(r"`[^`]*\{\w+(\.\w+)*\}", str(node.value.value))
    ]
    assert found == []
