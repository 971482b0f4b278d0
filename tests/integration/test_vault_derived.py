"""Entries that a Vault store derives from its documents, changed by another writer: found, named, never relied on."""

import base64
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import zlib

import pytest

from tests.fakes.vault_command_line import NAME, VaultCommandLine
from tests.integration.openbao import BINARY
from tests.integration.test_vault_put_back import Entry, refused, token_of
from tokenguard.errors import ExitCode
from tokenguard.stores.vault.layout import shard_of

OTHER = "video/app/prod/other"
WHOLE = (["audit", "verify"], ["doctor"])
_numbers = itertools.count()


@pytest.fixture
def cli(openbao, sandbox, tmp_path, capfd) -> VaultCommandLine:
    made = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=f"vault://secret/derived{next(_numbers)}")
    assert made("init", "--sandbox").code == ExitCode.OK
    for name in (NAME, OTHER):
        assert made.issue(name).code == ExitCode.OK
    assert made("list").code == ExitCode.OK
    return made


def name_entry(cli: VaultCommandLine, name: str = NAME) -> Entry:
    return Entry(cli, f"name/{hashlib.sha256(name.encode()).hexdigest()[:32]}")


def shard(cli: VaultCommandLine, token: str) -> Entry:
    return Entry(cli, f"idx/{shard_of(token):02x}")


def rows_in(entry: Entry) -> list[dict]:
    return json.loads(zlib.decompress(base64.b64decode(json.loads(entry.content()["content"])["rows"])))


def put_rows(entry: Entry, rows: list[dict]) -> None:
    packed = base64.b64encode(zlib.compress(json.dumps(rows).encode())).decode()
    entry.put(entry.content() | {"content": json.dumps({"rows": packed})})


def run_hint(cli: VaultCommandLine) -> None:
    """Run every command of the hints of `audit verify`."""
    shown = cli("audit", "verify").err
    environment = {**os.environ, "BAO_ADDR": cli.server.url, "BAO_TOKEN": cli.server.root_token}
    for command in re.findall(r"`((?:printf .*? \| )?bao (?:kv put|kv metadata delete).*?)`", shown):
        line = command.replace("bao ", f"{shutil.which(str(BINARY)) or BINARY} ")
        subprocess.run(["/bin/sh", "-c", line], check=True, env=environment, capture_output=True)


def test_a_row_that_says_something_else_than_its_document_is_no_intact_store_until_the_hint_s_command_was_run(cli):
    entry = shard(cli, token_of(cli))
    rows = rows_in(entry)
    for row in rows:
        row["document"]["record"]["owner"] = "mallory"
    put_rows(entry, rows)
    refused(cli, f"secret/{entry.path}", *WHOLE)
    run_hint(cli)
    for line in (*WHOLE, ["list"]):
        answer = cli(*line)
        assert answer.code == ExitCode.OK, line
        assert "mallory" not in answer.out + answer.err, line


def test_audit_verify_and_doctor_tell_nothing_from_an_altered_row(cli):
    entry = shard(cli, token_of(cli))
    rows = rows_in(entry)
    for row in rows:
        row["document"]["record"]["state"] = "retired"
        row["document"]["chain"]["seq"] = 1
    put_rows(entry, rows)
    answer = cli("audit", "verify")
    assert answer.code == ExitCode.TAMPERED
    assert f"secret/{entry.path}" in answer.err
    assert "chain" not in answer.err, "the token's own trail is whole"


@pytest.mark.parametrize("alter", [{"name": ""}, {"name": "", "document": None}], ids=["a name", "a document"])
def test_no_row_hides_a_token(cli, alter):
    entry = shard(cli, token_of(cli))
    put_rows(entry, [row | alter for row in rows_in(entry)])
    for line in (["list"], ["check", "--inventory-only"]):
        assert NAME in cli(*line).out, line


