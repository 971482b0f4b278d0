"""The sandbox speaks the documented contracts, faults included, and leaks none of its values."""

import http.client
import json
import logging
import re
import socket
import threading
from contextlib import closing
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from tests.fakes.clock import FakeClock
from tokenguard.sandbox.fault_settings import FaultBurst, FaultSettings, Operation, StatusRoute
from tokenguard.sandbox.sandbox_server import Sandbox, SystemClock

UUID = r"5a4db0c5(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def sandbox(clock):
    with Sandbox(clock=clock) as running:
        yield running


def ask(url, path, value="", method="GET", body=None, **headers):
    parts = urlsplit(url)
    sent = {"Authorization": f"Bearer {value}"} if value else {}
    with closing(http.client.HTTPConnection(parts.netloc, timeout=5)) as connection:
        connection.request(method, parts.path + path, None if body is None else json.dumps(body), sent | headers)
        response = connection.getresponse()
        data = response.read()
        return response.status, json.loads(data) if data else None, response.headers


def test_an_answer_is_sent_in_one_piece(sandbox, monkeypatch):
    """Two pieces wait for each other's acknowledgement: 40 ms for each request of a kept connection."""
    port, pieces = urlsplit(sandbox.info.autoposting_url).port, []

    def noting(send):
        def sent(connection, data, *rest):
            if connection.getsockname()[1] == port:
                pieces.append(bytes(data))
            return send(connection, data, *rest)

        return sent

    for name in ("send", "sendall"):
        monkeypatch.setattr(socket.socket, name, noting(getattr(socket.socket, name)))
    status, _, _ = ask(sandbox.info.autoposting_url, "/tokens")
    assert status == 401
    assert len(pieces) == 1


@pytest.fixture
def descript(sandbox):
    return lambda path, value="", **more: ask(sandbox.info.descript_url, path, value, **more)


@pytest.fixture
def autoposting(sandbox):
    return lambda path, value="", **more: ask(sandbox.info.autoposting_url, path, value, **more)


@pytest.fixture
def token(sandbox):
    return sandbox.world.create_token("one", sandbox.world.drives[0].id)


def test_values_look_real_and_are_unmistakably_a_sandboxs(sandbox, token):
    assert re.fullmatch(rf"dx_bearer_{UUID}:dx_secret_{UUID}", token.secret.reveal())
    key = sandbox.world.create_key("k", ["posts:read"])
    assert re.fullmatch(r"sk-social-sandbox[A-Za-z]{57}", key.secret.reveal())
    assert {token.secret.reveal(), key.secret.reveal(), sandbox.info.admin_key} == sandbox.world.values


def test_a_token_reaches_its_own_drive_only(sandbox, token, descript):
    mine, other = sandbox.world.drives[0].projects[0].id, sandbox.world.drives[1].projects[0].id
    value = token.secret.reveal()
    status, body, _ = descript("/projects?limit=1", value)
    assert (status, len(body["data"]), body["pagination"]) == (200, 1, {"next_cursor": "1"})
    assert descript(f"/projects/{mine}", value)[1]["drive_id"] == sandbox.world.drives[0].id
    assert descript(f"/projects/{other}", value)[:2] == (
        403,
        {"error": "forbidden", "message": "User does not have access to this resource"},
    )
    assert descript("/projects/none", value)[0] == 404
    job = sandbox.world.drives[0].job_ids[0]
    assert descript(f"/jobs/{job}", value)[1]["drive_id"] == sandbox.world.drives[0].id
    assert descript(f"/jobs/{sandbox.world.drives[1].job_ids[0]}", value)[0] == 403
    assert descript("/jobs", value)[1]["data"][0]["job_id"] == job
    assert descript(f"/jobs/{job}", value, method="DELETE")[0] == 204


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=-1"])
def test_a_bad_page_is_a_400(token, descript, query):
    assert descript(f"/projects?{query}", token.secret.reveal())[0] == 400


def test_writes_are_limited_to_ten_a_minute_and_counted(sandbox, clock, token, descript):
    answers = [descript("/jobs/agent", token.secret.reveal(), method="POST", body={}) for _ in range(11)]
    assert [status for status, _, _ in answers] == [201] * 10 + [429]
    assert answers[-1][1]["error"] == "rate_limit_exceeded"
    assert 1 <= int(answers[-1][2]["Retry-After"]) <= 60
    assert answers[-1][2]["X-RateLimit-Remaining"] == "0"
    clock.sleep(61)
    assert descript("/jobs/import/project_media", token.secret.reveal(), method="POST", body={})[0] == 201
    assert sandbox.world.calls["POST /v1/jobs/agent"] == 11


