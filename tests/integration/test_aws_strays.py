"""A secret that others made with the store's tags or in its places: it stops nothing, is told, and is named with exit 6."""

import base64
import json
import re
import shlex

import pytest

from tests.fakes.secrets_manager.command_line import NAME, AwsCommandLine
from tokenguard.errors import ExitCode
from tokenguard.stores.aws.projection import STORE, TOKEN

OTHER = f"{NAME}-copy"


@pytest.fixture
def cli(aws_with_token: AwsCommandLine) -> AwsCommandLine:
    return aws_with_token


def prefix_of(cli: AwsCommandLine) -> str:
    return cli.url.removeprefix("aws://").partition("/")[2]


def tags_of(cli: AwsCommandLine) -> dict[str, str]:
    described = cli.aws.service.call("DescribeSecret", {"SecretId": f"{prefix_of(cli)}/{NAME}"})
    return {tag["Key"]: tag["Value"] for tag in described["Tags"]}


def make(cli: AwsCommandLine, name: str, tags: dict[str, str]) -> str:
    secret = f"{prefix_of(cli)}/{name}"
    cli.aws.service.call(
        "CreateSecret",
        {
            "Name": secret,
            "ClientRequestToken": "11111111-2222-4333-8444-555555555555",
            "SecretBinary": base64.b64encode(b"note").decode(),
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        },
    )
    return secret


@pytest.mark.parametrize("kind", ["copied with its tags", "with an id that is none"])
def test_a_secret_with_the_stores_tags_stops_nothing_and_is_told(cli, kind):
    tags = tags_of(cli)
    if kind == "with an id that is none":
        tags = {STORE: tags[STORE], TOKEN: "notes"}
    secret = make(cli, "video/app/prod/copy", tags)
    for line in (["list"], ["check", "--inventory-only"], ["report"], ["rotate", "--due"], ["audit", "log"]):
        answer = cli(*line)
        assert answer.code in {ExitCode.OK, ExitCode.FINDINGS}, (line, answer.err)
        assert secret in answer.err, line
    document = cli("list", "--format", "json").document
    assert [token["name"] for token in document["tokens"]] == [NAME]
    assert [each["where"] for each in document["passed_over"]] == [secret]
    named_with_exit_6(cli, secret)


@pytest.mark.parametrize("name", ["@notes", "@shared-notes", "@log/notes/1", "@store/old"])
def test_a_secret_below_the_stores_own_names_is_named(cli, name):
    secret = make(cli, name, {})
    assert cli("list").code == cli("rotate", "--due").code == ExitCode.OK
    named_with_exit_6(cli, secret)


def test_secrets_of_others_beside_the_store_are_no_strays(cli):
    make(cli, "video/app/prod/database", {"team": "video"})
    assert cli("audit", "verify").code == ExitCode.OK
    assert "passed over" not in cli("list").err


def test_a_token_whose_state_is_gone_is_never_passed_over(cli):
    secret = make(cli, "video/app/prod/lost", {STORE: tags_of(cli)[STORE], TOKEN: "0" * 32})
    for line in (["list"], ["rotate", "--due"], ["audit", "verify"]):
        answer = cli(*line)
        assert answer.code == ExitCode.TAMPERED, line
        assert secret in answer.error


def test_a_token_whose_secret_is_scheduled_for_deletion_is_told_and_is_no_intact_store(cli):
    secret = f"{prefix_of(cli)}/{NAME}"
    cli.aws.service.call("DeleteSecret", {"SecretId": secret})
    for line in (["list"], ["rotate", "--due"], ["check", "--inventory-only"]):
        answer = cli(*line)
        assert answer.code == ExitCode.UNREACHABLE, line
        assert f"restore-secret --region {cli.aws.region} --secret-id '{secret}'" in answer.err, line
    named_with_exit_6(cli, secret)
    shown = cli("show", NAME)
    assert shown.code == ExitCode.UNREACHABLE
    assert f"--secret-id '{secret}'" in shown.err
    cli.aws.service.call("RestoreSecret", {"SecretId": secret})
    assert cli("audit", "verify").code == ExitCode.OK
    assert [token["name"] for token in cli("list", "--format", "json").document["tokens"]] == [NAME]


def untag(cli: AwsCommandLine, *kept: str) -> str:
    secret = secret_of(cli)
    lost = [key for key in tags_of(cli) if key not in kept]
    cli.aws.service.call("UntagResource", {"SecretId": secret, "TagKeys": lost})
    return secret


