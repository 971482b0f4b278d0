"""Tags and pointers of an AWS store, changed by somebody who reads no secret: found, named, never relied on."""

import base64
import json
import re
import shlex
import zlib
from collections.abc import Callable

import pytest

from tests.contract.store_suite import created
from tests.fakes.secrets_manager.command_line import NAME, AwsCommandLine
from tests.fakes.secrets_manager.stores import made, opened
from tests.integration.test_aws_strays import make, prefix_of, tags_of
from tokenguard.errors import ExitCode
from tokenguard.stores.aws.projection import STATE, STORE, TOKEN

RENAMED = "video/app/prod/renamed"
WHOLE = (["audit", "verify"], ["doctor"])


@pytest.fixture
def cli(aws_with_token: AwsCommandLine) -> AwsCommandLine:
    return aws_with_token


def tag(cli: AwsCommandLine, tags: dict[str, str], name: str = NAME) -> None:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    cli.aws.service.call("TagResource", {"SecretId": f"{prefix_of(cli)}/{name}", "Tags": listed})


def packed_in(tags: dict[str, str]) -> str:
    count = int(tags[STATE].split(":")[2])
    return "".join(tags[f"tg:d{number:02}"] for number in range(count))


def forged(tags: dict[str, str], change: Callable[[dict], None]) -> dict[str, str]:
    """The tags of a document that its secret does not hold, under the same state."""
    document = json.loads(zlib.decompress(base64.b64decode(packed_in(tags))))
    change(document)
    packed = base64.b64encode(zlib.compress(json.dumps(document).encode(), 9)).decode()
    chunks = [packed[start : start + 256] for start in range(0, len(packed), 256)]
    version, at, _, seal = tags[STATE].split(":")
    return {STATE: f"{version}:{at}:{len(chunks)}:{seal}"} | {f"tg:d{n:02}": each for n, each in enumerate(chunks)}


def _owner(tags: dict[str, str]) -> dict[str, str]:
    return forged(tags, lambda document: document["record"].update(owner="mallory"))


def _retired(tags: dict[str, str]) -> dict[str, str]:
    return forged(tags, lambda document: document["record"].update(state="retired"))


def _name(tags: dict[str, str]) -> dict[str, str]:
    return forged(tags, lambda document: document["record"].update(name="mallory/app"))


def _other_store(_tags: dict[str, str]) -> dict[str, str]:
    return {STORE: "0" * 32}


def _other_token(_tags: dict[str, str]) -> dict[str, str]:
    return {TOKEN: "0" * 32}


FORGED = {"owner": _owner, "retired": _retired, "name": _name, "store": _other_store, "token": _other_token}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_tags_that_others_wrote_are_shown_by_no_list_and_told_until_the_hint_s_command_was_run(cli, forge):
    tag(cli, forge(tags_of(cli)))
    for line in (["list"], ["check", "--inventory-only"], ["report", "--format", "json"], ["rotate", NAME, "--plan"]):
        answer = cli(*line)
        assert NAME in answer.out, line
        assert "mallory" not in answer.out + answer.err, line
    for line in WHOLE:
        answer = cli(*line)
        assert answer.code == ExitCode.TAMPERED, line
        assert f"{prefix_of(cli)}/{NAME}" in answer.out + answer.err, line
        assert "chain" not in answer.err, "the token's own trail is whole"
    (hint,) = re.findall(r"`tokenguard (verify .*?)`", cli("audit", "verify").err)
    assert cli(*hint.split()).code == ExitCode.OK
    for line in WHOLE:
        assert cli(*line).code == ExitCode.OK, line


def test_the_id_of_another_token_hides_neither(cli):
    other = "video/app/prod/other"
    assert cli.issue(other).code == ExitCode.OK
    tag(cli, {TOKEN: tags_of(cli)[TOKEN]}, other)
    shown = cli("list").out
    assert NAME in shown
    assert other in shown
    assert cli("rotate", NAME).code == cli("rotate", other).code == ExitCode.OK


def version_of(cli: AwsCommandLine, name: str) -> dict:
    return cli.aws.service.call("GetSecretValue", {"SecretId": f"{prefix_of(cli)}/{name}", "VersionStage": "tg-doc"})


