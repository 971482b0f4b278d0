"""Where a bundle comes from: a file, https, the configuration; and where the scan key is kept meanwhile."""

import sys
from types import ModuleType

import pytest

from tests.cli.bundles import publish, publishing
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_server import ScriptedServer, raw, reply
from tests.unit.test_local_unlock import FakeKeyring
from tokenguard.places import state_dir
from tokenguard.ports.shared_item import Item
from tokenguard.precommit import hook
from tokenguard.shell.scan_key import find_scan_key


def found(cli, tmp_path) -> int:
    (tmp_path / "a.bin").write_text(cli.value.encode().hex())
    return cli("scan", "a.bin", "--own-only").code


def test_a_disguised_token_of_another_store_is_one_that_nobody_here_knows(published, tmp_path):
    assert published("fingerprints", "pull", "bundle").code == 0
    disguised = published.value.encode().hex()
    assert published("respond", "--stdin", "--reach", "log", "--no-input", stdin=disguised).code == 4
    published.store = MemoryStore(published.clock)
    answer = published("respond", "--stdin", "--reach", "log", "--format", "json", "--no-input", stdin=disguised)
    assert (answer.code, answer.document["tokens"], answer.document["unknown"]) == (1, [], 1)


def test_a_bundle_comes_over_the_network(published, tmp_path):
    with ScriptedServer(reply(200, (tmp_path / "bundle").read_bytes())) as server:
        answer = published("fingerprints", "pull", "--from", f"{server.url}/team/bundle")
        assert answer.code == 0, answer
        assert server.requests[0].startswith(b"GET /team/bundle HTTP/1.1")
        assert b"uthorization" not in server.requests[0]
    assert found(published, tmp_path) == 1


def test_the_configuration_may_say_where_from(published, tmp_path):
    (tmp_path / "config.toml").write_text(f"[scan]\nbundle = '{tmp_path}/bundle'\n")
    assert published("--config", "config.toml", "fingerprints", "pull").code == 0
    assert found(published, tmp_path) == 1
    published.refused("fingerprints", "pull")
    published.refused("fingerprints", "pull", "bundle", "--from", "bundle")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (reply(404, b"{}"), 4), (reply(500), 4), (reply(302, b"", "Location: http://127.0.0.1:1/"), 4), (raw(b""), 4),
        (reply(200, b"<html>"), 2), (reply(200, b"x" * ((16 << 20) + 1)), 4), (reply(200, b'{"bundle":{},"signature":""}'), 6),
    ],
)  # fmt: skip
def test_what_a_hostile_server_says_is_refused_and_nothing_is_kept(published, tmp_path, script, code):
    with ScriptedServer(script) as server:
        published.refused("fingerprints", "pull", "--from", f"{server.url}/bundle", code=code)
    assert published("scan", "public", "--require-own").code == 2


def test_an_old_bundle_from_the_network_is_refused_too(published, tmp_path, words):
    first = (tmp_path / "bundle").read_bytes()
    publish(published)
    assert published("fingerprints", "pull", "bundle").code == 0
    with ScriptedServer(reply(200, first)) as server:
        words(published.refused("fingerprints", "pull", "--from", server.url, code=6))


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/b",
        "https://u:p@example.com/b",
        "ftp://127.0.0.1/b",
        "https://example.com/b?x=1",
        "file:///etc/passwd",
    ],
)
def test_only_https_is_asked_and_no_credentials_in_an_address(published, address):
    published.refused("fingerprints", "pull", "--from", address)


@pytest.fixture
def keyring(monkeypatch):
    module = ModuleType("keyring")
    module.backend = FakeKeyring()
    module.get_keyring = lambda: module.backend
    monkeypatch.setitem(sys.modules, "keyring", module)
    return module


def test_a_pull_leaves_the_key_in_the_keyring_and_scans_take_it_from_there(published, tmp_path, keyring):
    answer = published("fingerprints", "pull", "bundle", "--format", "json")
    assert answer.document["key_kept"] is True
    del published.environ["TOKENGUARD_SCAN_KEY"]
    assert found(published, tmp_path) == 1
    assert published("fingerprints", "pull", "bundle").code == 0


