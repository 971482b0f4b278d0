"""Autoposting: what a probe reads, the soft revoke, and create replies that cannot be believed."""

import json
from datetime import timedelta
from email.utils import format_datetime

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.scripted_server import ScriptedServer, reply
from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.names import Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.errors import InputError, TokenguardError, Unreachable
from tokenguard.ports.provider import Ambiguous, CreateRefused, TokenRequest
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.providers.write_result import new_value
from tokenguard.sandbox.fault_settings import FaultBurst, Operation
from tokenguard.sandbox.sandbox_server import Sandbox

ADMIN = "tgcanary-admin-session"
KEY = "tgcanary-fresh-key-0123456789"
WANTED = TokenRequest(label=Label("upload-abcd2345-1"), scope=None, permissions=("posts:read",))


def ok(tree, status=200):
    return reply(status, json.dumps(tree).encode())


def provider_at(url, **settings):
    return build("autoposting", ProviderSettings(base_url=url, **settings), FakeClock())


def issuer_at(url, **settings):
    return issuer(provider_at(url, **settings), Value.of(ADMIN))


def asked(server):
    return [" ".join(request.split(b" ")[i].decode() for i in (0, 1)) for request in server.requests]


PROFILES = {
    "in the envelope": ({"success": True, "data": {"id": "u", "orgId": "o1"}}, Verdict.ALIVE, ScopeVerdict.RIGHT),
    "bare": ({"id": "u", "orgId": "o1", "authType": "api_key"}, Verdict.ALIVE, ScopeVerdict.RIGHT),
    "another organisation": ({"orgId": "o2"}, Verdict.ALIVE, ScopeVerdict.WRONG),
    "no organisation": ({"id": "u"}, Verdict.UNKNOWN, ScopeVerdict.UNVERIFIED),
    "a number for one": ({"orgId": 1}, Verdict.UNKNOWN, ScopeVerdict.UNVERIFIED),
    "an unspeakable one": ({"orgId": "../o1"}, Verdict.UNKNOWN, ScopeVerdict.UNVERIFIED),
    "success is false": ({"success": False, "data": {"orgId": "o1"}}, Verdict.UNKNOWN, ScopeVerdict.UNVERIFIED),
    "an error besides": ({"error": "x", "orgId": "o1"}, Verdict.UNKNOWN, ScopeVerdict.UNVERIFIED),
}


@pytest.mark.parametrize("case", PROFILES)
def test_the_profile_must_name_the_organisation(case):
    tree, verdict, scope = PROFILES[case]
    with ScriptedServer(ok(tree)) as server:
        seen = provider_at(server.url).probe(Value.of(KEY), Scope("org", "o1"))
    assert (seen.verdict, seen.scope_verdict) == (verdict, scope)
    assert asked(server) == ["GET /auth/profile"]


@pytest.mark.parametrize("status", [402, 403])
def test_no_credits_and_no_scope_are_signs_of_life(status):
    with ScriptedServer(reply(status, b'{"success": false, "error": "billing_suspended"}')) as server:
        seen = provider_at(server.url).probe(Value.of(KEY), Scope("org", "o1"))
    assert (seen.verdict, seen.scope_verdict) == (Verdict.ALIVE, ScopeVerdict.UNVERIFIED)


CREATED = {"id": "key_1", "name": WANTED.label, "key": KEY}
UNBELIEVABLE = {
    "no data": {"success": True},
    "no key": {"data": {**CREATED, "key": None}},
    "an empty key": {"data": {**CREATED, "key": ""}},
    "a short key": {"data": {**CREATED, "key": "abc"}},
    "a key with a new line": {"data": {**CREATED, "key": f"{KEY}\nX"}},
    "a key with an escape": {"data": {**CREATED, "key": f"{KEY}\x1b[2J"}},
    "a key of 5,000 bytes": {"data": {**CREATED, "key": "k" * 5000}},
    "half a Descript token": {"data": {**CREATED, "key": "dx_secret_" + "0" * 36}},
    "the admin credential": {"data": {**CREATED, "key": ADMIN}},
    "no id": {"data": {**CREATED, "id": None}},
    "an id that climbs": {"data": {**CREATED, "id": "../x"}},
    "another name": {"data": {**CREATED, "name": "something-else"}},
    "a key and an error": {"data": CREATED, "error": "x"},
    "a key without success": {"data": CREATED, "success": False},
    "a list": [CREATED],
}


