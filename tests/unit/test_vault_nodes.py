"""Several nodes of one Vault: the one that leads is asked, whoever looks for it shows no login, nobody reads behind."""

import json

import pytest

from tests.fakes import scripted_server, vault_stores
from tests.fakes.scripted_server import ScriptedServer
from tokenguard.clients.vault.kv import KvMount
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.errors import InputError
from tokenguard.http.address import Address
from tokenguard.settings import Settings
from tokenguard.shell.config import read_settings
from tokenguard.shell.vault_store import vault_settings

TOKEN = "tgcanary-vault-login"


def reply(status: int, body: object = None, *headers: str):
    return scripted_server.reply(status, json.dumps(body or {}).encode(), "Connection: close", *headers)


LEADS, STANDBY, SEALED = reply(200), reply(429), reply(503)
SELF = reply(200, {"data": {"ttl": 0, "display_name": "token", "entity_id": ""}})
ENTRY = reply(200, {"data": {"data": {"a": "b"}, "metadata": {"version": 3}}})


def mount(*nodes: ScriptedServer | str) -> KvMount:
    first, *others = [each if isinstance(each, str) else each.url for each in nodes]
    return KvMount(vault_stores.connection(first, TOKEN, others=tuple(map(Address.parse, others))), "kv")


def paths(server: ScriptedServer) -> list[str]:
    return [request.split(b" ")[1].decode().removeprefix("/v1/") for request in server.requests]


def test_requests_go_to_the_node_that_leads():
    with ScriptedServer(STANDBY) as one, ScriptedServer(LEADS, SELF, ENTRY) as two, ScriptedServer(LEADS) as three:
        entry = mount(one, two, three).read("x")
    assert entry is not None
    assert entry.version == 3
    assert paths(one) == ["sys/health"]
    assert paths(two) == ["sys/health", "auth/token/lookup-self", "kv/data/x"]
    assert paths(three) == []


def test_whoever_is_only_looked_at_is_not_shown_the_login():
    with ScriptedServer(SEALED) as one, ScriptedServer(LEADS, SELF, ENTRY) as two:
        mount(one, two).read("x")
    assert TOKEN.encode() not in b"".join(one.requests)
    assert [TOKEN.encode() in request for request in two.requests] == [False, True, True]


@pytest.mark.parametrize("failing", [reply(500), reply(503), reply(472), reply(429), scripted_server.raw(b"")])
def test_a_leader_that_is_lost_is_looked_for_again(failing):
    with ScriptedServer(LEADS, SELF, failing, STANDBY) as one, ScriptedServer(LEADS, ENTRY) as two:
        assert mount(one, two).read("x") is not None
    assert paths(two) == ["sys/health", "kv/data/x"]


def test_a_write_whose_answer_was_lost_with_its_leader_is_recognised_at_the_next():
    """The new leader refuses the repetition: the entry is there already, and it is ours."""
    lost = scripted_server.raw(b"")
    taken = reply(400, {"errors": ["check-and-set parameter did not match the current version"]})
    ours = reply(200, {"data": {"data": {"nonce": "mine"}, "metadata": {"version": 3}}})
    with ScriptedServer(LEADS, SELF, lost, SEALED) as one, ScriptedServer(LEADS, taken, ours) as two:
        assert mount(one, two).write("x", {"nonce": "mine"}, 2) == 3


def test_an_election_is_waited_for_half_a_minute_and_no_longer():
    with ScriptedServer(STANDBY, SELF, reply(500)) as one, ScriptedServer(STANDBY) as two:
        kv = mount(one, two)
        with pytest.raises(VaultError) as caught:
            kv.read("x")
        assert caught.value.reason is VaultFailure.SERVER
        assert 25 < kv.connection._clock.monotonic() < 40


def test_a_node_that_is_down_is_passed_over():
    with ScriptedServer() as closed:
        gone = closed.url
    with ScriptedServer(LEADS, SELF, ENTRY) as two:
        assert mount(gone, two).read("x") is not None


def test_with_one_address_nothing_is_looked_for():
    with ScriptedServer(SELF, ENTRY) as only:
        mount(only).read("x")
    assert paths(only) == ["auth/token/lookup-self", "kv/data/x"]


def test_a_read_says_how_far_the_last_write_had_come():
    """OpenBao's standbys, and those of Vault, refuse a read that is ahead of them; it is asked again."""
    written = reply(200, {"data": {"version": 1}}, "X-Vault-Index: opaque-1")
    behind = reply(429, {}, "Retry-After: 1")
    with ScriptedServer(SELF, ENTRY, written, behind, ENTRY) as server:
        kv = mount(server)
        kv.read("x")
        kv.write("x", {"nonce": "mine"}, 0)
        assert kv.read("x") is not None
    said = [b"X-Vault-Index: opaque-1" in request for request in server.requests]
    assert said == [False, False, False, True, True]


@pytest.mark.parametrize("index", ["a b", "x" * 2000, "a;b", "\u00e9"])
def test_an_index_that_is_not_one_word_is_not_said_again(index: str):
    written = reply(200, {"data": {"version": 1}}, f"X-Vault-Index: {index}")
    with ScriptedServer(SELF, written, ENTRY) as server:
        kv = mount(server)
        kv.write("x", {"nonce": "mine"}, 0)
        kv.read("x")
    assert b"X-Vault-Index" not in server.requests[-1]


def settings_of(tmp_path, address: str):
    file = tmp_path / "config.toml"
    file.write_text(f'[vault]\naddress = {address}\ncredential = "env:LOGIN"\n')
    file.chmod(0o600)
    return vault_settings(read_settings(file).vault, Settings(), {"LOGIN": TOKEN, "OTHER": "https://c.example.org"})


def test_a_configuration_may_name_every_node(tmp_path):
    made = settings_of(tmp_path, '["https://a.example.org:8200", "https://b.example.org", "env:OTHER"]')
    assert [str(each) for each in made.addresses] == [
        "https://a.example.org:8200", "https://b.example.org", "https://c.example.org"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "address",
    ["[]", '[""]', '["https://a.example.org", ""]', '["https://a.example.org", "https://a.example.org"]', "[1]", "7",
     '["https://a.example.org", "http://b.example.org"]', f'{[f"https://n{number}.example.org" for number in range(17)]}'],
)  # fmt: skip
def test_a_list_of_nodes_that_is_none_is_bad_input(tmp_path, address: str):
    with pytest.raises(InputError) as caught:
        settings_of(tmp_path, address)
    assert caught.value.hint
