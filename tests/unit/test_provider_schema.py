"""The JSON Schema for editors knows the keys that the reader of provider files knows, and takes every file that is valid."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.fakes.provider_files import GUIDED_FILE, SANDBOX_FILE
from tokenguard.errors import InputError
from tokenguard.mapping_reader import MappingReader
from tokenguard.providers import provider_registry
from tokenguard.providers.generic.loading import describe
from tokenguard.shell.provider_descriptions import new_description

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "spec" / "provider-file.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
FOLDER = Path(provider_registry.__file__).parent / "services"
INTROSPECTED = "probe: {request: POST /introspect, introspect: {token: '{token}'}}\n"
FREE = {("headers",), ("permissions",), ("admin_permissions",), ("create", "value"), ("replace", "value")}
"""Mappings with keys of the service's own."""


def flaws(text):
    return [each.message for each in VALIDATOR.iter_errors(yaml.load(text, yaml.BaseLoader))]


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", provider_registry.described_services())
def test_a_file_that_comes_with_tokenguard_is_valid(name):
    assert flaws((FOLDER / f"{name}.yaml").read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        SANDBOX_FILE.replace("BASE", "https://a.example"),
        GUIDED_FILE.replace("BASE", "https://a.example"),
        new_description("acme"),
    ],
)
def test_the_examples_are_valid(text):
    assert flaws(text) == []


def known_keys(monkeypatch):
    """By path: the keys that the reader asks for, seen while it reads files with every section."""
    asked = {}

    def note(name):
        original = getattr(MappingReader, name)

        def wrapped(self, key, *rest, **more):
            asked.setdefault(tuple(part for part in self._path if isinstance(part, str)), set()).add(key)
            return original(self, key, *rest, **more)

        monkeypatch.setattr(MappingReader, name, wrapped)

    for name in ("tree", "peek", "lacks", "__contains__"):
        note(name)
    whole = new_description("acme")
    describe(whole.encode(), source="a")
    replacing = "replace: {request: 'PUT /keys/{id}/value', body: {}, value: /key, id: /id, hint: /hint}"
    describe(f"{whole}\n{replacing}\n".encode(), source="in place")
    updating = "update: {request: 'PATCH /keys/{id}', body: {name: '{label}'}}"
    describe(f"{whole}\n{updating}\n".encode(), source="update")
    for content in ("body", "form"):
        describe(
            f"{whole}\nrevoke_value: {{request: POST /x, {content}: {{token: '{{token}}'}}}}\n".encode(), source=content
        )
    describe(whole.partition("probe:")[0].encode() + INTROSPECTED.encode() + GUIDE, source="b")
    sized = "\n  limit: limit\n  size: '10'"
    for kind in ("none", "offset", "page", "link"):
        lines = [each for each in whole.splitlines() if not each.startswith(("  next:", "  cursor:"))]
        describe(
            "\n".join(lines).replace("paging: cursor", f"paging: {kind}{sized if kind != 'none' else ''}").encode(),
            source=kind,
        )
    describe(
        whole.replace('dead: ["401"]', "dead: [{status: '404', at: /code, is: [gone]}]")
        .replace("auth: bearer   ", "auth: {basic: 'x:{token}'}   ", 1)
        .encode(),
        source="c",
    )
    return {
        path: keys for path, keys in asked.items() if path not in FREE and path[-1:] not in {("headers",), ("query",)}
    }


GUIDE = b"guide: {where: x, create: [x], revoke: [x]}\n"


def parts(schema):
    """The objects that a schema allows at its place."""
    return [
        each
        for each in (
            schema,
            *schema.get("anyOf", ()),
            schema.get("items", {}),
            *schema.get("items", {}).get("anyOf", ()),
        )
        if "properties" in each
    ]


def declared(path):
    found = [SCHEMA]
    for key in path:
        found = [each["properties"][key] for part in found for each in parts(part) if key in each["properties"]]
        found += [more for each in found for more in each.get("anyOf", ())]
    return {key for each in found for part in parts(each) for key in part["properties"]}


def test_the_schema_has_the_keys_that_the_reader_knows_and_no_others(monkeypatch):
    known = known_keys(monkeypatch)
    assert {
        (),
        ("probe",),
        ("create",),
        ("list",),
        ("list", "status"),
        ("revoke",),
        ("revoke_value",),
        ("replace",),
        ("update",),
        ("guide",),
        ("shape",),
        ("source",),
        ("rate",),
    } <= set(known)
    assert {path: keys for path, keys in known.items() if keys != declared(path)} == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("paging: cursor", "paging: pages"),
        ("kind: api_key", "kind: key"),
        ("request: GET /me", "request: /me"),
        ("  id: /id", "  ids: /id"),
    ],
)
def test_what_the_reader_refuses_the_schema_does_not_take(old, new):
    text = new_description("acme")
    assert old in text
    assert flaws(text.replace(old, new, 1))


WHOLE = f"{new_description('acme')}\nreplace: {{request: 'PUT /keys/{{id}}/value', body: {{}}, value: /key, id: /id}}\n"


def mistyped_keys():
    """Each key of a file with every section, outside of the mappings with keys of the service's own."""
    tree = yaml.compose(WHOLE)
    found = []

    def walk(node, path):
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*path, key.value)
                if path not in FREE and path[-1:] not in {("headers",), ("query",), ("body",)}:
                    found.append((".".join(inner), key.start_mark.line, key.start_mark.column, key.end_mark.index))
                walk(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for each in node.value:
                walk(each, path)

    walk(tree, ())
    return found


@pytest.mark.parametrize(("path", "line", "column", "end"), mistyped_keys())
def test_a_mistyped_key_is_told_before_the_key_that_is_missing_because_of_it(path, line, column, end):
    text = f"{WHOLE[:end]}{WHOLE[end - 1]}{WHOLE[end:]}"
    with pytest.raises(InputError) as caught:
        describe(text.encode(), source="a")
    assert caught.value.message.startswith(f"a:{line + 1}:{column + 1}: ")
    assert f" {path.rpartition('.')[2]}?" in caught.value.hint
