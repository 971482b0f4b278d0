"""Descript: the truth table of a probe, the ladder to the Drive, and replies that lie."""

import json
from datetime import UTC, datetime

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.scripted_server import ScriptedServer, raw, reply
from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.errors import InputError
from tokenguard.providers.descript import Descript
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.sandbox.fault_settings import StatusRoute
from tokenguard.sandbox.sandbox_server import Sandbox, SystemClock

HERE = Scope("drive", "d1")
VALUE = "tgcanary-descript-token"
ALIVE, DEAD, UNKNOWN = Verdict.ALIVE, Verdict.DEAD, Verdict.UNKNOWN
RIGHT, WRONG, UNVERIFIED = ScopeVerdict.RIGHT, ScopeVerdict.WRONG, ScopeVerdict.UNVERIFIED


def ok(tree):
    return reply(200, json.dumps(tree).encode())


def error(status, *headers):
    return reply(status, b'{"error": "code", "message": "words"}', *headers)


def probe(*scripts, expected=HERE):
    with ScriptedServer(*scripts) as server:
        provider = Descript(ProviderSettings(base_url=f"{server.url}/v1"), FakeClock())
        seen = provider.probe(Value.of(VALUE), expected)
    assert VALUE not in repr(seen)
    assert all(request.startswith(b"GET /v1/") for request in server.requests)
    return seen, [request.split(b" ")[1].decode().removeprefix("/v1") for request in server.requests]


PROJECTS = ok({"data": [{"id": "p1", "name": "x"}], "pagination": {}})
NO_PROJECTS = ok({"data": [], "pagination": {}})
PROJECT = ok({"id": "p1", "drive_id": "d1"})
JOBS = ok({"data": [{"job_id": "j", "drive_id": "d1"}], "pagination": {}})
NO_JOBS = ok({"data": []})

FIRST_REPLY = {
    "200 with the schema": ((PROJECTS, PROJECT), ALIVE, "http-200", RIGHT),
    "401": ((error(401),), DEAD, "http-401", UNVERIFIED),
    "401 without a body": ((reply(401),), DEAD, "http-401", UNVERIFIED),
    "401 in plain words": ((reply(401, b"no", kind="text/plain"),), DEAD, "http-401", UNVERIFIED),
    "401 from a login page": ((reply(401, b"<html>", kind="text/html"),), UNKNOWN, "html", UNVERIFIED),
    "402": ((error(402),), ALIVE, "http-402", UNVERIFIED),
    "403": ((error(403),), ALIVE, "http-403", WRONG),
    "403 from a firewall": ((reply(403, b"<html>blocked", kind="text/html"),), UNKNOWN, "html", UNVERIFIED),
    "403 without our error": ((reply(403, b"{}"),), UNKNOWN, "schema", UNVERIFIED),
    "404": ((error(404),), UNKNOWN, "http-404", UNVERIFIED),
    "429": ((error(429),), UNKNOWN, "http-429", UNVERIFIED),
    "500": ((error(500),), UNKNOWN, "http-500", UNVERIFIED),
    "503": ((error(503),), UNKNOWN, "http-503", UNVERIFIED),
    "204": ((reply(204),), UNKNOWN, "http-204", UNVERIFIED),
    "201": ((reply(201, b'{"data": []}'),), UNKNOWN, "http-201", UNVERIFIED),
    "redirect": ((reply(302, b"", "Location: /login"),), UNKNOWN, "redirect", UNVERIFIED),
    "200 as html": ((reply(200, b"<!doctype html>", kind="text/html"),), UNKNOWN, "html", UNVERIFIED),
    "200 as html that says it is json": ((reply(200, b" <p>hi"),), UNKNOWN, "html", UNVERIFIED),
    "200 with an error": ((ok({"data": [], "error": "x"}),), UNKNOWN, "schema", UNVERIFIED),
    "200 without success": ((ok({"data": [], "success": False}),), UNKNOWN, "schema", UNVERIFIED),
    "200 of another service": ((ok({"status": "ok"}),), UNKNOWN, "schema", UNVERIFIED),
    "200 with a list": ((ok([]),), UNKNOWN, "schema", UNVERIFIED),
    "200 with null": ((ok(None),), UNKNOWN, "schema", UNVERIFIED),
    "200 with data that is not a list": ((ok({"data": {}}),), UNKNOWN, "schema", UNVERIFIED),
    "200 with rows that are not projects": ((ok({"data": [1]}),), UNKNOWN, "schema", UNVERIFIED),
    "200 with a numeric id": ((ok({"data": [{"id": 1}]}),), UNKNOWN, "schema", UNVERIFIED),
    "200 cut off": ((raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),), UNKNOWN, "reset", UNVERIFIED),
    "200 with a repeated key": ((reply(200, b'{"data": [], "data": []}'),), UNKNOWN, "schema", UNVERIFIED),
    "an echo of the token": ((reply(500, VALUE.encode()),), UNKNOWN, "http-500", UNVERIFIED),
}


@pytest.mark.parametrize("case", FIRST_REPLY)
def test_only_a_401_is_death_and_only_the_schema_is_life(case):
    scripts, verdict, reason, scope = FIRST_REPLY[case]
    seen, _ = probe(*scripts)
    assert (seen.verdict, seen.reason, seen.scope_verdict) == (verdict, reason, scope)