def test_without_a_keyring_the_reader_is_told_to_set_the_variable(published, monkeypatch, words):
    monkeypatch.setitem(sys.modules, "keyring", None)
    words(published("fingerprints", "pull", "bundle"))


@pytest.mark.parametrize("trouble", ["locked", "emptied", "another length", "gone", "marker of another"])
def test_a_keyring_that_fails_means_no_key_and_is_said(published, tmp_path, keyring, monkeypatch, trouble):
    published("fingerprints", "pull", "bundle")
    del published.environ["TOKENGUARD_SCAN_KEY"]
    account = (state_dir() / "scan" / "keyring").read_text().strip()
    match trouble:
        case "locked":
            keyring.get_keyring = lambda: 1 / 0
        case "emptied":
            keyring.backend = FakeKeyring()
        case "another length":
            keyring.backend.set_password("tokenguard", account, "AAAA")
        case "gone":
            monkeypatch.setitem(sys.modules, "keyring", None)
        case _:
            (state_dir() / "scan" / "keyring").chmod(0o666)
    assert find_scan_key({}) is None
    answer = published("scan", "public", "--format", "json")
    assert answer.document["notes"] == ["known tokens not searched for: no scan key"]
    assert "no scan key" in published.refused("scan", "public", "--require-own")


def test_where_nothing_was_pulled_no_keyring_is_asked(tmp_path, monkeypatch):
    module = ModuleType("keyring")
    module.get_keyring = lambda: pytest.fail("asked")
    monkeypatch.setitem(sys.modules, "keyring", module)
    assert find_scan_key({}) is None
    monkeypatch.chdir(tmp_path)
    assert hook.run(["--commit-msg", "nowhere"]) == 2


def share(cli, *more: str):
    return cli(*publishing("--to-store"), *more)


def test_bundle_and_key_come_from_the_store(published, tmp_path, keyring, words):
    words(published.refused("fingerprints", "pull", "--from", "store"))
    assert share(published).code == 0
    del published.environ["TOKENGUARD_SCAN_KEY"]
    assert published("fingerprints", "pull", "--from", "store").code == 0
    assert found(published, tmp_path) == 1  # by the key in the keyring


def test_the_store_and_a_file_carry_one_line_of_versions(published, tmp_path, words):
    assert share(published).code == 0
    answer = share(published, "bundle", "--format", "json")
    assert (answer.code, answer.document["version"]) == (0, 2)
    assert share(published, "--format", "json").document["version"] == 3
    assert published("fingerprints", "pull", "--from", "store", "--format", "json").document["version"] == 3
    words(published.refused("fingerprints", "pull", "bundle", code=6))


def test_a_key_that_is_pinned_here_is_not_replaced_by_the_stores(published, tmp_path, words):
    """Whoever may write the shelf, but is not the publisher, gets no bundle of theirs believed."""
    assert published(*publishing("--to-store", key="keys/evil")).code == 0
    words(published.refused("fingerprints", "pull", "--from", "store", code=6))


def test_a_second_publishers_key_is_refused(published):
    assert share(published).code == 0
    published.refused(*publishing("--to-store", key="keys/other"), code=6)
    published.refused("fingerprints", "publish", "--key-file", "keys/key", "--create-key")


def test_a_key_that_somebody_else_shared_before_is_not_published_beside(published, words):
    published.store.write(Item.SCAN_KEY, b"of another publisher", "", ())
    words(published.refused(*publishing("--to-store"), code=6))
    assert published.store.read(Item.FINGERPRINTS) is None


def test_what_others_put_on_the_shelf_is_never_believed(published):
    answer = share(published)
    assert answer.code == 0, answer
    for item in (Item.FINGERPRINTS, Item.SCAN_KEY):
        published.store.write(item, b"\xff not ours", published.store.read(item).revision, ())
        assert published("fingerprints", "pull", "--from", "store").code in {2, 6}
    del published.environ["TOKENGUARD_SCAN_KEY"]
    assert published("fingerprints", "pull", "--from", "store").code == 2
