"""What others put back or exchange in a Vault is never taken for the present state: exit 6 with its path."""

import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fakes.vault_command_line import NAME, VaultCommandLine
from tests.integration.openbao import BINARY, OpenBao
from tokenguard.clients.vault.kv import KvMount
from tokenguard.errors import ExitCode, Unreachable

_numbers = itertools.count()
READING = (["list"], ["show", NAME], ["rotate", NAME], ["rotate", "--due"], ["audit", "verify"], ["doctor"])


@pytest.fixture
def cli(openbao, sandbox, tmp_path, capfd) -> VaultCommandLine:
    made = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=f"vault://secret/back{next(_numbers)}")
    assert made("init", "--sandbox").code == ExitCode.OK
    assert made.issue().code == ExitCode.OK
    assert made("list").code == ExitCode.OK
    return made


class Entry:
    """One entry of the store, as its server's own tools see it."""

    def __init__(self, cli: VaultCommandLine, path: str) -> None:
        self.path = f"{cli.url.removeprefix('vault://secret/')}/{path}"
        self._api = cli.server.api

    @property
    def version(self) -> int:
        return self._api("GET", f"secret/metadata/{self.path}").json()["data"]["current_version"]

    def content(self, version: int | None = None) -> dict:
        query = f"?version={version}" if version else ""
        return self._api("GET", f"secret/data/{self.path}{query}").json()["data"]["data"]

    def put(self, content: dict) -> None:
        self._api("POST", f"secret/data/{self.path}", {"data": content})

    def remove(self) -> None:
        self._api("DELETE", f"secret/metadata/{self.path}")

    def delete(self) -> None:
        self._api("DELETE", f"secret/data/{self.path}")

    def destroy(self) -> None:
        self._api("PUT", f"secret/destroy/{self.path}", {"versions": [self.version]})


def token_of(cli: VaultCommandLine) -> str:
    return json.loads(cli("show", NAME, "--format", "json").out)["id"]


@pytest.fixture
def document(cli) -> Entry:
    return Entry(cli, f"doc/{token_of(cli)}")


def refused(cli: VaultCommandLine, path: str, *lines: list[str]) -> None:
    for line in lines:
        answer = cli(*line)
        assert answer.code == ExitCode.TAMPERED, (line, answer)
        assert path in answer.out + answer.err, line


@pytest.mark.parametrize("back", [1, 2])
def test_an_older_copy_of_a_document_that_is_put_back_is_noticed_by_every_command(cli, document, back):
    document.put(document.content(document.version - back))
    refused(cli, f"secret/{document.path}", *READING)


def test_a_document_that_no_leak_was_in_does_not_take_the_leak_back(cli, document):
    before = document.content()
    assert cli("edit", NAME, "--notes", "later").code == ExitCode.OK
    document.put(before)
    refused(cli, f"secret/{document.path}", ["list"], ["check", "--inventory-only"], ["upkeep", "--no-input"])


def test_a_tombstone_in_the_place_of_a_document_is_noticed(cli, document):
    document.put({"never": True, "nonce": "0" * 16})
    refused(cli, f"secret/{document.path}", ["list"], ["show", NAME], ["audit", "verify"])


def test_what_the_hint_says_restores_the_right_version(cli, document):
    right = document.version
    document.put(document.content(right - 1))
    assert cli("show", NAME).code == ExitCode.TAMPERED
    document.put(document.content(right) | {"version": document.version + 1})
    for line in (["show", NAME], ["audit", "verify"], ["rotate", NAME], ["doctor"]):
        assert cli(*line).code == ExitCode.OK, line


def test_a_document_of_an_earlier_tree_is_read_and_bound_by_its_next_write(cli, document):
    early = document.content()
    del early["version"]
    document.put(early)
    assert cli("show", NAME).code == cli("rotate", NAME).code == ExitCode.OK
    assert document.content()["version"] == document.version
    document.put(document.content())
    refused(cli, f"secret/{document.path}", ["show", NAME])


def test_another_value_in_a_live_entry_is_served_to_nobody_until_it_is_restored(cli):
    live, token = Entry(cli, f"live/{NAME}"), token_of(cli)
    content = live.content()
    live.put(content | {"token": "tgcanary-another-value-0123456789"})
    refused(
        cli, f"secret/{live.path}", ["verify", NAME], ["rotate", NAME],
        ["audit", "verify"], ["doctor"],
    )  # fmt: skip
    assert cli("exec", "-t", NAME, "--", "true").code == ExitCode.CLOSED
    label = content["tokenguard"]["label"]
    slot = Entry(cli, f"cand/{token}/{label}").content()["value"]
    live.put(slot | {"tokenguard": {"label": label}})
    for line in (["verify", NAME], ["audit", "verify"], ["doctor"], ["rotate", NAME]):
        assert cli(*line).code == ExitCode.OK, line


