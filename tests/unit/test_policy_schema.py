"""The JSON Schema for editors accepts what the loader accepts, and refuses what it refuses, where a schema can say so."""

import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.unit.test_policy import BAD, GOOD
from tests.unit.test_policy_hostile import ATTACKS, HARMLESS, PLACES
from tests.unit.test_policy_own_rules import HEAD, RULE, SHAPES
from tokenguard.policy.catalogue import CATALOGUE
from tokenguard.policy.loader import load_policy, packaged_policy
from tokenguard.policy.policy_schema import policy_schema
from tokenguard.policy.writing import as_document

PACKAGED = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))
VALIDATOR = Draft202012Validator(policy_schema())
TEXT_ONLY = {"many values", "escape code", "bidi", "nul", "lone surrogate", "nothing", "long text"}
"""What a schema cannot say: how large a file is, which characters are plain, and what is left of trimmed text."""


def accepts(text: str) -> bool:
    try:
        tree = yaml.load(text, Loader=yaml.CSafeLoader)
    except ValueError:
        return False  # a number that no editor's parser takes either
    return VALIDATOR.is_valid(
        json.loads(json.dumps(tree, default=lambda each: each.isoformat() if isinstance(each, date) else None))
    )


def test_the_schema_is_one():
    Draft202012Validator.check_schema(policy_schema())


@pytest.mark.parametrize("path", PACKAGED, ids=lambda path: path.stem)
def test_every_policy_that_comes_with_tokenguard_is_accepted(path):
    assert accepts(path.read_text())
    assert VALIDATOR.is_valid(as_document(packaged_policy(path.stem)))


GOOD_ONES = {
    "a small one": GOOD,
    "own rules": HEAD + RULE.format(id="a", holds="true", more=", applies: 'true'"),
    "overrides": "format: 1\nname: x\nextends: default\noverrides:\n"
    "  - {rule: maximum-age, environment: dev, days: {dev: 7}}\n"
    "  - {rule: own-one, token: a/*, severity: note}\n  - {rule: callback-url, path: tests/*, severity: note}\n",
    "waivers": "format: 1\nname: x\nextends: default\nwaivers:\n"
    "  - {rule: callback-url, path: tests/*, owner: a, reason: b, until: 2027-01-01}\n",
}


@pytest.mark.parametrize("text", GOOD_ONES.values(), ids=GOOD_ONES)
def test_what_the_loader_accepts_the_schema_accepts(text):
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [text for name, text in BAD.items() if name not in {"rule twice", "anchor", "duplicate", "no reason", "no source", "empty reason", "missing parameter", "warn a number x"}]
    + [text for name, text in ((name, HEAD + text) for name, text in SHAPES.items()) if name not in {"id of a known rule", "id twice"}],
)  # fmt: skip
def test_what_the_loader_refuses_for_its_shape_the_schema_refuses(text):
    assert not accepts(text)


YAML_ONLY = {
    "python tag",
    "own tag",
    "anchor",
    "alias",
    "merge",
    "deep list",
    "deep mapping",
    "duplicate",
    "complex key",
    "unclosed",
    "unclosed text",
}


def test_hostile_files_are_refused_by_the_schema_too():
    refused = [
        (place, name)
        for place, form in PLACES.items()
        for name, attack in ATTACKS.items()
        if name not in YAML_ONLY | TEXT_ONLY and (place, name) not in HARMLESS and accepts(form.format(attack))
    ]
    assert refused == []


def test_the_document_of_a_policy_is_the_policy():
    own = load_policy(
        (GOOD + "own_rules:\n" + RULE.format(id="a", holds="true", more=", applies: 'true'")).encode(), source="p"
    )
    more = load_policy(
        GOOD_ONES["overrides"].replace("  - {rule: own-one, token: a/*, severity: note}\n", "").encode(), source="p"
    )
    for policy in (own, more, load_policy(GOOD_ONES["waivers"].encode(), source="p")):
        assert load_policy(json.dumps(as_document(policy)).encode(), source="p") == policy


def test_every_rule_is_in_the_schema_with_its_words():
    rules = policy_schema()["properties"]["rules"]["items"]["anyOf"]
    assert [each["properties"]["id"]["const"] for each in rules] == list(CATALOGUE)
    assert all(each["description"] for each in rules)
