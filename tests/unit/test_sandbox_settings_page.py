"""The settings page: a person can make and revoke tokens, and a page elsewhere can not."""

import re

import pytest

from tests.fakes.settings_client import SettingsClient
from tokenguard.sandbox.fault_settings import FaultSettings, Operation
from tokenguard.sandbox.sandbox_server import Sandbox


@pytest.fixture
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture
def person(sandbox):
    return SettingsClient(sandbox.info.settings_url)


def test_a_created_token_is_shown_once_and_works(sandbox, person):
    drive_id, drive_name = sandbox.info.drives[0]
    value = person.create("CI pipeline", drive_id)
    assert sandbox.world.token_of(value).place == drive_id
    _, page = person.request("GET")
    assert value not in page
    assert "CI pipeline" in page
    assert drive_name in page


def test_a_revoked_token_leaves_the_list_and_dies(sandbox, person):
    token = sandbox.world.create_token("old one", sandbox.info.drives[0][0])
    assert person.revoke(token.id) == 200
    assert not sandbox.world.alive(token.secret.reveal())
    assert "old one" not in person.request("GET")[1]
    assert person.revoke(token.id) == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "", "drive_id": "DRIVE"},
        {"name": "x" * 101, "drive_id": "DRIVE"},
        {"name": "x", "drive_id": "nowhere"},
        {"name": "x"},
        {},
    ],
)
def test_a_form_that_makes_no_sense_makes_nothing(sandbox, person, fields):
    fields = {key: value.replace("DRIVE", sandbox.info.drives[0][0]) for key, value in fields.items()}
    assert person.post(**fields)[0] == 400
    assert sandbox.world.tokens() == ()


ATTACKS = {
    "another host name points here": {"Host": "rebind.example:80"},
    "the right name with another port": {"Host": "127.0.0.1:1"},
    "a page elsewhere posts the form": {"Origin": "https://evil.example"},
    "a sandboxed frame posts the form": {"Origin": "null"},
    "another port of this machine posts the form": {"Origin": "http://127.0.0.1:1"},
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_requests_from_elsewhere_change_nothing_and_learn_nothing(sandbox, person, attack):
    body = f"csrf={person.csrf()}&name=evil&drive_id={sandbox.info.drives[0][0]}"
    status, page = person.request("POST", body, **ATTACKS[attack])
    assert status == 421
    assert "csrf" not in page
    assert sandbox.world.tokens() == ()


@pytest.mark.parametrize("csrf", [None, "", "guess", "é"])
def test_a_form_without_our_csrf_token_changes_nothing(sandbox, person, csrf):
    body = f"name=evil&drive_id={sandbox.info.drives[0][0]}" + ("" if csrf is None else f"&csrf={csrf}")
    assert person.request("POST", body)[0] == 403
    assert sandbox.world.tokens() == ()


def test_the_form_works_with_the_pages_own_origin(sandbox, person):
    body = f"csrf={person.csrf()}&name=mine&drive_id={sandbox.info.drives[0][0]}"
    assert person.request("POST", body, Origin=f"http://{person.host}")[0] == 200


def test_a_json_post_is_no_form(person):
    assert person.request("POST", "{}", **{"Content-Type": "application/json"})[0] == 405


def test_a_hostile_name_is_shown_as_text(sandbox, person):
    person.create("<script>alert(1)</script>", sandbox.info.drives[0][0])
    _, page = person.request("GET")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_every_control_has_a_label_and_the_page_needs_no_script(sandbox, person):
    sandbox.world.create_token("one", sandbox.info.drives[0][0])
    _, page = person.request("GET")
    for control in re.findall(r'<(?:input|select) id="([^"]+)"', page):
        assert f'<label for="{control}">' in page
    assert 'aria-label="Revoke one"' in page
    assert '<html lang="en">' in page
    assert "<script" not in page


def test_a_lost_reply_leaves_the_token_behind():
    knobs = FaultSettings(drop_reply_after_commit={Operation.TOKEN_CREATE: 1})
    with Sandbox(knobs=knobs) as sandbox:
        person = SettingsClient(sandbox.info.settings_url)
        with pytest.raises(ConnectionError):
            person.post(name="lost", drive_id=sandbox.info.drives[0][0])
        assert [token.name for token in sandbox.world.tokens()] == ["lost"]
        assert person.create("found", sandbox.info.drives[0][0])


def test_a_lost_reply_of_a_revocation_has_revoked(sandbox, person):
    token = sandbox.world.create_token("one", sandbox.info.drives[0][0])
    sandbox.knobs.drop_reply_after_commit[Operation.TOKEN_REVOKE] = 1
    with pytest.raises(ConnectionError):
        person.post(token_id=token.id)
    assert not sandbox.world.alive(token.secret.reveal())