def test_a_live_entry_that_was_removed_with_all_its_versions_is_noticed(cli):
    live = Entry(cli, f"live/{NAME}")
    content = live.content()
    live.remove()
    assert cli("exec", "-t", NAME, "--", "true").code == ExitCode.CLOSED
    refused(cli, f"secret/{live.path}", ["audit", "verify"], ["doctor"])
    hint = cli("audit", "verify").err
    assert f"cand/{token_of(cli)}/{content['tokenguard']['label']}" in hint
    assert f"bao kv put -cas=0 -mount=secret {live.path} -" in hint
    slot = Entry(cli, f"cand/{token_of(cli)}/{content['tokenguard']['label']}").content()["value"]
    live.put(slot | {"tokenguard": {"label": content["tokenguard"]["label"]}})
    for line in (
        ["verify", NAME],
        ["audit", "verify"],
        ["rotate", NAME],
        ["audit", "verify"],
        ["retire", NAME, "--yes"],
    ):
        assert cli(*line).code == ExitCode.OK, line
    assert cli("audit", "verify").code == ExitCode.OK


def run_commands_of(hint: str, openbao: OpenBao, home: Path, start: str = "bao") -> None:
    """Run the commands of a hint, with the server's own command line."""
    login = {"BAO_ADDR": openbao.url, "BAO_TOKEN": openbao.root_token, "HOME": str(home)}
    search = f"{BINARY.parent}{os.pathsep}{os.environ['PATH']}"
    commands = re.findall(rf"`({start} [^`]+)`", hint.replace("\n", " "))
    assert commands
    for command in commands:
        subprocess.run(["sh", "-ec", command], env={**login, "PATH": search}, check=True, capture_output=True)


LEAK_RESPONSES = (["rotate", NAME, "--compromised"], ["retire", NAME, "--yes"])


@pytest.fixture
def rotator(cli, openbao) -> str:
    assert cli("rotate", NAME).code == ExitCode.OK
    return openbao.new_token(cli("init", "--print-policy", "--format", "json").document["policies"]["rotator"])


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
@pytest.mark.parametrize("line", LEAK_RESPONSES, ids=lambda line: line[0])
@pytest.mark.parametrize("lose", [Entry.destroy, Entry.delete], ids=lambda lose: lose.__name__)
def test_a_leak_response_tells_the_command_that_restores_a_deleted_live_entry_and_goes_on_after_it(
    cli, openbao, rotator, tmp_path, lose, line
):
    lose(Entry(cli, f"live/{NAME}"))
    for _ in "ab":
        refused = cli(*line, token=rotator)
        assert (refused.code, f"live/{NAME}" in refused.error) == (ExitCode.UNREACHABLE, True), refused
    run_commands_of(refused.err, openbao, tmp_path)
    assert cli("audit", "verify").code == ExitCode.OK
    assert cli(*line, token=rotator).code == ExitCode.OK
    assert cli("audit", "verify").code == ExitCode.OK


@pytest.mark.parametrize("line", LEAK_RESPONSES, ids=lambda line: line[0])
def test_a_leak_response_revokes_the_token_of_the_record_when_its_live_entry_was_removed(cli, rotator, line):
    Entry(cli, f"live/{NAME}").remove()
    assert cli(*line, token=rotator).code == ExitCode.OK
    assert cli("audit", "verify").code == ExitCode.OK


