"""YAML that is only glanced at gives what detect-secrets gives: random documents, most of them without a finding."""

import random
from pathlib import Path

from tests.fakes.rules_oracle import oracle, ours
from tokenguard.detection.rules import _glance_suffices

PLAIN = [
    "name: install", "hosts: all", "become: yes", "tags: [a, b]", "when: x is defined", "- debug: {msg: hello}", "list:\n  - one\n  - two",
    "script: |\n  set -e\n  make all", "text: >\n  folded\n  text", "# only a comment", "", "empty:", "nested:\n  deeper:\n    value: 3", "quoted: 'it''s'",
]  # fmt: skip
TRICKY = [
    'password: "{{ vault_password }}"', "password: ${PASSWORD}", "secret: <yours>", "api_key: get_key(name)  # note", "password: &p '{{ x }}'", "again: *p",
    "pwd: |\n  {{ x }}\n  done", "secret: >\n  {{ folded\n  over }}", "private_key:\n\n  # between\n\n  '{{ later }}'", '"db_pass": "{{ y }}"', "? password\n: '{{ z }}'",
    "- {password: '{{ a }}', other: b}", "client_key: '{{ k }}'  # secret: {{ c }}", "key_pass: # nothing\n", "password: !vault |\n  abc", "---", "auth_key: 12345",
    "contraseña: '{{ n }}'", "# pragma: allowlist nextline secret", "service_key: {{broken}}", "{password: '{{ flow }}',\n secret: '{{ line }}'}", "\tpassword: tab",
]  # fmt: skip
FOUND = [
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
    glanced = 0
    for path, found in oracle(sorted(tmp_path.iterdir())).items():
        assert ours(path) == found, path.read_text()
        glanced += _glance_suffices(path.read_text(), str(path))
    assert glanced > 50