def test_a_row_in_another_part_of_the_index_is_no_row_of_its_token(cli):
    token, other = token_of(cli), json.loads(cli("show", OTHER, "--format", "json").out)["id"]
    (row,) = (each for each in rows_in(shard(cli, token)) if each["token"] == token)
    row["document"]["record"]["owner"] = "mallory"
    for number in {f"{shard_of(other):02x}", "00", "7f"} - {f"{shard_of(token):02x}"}:
        entry = Entry(cli, f"idx/{number}")
        own = rows_in(entry) if number == f"{shard_of(other):02x}" else []
        packed = base64.b64encode(zlib.compress(json.dumps([*own, row]).encode())).decode()
        entry.put({"content": json.dumps({"rows": packed}), "nonce": "0" * 16})
    assert "mallory" not in cli("list").out


def test_the_document_of_another_token_is_refused_until_the_right_one_is_back(cli):
    own = Entry(cli, f"doc/{token_of(cli)}")
    theirs = Entry(cli, f"doc/{json.loads(cli('show', OTHER, '--format', 'json').out)['id']}")
    right = own.content()
    own.put(theirs.content() | {"version": own.version + 1})
    refused(
        cli, f"secret/{own.path}", ["list"], ["show", NAME], ["check", "--inventory-only"], ["rotate", "--due"], *WHOLE
    )
    own.put(right | {"version": own.version + 1})
    assert cli("audit", "verify").code == cli("show", NAME).code == ExitCode.OK


@pytest.mark.parametrize("holder", ["nobody", "another token"])
def test_a_name_that_leads_elsewhere_is_no_intact_store_until_the_hint_s_command_was_run(cli, holder):
    entry = name_entry(cli)
    other = json.loads(name_entry(cli, OTHER).content()["content"])["token"]
    claim = json.loads(entry.content()["content"]) | {"token": "" if holder == "nobody" else other}
    entry.put(entry.content() | {"content": json.dumps(claim)})
    refused(cli, "", ["show", NAME], ["rotate", NAME])
    refused(cli, f"secret/{entry.path}", *WHOLE)
    run_hint(cli)
    for line in (*WHOLE, ["show", NAME], ["rotate", NAME]):
        assert cli(*line).code == ExitCode.OK, line


def marks_of(cli: VaultCommandLine) -> list[Entry]:
    below, token = cli.url.removeprefix("vault://secret/"), token_of(cli)
    folders = cli.server.api("LIST", f"secret/metadata/{below}/fp").json()["data"]["keys"]
    found = [(each, cli.server.api("LIST", f"secret/metadata/{below}/fp/{each}")) for each in folders]
    return [Entry(cli, f"fp/{each}{token}") for each, answer in found if token in answer.json()["data"]["keys"]]


def report_of(cli: VaultCommandLine, *more: str) -> str:
    path, values = cli.directory / "report.json", [cli.live(), *map(cli.live, more)]
    found = [{"RuleID": "generic", "Secret": each, "File": "a.py", "StartLine": 1} for each in values]
    path.write_text(json.dumps(found))
    return str(path)


def test_a_leaked_value_whose_fingerprint_leads_nowhere_is_found_and_told(cli):
    marks, report = marks_of(cli), report_of(cli, OTHER)
    assert marks
    for each in marks:
        each.remove()
    told = cli("respond", report, "--reach", "log", "--where", "a log").out
    assert NAME in told
    assert OTHER in told
    refused(cli, f"secret/{marks[0].path}", *WHOLE)
    run_hint(cli)
    assert cli("audit", "verify").code == ExitCode.OK
    assert [each.path for each in marks_of(cli)] == [each.path for each in marks]


def test_a_fingerprint_of_a_token_that_does_not_exist_stops_nothing(cli):
    (mark,) = marks_of(cli)
    Entry(cli, f"fp/{mark.path.split('/')[-2]}/{'0' * 32}").put({"nonce": "0" * 16})
    assert NAME in cli("respond", report_of(cli), "--reach", "log", "--where", "a log").out


def test_a_fingerprint_that_leads_to_another_token_accuses_nobody(cli):
    other = json.loads(cli("show", OTHER, "--format", "json").out)["id"]
    (mark,) = marks_of(cli)
    Entry(cli, f"fp/{mark.path.split('/')[-2]}/{other}").put({"nonce": "0" * 16})
    answer = cli("respond", report_of(cli), "--reach", "log", "--where", "a log")
    assert NAME in answer.out
    assert OTHER not in answer.out
    assert "leaked" not in cli("show", OTHER).out