@pytest.mark.parametrize("line", LEAK_RESPONSES, ids=lambda line: line[0])
def test_a_leak_response_proves_the_death_of_the_token_of_the_record_not_of_an_earlier_value_put_back(
    cli, rotator, line
):
    live = Entry(cli, f"live/{NAME}")
    earlier = live.content()
    assert cli("rotate", NAME, token=rotator).code == ExitCode.OK
    label = live.content()["tokenguard"]["label"]
    live.put(earlier)
    assert cli(*line, token=rotator).code == ExitCode.OK
    assert label in [item["label"] for item in stored_document(cli)["quarantine"]]


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
def test_an_earlier_value_that_was_put_back_is_noticed_until_the_hint_s_command_was_run(cli, openbao, tmp_path):
    live = Entry(cli, f"live/{NAME}")
    earlier = live.content()
    assert cli("rotate", NAME).code == ExitCode.OK
    now = live.content()
    live.put(earlier)
    refused(cli, live.path, ["audit", "verify"], ["doctor"])
    run_commands_of(cli("audit", "verify").err, openbao, tmp_path)
    assert live.content()["token"] == now["token"]
    assert [cli(*line).code for line in (["audit", "verify"], ["rotate", NAME])] == [ExitCode.OK, ExitCode.OK]


GIVING = (["exec", "-t", NAME, "--", "env"], ["env", "-t", NAME], ["verify", NAME], ["deliver", NAME])


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
def test_an_earlier_value_that_was_put_back_is_given_to_no_program_and_no_consumer(cli, openbao, tmp_path):
    target = tmp_path / "service" / ".env"
    target.parent.mkdir(mode=0o700)
    live = Entry(cli, f"live/{NAME}")
    assert cli("edit", NAME, "--deliver", f"dotenv:{target}#TOKEN", "--yes").code == ExitCode.OK
    assert cli("deliver", NAME).code == ExitCode.OK
    earlier = live.content()
    assert cli("rotate", NAME).code == ExitCode.OK
    target.unlink()
    live.put(earlier)
    for line in GIVING:
        answer = cli(*line)
        assert answer.code == (ExitCode.CLOSED if line[0] == "exec" else ExitCode.TAMPERED), answer
        assert f"for {NAME} is not the one in use" in answer.err, line
        assert earlier["token"] not in answer.out + answer.err
    assert not target.exists()
    run_commands_of(cli("verify", NAME).err, openbao, tmp_path)
    for line in GIVING:
        assert cli(*line).code == ExitCode.OK, line


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
@pytest.mark.parametrize("lose", [Entry.destroy, Entry.delete], ids=lambda lose: lose.__name__)
@pytest.mark.parametrize("open_operation", [False, True], ids=["at rest", "during a rotation"])
def test_a_live_entry_that_was_deleted_is_no_intact_store_until_the_hint_s_command_was_run(
    cli, openbao, tmp_path, lose, open_operation
):
    if open_operation:
        cli.more = '[commands.fails]\nargv = ["/bin/false"]\n'
        assert cli("edit", NAME, "--deliver", "command:fails", "--yes").code == ExitCode.OK
        assert cli("rotate", NAME).code == ExitCode.UNREACHABLE
    assert ("--resume" in cli("doctor").out) is open_operation
    live = Entry(cli, f"live/{NAME}")
    now = live.content()["token"]
    lose(live)
    refused(cli, live.path, ["audit", "verify"], ["doctor"])
    run_commands_of(cli("audit", "verify").err, openbao, tmp_path)
    assert live.content()["token"] == now
    assert cli("audit", "verify").code == cli("verify", NAME).code == ExitCode.OK


def name_entry(cli: VaultCommandLine) -> Entry:
    return Entry(cli, f"name/{hashlib.sha256(NAME.encode()).hexdigest()[:32]}")


def test_a_name_that_leads_nowhere_is_no_intact_store_until_the_hint_s_command_was_run(cli, openbao, tmp_path):
    """A token that is listed is not called missing."""
    name_entry(cli).remove()
    for line in (["verify", NAME], ["rotate", NAME], ["show", NAME]):
        answer = cli(*line)
        assert (answer.code, "no token named" in answer.err) == (ExitCode.TAMPERED, False), answer
        assert "audit verify" in answer.hint
    refused(cli, name_entry(cli).path, ["audit", "verify"], ["doctor"])
    run_commands_of(cli("audit", "verify").err, openbao, tmp_path, start="printf")
    for line in (["audit", "verify"], ["verify", NAME], ["rotate", NAME], ["edit", NAME, "--rename", f"{NAME}-new"]):
        assert cli(*line).code == ExitCode.OK, line