def listed(cli: AwsCommandLine) -> list[str]:
    return [token["name"] for token in cli("list", "--format", "json").document["tokens"]]


@pytest.mark.parametrize("kept", [(), (STORE,), (TOKEN,)])
def test_a_token_whose_secret_lost_the_stores_tags_is_in_every_list_and_is_no_intact_store(cli, kept):
    assert cli("edit", NAME, "--due", "2020-01-01").code == ExitCode.OK
    secret = untag(cli, *kept)
    assert listed(cli) == [NAME]
    assert NAME in cli("report").out
    assert NAME in cli("check", "--inventory-only").out
    named_with_exit_6(cli, secret)
    assert f"tokenguard verify {NAME}" in cli("audit", "verify").err
    before = cli.live()
    assert cli("rotate", "--due").code == ExitCode.OK
    assert cli.live() != before
    assert cli("audit", "verify").code == ExitCode.OK


def test_what_the_hint_says_tags_a_secret_again(cli):
    untag(cli)
    assert cli("verify", NAME).code == ExitCode.OK
    assert cli("audit", "verify").code == ExitCode.OK
    assert listed(cli) == [NAME]


def test_a_renamed_token_whose_secret_lost_the_stores_tags_is_in_every_list(cli):
    assert cli("edit", NAME, "--rename", OTHER, "--yes").code == ExitCode.OK
    untag(cli)
    assert listed(cli) == [OTHER]


def test_a_secret_without_tags_that_no_name_leads_to_is_told_until_the_hint_s_command_was_run(cli):
    """Its token is missing from lists: what speaks of all tokens does not end with exit 0."""
    assert cli("edit", NAME, "--rename", OTHER, "--yes").code == ExitCode.OK
    secret = untag(cli)
    pointer = f"{prefix_of(cli)}/{OTHER}"
    cli.aws.service.call("DeleteSecret", {"SecretId": pointer, "ForceDeleteWithoutRecovery": True})
    nothing_is_said_of_all_tokens(cli, secret)
    named_with_exit_6(cli, secret)
    run_command_of(cli, cli("audit", "verify").err)
    assert listed(cli) == [OTHER]


def nothing_is_said_of_all_tokens(cli: AwsCommandLine, secret: str) -> None:
    for line in (["list"], ["rotate", "--due"], ["check", "--inventory-only"], ["report"], ["metrics"], ["upkeep"]):
        answer = cli(*line)
        assert answer.code in {ExitCode.FINDINGS, ExitCode.UNREACHABLE}, (line, answer)
        assert secret in answer.err, line


def test_a_store_that_is_not_there_any_more_is_not_told_like_one_that_never_was(cli):
    cli.aws.service.call("DeleteSecret", {"SecretId": f"{prefix_of(cli)}/@store", "ForceDeleteWithoutRecovery": True})
    answer = cli("rotate", "--due")
    assert answer.code == ExitCode.USAGE
    assert "not there any more" in answer.error
    assert "get-caller-identity" in answer.err
    refused = cli("init", "--sandbox")
    assert (refused.code, "not there any more" in refused.error) == (ExitCode.USAGE, True), refused
    assert cli("list").code == ExitCode.USAGE, "nothing was made"
    assert cli("init", "--sandbox", "--anew").code == cli("list").code == ExitCode.OK


def test_the_store_s_own_secrets_that_are_scheduled_for_deletion_are_named(cli):
    secret = make(cli, "@log/" + "0" * 32 + "/1", {STORE: tags_of(cli)[STORE]})
    cli.aws.service.call("DeleteSecret", {"SecretId": secret})
    named_with_exit_6(cli, secret)


def named_with_exit_6(cli: AwsCommandLine, secret: str) -> None:
    verified = cli("audit", "verify")
    assert verified.code == ExitCode.TAMPERED
    assert secret in verified.error
    assert verified.err.count("hint: ") == 1
    doctor = cli("doctor")
    assert doctor.code == ExitCode.TAMPERED
    assert secret in doctor.out


@pytest.mark.parametrize(
    "line", [["rotate", NAME, "--compromised"], ["retire", NAME, "--yes"]], ids=lambda line: line[0]
)
@pytest.mark.parametrize("to", ["AWSPREVIOUS", "tg-doc"])
def test_a_leak_response_revokes_the_token_of_the_record_wherever_the_current_label_was_moved(cli, to, line):
    assert cli("rotate", NAME).code == ExitCode.OK
    part = json.loads(cli.aws.service.call("GetSecretValue", {"SecretId": secret_of(cli)})["SecretString"])
    move_current(cli, to)
    assert cli(*line).code == ExitCode.OK
    assert part["_tokenguard"]["label"] in cli("show", NAME, "--format", "json").out