PORTAL = reply(404, b"<html>no such page</html>", kind="text/html")
LADDER = {
    "project": ((PROJECTS, PROJECT), ALIVE, RIGHT, 2),
    "project gone, then job": ((PROJECTS, error(404), JOBS), ALIVE, RIGHT, 3),
    "no project, then job": ((NO_PROJECTS, JOBS), ALIVE, RIGHT, 2),
    "then status": ((NO_PROJECTS, NO_JOBS, ok({"status": "ok", "drive_id": "d1"})), ALIVE, RIGHT, 3),
    "empty Drive, plain status": ((NO_PROJECTS, NO_JOBS, ok({"status": "ok"})), ALIVE, UNVERIFIED, 3),
    "empty Drive, no status": ((NO_PROJECTS, NO_JOBS, error(404)), ALIVE, UNVERIFIED, 3),
    "empty Drive, broken status": ((NO_PROJECTS, NO_JOBS, error(501)), ALIVE, UNVERIFIED, 3),
    "another Drive": ((PROJECTS, ok({"id": "p1", "drive_id": "d2"})), ALIVE, WRONG, 2),
    "a Drive id in capitals": ((PROJECTS, ok({"id": "p1", "drive_id": "D1"})), ALIVE, WRONG, 2),
    "an unspeakable Drive id": ((PROJECTS, ok({"drive_id": "../d1"}), NO_JOBS, error(404)), ALIVE, UNVERIFIED, 4),
    "an id that would climb": ((ok({"data": [{"id": "../status"}]}), JOBS), ALIVE, RIGHT, 2),
    "refused a moment later": ((PROJECTS, error(401)), UNKNOWN, UNVERIFIED, 2),
    "storm at the project, job answers": ((PROJECTS, error(503), JOBS), ALIVE, RIGHT, 3),
    "a portal's 404 at the project": ((PROJECTS, PORTAL, NO_JOBS, error(404)), UNKNOWN, UNVERIFIED, 4),
    "a portal's 404 at the project, job answers": ((PROJECTS, PORTAL, JOBS), ALIVE, RIGHT, 3),
    "storm at the job": ((NO_PROJECTS, error(503), error(404)), UNKNOWN, UNVERIFIED, 3),
    "storm everywhere after": ((PROJECTS, error(429, "Retry-After: 9")), UNKNOWN, UNVERIFIED, 7),
}


@pytest.mark.parametrize("case", LADDER)
def test_the_drive_is_learned_by_reading_and_never_guessed(case):
    scripts, verdict, scope, asked = LADDER[case]
    seen, paths = probe(*scripts)
    assert (seen.verdict, seen.scope_verdict, len(paths)) == (verdict, scope, asked)
    assert paths[0] == "/projects?limit=1"
    assert not any(".." in path for path in paths)


def test_without_an_expected_drive_a_storm_on_the_ladder_does_not_hide_life():
    seen, _ = probe(PROJECTS, error(429, "Retry-After: 9"), expected=None)
    assert (seen.verdict, seen.scope) == (ALIVE, None)
    seen, _ = probe(PROJECTS, error(429, "Retry-After: 9"))
    assert (seen.verdict, seen.retry_after) == (UNKNOWN, 9.0)


def test_jobs_are_asked_for_within_the_month_the_api_allows():
    _, paths = probe(NO_PROJECTS, JOBS)
    assert paths[1] == "/jobs?limit=1&created_after=2026-10-03T09%3A00%3A00Z"


def test_the_drives_name_is_taken_where_status_tells_it():
    with Sandbox() as sandbox:
        sandbox.knobs.status_route = StatusRoute.WITH_DRIVE
        empty = sandbox.world.drives[-1]
        value = Value.of(sandbox.world.create_token("x", empty.id).secret.reveal())
        provider = Descript(ProviderSettings(base_url=sandbox.info.descript_url), SystemClock())
        seen = provider.probe(value, Scope("drive", empty.id))
    assert (seen.scope_name, seen.scope_verdict) == (empty.name, RIGHT)


def test_a_probe_carries_the_time_it_began():
    seen, _ = probe(error(401))
    assert seen.at == datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


UUID = "0b1c2d3e-4f50-4a1b-8c2d-3e4f5a6b7c8d"


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        (f"dx_bearer_{UUID}:dx_secret_{UUID}", True),
        (f"dx_bearer_{UUID}:dx_secret_{UUID}0", False),
        (f"dx_bearer_{UUID.upper()}:dx_secret_{UUID}", False),
        (f"dx_secret_{UUID}:dx_bearer_{UUID}", False),
        ("tgcanary-something-else", False),
    ],
)
def test_an_unusual_shape_is_a_warning_that_does_not_quote_it(text, usual):
    warnings = Descript(ProviderSettings(), FakeClock()).warnings(Value.of(text))
    assert (warnings == ()) == usual
    assert not any(text in warning for warning in warnings)


def test_the_guide_names_the_settings_page_of_where_it_talks_to():
    real = Descript(ProviderSettings(), FakeClock())
    local = Descript(ProviderSettings(base_url="http://127.0.0.1:8123/v1"), FakeClock())
    assert (real.base_url, real.guide().where) == (
        "https://descriptapi.com/v1",
        "https://web.descript.com > Settings > API tokens",
    )
    assert local.guide().where == "http://127.0.0.1:8123/settings/api-tokens"


def test_patience_is_a_minute_and_a_day_away_from_loopback():
    window = Descript(ProviderSettings(), FakeClock()).capabilities.death_window
    assert (window.length.total_seconds(), window.confirm_after.total_seconds()) == (60, 86400)


@pytest.mark.parametrize(
    "settings", [{"base_url": "http://descriptapi.com"}, {"proxy": "http://u:tgcanary@proxy.example"}]
)
def test_an_unusable_setting_is_an_input_error(settings):
    with pytest.raises(InputError) as caught:
        Descript(ProviderSettings(**settings), FakeClock())
    assert "tgcanary" not in caught.value.message