def test_a_key_of_fingerprints_that_is_gone_is_not_told_as_a_wrong_value(cli):
    Entry(cli, "key/fingerprint").remove()
    verified = cli("audit", "verify")
    assert verified.code == ExitCode.TAMPERED
    assert "fingerprint key" in verified.error


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
def test_a_live_entry_that_others_wrote_is_restored_by_the_hint_s_command(cli, openbao, tmp_path):
    live = Entry(cli, f"live/{NAME}")
    now = live.content()["token"]
    live.put({"token": "tgcanary-written-by-hand-0123456789"})
    refused(cli, "written by tokenguard", ["verify", NAME], ["rotate", NAME])
    run_commands_of(cli("verify", NAME).err, openbao, tmp_path)
    assert live.content()["token"] == now
    assert cli("audit", "verify").code == cli("rotate", NAME).code == ExitCode.OK


def test_a_value_of_a_retired_token_that_was_put_back_is_given_to_no_program(cli, openbao, tmp_path):
    live = Entry(cli, f"live/{NAME}")
    value = live.content()
    assert cli("retire", NAME, "--yes").code == ExitCode.OK
    live.put(value)
    answer = cli("exec", "-t", NAME, "--", "env")
    assert (answer.code, "the token is retired" in answer.error) == (ExitCode.CLOSED, True), answer
    refused(cli, live.path, ["audit", "verify"], ["doctor"])
    run_commands_of(cli("audit", "verify").err, openbao, tmp_path)
    assert cli("audit", "verify").code == ExitCode.OK


def stored_document(cli: VaultCommandLine) -> dict:
    return json.loads(Entry(cli, f"doc/{token_of(cli)}").content()["document"])


def test_a_document_that_was_removed_with_all_its_versions_is_noticed(cli, document, openbao, tmp_path):
    token = token_of(cli)
    document.remove()
    for line in (["list"], ["rotate", "--due"], ["check", "--inventory-only"], ["report"], ["metrics"], ["upkeep"]):
        answer = cli(*line)
        assert answer.code in {ExitCode.FINDINGS, ExitCode.UNREACHABLE}, (line, answer)
        assert f"the document of {NAME} was removed" in answer.err, line
    refused(cli, f"doc/{token}", ["audit", "verify"], ["doctor"])
    other = f"{NAME}-other"
    assert cli.issue(other).code == ExitCode.OK
    assert cli("list").code == cli("list").code == ExitCode.UNREACHABLE, "the index was written since"
    run_commands_of(cli("list").err, openbao, tmp_path)
    assert cli("list").code == ExitCode.OK
    assert other in cli("list").out
    refused(cli, f"cand/{token}", ["audit", "verify"], ["doctor"])  # the values are there without the index too


@pytest.mark.parametrize("line", [["rotate", NAME], ["rotate", NAME, "--compromised"]])
def test_what_consumers_read_is_not_deleted_by_the_server_whatever_the_entry_says(cli, line):
    """`delete_version_after` of the entry itself: the mount's is refused."""
    mount, prefix = cli.url.removeprefix("vault://").split("/", 1)
    path = f"{prefix}/live/{NAME}"
    cli.server.api("POST", f"{mount}/metadata/{path}", {"delete_version_after": "1h"})
    assert cli(*line).code == ExitCode.OK
    found = cli.server.api("GET", f"{mount}/data/{path}").json()["data"]["metadata"]
    assert found["deletion_time"] == ""
    assert cli.server.api("GET", f"{mount}/metadata/{path}").json()["data"]["delete_version_after"] == "0s"
    assert cli("audit", "verify").code == cli("rotate", NAME).code == ExitCode.OK


def test_a_publish_that_stopped_before_the_value_was_to_stay_is_completed(cli, monkeypatch):
    mount, prefix = cli.url.removeprefix("vault://").split("/", 1)
    path = f"{prefix}/live/{NAME}"
    cli.server.api("POST", f"{mount}/metadata/{path}", {"delete_version_after": "1h"})

    def stopped(*_arguments):
        raise Unreachable("the connection was lost", hint="try again")

    with monkeypatch.context() as broken:
        broken.setattr(KvMount, "keep_one_version", stopped)
        assert cli("rotate", NAME).code in {ExitCode.UNREACHABLE, ExitCode.UNFINISHED}
    ends = [cli.server.api("GET", f"{mount}/data/{path}").json()["data"]["metadata"]["deletion_time"]]
    answer = cli("rotate", NAME, "--resume")
    assert answer.code == ExitCode.OK, answer
    ends.append(cli.server.api("GET", f"{mount}/data/{path}").json()["data"]["metadata"]["deletion_time"])
    assert [bool(each) for each in ends] == [True, False]
    assert cli("audit", "verify").code == cli("rotate", NAME).code == ExitCode.OK