@pytest.mark.parametrize("case", UNBELIEVABLE)
def test_a_create_reply_that_cannot_be_believed_is_ambiguous_and_quotes_nothing(case):
    with ScriptedServer(ok(UNBELIEVABLE[case], 201)) as server, pytest.raises(Ambiguous) as caught:
        issuer_at(server.url).create(WANTED)
    shown = f"{caught.value!r} {caught.value.message} {caught.value.hint}"
    assert "tgcanary" not in shown
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 201])
def test_a_create_sends_name_and_scopes_and_believes_the_documented_reply(status):
    with ScriptedServer(ok({"success": True, "data": CREATED}, status)) as server:
        minted = issuer_at(server.url).create(WANTED)
    assert (minted.value, minted.provider_id) == (Value.of(KEY), "key_1")
    assert KEY not in repr(minted)
    assert json.loads(server.requests[0].split(b"\r\n\r\n")[1]) == {"name": WANTED.label, "scopes": ["posts:read"]}


LISTS = {
    "no data": {"success": True},
    "data is not a list": {"data": {}},
    "a row without an id": {"data": [{"name": "x"}]},
    "a row without a name": {"data": [{"id": "x"}]},
    "a row with a wild id": {"data": [{"id": "a/b", "name": "x"}]},
    "a row that is text": {"data": ["x"]},
    "an error besides": {"data": [], "error": "x"},
    "an object without rows": {"data": {"total": 0}},
}


@pytest.mark.parametrize("case", LISTS)
def test_a_list_that_cannot_be_believed_is_no_empty_list(case):
    with ScriptedServer(ok(LISTS[case])) as server, pytest.raises(Unreachable):
        issuer_at(server.url).listed()
    assert len(server.requests) <= 2


def test_an_expired_key_is_not_listed_as_live():
    clock = FakeClock()
    with Sandbox(clock=clock) as sandbox:
        sandbox.world.create_key("old", [], clock.now() - timedelta(seconds=1))
        sandbox.world.create_key("new", [], clock.now() + timedelta(days=1))
        provider = build("autoposting", ProviderSettings(base_url=sandbox.info.autoposting_url), clock)
        listed = issuer(provider, Value.of(sandbox.info.admin_key)).listed()
    assert [row.label for row in listed.rows] == ["new"]


LATER, EARLIER = timedelta(minutes=10), timedelta(minutes=-10)


@pytest.mark.parametrize("vendors", [LATER, EARLIER], ids=["the vendor's clock is ahead", "ours is ahead"])
def test_a_key_has_expired_when_the_vendors_own_clock_says_so(vendors):
    now = FakeClock().now()
    rows = [
        {"id": name, "name": name, "expiresAt": (now + vendors + left).isoformat()}
        for name, left in {"lives": timedelta(seconds=2), "expired": timedelta(seconds=-2)}.items()
    ]
    date = f"Date: {format_datetime(now + vendors, usegmt=True)}"
    with ScriptedServer(reply(200, json.dumps({"data": rows, "total": 2}).encode(), date)) as server:
        listed = issuer_at(server.url, paging="none").listed()
    assert [row.label for row in listed.rows] == ["lives"]


def test_without_the_vendors_time_an_expired_key_may_live_for_a_day():
    now = FakeClock().now()
    rows = [
        {"id": name, "name": name, "expiresAt": (now - ago).isoformat()}
        for name, ago in {"young": timedelta(hours=23), "old": timedelta(hours=25)}.items()
    ]
    with ScriptedServer(ok({"data": rows, "total": 2})) as server:
        listed = issuer_at(server.url, paging="none").listed()
    assert [row.label for row in listed.rows] == ["young"]


