"""An entry that others left in a store's folders: it stops nothing, it is told, and `audit verify` and `doctor` name it."""

import itertools
import json

import pytest

from tests.fakes.vault_command_line import NAME, VaultCommandLine
from tokenguard.errors import ExitCode

_numbers = itertools.count()
ID, FINGERPRINT = "0123456789abcdef" * 2, "fedcba9876543210" * 2
LISTED = {
    "a name that is not an id": "doc/README",
    "an id in capitals": f"doc/{ID.upper()}",
    "an id with nothing of ours": f"doc/{ID}",
    "an entry below an id": f"doc/{ID}/README",
    "a folder of documents": "doc/old/entry",
    "a shard of another size": "idx/zz",
    "a shard beyond the last": "idx/ff",
    "a folder of shards": "idx/old/00",
    "a mark that is none": "dirty/notes",
    "a mark without its end": f"dirty/{ID}.1",
}
"""In folders that every scan lists."""
UNLISTED = {
    "beside what the store is": "meta/notes",
    "beside the key": "key/old",
    "a name that is not hashed": "name/video",
    "a value that is not a fingerprint": "fp/notes",
    "a holder that is not a token": f"fp/{FINGERPRINT}/notes",
    "a trail that is not a token's": "log/notes",
    "a block that has no number": f"log/{ID}/notes",
    "a slot of no token": "cand/notes",
    "a slot in capitals": f"cand/{ID}/NOTES",
    "a value in capitals": "live/README",
    "a value below a value": f"live/{NAME}/x/y/z",
    "something shared": "shared/notes",
    "a trail of nothing that is shared": "shared/log/notes/000000",
    "a trail of approvals where those of other items are": "shared/log/approvals/000000",
    "beside the approvals": "shared/approvals/notes",
    "a trail of another item beside the approvals": "shared/approvals/log/policy/000000",
}
"""In folders that only the whole check lists."""
READING = [
    ["list"], ["list", "--due"], ["check", "--inventory-only"], ["report"], ["rotate", "--due"], ["rotate", "--resume"],
    ["verify", "--all"], ["show", NAME], ["audit", "log"],
]  # fmt: skip


@pytest.fixture
def cli(openbao, sandbox, tmp_path, capfd) -> VaultCommandLine:
    made = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=f"vault://secret/strays{next(_numbers)}")
    assert made("init", "--sandbox").code == ExitCode.OK
    assert made.issue().code == ExitCode.OK
    assert made("list").code == ExitCode.OK
    return made


def put(cli: VaultCommandLine, path: str) -> str:
    """Leave an entry; returns its path as the errors name it."""
    folder = cli.url.removeprefix("vault://secret/")
    cli.server.api("POST", f"secret/data/{folder}/{path}", {"data": {"note": "hi"}})
    return f"secret/{folder}/{path}"


@pytest.mark.parametrize("stray", LISTED)
def test_every_other_token_is_still_served_and_what_was_passed_over_is_told(cli, stray):
    path = put(cli, LISTED[stray])
    for line in READING:
        answer = cli(*line)
        assert answer.code in {ExitCode.OK, ExitCode.FINDINGS}, (line, answer.err)
        if line != ["show", NAME]:
            assert any(path.startswith(each.rstrip("/")) for each in named(cli, answer.err)), (line, answer.err)
    assert NAME in cli("list").out
    document = cli("list", "--format", "json").document
    assert [token["name"] for token in document["tokens"]] == [NAME]
    (passed,) = document["passed_over"]
    assert path.startswith(passed["where"].rstrip("/"))


def named(cli: VaultCommandLine, text: str) -> list[str]:
    return [word.rstrip(":") for word in text.split() if word.startswith("secret/")]


@pytest.mark.parametrize("stray", {**LISTED, **UNLISTED})
def test_the_whole_check_is_exit_6_with_the_path(cli, stray):
    path = put(cli, {**LISTED, **UNLISTED}[stray])
    answer = cli("audit", "verify")
    assert answer.code == ExitCode.TAMPERED, answer.err
    assert any(path.startswith(each.strip("():").rstrip("/")) for each in answer.error.split() if "secret/" in each)
    assert answer.err.count("hint: ") == 1
    doctor = cli("doctor", "--format", "json")
    assert doctor.code == ExitCode.TAMPERED
    failing = [each["text"] for each in doctor.document["checks"] if each["level"] == "fail"]
    assert len(failing) == 1
    assert path.startswith(failing[0].partition(": ")[0].rstrip("/"))


@pytest.mark.parametrize("stray", UNLISTED)
def test_what_no_scan_lists_stops_nothing_either(cli, stray):
    put(cli, UNLISTED[stray])
    for line in (["list"], ["rotate", NAME], ["verify", NAME], ["rotate", "--due"]):
        assert cli(*line).code == ExitCode.OK, line


def test_a_store_without_strays_says_nothing_of_them(cli):
    answer = cli("list", "--format", "json")
    assert "passed_over" not in answer.document
    assert "passed over" not in answer.err
    assert cli("audit", "verify").code == cli("doctor").code == ExitCode.OK


def test_the_removal_that_the_hint_names_mends_it(cli):
    put(cli, "doc/README")
    hint = next(line for line in cli("audit", "verify").err.splitlines() if line.startswith("hint: "))
    assert "bao kv metadata delete -mount=secret" in hint
    folder = cli.url.removeprefix("vault://secret/")
    cli.server.api("DELETE", f"secret/metadata/{folder}/doc/README")
    assert cli("audit", "verify").code == cli("doctor").code == ExitCode.OK


def test_a_document_that_was_ours_and_is_not_readable_is_never_passed_over(cli):
    token = json.loads(cli("show", NAME, "--format", "json").out)["id"]
    path = put(cli, f"doc/{token}")
    for line in (["list"], ["rotate", "--due"], ["audit", "verify"], ["show", NAME]):
        answer = cli(*line)
        assert answer.code == ExitCode.TAMPERED, (line, answer.out)
        assert path in answer.error


@pytest.mark.parametrize("role", ["rotator", "inventory", "auditor", "planner"])
def test_a_role_that_may_list_less_goes_on_and_tells(cli, role):
    path = put(cli, "doc/README")
    policy = cli("init", "--print-policy", "--format", "json").document["policies"][role]
    cli.token = cli.server.new_token(policy)
    answer = cli("list")
    assert (answer.code, NAME in answer.out) == (ExitCode.OK, True), answer.err
    assert path in answer.err