@pytest.mark.parametrize("tagged", [False, True], ids=["with its own tags", "with the tags of the other"])
def test_the_state_of_a_token_in_the_secret_of_another_hides_neither(cli, tagged):
    other = "video/app/prod/other"
    assert cli.issue(other).code == ExitCode.OK
    theirs, own, secret = version_of(cli, NAME), version_of(cli, other), f"{prefix_of(cli)}/{other}"
    copy = {"SecretId": secret, "ClientRequestToken": theirs["VersionId"], "SecretBinary": theirs["SecretBinary"]}
    cli.aws.service.call("PutSecretValue", {**copy, "VersionStages": ["theirs"]})
    label = {"SecretId": secret, "VersionStage": "tg-doc"}
    moved = {"MoveToVersionId": theirs["VersionId"], "RemoveFromVersionId": own["VersionId"]}
    cli.aws.service.call("UpdateSecretVersionStage", {**label, **moved})
    if tagged:
        tag(cli, tags_of(cli), other)
    for line in (["list"], ["show", other], ["check", "--inventory-only"], ["rotate", "--due"], *WHOLE):
        answer = cli(*line)
        assert answer.code == ExitCode.TAMPERED, line
        assert secret in answer.out + answer.err, line
    back = {"MoveToVersionId": own["VersionId"], "RemoveFromVersionId": theirs["VersionId"]}
    cli.aws.service.call("UpdateSecretVersionStage", {**label, **back})
    assert cli("list").code == cli("verify", other).code == cli("audit", "verify").code == ExitCode.OK


def test_tags_without_a_seal_are_those_of_an_earlier_version_and_the_secret_is_read(cli):
    tags = _owner(tags_of(cli))
    tag(cli, tags | {STATE: tags[STATE].rpartition(":")[0]})
    assert "mallory" not in cli("list").out


def test_a_store_below_this_one_keeps_its_tokens(cli, fake_aws):
    below = made(fake_aws, prefix=f"{prefix_of(cli)}/team")
    created(below, "app/prod/theirs")
    assert "theirs" not in cli("list").out
    for line in WHOLE:
        assert cli(*line).code == ExitCode.OK, line
    assert [each.document.record.name for each in opened(fake_aws, prefix=f"{prefix_of(cli)}/team").scan()]


@pytest.mark.parametrize("gone", [True, False], ids=["removed", "exchanged"])
def test_a_name_that_leads_elsewhere_is_no_intact_store_until_the_hint_s_command_was_run(cli, gone):
    assert cli("edit", NAME, "--rename", RENAMED).code == ExitCode.OK
    secret = f"{prefix_of(cli)}/{RENAMED}"
    cli.aws.service.call("DeleteSecret", {"SecretId": secret, "ForceDeleteWithoutRecovery": True})
    if not gone:
        make(cli, RENAMED, {})
    assert cli("show", RENAMED).code == ExitCode.TAMPERED
    for line in WHOLE:
        answer = cli(*line)
        assert answer.code == ExitCode.TAMPERED, line
        assert secret in answer.out + answer.err, line
    (command,) = re.findall(r"`aws secretsmanager (.*?)`", cli("audit", "verify").err)
    run(cli, command)
    for line in (*WHOLE, ["show", RENAMED]):
        assert cli(*line).code == ExitCode.OK, line


def run(cli: AwsCommandLine, command: str) -> None:
    """What the vendor's own command would ask for."""
    operation, *words = shlex.split(command)
    options: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            options[word] = []
        else:
            options[[*options][-1]].append(word)
    params: dict[str, object] = {
        "SecretBinary": options["--secret-binary"][0],
        "ClientRequestToken": "21111111-2222-4333-8444-555555555555",
    }
    if operation == "create-secret":
        pairs = [dict(part.split("=", 1) for part in each.split(",")) for each in options["--tags"]]
        cli.aws.service.call("CreateSecret", {**params, "Name": options["--name"][0], "Tags": pairs})
    else:
        stages = options["--version-stages"]
        cli.aws.service.call(
            "PutSecretValue", {**params, "SecretId": options["--secret-id"][0], "VersionStages": stages}
        )
