"""Hostile policy files: each is refused with one error that names its place, quickly and without quoting anything."""

import re

import pytest

from tokenguard.errors import InputError
from tokenguard.policy.expression import compiled
from tokenguard.policy.loader import MAX_BYTES, load_policy

HEAD = "format: 1\nname: own\nextends: default\n"
MARKER = "zq-marker-that-nobody-may-see"
PLACES = {
    "name": "format: 1\nname: {}\nextends: default\n",
    "format": "format: {}\nname: own\nextends: default\n",
    "base": "format: 1\nname: own\nextends: {}\n",
    "rule": HEAD + "rules:\n  - {}\n",
    "severity": HEAD + "rules:\n  - {{id: orphan, severity: {}}}\n",
    "days": HEAD + "rules:\n  - {{id: unused, days: {}}}\n",
    "by environment": HEAD + "rules:\n  - {{id: maximum-age, days: {}}}\n",
    "words": HEAD + "rules:\n  - {{id: person-left, people: {}}}\n",
    "purposes": HEAD + "rules:\n  - {{id: least-privilege, permissions: {}}}\n",
    "fields": HEAD + "rules:\n  - {{id: required-fields, fields: {}}}\n",
    "own rule": HEAD + "own_rules: [{}]\n",
    "own rule's name": HEAD
    + "own_rules:\n  - {{id: {}, severity: error, why: w, source: s, fix: f, says: x, holds: 'true'}}\n",
    "own rule's words": HEAD
    + "own_rules:\n  - {{id: a, severity: error, why: w, source: s, fix: f, says: {}, holds: 'true'}}\n",
    "condition": HEAD + "own_rules:\n  - {{id: a, severity: error, why: w, source: s, fix: f, says: x, holds: {}}}\n",
    "hosts": HEAD + "rules:\n  - {{id: mcp-static-token, oauth_hosts: {}}}\n",
    "path": HEAD + "waivers:\n  - {{rule: callback-url, path: {}, owner: a, reason: a, until: 2027-01-01}}\n",
    "override": HEAD + "overrides: {}\n",
    "waiver's end": HEAD + "waivers:\n  - {{rule: orphan, token: a, owner: a, reason: a, until: {}}}\n",
    "waiver's owner": HEAD + "waivers:\n  - {{rule: orphan, token: a, owner: {}, reason: a, until: 2027-01-01}}\n",
}
ATTACKS = {
    "python tag": f"!!python/object/apply:os.system [{MARKER}]",
    "own tag": f"!x {MARKER}",
    "anchor": f"&a {MARKER}",
    "alias": "*a",
    "merge": "{<<: {a: 1}}",
    "deep list": "[" * 40 + "]" * 40,
    "deep mapping": "{a: " * 40 + "1" + "}" * 40,
    "duplicate": f"{{a: {MARKER}, a: 2}}",
    "complex key": f"{{[{MARKER}]: 1}}",
    "unclosed": f"[{MARKER}",
    "unclosed text": f'"{MARKER}',
    "escape code": '"\\e[31m"',
    "bidi": '"\\u202e"',
    "nul": '"\\0"',
    "lone surrogate": '"\\ud800"',
    "unknown keys": f"{{{MARKER}: 1}}",
    "many values": "[" + "a," * 20_000 + "]",
    "huge number": "9" * 5_000,
    "infinity": "[.inf]",
    "nothing": "''",
    "mapping in list": "[{a: 1}]",
    "list in list": "[[a]]",
    "null in list": "[null]",
    "long text": f'["{"x" * 600}"]',
}
HARMLESS = {("by environment", "unknown keys"), ("words", "infinity"), ("hosts", "infinity")}
"""An environment may have any plain name, and a word is only a word."""
CASES = [
    pytest.param(form.format(attack), id=f"{place}-{name}")
    for place, form in PLACES.items()
    for name, attack in ATTACKS.items()
    if (place, name) not in HARMLESS
]


@pytest.mark.parametrize("text", CASES)
def test_a_hostile_policy_is_refused_in_our_words(text):
    with pytest.raises(InputError) as caught:
        load_policy(text.encode("utf-8", "surrogatepass"), source="p.yaml", judge=compiled)
    assert MARKER not in caught.value.message + caught.value.hint
    assert re.match(r"p\.yaml:\d+:\d+: \w", caught.value.message), "line and column"
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 1_000


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"\0", b"- " * 30_000, b"a" * (MAX_BYTES + 1), HEAD.encode() * 2, HEAD.encode() + b"---\n" + HEAD.encode(), b"%YAML 1.1\n---\n" + HEAD.encode()],
)  # fmt: skip
def test_a_file_that_is_no_document_is_refused(data):
    with pytest.raises(InputError):
        load_policy(data, source="p.yaml")


CONDITIONS = {
    "too long": "true" + " && true" * 500,
    "doubling": '["a"].map(x, x+x).map(x, x+x).map(x, x+x).map(x, x+x) == ["b"]',
    "additions": "1" + "+1" * 100 + " > 0",
    "long list": "1 in [" + "1," * 300 + "1]",
    "nested": "(" * 300 + "true" + ")" * 300,
    "nested lists": "[" * 40 + "]" * 40 + " == []",
    "evil pattern": 'record.name.matches("((a{1000}){1000}){1000}")',
    "broken pattern": 'record.name.matches("(?P<")',
    "look-around": 'record.name.matches("(?=a)")',
    "back reference": 'record.name.matches("(a)\\\\1")',
    "raw pattern": 'record.name.matches(r"(?<!a)b")',
    "unknown name": f"record.{MARKER.replace('-', '_')}",
    "unknown function": 'eval("x")',
    "python": '__import__("os").system("x")',
    "wrong type": "record.age_days",
    "comment": "true // all is well",
    "unclosed": 'record.name == "',
}


@pytest.mark.parametrize("text", CONDITIONS.values(), ids=CONDITIONS)
def test_a_hostile_condition_is_refused_with_its_place(text):
    rule = HEAD + "own_rules:\n  - id: a\n    severity: error\n    why: w\n    source: s\n    fix: f\n    says: x\n"
    quoted = text.replace("'", "''")
    with pytest.raises(InputError, match=r"^p\.yaml:11:5: \w") as caught:
        load_policy(f"{rule}    holds: '{quoted}'\n".encode(), source="p.yaml", judge=compiled)
    assert MARKER.replace("-", "_") not in caught.value.message


def test_there_are_at_least_four_hundred():
    assert len(CASES) >= 400
