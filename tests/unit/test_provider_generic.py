"""Providers from a file: what a file may say, what it may not, and that a filled request cannot leave its place."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.provider_files import GUIDED_FILE, SANDBOX_FILE, provider_file
from tests.fakes.scripted_server import ScriptedServer, reply
from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.names import Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.errors import InputError, Unreachable
from tokenguard.ports.provider import Ambiguous, CreateRefused, Method, TokenRequest
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import CHARACTERS, Shape
from tokenguard.providers.generic.loading import described, load
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings

VALUE = Value.of("tgcanary-generic-token")


def acme(folder, url, text=SANDBOX_FILE):
    return build("acme", ProviderSettings(file=provider_file(folder, url, text)), FakeClock())


def autoposting(_folder, url):
    return build("autoposting", ProviderSettings(base_url=url), FakeClock())


def changed(old, new, text=SANDBOX_FILE):
    assert old in text
    return text.replace(old, new)


STATUS = "{field: /status, alive: [active], ended: [revoked]}"


def with_status(said):
    return changed("  items: /data\n", f"  items: /data\n  status: {said}\n")


def by_value(said):
    return SANDBOX_FILE + f"revoke_value: {said}\n"


BAD_FILES = {
    "a number with a leading zero": SANDBOX_FILE + "max_active: 0777\n",
    "a lifetime of seconds": SANDBOX_FILE + "lifetime: 90\n",
    "a secret as the id": changed("  id: /data/id\n", "  id: /data/key\n"),
    "a secret as the hint": changed("  id: /data/id\n", "  id: /data/id\n  hint: /data/key\n"),
    "a new value in place as the id": SANDBOX_FILE + "replace: {request: 'PUT /k/{id}', value: /key, id: /key}\n",
    "a new value in place as the hint": SANDBOX_FILE + "replace: {request: 'PUT /k/{id}', value: /key, hint: /key}\n",
    "a field of the login that no new token has": changed(
        "auth: header X-Api-Key", 'auth: {basic: "{email}/token:{token}"}'
    ),
    "a new value by GET": SANDBOX_FILE + "replace: {request: 'GET /k/{id}', value: /key}\n",
    "a new value of no token": SANDBOX_FILE + "replace: {request: PUT /k/value, value: /key}\n",
    "a new value that is nowhere": SANDBOX_FILE + "replace: {request: 'PUT /k/{id}'}\n",
    "a new value without a probe": "name: acme\n"
    + SANDBOX_FILE[SANDBOX_FILE.index("base_url") :].replace(
        SANDBOX_FILE[SANDBOX_FILE.index("probe:") : SANDBOX_FILE.index("create:")], ""
    )
    + "replace: {request: 'PUT /k/{id}', value: /key}\n",
    "a value in an address": by_value("{request: 'POST /tokens/{token}', body: {token: '{token}'}}"),
    "a value revoked by GET": by_value("{request: GET /revoke, body: {token: '{token}'}}"),
    "a revocation of no value": by_value("{request: POST /revoke, body: {all: 'yes'}}"),
    "a value without a body": by_value("{request: POST /revoke}"),
    "the token twice": by_value("{request: POST /revoke, body: {token: '{token}'}, auth: token}"),
    "an unknown login": by_value("{request: POST /revoke, body: {token: '{token}'}, auth: password}"),
    "a login in the body without its fields": by_value("{request: POST /revoke, form: {token: '{token}'}, auth: body}"),
    "the admin credential in a body and a header": by_value(
        "{request: POST /revoke, form: {token: '{token}', secret: '{admin_token}'}}"
    ),
    "a form that nests": by_value("{request: POST /revoke, form: {token: ['{token}']}}"),
    "a form and a body": by_value("{request: POST /revoke, form: {token: '{token}'}, body: {token: '{token}'}}"),
    "an unknown placeholder beside the value": by_value(
        "{request: POST /revoke, body: {token: '{token}', x: '{label}'}}"
    ),
    "leaked maybe": by_value("{request: POST /revoke, body: {token: '{token}'}, leaked_only: maybe}"),
    "leaked values without words for a person": changed(
        "guide:", "revoke_value: {request: POST /r, body: {token: '{token}'}, leaked_only: 'true'}\nguide:", GUIDED_FILE
    ).partition("  revoke:")[0],
    "empty": "",
    "a list": "- name: acme",
    "text": "acme",
    "an unknown key": SANDBOX_FILE + "colour: red\n",
    "an unknown key below": changed("  value: /data/key", "  value: /data/key\n  colour: red"),
    "a key twice": SANDBOX_FILE + "kind: api_key\n",
    "an anchor": changed("name: acme", "name: &a acme"),
    "a python tag": SANDBOX_FILE + "x: !!python/object/apply:os.system [id]\n",
    "no name": changed("name: acme\n", ""),
    "a name that climbs": changed("name: acme", "name: ../acme"),
    "no base_url": changed("base_url: BASE\n", ""),
    "a base_url over plain http": changed("BASE", "http://acme.example"),
    "a base_url with a password": changed("BASE", "https://u:tgcanary@acme.example"),
    "a file as base_url": changed("BASE", "file:///etc/passwd"),
    "an unknown kind": changed("kind: api_key", "kind: password"),
    "a kind without a value": changed("kind: api_key", "kind: oauth_grant"),
    "auth in the query": changed("auth: header X-Api-Key", "auth: query token"),
    "auth as Host": changed("X-Api-Key", "Host"),
    "auth as Content-Length": changed("X-Api-Key", "Content-Length"),
    "auth with a new line": changed("auth: header X-Api-Key", 'auth: "header X\\r\\nEvil"'),
    "a probe that writes": changed("GET /auth/profile", "POST /auth/profile"),
    "a probe with a placeholder": changed("GET /auth/profile", "GET /auth/{id}"),
    "a probe that climbs": changed("GET /auth/profile", "GET /auth/../admin"),
    "a probe elsewhere": changed("GET /auth/profile", "GET https://evil.example/"),
    "a probe with a query in its path": changed("GET /auth/profile", "GET /auth?x=1"),
    "401 as life": changed('"403"]', '"401"]'),
    "429 as life": changed('"403"]', '"429"]'),
    "302 as life": changed('"403"]', '"302"]'),
    "500 as death": changed('alive: ["200", "403"]', 'dead: ["500"]'),
    "429 as death": changed('alive: ["200", "403"]', 'dead: ["429"]'),
    "200 as death": changed('alive: ["200", "403"]', 'dead: ["200"]'),
    "403 as both": changed('alive: ["200", "403"]', 'alive: ["200", "403"]\n  dead: ["403"]'),
    "statuses that are not a list": changed('["200", "403"]', '"200"'),
    "a pointer without a slash": changed("scope: /data/orgId", "scope: data.orgId"),
    "a pointer with a bad escape": changed("scope: /data/orgId", "scope: /data/~2"),
    "create without revoke": changed("revoke:\n  request: DELETE /api-keys/{id}\n", ""),
    "revoke without list": SANDBOX_FILE[: SANDBOX_FILE.index("list:")] + "revoke:\n  request: DELETE /k/{id}\n",
    "create by GET": changed("POST /api-keys", "GET /api-keys"),
    "create without the name": changed('name: "{label}", ', ""),
    "create with an unknown placeholder": changed('"{label}"', '"{label}{secret}"'),
    "create with python formatting": changed('"{label}"', '"{label.__class__}"'),
    "create with a conversion": changed('"{label}"', '"{label!r}"'),
    "create with a stray brace": changed('"{label}"', '"{label}}"'),
    "create with a placeholder in a key": changed('{name: "{label}"', '{"{label}": "{label}"'),
    "create without a value": changed("  value: /data/key\n", ""),
    "a body that is text": changed('{name: "{label}", scopes: "{permissions}"}', "label"),
    "list by POST": changed("GET /api-keys", "POST /api-keys"),
    "list without items": changed("  items: /data\n", ""),
    "list without paging": changed("  paging: offset\n  limit: limit\n", ""),
    "an unknown paging": changed("paging: offset", "paging: pages"),
    "paging that is not text": changed("paging: offset", "paging: [offset]"),
    "a cursor without its place": changed("paging: offset", "paging: cursor"),
    "the place of a cursor without cursors": changed("paging: offset", "paging: offset\n  next: /next"),
    "an offset with pages": changed("paging: offset", "paging: page\n  offset: skip"),
    "a limit where there are no pages": changed("paging: offset", "paging: none"),
    "a size without a limit": changed("  limit: limit\n", '  size: "5"\n'),
    "a size of nothing": changed("limit: limit", 'limit: limit\n  size: "0"'),
    "a first page without pages": changed("paging: offset", 'paging: offset\n  first: "0"'),
    "a first page that is not a number": changed("paging: offset", "paging: page\n  first: one"),
    "a total that is not a pointer": changed("paging: offset", "paging: offset\n  total: total"),
    "a status that is not a mapping": with_status("revoked"),
    "a status without its place": with_status("{alive: [active], ended: [revoked]}"),
    "a status whose place is not a pointer": with_status("{field: status, alive: [active], ended: [revoked]}"),
    "a status without what is alive": with_status("{field: /status, ended: [revoked]}"),
    "a status without what is ended": with_status("{field: /status, alive: [active]}"),
    "a status of nothing": with_status("{field: /status, alive: [active], ended: []}"),
    "a status that is not a list": with_status("{field: /status, alive: active, ended: [revoked]}"),
    "a status of lists": with_status("{field: /status, alive: [[active]], ended: [revoked]}"),
    "a status that is empty": with_status('{field: /status, alive: [""], ended: [revoked]}'),
    "a status that means both": with_status("{field: /status, alive: [active, paused], ended: [paused]}"),
    "a status with an unknown key": with_status("{field: /status, alive: [active], ended: [revoked], other: [x]}"),
    "a status twice": with_status(STATUS).replace("  items:", f"  status: {STATUS}\n  items:"),
    "revoke by GET": changed("DELETE /api-keys/{id}", "GET /api-keys/{id}"),
    "revoke of nothing": changed("DELETE /api-keys/{id}", "DELETE /api-keys"),
    "an unknown set of characters": changed("characters: letters", "characters: emoji"),
    "a regular expression": changed("characters: letters", 'pattern: "(a+)+$"'),
    "a shape that fits nothing": changed('min: "32"', 'min: "999"'),
    "a lag in a unit that there is not": SANDBOX_FILE + 'revoke_lag: "5w"\n',
    "a negative lag": SANDBOX_FILE + "revoke_lag: -5s\n",
    "overlap maybe": SANDBOX_FILE + "overlap: maybe\n",
    "a number that is none": SANDBOX_FILE + "max_active: many\n",
    "no words for a person": GUIDED_FILE[: GUIDED_FILE.index("guide:")],
    "no place for a person": changed("  where: https://acme.example > Settings\n", "", GUIDED_FILE),
    "no steps to revoke": GUIDED_FILE[: GUIDED_FILE.index("  revoke:")],
    "words with an unknown placeholder": changed("{label} (", "{value} (", GUIDED_FILE),
    "words with attribute access": changed("{label} (", "{label.x} (", GUIDED_FILE),
    "words with an escape": changed("revoke {label}", '"revoke {label} \\x1b[2J"', GUIDED_FILE),
    "a query with a placeholder": changed('{limit: "1"}', '{limit: "{id}"}', GUIDED_FILE),
    "a query that is not a mapping": changed('{limit: "1"}', "limit", GUIDED_FILE),
    "a query that nests": changed('{limit: "1"}', '{limit: ["1"]}', GUIDED_FILE),
    "too large": SANDBOX_FILE + "#" * 70_000,
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_says_too_much_or_too_little_is_an_input_error(case, tmp_path):
    path = provider_file(tmp_path, "https://acme.example", BAD_FILES[case])
    with pytest.raises(InputError) as caught:
        load(path)
    assert caught.value.hint
    assert "tgcanary" not in caught.value.message
    assert caught.value.message.isprintable()


PLACES = {
    "list without paging": (SANDBOX_FILE.replace("  paging: offset\n  limit: limit\n", ""), "list:", 1),
    "an unknown paging": (SANDBOX_FILE.replace("paging: offset", "paging: pages"), "  paging: pages", 3),
    "an unknown key": (SANDBOX_FILE + "colour: red\n", "colour: red", 1),
    "a status that means both": (
        SANDBOX_FILE.replace("  items: /data", "  status: {field: /s, alive: [a], ended: [a]}\n  items: /data"),
        "  status: {field: /s, alive: [a], ended: [a]}",
        35,
    ),
    "a bad pointer": (SANDBOX_FILE.replace("value: /data/key", "value: key"), "  value: key", 3),
}


@pytest.mark.parametrize("case", PLACES)
def test_an_error_in_a_file_names_its_place(case, tmp_path):
    text, line, column = PLACES[case]
    path = provider_file(tmp_path, "https://acme.example", text)
    with pytest.raises(InputError) as caught:
        load(path)
    assert caught.value.message.startswith(f"{path}:{text.splitlines().index(line) + 1}:{column}: ")


def test_a_list_goes_on_where_its_link_leads_and_nowhere_else(tmp_path):
    """The credential goes with every request, so a link to another host, scheme or path is not followed."""
    text = changed("paging: offset\n  limit: limit", "paging: link")
    rows = json.dumps({"data": ROWS}).encode()
    for link in (
        "https://evil.example/api-keys?page=2",
        "//evil.example/api-keys",
        "/elsewhere?page=2",
        "http://[",
        "../..",
    ):
        with ScriptedServer(reply(200, rows, f'Link: <{link}>; rel="next"')) as server, pytest.raises(Unreachable):
            issuer(acme(tmp_path, server.url, text), VALUE).listed()
        assert len(server.requests) == 1
    for link in ("?page=2", "/api-keys?page=2"):
        answers = (reply(200, rows, f'Link: <{link}>; rel="next"'), reply(200, b'{"data": []}')) * 2
        with ScriptedServer(*answers) as server:
            found = issuer(acme(tmp_path, server.url, text), VALUE).listed()
        assert (len(found.rows), found.complete) == (1, True)
        assert [request.split()[1] for request in server.requests] == [b"/api-keys", b"/api-keys?page=2"] * 2


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path):
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(InputError):
            load(path)


def test_everything_a_file_can_say(tmp_path):
    text = SANDBOX_FILE + (
        'revoke_lag: 5s\nactivate_lag: 0.5s\npause: 2m\ndeath_floor: 90s\nconfirm_after: 2d\nmax_active: "2"\noverlap: "false"\n'
    )
    can = acme(tmp_path, "https://acme.example", text).capabilities
    assert (can.revoke_lag.total_seconds(), can.activate_lag.total_seconds(), can.pause.total_seconds()) == (
        5,
        0.5,
        120,
    )
    assert (can.death_window.length.total_seconds(), can.confirm_after.days) == (90, 2)
    assert (can.max_active, can.overlap, can.last_used, can.scope_kind) == (2, False, True, "org")


READINGS = {
    "alive": (200, {"data": {"orgId": "o1", "name": "Org"}}, Verdict.ALIVE, "http-200", ScopeVerdict.RIGHT),
    "a numeric scope": (200, {"data": {"orgId": 1}}, Verdict.ALIVE, "http-200", ScopeVerdict.WRONG),
    "no scope": (200, {"data": {}}, Verdict.UNKNOWN, "schema", ScopeVerdict.UNVERIFIED),
    "a list": (200, [], Verdict.UNKNOWN, "schema", ScopeVerdict.UNVERIFIED),
    "alive by another status": (403, {"error": "x"}, Verdict.ALIVE, "http-403", ScopeVerdict.UNVERIFIED),
    "that status without json": (403, None, Verdict.UNKNOWN, "schema", ScopeVerdict.UNVERIFIED),
    "a status nobody named": (402, {"error": "x"}, Verdict.UNKNOWN, "http-402", ScopeVerdict.UNVERIFIED),
    "dead": (401, {}, Verdict.DEAD, "http-401", ScopeVerdict.UNVERIFIED),
}


@pytest.mark.parametrize("case", READINGS)
def test_the_files_statuses_decide(case, tmp_path):
    status, tree, verdict, reason, scope = READINGS[case]
    with ScriptedServer(reply(status, json.dumps(tree).encode())) as server:
        seen = acme(tmp_path, server.url).probe(VALUE, Scope("org", "o1"))
    assert (seen.verdict, seen.reason, seen.scope_verdict) == (verdict, reason, scope)
    assert b"X-Api-Key: tgcanary-generic-token" in server.requests[0]
    assert b"Authorization" not in server.requests[0]


def test_a_file_can_make_another_status_mean_death(tmp_path):
    text = changed('alive: ["200", "403"]', 'dead: ["401", "403"]')
    with ScriptedServer(reply(403, b"{}")) as server:
        assert acme(tmp_path, server.url, text).probe(VALUE, None).verdict is Verdict.DEAD
    with ScriptedServer(reply(403, b"<html>", kind="text/html")) as server:
        assert acme(tmp_path, server.url, text).probe(VALUE, None).verdict is Verdict.UNKNOWN


def test_a_provider_without_a_probe_is_never_asked(tmp_path):
    start, end = GUIDED_FILE.index("probe:"), GUIDED_FILE.index("guide:")
    provider = acme(tmp_path, "https://acme.example", GUIDED_FILE[:start] + GUIDED_FILE[end:])
    assert provider.probe(VALUE, None).reason == "no-probe"
    assert not provider.capabilities.probe
    assert provider.warnings(VALUE) == ()


SCOPED = changed("POST /api-keys", "POST /orgs/{scope}/keys")


def test_scope_and_label_are_encoded_where_they_stand(tmp_path):
    answer = reply(201, b'{"data": {"key": "tgcanary-fresh-key", "id": 17}}')
    with ScriptedServer(answer) as server:
        admin = issuer(acme(tmp_path, server.url, SCOPED), VALUE)
        minted = admin.create(TokenRequest(label=Label('x"/../?#'), scope=Scope("org", "o.1"), permissions=("a", "b")))
    assert minted.provider_id == "17"
    assert server.requests[0].startswith(b"POST /orgs/o.1/keys HTTP/1.1")
    assert json.loads(server.requests[0].split(b"\r\n\r\n")[1]) == {"name": 'x"/../?#', "scopes": ["a", "b"]}


def test_a_request_that_needs_a_scope_is_not_sent_without_one(tmp_path):
    with ScriptedServer(reply(201, b"{}")) as server, pytest.raises(CreateRefused):
        issuer(acme(tmp_path, server.url, SCOPED), VALUE).create(TokenRequest(label=Label("x"), scope=None))
    assert server.connections == 0


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"key": "tgcanary-fresh-key"},
        {"id": "1"},
        {"key": "short", "id": "1"},
        {"key": "tgcanary-generic-token", "id": "1"},
    ],
)
def test_a_create_reply_that_cannot_be_believed_is_ambiguous(data, tmp_path):
    with ScriptedServer(reply(201, json.dumps({"data": data}).encode())) as server, pytest.raises(Ambiguous) as caught:
        issuer(acme(tmp_path, server.url), VALUE).create(TokenRequest(label=Label("x"), scope=None))
    assert "tgcanary" not in f"{caught.value!r}{caught.value.hint}"


ROWS = [{"id": "k1", "name": "one", "createdAt": "2026-10-01T09:00:00", "lastUsedAt": "yesterday", "keyHint": "k...1"}]


def test_rows_are_read_as_the_file_points(tmp_path):
    text = changed("paging: offset\n  limit: limit", "paging: none")
    with ScriptedServer(reply(200, json.dumps({"data": ROWS}).encode())) as server:
        (row,) = issuer(acme(tmp_path, server.url, text), VALUE).listed().rows
    assert (row.provider_id, row.label, row.hint, row.last_used_at) == ("k1", "one", "k...1", None)
    assert row.created_at.isoformat() == "2026-10-01T09:00:00+00:00"


@pytest.mark.parametrize(
    ("expired", "listed"), [(timedelta(minutes=-1), True), (timedelta(minutes=6), True), (timedelta(days=2), False)]
)
def test_a_listed_token_exists_until_its_expiry_is_over_by_any_clock(expired, listed, tmp_path):
    text = changed("paging: offset\n  limit: limit", "paging: none")
    rows = [{"id": "k1", "name": "one", "expiresAt": (FakeClock().now() - expired).isoformat()}]
    with ScriptedServer(reply(200, json.dumps({"data": rows}).encode())) as server:
        found = issuer(acme(tmp_path, server.url, text), VALUE).listed()
    assert found.holds("k1") is listed


@pytest.mark.parametrize(
    "tree", [{}, {"data": {}}, {"data": [{}]}, {"data": [{"id": "k1"}]}, {"data": [{"id": "a/b", "name": "x"}]}, []]
)
def test_a_list_that_cannot_be_believed_is_no_empty_list(tree, tmp_path):
    with ScriptedServer(reply(200, json.dumps(tree).encode())) as server, pytest.raises(Unreachable):
        issuer(acme(tmp_path, server.url), VALUE).listed()


@pytest.mark.parametrize("field", ["id", "name"])
def test_a_list_whose_id_or_label_is_the_credential_that_asks_is_not_read(field, tmp_path):
    """With a file that describes no shape."""
    text, value = SANDBOX_FILE.partition("shape:")[0], VALUE.token.reveal()
    data = json.dumps({"data": [{"id": "k1", "name": "one"} | {field: value}]}).encode()
    with ScriptedServer(reply(200, data)) as server, pytest.raises(Unreachable) as refused:
        issuer(acme(tmp_path, server.url, text), VALUE).listed()
    assert value not in f"{refused.value.message} {refused.value.hint}"


def test_a_hint_that_is_the_credential_that_asks_is_left_out(tmp_path):
    text = changed("paging: offset\n  limit: limit", "paging: none").partition("shape:")[0]
    rows = [{"id": "k1", "name": "one", "keyHint": VALUE.token.reveal()}]
    with ScriptedServer(reply(200, json.dumps({"data": rows}).encode())) as server:
        (row,) = issuer(acme(tmp_path, server.url, text), VALUE).listed().rows
    assert row.hint == ""


def test_an_outage_while_listing_is_unreachable(tmp_path):
    with ScriptedServer(reply(200)) as server:
        admin = issuer(acme(tmp_path, server.url), VALUE)
    with pytest.raises(Unreachable, match="connect"):
        admin.listed()


def test_a_file_may_revoke_by_api_what_a_person_makes(tmp_path):
    rest = GUIDED_FILE + SANDBOX_FILE[SANDBOX_FILE.index("list:") : SANDBOX_FILE.index("shape:")]
    provider = acme(tmp_path, "https://acme.example", rest)
    assert (provider.capabilities.mint, provider.capabilities.revoke) == (Method.PERSON, Method.API)
    with pytest.raises(CreateRefused):
        issuer(provider, VALUE).create(TokenRequest(label=Label("x"), scope=None))


def test_a_body_may_nest_lists(tmp_path):
    text = changed('scopes: "{permissions}"', 'names: ["{label}", {deep: "{label}!"}], none: null')
    answer = reply(201, b'{"data": {"key": "tgcanary-fresh-key", "id": "1"}}')
    with ScriptedServer(answer) as server:
        issuer(acme(tmp_path, server.url, text), VALUE).create(TokenRequest(label=Label("x"), scope=None))
    assert json.loads(server.requests[0].split(b"\r\n\r\n")[1])["names"] == ["x", {"deep": "x!"}]


def test_a_token_the_service_does_not_know_any_more_is_gone(tmp_path):
    with ScriptedServer(reply(410)) as server:
        issuer(acme(tmp_path, server.url), VALUE).revoke("key_1")
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", CHARACTERS)
def test_a_shape_is_prefix_characters_and_length(name):
    shape = Shape(prefix="tg_", characters=name, shortest=2, longest=4)
    inside = min(CHARACTERS[name])
    assert [shape.fits("tg_" + inside * n) for n in range(6)] == [False, False, True, True, True, False]
    assert not shape.fits("xx_" + inside * 3)
    assert not shape.fits("tg_" + "!" * 3)


def test_a_shape_is_quick_on_any_value():
    assert not Shape(prefix="a", characters="letters", shortest=1, longest=4096).fits("a" * 4_000_000 + "!")


POINTERS = {
    "": {"a": [{"b/c": 1}], "~": 2},
    "/a": [{"b/c": 1}],
    "/a/0/b~1c": 1,
    "/~0": 2,
    "/a/1": None,
    "/a/-1": {"b/c": 1},
    "/a/-2": None,
    "/a/00": None,
    "/a/x": None,
    "/b": None,
    "/~0/x": None,
}


@pytest.mark.parametrize("text", POINTERS)
def test_a_pointer_finds_what_is_there_and_nothing_else(text):
    assert JsonPointer.parse(text).find(POINTERS[""]) == POINTERS[text]


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_filled_template_is_never_evaluated_again(template_text, value):
    """A value that looks like a placeholder stays text, and no checked template fails to be filled."""
    if not request_template.problem(template_text, ("label",)) and template_text not in {"{true}", "{false}", "{null}"}:
        filled = request_template.fill(template_text, {"label": value})
        assert filled == template_text.replace("{label}", value)


json_like = st.recursive(
    st.none() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(json_like)
def test_any_tree_is_a_description_or_an_input_error(tree):
    with pytest.raises(InputError):
        described(tree, locate=".".join)


def hinting(folder, url):
    return acme(folder, url, changed("  value: /data/key", "  value: /data/key\n  hint: /data/keyHint"))


ECHOES = {
    "plain": "{}", "in a sentence": "of ({})", "after a prefix": "acme_{}", "in capitals": "{U}", "in base64": "{B}"
}  # fmt: skip


def _echo(shape: str) -> str:
    text = VALUE.token.reveal()
    return shape.format(text, U=text.upper(), B=base64.b64encode(b"x" + text.encode()).decode())


@pytest.mark.parametrize("shape", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("field", ["orgId", "name"])
def test_an_answer_that_repeats_the_value_never_becomes_a_scope_or_its_name(field, shape, tmp_path):
    tree = {"data": {"orgId": "o1", "name": "Org"} | {field: _echo(shape)}}
    with ScriptedServer(reply(200, json.dumps(tree).encode())) as server:
        seen = acme(tmp_path, server.url).probe(VALUE, None)
    if field == "orgId":
        assert (seen.verdict, seen.scope) == (Verdict.UNKNOWN, None)
    else:
        assert (seen.verdict, str(seen.scope), seen.scope_name) == (Verdict.ALIVE, "org:o1", "")


@pytest.mark.parametrize("shape", ECHOES.values(), ids=ECHOES)
def test_a_list_that_repeats_the_credential_shows_it_nowhere(shape, tmp_path):
    text = changed("paging: offset\n  limit: limit", "paging: none").partition("shape:")[0]
    rows = [{"id": "k1", "name": "one", "keyHint": _echo(shape)}]
    with ScriptedServer(reply(200, json.dumps({"data": rows}).encode())) as server:
        (row,) = issuer(acme(tmp_path, server.url, text), VALUE).listed().rows
    assert row.hint == ""
    rows = [{"id": "k1", "name": _echo(shape)}]
    with ScriptedServer(reply(200, json.dumps({"data": rows}).encode())) as server, pytest.raises(Unreachable):
        issuer(acme(tmp_path, server.url, text), VALUE).listed()


@pytest.mark.parametrize("made", [hinting, autoposting])
def test_an_id_that_holds_the_new_value_is_ambiguous_and_such_a_hint_is_left_out(made, tmp_path):
    fresh = "tgcanary-fresh-key"
    for more, hint in (({"keyHint": f"it is {fresh}"}, ""), ({"keyHint": "tgca...-key"}, "tgca...-key")):
        data = json.dumps({"data": {"key": fresh, "id": "k1", **more}}).encode()
        with ScriptedServer(reply(201, data)) as server:
            created = issuer(made(tmp_path, server.url), VALUE).create(TokenRequest(label=Label("x"), scope=None))
        assert created.hint == hint
    data = json.dumps({"data": {"key": fresh, "id": f"k-{fresh}"}}).encode()
    with ScriptedServer(reply(201, data)) as server, pytest.raises(Ambiguous):
        issuer(made(tmp_path, server.url), VALUE).create(TokenRequest(label=Label("x"), scope=None))