@pytest.mark.parametrize(("route", "status"), [("off", 404), ("plain", 200), ("with-drive", 200)])
def test_the_status_route_is_whatever_the_knob_says(sandbox, token, descript, route, status):
    sandbox.knobs.status_route = StatusRoute(route)
    found, body, _ = descript("/status", token.secret.reveal())
    assert found == status
    assert ("drive_id" in body) == (route == "with-drive")


def test_lags_are_measured_by_the_clock(sandbox, clock, descript):
    sandbox.knobs.activation_lag, sandbox.knobs.revoke_lag = 5, 10
    token = sandbox.world.create_token("slow", sandbox.world.drives[0].id)
    seen = [descript("/projects", token.secret.reveal())[0]]
    clock.sleep(5)
    seen.append(descript("/projects", token.secret.reveal())[0])
    sandbox.world.revoke_token(token.id)
    seen.append(descript("/projects", token.secret.reveal())[0])
    clock.sleep(10)
    seen.append(descript("/projects", token.secret.reveal())[0])
    assert seen == [401, 200, 200, 401]


def test_a_storm_passes(sandbox, token, descript):
    sandbox.knobs.status_storm = FaultBurst(429, 2, "7")
    answers = [descript("/projects", token.secret.reveal()) for _ in range(3)]
    assert [status for status, _, _ in answers] == [429, 429, 200]
    assert answers[0][2]["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("knob", "status", "kind"), [("captive_portal", 200, "text/html"), ("global_401", 401, "json")]
)
def test_portals_and_outages_hit_both_vendors(sandbox, token, knob, status, kind):
    setattr(sandbox.knobs, knob, True)
    for url in (sandbox.info.descript_url, sandbox.info.autoposting_url):
        with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)) as connection:
            connection.request("GET", f"{urlsplit(url).path}/projects", headers={"Authorization": "Bearer x"})
            response = connection.getresponse()
            response.read()
            assert response.status == status
            assert kind in response.headers["Content-Type"]


def test_a_key_is_shown_once_listed_by_hint_and_bound_to_its_scopes(sandbox, autoposting):
    admin = sandbox.info.admin_key
    status, body, headers = autoposting(
        "/api-keys", admin, method="POST", body={"name": "bot", "scopes": ["posts:read"], "expiresAt": None}
    )
    key = body["data"]["key"]
    assert status == 201
    assert headers["X-RateLimit-Limit"] == "600"
    assert autoposting("/posts", key)[0] == 200
    assert autoposting("/posts", "", **{"x-api-key": key})[0] == 200
    assert autoposting("/posts", key, method="POST", body={})[:2] == (
        403,
        {"success": False, "error": "insufficient_scope", "message": "Valid credentials but insufficient scope"},
    )
    assert autoposting("/api-keys", key)[0] == 403
    profile = autoposting("/auth/profile", key)[1]["data"]
    assert (profile["orgId"], profile["authType"]) == (sandbox.info.org_id, "api_key")
    listed = autoposting("/api-keys", admin)[1]
    assert key not in json.dumps(listed)
    assert listed["data"][0]["keyHint"].endswith(key[-4:])
    key_id = listed["data"][0]["id"]
    assert autoposting(f"/api-keys/{key_id}", admin, method="DELETE")[0] == 200
    assert autoposting(f"/api-keys/{key_id}", admin, method="DELETE")[0] == 404
    assert autoposting("/auth/profile", key)[0] == 401


def test_an_expiry_that_passes_ends_a_key(sandbox, clock, autoposting):
    key = sandbox.world.create_key("bot", ["posts:read"])
    then = (clock.now() + timedelta(seconds=30)).isoformat()
    path = f"/api-keys/{key.id}"
    assert autoposting(path, sandbox.info.admin_key, method="PATCH", body={"expiresAt": then})[0] == 200
    assert sandbox.world.alive(key.secret.reveal())
    clock.sleep(30)
    assert autoposting("/auth/profile", key.secret.reveal())[0] == 401


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("/api-keys", "POST", {"name": "", "scopes": []}, 400),
        ("/api-keys", "POST", {"name": "x", "scopes": "posts:read"}, 400),
        ("/api-keys", "POST", {"name": "x", "scopes": [], "expiresAt": "soon"}, 400),
        ("/api-keys", "POST", {"name": "x", "scopes": [], "expiresAt": 5}, 400),
        ("/api-keys?offset=x", "GET", None, 400),
        ("/api-keys/none", "PATCH", {"expiresAt": None}, 404),
        ("/api-keys/none", "PATCH", {"expiresAt": "x"}, 400),
        ("/api-keys/none", "PUT", {}, 405),
        ("/nothing", "GET", None, 404),
        ("/health", "GET", None, 404),
    ],
)
def test_bad_requests_get_their_status(sandbox, autoposting, path, method, body, status):
    assert autoposting(path, sandbox.info.admin_key, method=method, body=body)[0] == status


