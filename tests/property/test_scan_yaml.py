"""YAML that libyaml reads gives the lines that detect-secrets rebuilds, and the findings: random and mutated documents."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.rules_oracle import oracle, ours
from tokenguard.detection import detect_secrets_adapter as gate
from tokenguard.detection import yaml_lines
from tokenguard.detection.rebuilt import _NamedText, starts_with_section
from tokenguard.detection.yaml_lines import independent_entries, rebuilt_yaml

PLAIN = [
    "name: install", "hosts: all", "become: yes", "tags: [a, b]", "when: x is defined", "- debug: {msg: hello}", "list:\n  - one\n  - two",
    "script: |\n  set -e\n  make all", "text: >\n  folded\n  text", "# only a comment", "", "empty:", "nested:\n  deeper:\n    value: 3", "quoted: 'it''s'",
]  # fmt: skip
TRICKY = [
    "- on: push", "- off: '{{ x }}'\n  yes: y", "- on: '{{ one }}'\n  yes: '{{ other }}'", "- {on: '{{ x }}', 'on': y}", "- true: 1\n  1: '{{ x }}'", "- On:\n    secret: '{{ x }}'",
    'password: "{{ vault_password }}"', "password: ${PASSWORD}", "secret: <yours>", "api_key: get_key(name)  # note", "password: &p '{{ x }}'", "again: *p",
    "pwd: |\n  {{ x }}\n  done", "secret: >\n  {{ folded\n  over }}", "private_key:\n\n  # between\n\n  '{{ later }}'", '"db_pass": "{{ y }}"', "? password\n: '{{ z }}'",
    "- {password: '{{ a }}', other: b}", "client_key: '{{ k }}'  # secret: {{ c }}", "key_pass: # nothing\n", "password: !vault |\n  abc", "---", "auth_key: 12345",
    "contraseña: '{{ n }}'", "# pragma: allowlist nextline secret", "service_key: {{broken}}", "{password: '{{ flow }}',\n secret: '{{ line }}'}", "\tpassword: tab",
]  # fmt: skip
FOUND = [
    "- on:\n    password: realvalue1",
    "password: realvalue1",
    "secret: 'quoted value'",
    "api_key: >\n  folded\n  value",
    "db_pass: |\n  block\n  value",
    "pwd: x  # password: 'y z'",
    'secret: "a \\"b\\" c"',
]


def document(source: random.Random) -> str:
    rows = source.choices(PLAIN, k=source.randint(2, 8)) + source.choices(TRICKY, k=source.randint(0, 3))
    if source.random() < 0.3:
        rows.append(source.choice(FOUND))
    source.shuffle(rows)
    text = "\n".join(f"{row}" if not row[:1].isalpha() else f"k{number}_{row}" for number, row in enumerate(rows))
    return (
        text
        if source.random() < 0.7
        else text.replace("\n", source.choice(["\n\n", "  # note\n", '  # say "x";\n', " \n"]), 3)
    )


def test_random_yaml_gives_what_detect_secrets_gives(tmp_path: Path) -> None:
    source = random.Random(5)
    for number in range(500):
        (tmp_path / f"{number}.yml").write_text(document(source))
    for path, found in oracle(sorted(tmp_path.iterdir())).items():
        assert ours(path) == found, path.read_text()


def written(text: str) -> list[str]:
    return [line for line in rebuilt_yaml(text) or [] if line]


def test_entries_that_are_told_apart_are_rebuilt_alone_as_together() -> None:
    source = random.Random(8)
    apart = 0
    for _ in range(2000):
        text = document(source)
        entries = independent_entries(text)
        if entries is not None:
            apart += 1
            assert [line for _, each in entries for line in written(each)] == written(text), text
    assert apart > 400


ODD = [
    *" \n:-?#&*!|>'\"%@`{}[],~=<\\.0aé\t",
    ": ",
    "- ",
    "\n  ",
    "\n- ",
    " #",
    "'x'",
    '"x"',
    "{}",
    "[]",
    "\n\n",
    "\u00a0",
    "\ufeff",
    "\x85",
]
ROWS = [
    "k: |\n  block\n  text", "k2: >-\n  folded\n\n  text", "f: {a: b, c: 'd'}", "s: [{a: b}, {c: d}, {a: b}]", 'g: [a, "b", c: d]', "? x\n: y", "x: &a v\ny: *a",
    "m: &m {n: o}\nq:\n  <<: *m\n  r: s", "z: !!str 3", "v: !vault x", "t: 2001-01-01", "t2: 2001-13-01", "i: 0x1F", "o: 0644", "u: 0x_", "'': x", ": v", "l: =", "=: l",
    'm: "a\n  b"', "p: a\n  b # c", "c: d #e", "c2: d#e", "---", "...", "%YAML 1.1", "- - a\n  - b: c", "-   x: y\n    z: w", "a:b: c", "h: http://x", "- |\n x", "x: |+\n\n  a\n",
    "e1: {}", "- []: a", "1: one", "yes: no", "é: ü # ü", "'a' : b", "a: - b", "a: !b c", "a: ! b", "a: |# b", "a: b\na: c", "r: &r [*r]", "&w\n  o2: p", "!!map\n    o3: p", 'd: "it\\\'s"', "d: 'it\\''",
]  # fmt: skip


def mutated(source: random.Random) -> str:
    rows = [
        source.choice(("", "", "  ", "    ")) + row for row in source.choices(ROWS + 3 * PLAIN, k=source.randint(1, 5))
    ]
    chars = list("\n".join(rows))
    for _ in range(source.choice((0, 1, 1, 2, 4))):
        chars.insert(source.randrange(len(chars) + 1), source.choice(ODD))
    return "".join(chars)


def rebuild_campaign(count: int, seed: int) -> None:
    """Whatever libyaml may read gives exactly the lines that detect-secrets makes of it."""
    source, tame = random.Random(seed), 0
    for _ in range(count):
        text = mutated(source)
        lines = rebuilt_yaml(text)
        if lines is None or starts_with_section(text):
            continue
        tame += 1
        try:
            expected = gate.transformers().get_transformed_file(_NamedText(text, "a.yaml"))
        except (ValueError, TypeError, LookupError, AttributeError):
            expected = None
        assert lines == (expected or []), text
    assert tame > count // 10


def entries(source: random.Random) -> str:
    """A list or a mapping of several entries, most of which can be read."""
    rows = [row for row in source.choices(ROWS + 4 * PLAIN + TRICKY, k=source.randint(2, 5)) if row]
    if source.random() < 0.4:
        rows = ["- " + row.replace("\n", "\n  ") for row in rows]
    else:
        rows = [f"k{number}_{row}" if row[0].isalpha() else row for number, row in enumerate(rows)]
    chars = list(source.choice(("", "", "---\n", "# note\n\n", "# note\n--- \n")) + "\n".join(rows))
    for _ in range(source.choice((0, 0, 1, 2))):
        chars.insert(source.randrange(len(chars) + 1), source.choice(ODD))
    return "".join(chars)


def piece_campaign(count: int, seed: int) -> None:
    """Entry by entry gives what the whole gives."""
    source, read = random.Random(seed), 0
    for _ in range(count):
        text = entries(source)
        if yaml_lines._pieces(text) is None:
            continue
        read += 1
        whole = yaml_lines._values_of(text)[0]
        assert rebuilt_yaml(text) == yaml_lines._lines(whole, text), text
    assert read > count // 6


def test_yaml_read_entry_by_entry_is_yaml_read_whole() -> None:
    piece_campaign(3000, 3)


def test_yaml_is_rebuilt_as_detect_secrets_does() -> None:
    rebuild_campaign(1500, 7)


ALONE = [
    "&x\n  deep: v\nk: w\n",
    "!!map\n  deep: v\nk: w\n",
    "a: b\n&x\n  k: v\n",
    "? q\n&x\n    k: v\na: b",
    "a: b\n&x\n\xa0  k: v\nc: d",
]


@pytest.mark.parametrize("text", ALONE)
def test_an_entry_behind_an_anchor_at_the_margin_is_none(text: str) -> None:
    assert gate.transformers().get_transformed_file(_NamedText(text, "a.yaml")) is None
    assert rebuilt_yaml(text) in ([], None)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_lot_of_yaml_is_rebuilt_as_detect_secrets_does(seed: int) -> None:
    rebuild_campaign(25_000, seed)
    piece_campaign(50_000, seed)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["!", " ", "\n", "%", "#", "|", ">", "-", "a", "{", "__line__", "__value__", "\u00e9", "\x07", "\t", "\x85"]
        ),
        max_size=8,
    )
)
def test_what_is_asked_of_ascii_first_says_what_the_whole_expression_says(parts: list[str]) -> None:
    text = "".join(parts)
    assert yaml_lines._is_untamed(text) == (yaml_lines._UNTAMED.search(text) is not None)