def secret_of(cli: AwsCommandLine) -> str:
    return f"{prefix_of(cli)}/{NAME}"


def move_current(cli: AwsCommandLine, to: str) -> None:
    """Move AWSCURRENT to the version of another label, as another writer would."""
    service, secret = cli.aws.service, secret_of(cli)
    versions = service.call("DescribeSecret", {"SecretId": secret})["VersionIdsToStages"]
    at = {label: version for version, labels in versions.items() for label in labels}
    moved = {"MoveToVersionId": at[to], "RemoveFromVersionId": at["AWSCURRENT"]}
    service.call("UpdateSecretVersionStage", {"SecretId": secret, "VersionStage": "AWSCURRENT", **moved})


def run_command_of(cli: AwsCommandLine, hint: str) -> None:
    """Run the command of a hint as AWS's own command line would: its options are the parameters of one call."""
    command, _, options = re.findall(r"`aws secretsmanager ([^`]+)`", hint.replace("\n", " "))[0].partition(" --")
    given = {name: shlex.split(text) for name, _, text in (each.partition(" ") for each in options.split(" --"))}
    assert given.pop("region") == [cli.aws.region]
    params = {camel(name): words[0] for name, words in given.items() if name != "tags"}
    tags = [dict(part.split("=", 1) for part in each.split(",")) for each in given.get("tags", ())]
    cli.aws.service.call(camel(command), params | ({"Tags": tags} if tags else {}))


def camel(text: str) -> str:
    return "".join(part.capitalize() for part in text.split("-"))


GIVING = (["exec", "-t", NAME, "--", "env"], ["env", "-t", NAME], ["verify", NAME])


@pytest.mark.parametrize("to", ["AWSPREVIOUS", "tg-doc"])
def test_a_current_label_that_was_moved_back_is_noticed_until_the_hint_s_command_was_run(cli, to):
    assert cli("rotate", NAME).code == ExitCode.OK
    now = cli.live()
    move_current(cli, to)
    named_with_exit_6(cli, secret_of(cli))
    run_command_of(cli, cli("audit", "verify").err)
    assert cli.live() == now
    for line in (["audit", "verify"], ["doctor"], ["rotate", NAME], ["audit", "verify"]):
        assert cli(*line).code == ExitCode.OK, line


def test_an_earlier_value_that_was_put_back_is_given_to_no_program(cli):
    earlier = cli.live()
    assert cli("rotate", NAME).code == ExitCode.OK
    move_current(cli, "AWSPREVIOUS")
    for line in GIVING:
        answer = cli(*line)
        assert answer.code == (ExitCode.CLOSED if line[0] == "exec" else ExitCode.TAMPERED), answer
        assert f"for {NAME} is not the one in use" in answer.err, line
        assert earlier not in answer.out + answer.err
    run_command_of(cli, cli("verify", NAME).err)
    for line in GIVING:
        assert cli(*line).code == ExitCode.OK, line


def test_a_foreign_value_under_the_current_label_is_no_intact_store(cli):
    value = {"SecretString": json.dumps({"token": "tgcanary-another-value-0123456789"})}
    cli.aws.service.call(
        "PutSecretValue",
        {"SecretId": secret_of(cli), "ClientRequestToken": "21111111-2222-4333-8444-555555555555", **value},
    )
    named_with_exit_6(cli, secret_of(cli))
    run_command_of(cli, cli("audit", "verify").err)
    assert cli("audit", "verify").code == cli("rotate", NAME).code == ExitCode.OK


def test_a_value_of_a_retired_token_that_was_put_back_is_given_to_no_program(cli):
    assert cli("retire", NAME, "--yes").code == ExitCode.OK
    move_current(cli, "AWSPREVIOUS")
    answer = cli("exec", "-t", NAME, "--", "env")
    assert (answer.code, "the token is retired" in answer.error) == (ExitCode.CLOSED, True), answer
    named_with_exit_6(cli, secret_of(cli))
    run_command_of(cli, cli("audit", "verify").err)
    assert cli("audit", "verify").code == ExitCode.OK


def label(cli: AwsCommandLine, stage: str) -> None:
    """Leave AWSPENDING at the version of another label."""
    versions = cli.aws.service.shelf.secrets[secret_of(cli)].versions.values()
    next(version for version in versions if stage in version.stages).stages.add("AWSPENDING")


