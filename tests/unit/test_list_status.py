"""Services that keep ended tokens in their list: what the status of a row means, and that an unknown one is a gap."""

import json

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.provider_files import SANDBOX_FILE, provider_file
from tests.fakes.scripted_server import ScriptedServer, reply
from tokenguard.domain.secret import Value
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings

FILE = SANDBOX_FILE.replace("  paging: offset\n  limit: limit\n", "  paging: none\n").replace(
    "  items: /data\n",
    '  items: /data\n  status: {field: /state/name, alive: [active, "true", "1"], ended: [revoked, "false", "0"]}\n',
)
ALIVE, ENDED, GAP = "alive", "ended", "gap"
ROWS = {
    "alive": ({"state": {"name": "active"}}, ALIVE),
    "ended": ({"state": {"name": "revoked"}}, ENDED),
    "a boolean that means alive": ({"state": {"name": True}}, ALIVE),
    "a boolean that means ended": ({"state": {"name": False}}, ENDED),
    "a number that means alive": ({"state": {"name": 1}}, ALIVE),
    "a number that means ended": ({"state": {"name": 0}}, ENDED),
    "no status": ({}, GAP),
    "an empty status": ({"state": {"name": ""}}, GAP),
    "null": ({"state": {"name": None}}, GAP),
    "one that is not named": ({"state": {"name": "suspended"}}, GAP),
    "another case": ({"state": {"name": "Revoked"}}, GAP),
    "with a blank": ({"state": {"name": "revoked "}}, GAP),
    "a fraction": ({"state": {"name": 0.0}}, GAP),
    "a list": ({"state": {"name": ["revoked"]}}, GAP),
    "an object": ({"state": {"name": {"revoked": True}}}, GAP),
    "elsewhere": ({"state": "revoked"}, GAP),
}


def listed(folder, *rows, text=FILE):
    body = json.dumps({"data": [{"id": "key_1", "name": "ours", **row} for row in rows]})
    with ScriptedServer(reply(200, body.encode())) as server:
        provider = build("acme", ProviderSettings(file=provider_file(folder, server.url, text)), FakeClock())
        return issuer(provider, Value.of("tgcanary-list-status")).listed()


@pytest.mark.parametrize("case", ROWS)
def test_a_row_is_alive_ended_or_unknown_by_its_status(case, tmp_path):
    row, means = ROWS[case]
    found = listed(tmp_path, row)
    assert found.holds("key_1") == (means != ENDED), "what may be alive stays in the list"
    assert found.complete == (means != GAP)
    assert bool(found.named("ours")) == (means != ENDED)


@pytest.mark.parametrize("rows", [(ROWS["alive"], ROWS["ended"]), (ROWS["ended"], ROWS["alive"])])
def test_a_token_that_is_listed_twice_is_alive_if_one_row_says_so(rows, tmp_path):
    found = listed(tmp_path, *(row for row, _ in rows))
    assert found.holds("key_1")
    assert found.complete


def test_an_ended_row_does_not_hide_an_unknown_one_of_the_same_token(tmp_path):
    found = listed(tmp_path, ROWS["ended"][0], ROWS["no status"][0])
    assert found.holds("key_1")
    assert not found.complete


def test_an_unknown_status_of_another_token_is_a_gap_of_the_list(tmp_path):
    assert not listed(tmp_path, {**ROWS["ended"][0]}, {"id": "key_2", "state": {"name": "suspended"}}).complete


def test_a_file_without_a_status_takes_every_row_for_alive(tmp_path):
    text = FILE[: FILE.index("  status:")] + FILE[FILE.index("  id: /id\n  label") :]
    found = listed(tmp_path, ROWS["ended"][0], text=text)
    assert found.holds("key_1")
    assert found.complete


def test_a_status_is_never_quoted(tmp_path):
    assert "tgcanary" not in listed(tmp_path, {"state": {"name": "tgcanary-status"}}).gap
