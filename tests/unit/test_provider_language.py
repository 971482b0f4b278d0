"""What services need of a provider file: several credentials, verdicts in bodies, expiry dates, scopes, several steps."""

import base64
import dataclasses
import json
import re

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.provider_files import provider_file
from tests.fakes.scripted_server import ScriptedServer, reply
from tokenguard.domain.liveness import Verdict
from tokenguard.domain.names import Label, new_label, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import InputError
from tokenguard.ports.provider import Ambiguous, CreateRefused, TokenRequest
from tokenguard.providers.generic.file_checks import checks_for, run_check
from tokenguard.providers.generic.loading import load
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings

VALUE = Value.of("tgcanary-token")
PAIR = Value({"token": Secret("tgcanary-token"), "key_id": Secret("tgcanary-id")})
SCOPE = Scope("project", "42")
BOTH_FIELDS = "{token: /token, key_id: /key}"

FILE = """\
name: acme
base_url: BASE
scope_kind: project
headers: {X-Api-Version: "2026-11-01"}
auth: AUTH
probe: PROBE
lifetime: 90d
create:
  request: POST /projects/{scope}/tokens
  body: CREATE
  value: VALUE
  id: /id
list:
  request: GET /projects/{scope}/tokens
  items: ""
  id: /id
  label: /name
  paging: link
revoke: REVOKE
"""
PARTS = {
    "AUTH": "bearer",
    "PROBE": "{request: GET /me}",
    "CREATE": '{name: "{label}", scopes: "{permissions}", expires_at: "{expires_date}"}',
    "VALUE": "/token",
    "REVOKE": "{request: 'DELETE /projects/{scope}/tokens/{id}'}",
}


def text_with(**parts):
    text = FILE
    for name, said in (PARTS | parts).items():
        text = text.replace(f": {name}\n", f": {said}\n")
    return text


def acme(folder, url="https://acme.example", **parts):
    return build("acme", ProviderSettings(file=provider_file(folder, url, text_with(**parts))), FakeClock())


def admin_of(folder, server, value=VALUE, scope=SCOPE, **parts):
    return issuer(acme(folder, server.url, **parts), value, scope)


def asked(server, number=0):
    head, _, body = server.requests[number].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines[1:])}
    return lines[0].removesuffix(" HTTP/1.1"), headers, json.loads(body) if body else None


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


