"""The comparison with a vendor's description finds each slip of a provider file: a pointer, a path, a parameter, a body."""

import json

import pytest

from tests.fakes.vendors.__main__ import main
from tests.fakes.vendors.openapi import Spec, differences
from tokenguard.providers.generic.loading import describe

FILE = """\
name: acme
base_url: https://api.acme.example/v1
scope_kind: org
probe: {request: GET /me, scope: /org/id}
create:
  request: POST /keys
  body: {name: "{label}", scopes: "{permissions}"}
  value: /secret
  id: /key/id
list:
  request: GET /keys
  items: /data
  id: /id
  label: /name
  paging: cursor
  next: /next
  cursor: after
  limit: limit
revoke: {request: 'DELETE /keys/{id}'}
"""
KEY = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
SPEC = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://api.acme.example/v1"}],
    "components": {"schemas": {"Key": KEY}},
    "paths": {
        "/me": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {
            "properties": {"org": {"properties": {"id": {"type": "string"}}}}}}}}}}},
        "/keys": {
            "post": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": {
                    "type": "object", "required": ["name"],
                    "properties": {"name": {"type": "string"}, "scopes": {"type": "array", "items": {"enum": ["write"]}}}}}}},
                "responses": {"201": {"content": {"application/json": {"schema": {
                    "properties": {"secret": {"type": "string"}, "key": {"$ref": "#/components/schemas/Key"}}}}}}},
            },
            "get": {
                "parameters": [{"name": name, "in": "query"} for name in ("after", "limit")],
                "responses": {"200": {"content": {"application/json": {"schema": {"allOf": [
                    {"properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Key"}}}},
                    {"properties": {"next": {"type": "string"}}}]}}}}},
            },
        },
        "/keys/{id}": {"delete": {"responses": {"204": {}}}},
    },
}  # fmt: skip


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(SPEC))
    return Spec(path)


def found(spec, text=FILE):
    return [str(each) for each in differences(describe(text.encode(), source="acme"), spec)]


def test_a_file_that_is_right_agrees(spec):
    assert found(spec) == []


@pytest.mark.parametrize(
    ("old", "new", "section"),
    [
        ("value: /secret", "value: /secrets", "create"),
        ("id: /key/id", "id: /key/uid", "create"),
        ("id: /key/id", "id: /id", "create"),
        ("id: /key/id", "id: /key", "create"),
        ("scope: /org/id", "scope: /org", "probe"),
        ("POST /keys", "POST /key", "create"),
        ("POST /keys", "PUT /keys", "create"),
        ('name: "{label}", ', 'label: "{label}", ', "create"),
        ('scopes: "{permissions}"', "scopes: read", "create"),
        ("items: /data", "items: /keys", "list"),
        ("  label: /name", "  label: /title", "list"),
        ("next: /next", "next: /cursor", "list"),
        ("cursor: after", "cursor: cursor", "list"),
        ("limit: limit", "limit: per_page", "list"),
        ("DELETE /keys/{id}", "DELETE /keys/{id}/revoke", "revoke"),
        ("DELETE /keys/{id}", "POST /keys/{id}", "revoke"),
        ("cursor\n  next: /next\n  cursor: after\n  limit: limit", "none", "list"),
        ("GET /me", "GET /whoami", "probe"),
        ("scope: /org/id", "scope: /org/uid", "probe"),
        ("example/v1", "example/v2", "create"),
    ],
)
def test_each_slip_is_found(spec, old, new, section):
    assert FILE.count(old) >= 1
    assert any(each.startswith(section) for each in found(spec, FILE.replace(old, new)))