def test_keys_are_limited_by_the_minute(sandbox, clock, autoposting):
    key = sandbox.world.create_key("busy", ["posts:read"])
    for _ in range(600):
        sandbox.world.limiter.take(f"{key.id} key", 600, 60, clock.monotonic())
    status, body, headers = autoposting("/posts", key.secret.reveal())
    assert (status, body["error"], headers["X-RateLimit-Remaining"]) == (429, "rate_limited", "0")
    assert int(headers["Retry-After"]) == 60


def test_a_key_can_be_renamed(sandbox, autoposting):
    key = sandbox.world.create_key("old", [])
    autoposting(f"/api-keys/{key.id}", sandbox.info.admin_key, method="PATCH", body={"name": "new"})
    assert (key.name, key.expires_at) == ("new", None)


@pytest.mark.parametrize(
    ("path", "method"), [("/nothing", "GET"), ("/projects", "POST"), ("/jobs/x/y/z", "GET"), ("/jobs/nope", "DELETE")]
)
def test_what_is_not_documented_is_not_found(token, descript, path, method):
    assert descript(path, token.secret.reveal(), method=method)[0] == 404


def test_nothing_is_outside_the_two_vendors_and_the_page(sandbox):
    with closing(http.client.HTTPConnection(urlsplit(sandbox.info.descript_url).netloc, timeout=5)) as connection:
        connection.request("HEAD", "/elsewhere")
        response = connection.getresponse()
        assert (response.status, response.read()) == (404, b"")


def test_a_body_that_is_no_json_is_a_bad_request(sandbox):
    with closing(http.client.HTTPConnection(urlsplit(sandbox.info.autoposting_url).netloc, timeout=5)) as connection:
        connection.request("POST", "/api-proxy/api-keys", b"{", {"x-api-key": sandbox.info.admin_key})
        assert connection.getresponse().status == 400


def test_there_is_no_token_without_a_drive(sandbox):
    with pytest.raises(KeyError):
        sandbox.world.create_token("x", "nowhere")


def test_health_needs_no_key(autoposting):
    assert autoposting("/health")[:2] == (200, {"status": "ok"})


def test_nobody_ends_the_admin_key_by_api(sandbox):
    assert not sandbox.world.revoke_key(sandbox.world.admin.id)


def test_a_dropped_reply_means_the_effect_took_place(sandbox, autoposting):
    sandbox.knobs.drop_reply_after_commit[Operation.KEY_CREATE] = 1
    with pytest.raises(ConnectionError):
        autoposting("/api-keys", sandbox.info.admin_key, method="POST", body={"name": "lost", "scopes": []})
    (lost,) = sandbox.world.keys()
    assert lost.name == "lost"


def test_many_people_at_once(sandbox):
    """Sixteen threads make and revoke keys; none is lost and none survives."""
    made: list[str] = []

    def work():
        for _ in range(25):
            key = sandbox.world.create_key("k", [])
            made.append(key.secret.reveal())
            assert sandbox.world.revoke_key(key.id)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 400
    assert not any(sandbox.world.alive(value) for value in made)


def test_it_listens_on_loopback_only_and_stops(sandbox):
    assert sandbox.info.descript_url.startswith("http://127.0.0.1:")
    assert set(sandbox.info.as_dict()) == {
        "descript_url", "autoposting_url", "settings_url", "drives", "org_id", "admin_key",
    }  # fmt: skip
    url = sandbox.info.descript_url
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(OSError):
        ask(url, "/status")
    with pytest.raises(RuntimeError):
        _ = sandbox.info


@pytest.mark.parametrize(
    "headers", [{"Content-Length": "99999999"}, {"Content-Length": "x"}, {"Transfer-Encoding": "chunked"}]
)
def test_a_body_that_is_too_large_is_not_read(sandbox, headers):
    with closing(http.client.HTTPConnection(urlsplit(sandbox.info.descript_url).netloc, timeout=5)) as connection:
        connection.putrequest("POST", "/v1/jobs/agent")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_values_appear_in_no_repr_and_no_log(sandbox, token, descript, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        descript("/projects", token.secret.reveal())
    shown = f"{token!r} {sandbox.world.admin!r} {sandbox.knobs!r} {caplog.text} {capfd.readouterr()}"
    assert not any(value in shown for value in sandbox.world.values)


def test_knobs_can_be_given_at_the_start():
    with Sandbox(knobs=FaultSettings(global_401=True)) as sandbox:
        assert ask(sandbox.info.descript_url, "/status")[0] == 401


def test_its_own_clock_is_the_machines():
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now().tzinfo is not None