CARRIED = {
    "bearer": ("bearer", VALUE, "GET /me", {"authorization": "Bearer tgcanary-token"}),
    "basic": ("basic", VALUE, "GET /me", {"authorization": basic("tgcanary-token:")}),
    "a header": ("header X-Key", VALUE, "GET /me", {"x-key": "tgcanary-token"}),
    "two headers": (
        '{headers: {X-Key: "{key_id}", X-Secret: "{token}"}}', PAIR, "GET /me",
        {"x-key": "tgcanary-id", "x-secret": "tgcanary-token"},
    ),
    "a prefix": ('{headers: {Authorization: "token {token}"}}', VALUE, "GET /me", {"authorization": "token tgcanary-token"}),
    "basic of a pair": ('{basic: "{key_id}:{token}"}', PAIR, "GET /me", {"authorization": basic("tgcanary-id:tgcanary-token")}),
    "the query": ('{query: {key: "{token}"}}', VALUE, "GET /me?key=tgcanary-token", {}),
    "both": ('{query: {id: "{key_id}"}, headers: {X-Key: "{token}"}}', PAIR, "GET /me?id=tgcanary-id", {"x-key": "tgcanary-token"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CARRIED)
def test_a_credential_travels_as_the_file_says_and_in_no_other_way(case, tmp_path):
    auth, value, line, headers = CARRIED[case]
    with ScriptedServer(reply(200, b"{}")) as server:
        assert acme(tmp_path, server.url, AUTH=auth, VALUE=BOTH_FIELDS).probe(value, None).verdict is Verdict.ALIVE
    seen, sent, _ = asked(server)
    assert (seen, sent["x-api-version"]) == (line, "2026-11-01")
    assert {name: text for name, text in sent.items() if name in {"authorization", "x-key", "x-secret"}} == headers


def test_a_value_that_lacks_a_field_is_not_sent(tmp_path):
    auth = '{headers: {X-Key: "{key_id}", X-Secret: "{token}"}}'
    with ScriptedServer(reply(200, b"{}")) as server:
        provider = acme(tmp_path, server.url, AUTH=auth, VALUE=BOTH_FIELDS)
        assert provider.probe(VALUE, None).verdict is Verdict.UNKNOWN
        with pytest.raises(CreateRefused):
            issuer(provider, VALUE, SCOPE).listed()
    assert server.connections == 0


def test_the_admin_credential_may_travel_in_another_way_than_tokens(tmp_path):
    both = 'basic\nadmin_auth: {headers: {X-Admin: "{token}"}}'
    with ScriptedServer(reply(200, b"[]")) as server:
        admin_of(tmp_path, server, AUTH=both).listed()
    _, sent, _ = asked(server)
    assert (sent["x-admin"], "authorization" in sent) == ("tgcanary-token", False)


SLACK = '{request: GET /me, alive: [{status: "200", at: /ok, is: ["true"]}], dead: [{status: "200", at: /error, is: [token_revoked, invalid_auth]}, "401"]}'
REASONED = '{request: GET /me, alive: ["200", "403"], dead: ["401", {status: "403", at: /code, is: ["10001"]}]}'
VERDICTS = {
    "alive by its body": (SLACK, 200, {"ok": True}, Verdict.ALIVE),
    "dead by its body": (SLACK, 200, {"ok": False, "error": "token_revoked"}, Verdict.DEAD),
    "another error": (SLACK, 200, {"ok": False, "error": "ratelimited"}, Verdict.UNKNOWN),
    "both at once": (SLACK, 200, {"ok": True, "error": "token_revoked"}, Verdict.UNKNOWN),
    "neither": (SLACK, 200, {}, Verdict.UNKNOWN),
    "dead by its status": (SLACK, 401, {}, Verdict.DEAD),
    "a list": (SLACK, 200, [{"ok": True}], Verdict.UNKNOWN),
    "a refusal that means dead": (REASONED, 403, {"code": 10001}, Verdict.DEAD),
    "a refusal that means alive": (REASONED, 403, {"code": 9109}, Verdict.ALIVE),
    "a list is JSON": ("{request: GET /me}", 200, [], Verdict.ALIVE),
    "text is not": ("{request: GET /me}", 200, "ok", Verdict.UNKNOWN),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_status_and_body_decide_together(case, tmp_path):
    probe, status, tree, verdict = VERDICTS[case]
    with ScriptedServer(reply(status, json.dumps(tree).encode())) as server:
        assert acme(tmp_path, server.url, PROBE=probe).probe(VALUE, None).verdict is verdict


def test_a_page_for_people_is_never_a_verdict(tmp_path):
    with ScriptedServer(reply(200, b'{"ok": true}', kind="text/html")) as server:
        assert acme(tmp_path, server.url, PROBE=SLACK).probe(VALUE, None).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("{expires_date}", "2027-02-24"),
        ("{expires_time}", "2027-02-24T12:00:00Z"),
        ("{expires_unix}", 1803470400),
        ("{expires_seconds}", 7776000),
        ("until {expires_date}", "until 2027-02-24"),
        ("{true}", True),
        ("{false}", False),
        ("{null}", None),
        ("{90}", 90),
        ("{-1}", -1),
    ],
)
def test_a_body_may_have_an_expiry_and_constants_that_are_no_text(said, sent, tmp_path, monkeypatch):
    body = f'{{name: "{{label}}", "{{scope}}": "{said}"}}'
    answer = reply(201, b'{"token": "tgcanary-fresh-key", "id": 17}')
    with ScriptedServer(answer) as server:
        provider = acme(tmp_path, server.url, CREATE=body)
        clock = provider._clock
        monkeypatch.setattr(clock, "now", lambda: FakeClock().now().replace(2026, 11, 26, 12, 0, 0, 0))
        issuer(provider, VALUE, SCOPE).create(TokenRequest(label=Label("x"), scope=SCOPE))
    line, _, found = asked(server)
    assert (line, found) == ("POST /projects/42/tokens", {"name": "x", "42": sent})


def test_a_value_of_several_fields_is_read_whole_or_not_at_all(tmp_path):
    parts = {"VALUE": "{token: /secret, key_id: /id}"}
    with ScriptedServer(reply(201, b'{"secret": "tgcanary-fresh-key", "id": "tgcanary-fresh-id"}')) as server:
        made = admin_of(tmp_path, server, **parts).create(TokenRequest(label=Label("x"), scope=SCOPE))
    assert made.value == Value({"token": Secret("tgcanary-fresh-key"), "key_id": Secret("tgcanary-fresh-id")})
    with ScriptedServer(reply(201, b'{"id": "tgcanary-fresh-id"}')) as server, pytest.raises(Ambiguous):
        admin_of(tmp_path, server, **parts).create(TokenRequest(label=Label("x"), scope=SCOPE))


def test_a_request_may_have_parameters_that_name_scope_and_token(tmp_path):
    revoke = '{request: DELETE /tokens, query: {version: "2026-11-01", key: "{id}", of: "{scope}"}}'
    with ScriptedServer(reply(204, b"")) as server:
        admin_of(tmp_path, server, REVOKE=revoke).revoke("a/b".replace("/", "-"))
    assert asked(server)[0] == "DELETE /tokens?version=2026-11-01&key=a-b&of=42"


def test_bodies_may_be_json_of_another_media_type(tmp_path):
    with ScriptedServer(reply(201, b'{"token": "tgcanary-fresh-key", "id": "1"}')) as server:
        jsonapi = admin_of(tmp_path, server, AUTH="bearer\nencoding: application/vnd.api+json")
        jsonapi.create(TokenRequest(label=Label("x"), scope=SCOPE))
    assert asked(server)[1]["content-type"] == "application/vnd.api+json"


def test_an_update_may_be_a_list_of_changes(tmp_path):
    patch = "{request: 'PATCH /tokens/{id}', body: [{op: replace, path: /name, value: '{label}'}]}"
    with ScriptedServer(reply(200, b"{}")) as server:
        admin = admin_of(tmp_path, server, AUTH=f"bearer\nupdate: {patch}")
        admin.update("1", TokenRequest(label=Label("new-name"), scope=SCOPE))
    assert asked(server)[2] == [{"op": "replace", "path": "/name", "value": "new-name"}]


def test_a_list_may_be_an_array_of_one_scope_over_linked_pages(tmp_path):
    first = [{"id": 1, "name": "one"}]
    with ScriptedServer(reply(200, b"[]")) as empty:
        assert admin_of(tmp_path, empty).listed().complete
    link = 'Link: </projects/42/tokens?page=2>; rel="next"'
    pages = [reply(200, json.dumps(first).encode(), link), reply(200, b'[{"id": 2, "name": "two"}]')] * 2
    with ScriptedServer(*pages) as server:
        found = admin_of(tmp_path, server).listed()
    assert ([row.provider_id for row in found.rows], found.complete) == (["1", "2"], True)
    assert asked(server, 1)[0] == "GET /projects/42/tokens?page=2"


def test_a_list_of_one_scope_is_not_asked_for_without_it(tmp_path):
    provider = acme(tmp_path)
    assert provider.capabilities.lists_per_scope
    with pytest.raises(CreateRefused):
        issuer(provider, VALUE).listed()


TWO_STEPS = """
  - {request: 'PATCH /projects/{scope}/tokens/{id}', body: {active: "{false}"}}
  - {request: 'DELETE /projects/{scope}/tokens/{id}'}"""


def test_a_revoke_may_have_several_steps(tmp_path):
    with ScriptedServer(reply(200, b"{}"), reply(204)) as server:
        admin_of(tmp_path, server, REVOKE=TWO_STEPS).revoke("17")
    assert asked(server)[::2] == ("PATCH /projects/42/tokens/17", {"active": False})
    assert asked(server, 1)[0] == "DELETE /projects/42/tokens/17"


@pytest.mark.parametrize(("first", "error", "sent"), [(404, None, 1), (500, Ambiguous, 1), (403, CreateRefused, 1)])
def test_a_step_that_is_not_done_is_the_last(first, error, sent, tmp_path):
    with ScriptedServer(reply(first, b"{}")) as server:
        admin = admin_of(tmp_path, server, REVOKE=TWO_STEPS)
        if error is None:
            admin.revoke("17")
        else:
            with pytest.raises(error):
                admin.revoke("17")
    assert len(server.requests) == sent


BAD = {
    "a credential nowhere": {"AUTH": "{}"},
    "a credential in an unknown place": {"AUTH": '{cookies: {a: "{token}"}}'},
    "a header without a placeholder": {"AUTH": "{headers: {X-Key: fixed}}"},
    "a header with a word that is not a field": {"AUTH": '{headers: {X-Key: "{Token.x}"}}'},
    "a header that frames": {"AUTH": '{headers: {Content-Length: "{token}"}}'},
    "a header with a new line": {"AUTH": '{headers: {"X\\r\\nEvil": "{token}"}}'},
    "a parameter that is two": {"AUTH": '{query: {"a&b": "{token}"}}'},
    "basic without a colon": {"AUTH": '{basic: "{token}"}'},
    "a fixed Authorization": {"AUTH": "bearer\nX: y"},
    "200 alone as death": {"PROBE": '{request: GET /me, dead: ["200"]}'},
    "a body that says dead beside a plain 200": {
        "PROBE": '{request: GET /me, dead: [{status: "200", at: /error, is: [revoked]}]}'
    },
    "429 with a body as death": {"PROBE": '{request: GET /me, dead: [{status: "429", at: /error, is: [revoked]}]}'},
    "401 with a body as life": {"PROBE": '{request: GET /me, alive: [{status: "401", at: /ok, is: ["true"]}]}'},
    "a condition without values": {"PROBE": '{request: GET /me, dead: [{status: "403", at: /error, is: []}]}'},
    "a condition without a place": {"PROBE": '{request: GET /me, dead: [{status: "403", is: [x]}]}'},
    "a condition with a bad pointer": {"PROBE": '{request: GET /me, dead: [{status: "403", at: error, is: [x]}]}'},
    "a condition with an unknown key": {"PROBE": '{request: GET /me, dead: [{status: "403", at: /e, is: [x], or: y}]}'},
    "a key with another placeholder": {"CREATE": '{name: "{label}", "{label}": x}'},
    "a login with a field that no new token has": {"AUTH": '{basic: "{key_id}:{token}"}'},
    "a request of a new token with the value in its address": {"REVOKE": '{request: DELETE /x, query: {k: "{token}"}}'},
    "a request with parameters that names no token": {"REVOKE": '{request: DELETE /x, query: {k: "{scope}"}}'},
    "parameters in a path": {"REVOKE": '{request: "DELETE /x/{id}?version=1"}'},
    "parameters that nest": {"REVOKE": '{request: "DELETE /x/{id}", query: {k: [a]}}'},
    "a media type that is not JSON": {"AUTH": "bearer\nencoding: application/xml"},
    "a media type with a new line": {"AUTH": 'bearer\nencoding: "application/x+json\\r\\nEvil: x"'},
    "a list of changes as a form": {
        "AUTH": "bearer\nencoding: form\nupdate: {request: 'PUT /x/{id}', body: [{name: '{label}'}]}"
    },
    "a revocation that is a list": {"REVOKE": "{request: 'POST /x/{id}', body: [a]}"},
    "no value called token": {"VALUE": "{secret: /secret}"},
    "a value of nothing": {"VALUE": "{}"},
    "no revoke steps": {"REVOKE": "[]"},
    "a step that reads": {"REVOKE": "[{request: 'GET /tokens/{id}'}]"},
    "a step that is text": {"REVOKE": "['DELETE /tokens/{id}']"},
    "a step that names no token": {"REVOKE": "[{request: 'DELETE /tokens/{id}'}, {request: DELETE /tokens}]"},
}


@pytest.mark.parametrize("case", BAD)
def test_what_no_service_has_is_an_input_error_with_its_place(case, tmp_path):
    path = provider_file(tmp_path, "https://acme.example", text_with(**BAD[case]))
    with pytest.raises(InputError, match=r"acme\.yaml:\d+:\d+: "):
        load(path)


def test_an_expiry_without_a_lifetime_is_an_input_error(tmp_path):
    path = provider_file(tmp_path, "https://acme.example", text_with().replace("lifetime: 90d\n", ""))
    with pytest.raises(InputError, match="placeholder"):
        load(path)


INTROSPECTION = '{request: POST /oauth2/introspect, introspect: {token: "{token}", token_type_hint: access_token}}'


@pytest.mark.parametrize(
    ("body", "verdict"), [(b'{"active":true}', "alive"), (b'{"active":false}', "dead"), (b"{}", "unknown")]
)
def test_an_introspection_posts_the_token_and_its_body_alone_decides(body, verdict, tmp_path):
    with ScriptedServer(reply(200, body)) as server:
        assert acme(tmp_path, server.url, PROBE=INTROSPECTION).probe(VALUE, None).verdict == verdict
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /oauth2/introspect ")
    assert sent == b"token=tgcanary-token&token_type_hint=access_token"


@pytest.mark.parametrize(
    "probe",
    [
        "{request: POST /me}",
        '{request: GET /me, introspect: {token: "{token}"}}',
        '{request: POST /introspect, introspect: {access_token: "{token}"}}',
        '{request: POST /introspect, introspect: {token: "{label}"}}',
    ],
)
def test_a_post_that_is_no_introspection_is_refused(probe, tmp_path):
    with pytest.raises(InputError, match=r"acme\.yaml:\d+:\d+"):
        acme(tmp_path, PROBE=probe)


def test_each_permission_becomes_an_element_where_the_file_says_so(tmp_path):
    body = '{name: "{label}", grants: [{id: "{each_permission}", effect: allow}], all: "{permissions}"}'
    with ScriptedServer(reply(201, b'{"token": "tgcanary-new-token", "id": "1"}')) as server:
        wanted = TokenRequest(label=Label("one"), scope=SCOPE, permissions=("read", "write"))
        admin_of(tmp_path, server, CREATE=body).create(wanted)
    _, _, sent = asked(server)
    assert sent["grants"] == [{"id": "read", "effect": "allow"}, {"id": "write", "effect": "allow"}]


def test_a_permission_that_the_file_does_not_list_is_never_sent(tmp_path):
    listed = "{request: GET /me}\npermissions: {read: reads posts}\nadmin_permissions: {api_write: creates keys}"
    with ScriptedServer(reply(201, b'{"token": "tgcanary-new-token", "id": "1"}')) as server:
        bound = admin_of(tmp_path, server, PROBE=listed)
        with pytest.raises(CreateRefused):
            bound.create(TokenRequest(label=Label("one"), scope=SCOPE, permissions=("read", "write")))
        assert server.connections == 0
        bound.create(TokenRequest(label=Label("one"), scope=SCOPE, permissions=("read",)))


def test_labels_keep_to_the_punctuation_of_the_service():
    name = token_name("video/app.v2/prod/post_it")
    for allowed in ("-._", "_", "-", ""):
        label = new_label(name, 3, 64, allowed)
        assert not set(label) & (set("-._") - set(allowed))
        assert len({new_label(name, 3, 64, allowed) for _ in range(20)}) == 20
        assert len(new_label(name, 3, 20, allowed)) <= 20


@pytest.mark.parametrize("name", ["web/ci--push", "a-/b_./c.", "v1.-2/x", "/".join(["a-" * 31] * 6)])
@pytest.mark.parametrize("limit", [20, 40, 64])
def test_a_label_has_no_punctuation_twice_in_a_row(name, limit):
    """As Harbor wants the names of robots."""
    assert re.fullmatch(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", new_label(token_name(name), 1, limit))


@pytest.mark.parametrize("name", ["3d/app/prod", "9", "/".join(["7" * 63] * 6)])
@pytest.mark.parametrize("limit", [20, 64])
def test_a_label_begins_with_a_letter_where_the_service_wants_one(name, limit):
    label = new_label(token_name(name), 3, limit, "_", letter_first=True)
    assert label[0].isalpha()
    assert len(label) <= limit
    assert new_label(token_name(name), 3, limit)[0] == name[0]
    assert new_label(token_name("video/app"), 3, letter_first=True).startswith("video-app-")


def test_a_file_says_that_labels_begin_with_a_letter(tmp_path):
    said = acme(tmp_path, PROBE="{request: GET /me}\nlabel_start: letter")
    assert said.capabilities.label_letter_first
    assert not acme(tmp_path, PROBE="{request: GET /me}\nlabel_start: any").capabilities.label_letter_first


def test_requests_keep_to_the_published_rate(tmp_path):
    clock = FakeClock()
    file = provider_file(
        tmp_path, "https://acme.example", text_with(PROBE="{request: GET /me}\nrate: {requests: '2', per: 10s}")
    )
    with ScriptedServer(*[reply(200, b"{}")] * 5) as server:
        provider = build("acme", ProviderSettings(file=file, base_url=server.url), clock)
        times = []
        for _ in range(5):
            provider.probe(VALUE, None)
            times.append(clock.elapsed)
    assert times == [0, 0, 10, 10, 20]


@pytest.mark.parametrize(
    "line",
    [
        "rate: {requests: '0', per: 10s}", "rate: {requests: '3'}", "rate: {requests: '3', per: 1m, burst: '2'}",
        'label_punctuation: "/"', "label_start: digit", "permissions: [read]", 'permissions: {"{x}": y}', "admin_permissions: read",
    ],
)  # fmt: skip
def test_limits_and_permissions_that_are_none_are_refused_with_their_place(line, tmp_path):
    with pytest.raises(InputError, match=r"acme\.yaml:\d+:\d+"):
        acme(tmp_path, PROBE=f"{{request: GET /me}}\n{line}")


@pytest.mark.parametrize("name", ["limit", "per_page", "page[size]", "Page-Number", "offset", "maxResults"])
def test_a_list_that_is_said_to_have_no_pages_is_not_asked_for_one(name, tmp_path):
    text = text_with().replace("  paging: link\n", f"  paging: none\n  query: {{'{name}': '100'}}\n")
    with pytest.raises(InputError, match=r"acme\.yaml:\d+:\d+"):
        load(provider_file(tmp_path, "https://acme.example", text))


TWO_SLOTS = """\
- {request: "PATCH /projects/{scope}/tokens/{id}", body: {active: "{false}"}}
  - {request: "DELETE /projects/{scope}/tokens/{id}"}"""


def test_a_service_that_deletes_only_inactive_tokens_passes_and_one_step_alone_does_not(tmp_path):
    text = text_with(REVOKE="\n  " + TWO_SLOTS)
    said = load(provider_file(tmp_path, "https://acme.example", text))
    assert not any(run_check(check, said) for check in checks_for(said))
    only = dataclasses.replace(said, revoke=said.revoke[1:])
    assert any(run_check(check, only, served=said) for check in checks_for(said))


def test_an_introspected_service_passes_every_check(tmp_path):
    said = load(provider_file(tmp_path, "https://acme.example", text_with(PROBE=INTROSPECTION)))
    assert [run_check(check, said) for check in checks_for(said)] == [""] * len(checks_for(said))
