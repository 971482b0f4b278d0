"""T32: a store is not looked for at another server than before, whatever names it now, until somebody confirms it."""

import pytest

from tokenguard.errors import InputError, Tampered
from tokenguard.shell.known_servers import KnownServers

URL = "vault://kv/video"
FIRST = "https://vault.example.org:8200"
OTHER = "https://vault.example.net:8200"


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state" / "servers"


def known(*servers: str, url: str = URL) -> KnownServers:
    return KnownServers(url, servers)


def test_the_first_server_is_believed_and_remembered(state):
    known(FIRST).check()
    known(FIRST).remember()
    known(FIRST).check()
    (file,) = state.iterdir()
    assert (file.stat().st_mode & 0o777, state.stat().st_mode & 0o777) == (0o600, 0o700)


def test_another_one_is_refused_and_both_are_named_until_it_is_accepted():
    known(FIRST).remember()
    with pytest.raises(InputError) as caught:
        known(OTHER).check()
    assert FIRST in caught.value.message
    assert OTHER in caught.value.message
    assert f"--store {URL} doctor --accept-server" in caught.value.hint
    known(OTHER).accept()
    known(OTHER).check()
    known(FIRST).check()


def test_one_strange_node_among_known_ones_is_refused_and_one_less_is_fine():
    known(FIRST, OTHER).remember()
    known(FIRST).check()
    with pytest.raises(InputError, match=r"example\.com"):
        known(FIRST, "https://vault.example.com").check()


def test_every_store_has_servers_of_its_own():
    known(FIRST).remember()
    known(OTHER, url="vault://kv/audio").check()


@pytest.mark.parametrize("before", ["http://127.0.0.1:8200", "http://localhost:8200", "http://[::1]:8200"])
def test_ports_of_this_machine_are_one_place_and_no_other_machine_is(before):
    known(before).remember()
    known("http://127.0.0.1:9999").check()
    with pytest.raises(InputError):
        known(FIRST).check()


def test_aws_itself_and_an_endpoint_are_two_places():
    known("AWS in eu-central-1").remember()
    known("AWS in eu-central-1").check()
    with pytest.raises(InputError, match="vpce"):
        known("https://vpce.example.org").check()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b'{"store": "vault://kv/other", "servers": []}', b"[" * 20_000]
)
def test_what_was_changed_is_not_believed(state, content):
    known(FIRST).remember()
    next(state.iterdir()).write_bytes(content)
    with pytest.raises(Tampered):
        known(FIRST).check()


def test_a_link_is_not_believed(state, tmp_path):
    known(FIRST).remember()
    file = next(state.iterdir())
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Tampered):
        known(FIRST).check()


def test_a_machine_that_keeps_no_state_knows_nobody(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "file" / "state"))
    known(FIRST).remember()
    known(OTHER).check()
    with pytest.raises((OSError, InputError)):
        known(OTHER).accept()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


class TestUse:
    """A store is called gone only where this machine used one."""

    def at(self, namespace: str = "", url: str = URL) -> KnownServers:
        return KnownServers(url, [FIRST], namespace)

    @pytest.mark.parametrize(("used", "other"), [("", "team"), ("team", ""), ("team", "team/sub")])
    def test_a_namespace_has_a_store_of_its_own(self, used, other):
        self.at(used).remember()
        assert (self.at(used).used, self.at(other).used) == (True, False)
        self.at(other).remember()
        assert self.at(used).used
        assert self.at(other).used

    def test_the_servers_are_pinned_for_all_namespaces_together(self):
        self.at("team").remember()
        with pytest.raises(InputError):
            KnownServers(URL, [OTHER], "of another").check()

    def test_an_accepted_server_is_none_that_was_used(self):
        self.at().accept()
        assert (self.at().known, self.at().used) == (True, False)
        self.at().remember()
        KnownServers(URL, [OTHER]).accept()
        assert self.at().used

    @pytest.mark.parametrize("namespace", ["", "team"])
    def test_a_file_of_an_earlier_version_counts_for_every_namespace(self, state, namespace):
        self.at().remember()
        file = next(state.iterdir())
        file.write_text(f'{{"store":"{URL}","servers":["{FIRST}"]}}\n')
        assert self.at(namespace).used
        self.at(namespace).check()