def test_the_soft_revoke_names_the_vendors_time():
    now = FakeClock().now() - timedelta(minutes=10)
    absent = reply(405, b"{}", f"Date: {format_datetime(now, usegmt=True)}")
    with ScriptedServer(absent, reply(200, b"{}")) as server:
        issuer_at(server.url).revoke("key_1")
    assert now.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode() in server.requests[1]


@pytest.fixture
def sandbox():
    with Sandbox(clock=FakeClock()) as running:
        yield running


def revoking(sandbox, **settings):
    provider = provider_at(sandbox.info.autoposting_url, **settings)
    return issuer(provider, Value.of(sandbox.info.admin_key))


def test_without_a_revoke_route_the_key_expires_now(sandbox):
    sandbox.knobs.delete_route = False
    key = sandbox.world.create_key("k", [])
    revoking(sandbox).revoke(key.id)
    assert not sandbox.world.alive(key.secret.reveal())
    assert key.expires_at == FakeClock().now()
    revoking(sandbox).revoke(key.id)


def test_a_lost_reply_of_the_soft_revoke_is_ambiguous(sandbox):
    sandbox.knobs.delete_route = False
    sandbox.knobs.drop_reply_after_commit[Operation.KEY_UPDATE] = 1
    key = sandbox.world.create_key("k", [])
    with pytest.raises(Ambiguous):
        revoking(sandbox).revoke(key.id)


def test_a_configured_route_is_used(sandbox):
    with ScriptedServer(reply(200, b"{}")) as server:
        issuer_at(server.url, revoke_route="POST /keys/{id}/revoke").revoke("key_1")
    assert asked(server) == ["POST /keys/key_1/revoke"]


@pytest.mark.parametrize(
    ("status", "error"), [(401, CreateRefused), (403, CreateRefused), (429, CreateRefused), (500, Ambiguous)]
)
def test_a_revocation_says_whether_it_may_have_worked(sandbox, status, error):
    key = sandbox.world.create_key("k", [])
    sandbox.knobs.status_storm = FaultBurst(status, 1)
    with pytest.raises(error):
        revoking(sandbox).revoke(key.id)
    assert sandbox.world.alive(key.secret.reveal())


@pytest.mark.parametrize(
    "route",
    [
        "",
        "DELETE",
        "/x/{id}",
        "delete /x",
        "DELETE x",
        "DELETE /../{id}",
        "DELETE /x/{name}",
        "DELETE /x?y={id}",
        "DELETE //x",
        "TRACE /x",
        "DELETE /x/{id",
        "DELETE /x y",
    ],
)
def test_a_bad_revoke_route_is_an_input_error(route):
    if not route:
        assert provider_at("", revoke_route=route).base_url == "https://app.autoposting.ai/api-proxy"
        return
    with pytest.raises(InputError):
        provider_at("", revoke_route=route)


@pytest.mark.parametrize(
    ("text", "usual"),
    [("sk-social-" + "a" * 32, True), ("sk-social-" + "a" * 31, False), ("ap_live_" + "a" * 32, False)],
)
def test_an_unusual_shape_is_a_warning(text, usual):
    assert (provider_at("").warnings(Value.of(text)) == ()) == usual


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
def test_an_error_body_that_echoes_secrets_is_never_quoted(status):
    """Whatever a hostile service sends back with our credential in it stays out of every message."""
    body = json.dumps({"error": ADMIN, "message": f"{ADMIN} {KEY}"}).encode()
    with ScriptedServer(reply(status, body, f"X-Echo: {ADMIN}")) as server:
        admin = issuer_at(server.url)
        works = [lambda: admin.create(WANTED), admin.listed, lambda: admin.revoke("key_1")]
        for work in works[
            : 2 if status == 404 else 3
        ]:  # an unknown id is not an error of a revocation: the list decides
            with pytest.raises(TokenguardError) as caught:
                work()
            assert (
                "tgcanary"
                not in f"{caught.value!r} {caught.value.message} {caught.value.hint} {caught.value.__context__!r}"
            )


def test_the_admin_credential_is_no_new_value_wherever_it_stood():
    with pytest.raises(Ambiguous):
        new_value({"token": ADMIN}, Value.of(ADMIN), "create a key")