def test_an_answer_that_is_not_as_described_is_found(tmp_path):
    """The description says that rows are in a mapping; pointers alone would lead there all the same."""
    wrong = json.loads(json.dumps(SPEC))
    answer = wrong["paths"]["/keys"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    answer["allOf"][0]["properties"]["data"]["type"] = "object"
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(wrong))
    assert any("answer: $.data" in each for each in found(Spec(path)))


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("where", ["in place", "by a reference", "in an alternative"])
def test_what_only_answers_have_is_not_required_of_a_request(tmp_path, read_only, where):
    """OpenAPI: `required` takes effect on the answer only, if the property is `readOnly`."""
    said = json.loads(json.dumps(SPEC))
    content = said["paths"]["/keys"]["post"]["requestBody"]["content"]["application/json"]
    body, made = content["schema"], {"type": "string", "readOnly": read_only}
    said["components"]["schemas"]["Made"] = made
    body["required"].append("made")
    body["properties"]["made"] = {"$ref": "#/components/schemas/Made"} if where == "by a reference" else made
    if where == "in an alternative":
        content["schema"] = {"oneOf": [body, {"type": "array"}]}
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(said))
    assert (found(Spec(path)) == []) is read_only


def test_a_permission_that_is_sent_as_text_is_listed_as_text(tmp_path):
    said = json.loads(json.dumps(SPEC).replace('"type": "array", "items": {"enum": ["write"]}', '"type": "string"'))
    said["components"]["schemas"]["Key"]["properties"]["role"] = {"type": "string"}
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(said))
    text = FILE.replace('"{permissions}"', '"{permission}"').replace(
        "  label: /name", "  label: /name\n  permissions: /role"
    )
    assert found(Spec(path), text) == []


@pytest.mark.parametrize(
    ("refusal", "agrees"),
    [
        (
            {"properties": {"ok": {"type": "boolean"}, "error": {"enum": ["revoked"]}}, "additionalProperties": False},
            True,
        ),
        ({"properties": {"ok": {"type": "boolean"}}, "additionalProperties": False}, False),
        ({"properties": {"ok": {"type": "boolean"}, "error": {"type": "string"}}}, False),
        (None, False),
    ],
)
def test_a_refusal_with_the_status_of_a_success_is_compared_with_what_is_said_of_refusals(tmp_path, refusal, agrees):
    """A description of refusals that allows everything would excuse a wrong answer."""
    said = json.loads(json.dumps(SPEC))
    responses = said["paths"]["/me"]["get"]["responses"]
    me = responses["200"]["content"]["application/json"]["schema"]
    me["properties"]["ok"], me["additionalProperties"] = {"type": "boolean"}, False
    if refusal is not None:
        responses["default"] = {"content": {"application/json": {"schema": refusal}}}
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(said))
    probe = "probe: {request: GET /me, scope: /org/id, alive: [{status: '200', at: /ok, is: ['true']}], "
    probe += "dead: [{status: '200', at: /error, is: [revoked]}]}"
    text = FILE.replace("probe: {request: GET /me, scope: /org/id}", probe)
    assert (found(Spec(path), text) == []) is agrees


def test_a_description_in_several_files_is_read_as_one(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "key.json").write_text(json.dumps({"Key": KEY, "Again": {"$ref": "#/Key"}}))
    parted = json.loads(json.dumps(SPEC).replace("#/components/schemas/Key", "parts/key.json#/Again"))
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(parted))
    assert found(Spec(path)) == []
    assert found(Spec(path), FILE.replace("id: /key/id", "id: /key/uid"))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        json.dumps({"paths": {"/v3/scopes": {"get": {"$ref": "missing.json#/x"}}}}),
        "{}",
        "",
        "null",
        "[]",
        '{"paths": []}',
    ],
)
def test_a_description_that_cannot_be_read_is_named_and_the_others_are_compared(text, tmp_path, capsys):
    (tmp_path / "sendgrid.json").write_text(text)
    (tmp_path / "twilio.json").write_text(json.dumps({"paths": {}}))
    assert main(str(tmp_path)) == 1
    told = capsys.readouterr().out
    assert "sendgrid       not compared: its description cannot be read" in told
    assert "twilio         differs" in told