def test_a_rotation_of_another_tool_that_has_finished_stops_nothing(cli):
    """AWS's templates leave AWSPENDING at the version that they made current."""
    label(cli, "AWSCURRENT")
    assert cli("rotate", NAME).code == cli("exec", "-t", NAME, "--", "true").code == ExitCode.OK


@pytest.mark.parametrize("line", [["rotate", NAME], ["retire", NAME, "--yes"], ["edit", NAME, "--notes", "x"]])
def test_a_rotation_of_another_tool_is_told_as_that_until_the_hint_s_command_was_run(cli, line):
    """Not as a change by another writer, after which the same command would work."""
    label(cli, "tg-doc")
    answer = cli(*line)
    assert (answer.code, "AWSPENDING" in answer.error) == (ExitCode.UNREACHABLE, True), answer
    versions = cli.aws.service.call("DescribeSecret", {"SecretId": secret_of(cli)})["VersionIdsToStages"]
    pending = next(version for version, labels in versions.items() if "AWSPENDING" in labels)
    remove = answer.hint.rpartition(" and ")[2].replace("-id V`", f"-id {pending}`")
    run_command_of(cli, remove)
    assert cli(*line).code == ExitCode.OK


def test_a_secret_that_aws_rotates_is_told_as_that(cli):
    cli.aws.service.shelf.secrets[secret_of(cli)].rotation_enabled = True
    for line in (["rotate", NAME], ["retire", NAME, "--yes"], ["rotate", NAME, "--compromised"]):
        answer = cli(*line)
        assert (answer.code, "rotates the secret" in answer.error) == (ExitCode.UNREACHABLE, True), answer
        assert f"cancel-rotate-secret --region {cli.aws.region} --secret-id '{secret_of(cli)}'" in answer.hint


@pytest.mark.parametrize("operation", ["PutSecretValue", "UpdateSecretVersionStage", "TagResource"])
def test_a_call_that_a_policy_denies_is_named(cli, operation):
    cli.aws.denies = lambda asked, _params: asked == operation
    assert f"secretsmanager:{operation}" in cli("rotate", NAME).error


def states_of(cli: AwsCommandLine) -> dict[str, str]:
    """The versions of the token's secret by their labels."""
    described = cli.aws.service.call("DescribeSecret", {"SecretId": secret_of(cli)})
    return {label: version for version, labels in described["VersionIdsToStages"].items() for label in labels}


def move_state(cli: AwsCommandLine, to: str) -> None:
    moved = {"MoveToVersionId": to, "RemoveFromVersionId": states_of(cli)["tg-doc"]}
    cli.aws.service.call("UpdateSecretVersionStage", {"SecretId": secret_of(cli), "VersionStage": "tg-doc", **moved})


def test_a_state_that_was_put_back_is_noticed_until_the_hint_s_command_was_run(cli):
    """A leak and a rotation since are missing from it."""
    before = states_of(cli)["tg-doc"]
    assert cli("edit", NAME, "--notes", "seen in a chat").code == ExitCode.OK
    assert cli("rotate", NAME).code == ExitCode.OK
    shown = cli("show", NAME, "--format", "json").document
    now = cli.live()
    move_state(cli, before)
    for line in (
        ["list"],
        ["rotate", NAME],
        ["rotate", "--due"],
        ["edit", NAME, "--notes", "x"],
        ["retire", NAME, "--yes"],
    ):
        answer = cli(*line)
        assert answer.code == ExitCode.TAMPERED, (line, answer)
        assert secret_of(cli) in answer.error, line
    assert cli.live() == now
    named_with_exit_6(cli, secret_of(cli))
    run_command_of(cli, cli("audit", "verify").err)
    assert cli("audit", "verify").code == cli("list").code == ExitCode.OK
    assert cli("show", NAME, "--format", "json").document == shown
    assert cli("rotate", NAME).code == ExitCode.OK


def test_tags_of_a_state_that_never_took_effect_are_no_sign_of_an_earlier_one(cli):
    """A runner stops between the tags and the label."""
    cli.aws.service.call(
        "TagResource", {"SecretId": secret_of(cli), "Tags": [{"Key": "tg:v", "Value": ahead(tags_of(cli)["tg:v"])}]}
    )
    assert cli("audit", "verify").code == cli("list").code == cli("rotate", NAME).code == ExitCode.OK


def ahead(tag: str) -> str:
    version, at, count = tag.split(":", 2)
    return f"{int(version) + 1}:{at[:-1]}{'0' if at[-1] != '0' else '1'}:{count}"
