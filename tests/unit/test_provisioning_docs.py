"""What the page about provisioning shows is what is read, and the schema agrees with the reader."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.cli.bad_manifests import MARK, cases
from tokenguard.provisioning.canonical import canonical
from tokenguard.provisioning.drift_kinds import RULES
from tokenguard.provisioning.manifest_fields import FIELDS, OVERLAID
from tokenguard.provisioning.manifest_schema import schema
from tokenguard.usecases.load_manifest import declared_in

PAGE = (Path(__file__).parents[2] / "docs/provisioning.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_are_manifests(tmp_path):
    (tmp_path / "teams").mkdir()
    (tmp_path / "overlays").mkdir()
    (tmp_path / "teams/audio.yaml").write_text("version: 1\n")
    (tmp_path / "overlays/prod.yaml").write_text("version: 1\n")
    for example, environment, count in zip(EXAMPLES, ["", "staging"], [3, 1], strict=True):
        (tmp_path / "tokens.yaml").write_text(example)
        assert len(declared_in(str(tmp_path / "tokens.yaml"), environment).tokens) == count


def test_the_examples_are_formatted():
    for example in EXAMPLES:
        assert canonical(example.encode(), source="the page").decode() == example


def test_every_field_and_every_rule_is_on_the_page_with_its_severity():
    for name in FIELDS:
        assert f"`{name}`" in PAGE, name
    allowed = PAGE[PAGE.index("An environment may change") :]
    assert re.findall(r"`(\w+)`", allowed[: allowed.index("cannot add a token")]) == [
        *OVERLAID[:-2],
        "value_within",
        "notes",
    ]
    assert re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", PAGE, re.MULTILINE) == [(r.id, r.severity.value) for r in RULES]


def test_the_schema_is_one_and_takes_the_examples():
    jsonschema.Draft202012Validator.check_schema(schema())
    json.dumps(schema())
    for example in EXAMPLES:
        jsonschema.validate(yaml.safe_load(example), schema())


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in cases()
        if re.match(
            r"(an? unknown|defaults|tokens is|a token is|an environment that|provider [0-5]|scope [0-3]|kind|state|value_within [0-3])",
            name,
        )
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(name):
    if name in {"an unknown provider", "an environment that adds a token", "an environment with a bad name"}:
        return  # what no schema can know
    text = cases()[name][0].replace(MARK, "", 1)
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree, schema())
