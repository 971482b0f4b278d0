"""The commands on a store in Secrets Manager, with a real boto3 client and the sandbox's providers."""

import base64
import json
import socket
from fnmatch import fnmatch
from urllib.parse import urlsplit

import pytest

from tests.fakes.secrets_manager.command_line import NAME, AwsCommandLine, accepted
from tests.fakes.secrets_manager.stores import CREDENTIALS, client, place
from tokenguard.stores.aws.store import create_store


@pytest.fixture
def cli(fake_aws, sandbox, tmp_path, capfd, monkeypatch) -> AwsCommandLine:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return AwsCommandLine(fake_aws, sandbox, tmp_path, capfd, monkeypatch)


@pytest.fixture
def made(cli) -> AwsCommandLine:
    assert cli("init", "--sandbox").code == 0
    assert cli.issue().code == 0
    return cli


def test_a_store_is_made_once_with_the_sdk_and_its_default_credentials(cli, words):
    cli.real_sdk = True
    answer = cli("init", "--format", "json")
    assert answer.code == 0, answer.err
    assert answer.document["store"] == cli.url
    assert len(answer.document["store_id"]) == 32
    again = cli("init")
    assert again.code == 2
    words(again)


def test_there_is_no_store_before_it_is_made(cli, words):
    answer = cli("list")
    assert answer.code == 2
    words(answer)


def test_a_planned_rotation_ends_with_a_new_live_value_and_a_dead_old_one(made, sandbox):
    old = made.live()
    answer = made("rotate", NAME)
    assert answer.code == 0, answer.err
    new = made.live()
    assert new != old
    assert (accepted(sandbox, new), accepted(sandbox, old)) == (True, False)
    assert made("verify", NAME).code == 0
    assert made("audit", "verify").code == 0


def test_a_compromised_rotation_revokes_first(made, sandbox):
    old = made.live()
    answer = made("rotate", NAME, "--compromised", "--reason", "leaked")
    assert answer.code == 0, answer.err
    assert (accepted(sandbox, made.live()), accepted(sandbox, old)) == (True, False)


def test_list_show_edit_and_retire_work_as_on_any_store(made):
    assert made.issue("video/app/prod/other").code == 0
    listed = made("list", "--format", "json").document
    assert [each["name"] for each in listed["tokens"]] == ["video/app/prod/other", NAME]
    assert made("edit", NAME, "--purpose", "uploads").code == 0
    assert "uploads" in made("show", NAME).out
    assert "assumed-role/rotator" in made("audit", "log", NAME).out
    assert made("retire", NAME, "--yes").code == 0
    assert made("list", "--state", "retired").out.count(NAME) == 1


def test_doctor_says_who_we_are_and_what_it_costs(made, words):
    answer = made("doctor")
    assert answer.code == 0, answer.out + answer.err
    assert "assumed-role/rotator" in answer.out
    words(answer)


def test_doctor_tells_of_credentials_that_will_end(made, monkeypatch, words):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "tgcanary-session")
    answer = made("doctor")
    assert answer.code == 0, answer.out + answer.err
    words(answer)
    assert "tgcanary" not in answer.out + answer.err


def test_init_and_a_plan_say_what_the_store_costs(cli):
    assert "$0.40 a month for 1 secret" in cli("init", "--sandbox").out
    assert cli.issue().code == 0
    assert "store cost: about $0.80 a month for 2 secrets" in cli("rotate", NAME, "--plan").out
    assert "$0.80" in cli("rotate", NAME, "--plan", "--format", "json").document["cost"]
    assert "$" not in cli("rotate", NAME).out


def test_no_value_is_in_a_tag_or_a_description(made):
    value = made.live()
    assert value not in made("list").out + made("show", NAME).out
    for kept in made.aws.service.shelf.secrets.values():
        assert value not in json.dumps([kept.tags, kept.description, kept.name])


def test_the_policies_are_printed_without_asking_aws(cli):
    before = len(cli.aws.requests)
    answer = cli("init", "--print-policy", "--format", "json")
    assert answer.code == 0
    assert set(answer.document["policies"]) == {
        "ci-reader", "rotator", "inventory", "scanner", "publisher", "planner", "approver", "break-glass",
    }  # fmt: skip
    reader = json.loads(answer.document["policies"]["ci-reader"])
    assert reader["Statement"][0]["Condition"] == {"StringEquals": {"secretsmanager:VersionStage": ["AWSCURRENT"]}}
    assert len(cli.aws.requests) == before


def test_the_configured_kms_key_encrypts_every_secret(cli):
    cli.settings = {"kms_key": "alias/tokens"}
    assert cli("init", "--sandbox").code == 0
    cli.settings = {}  # another machine: the store itself says which key
    assert cli.issue().code == 0
    assert {kept.kms_key for kept in cli.aws.service.shelf.secrets.values()} == {"alias/tokens"}


@pytest.mark.parametrize("url", ["aws://", "aws://eu-central-1", "aws://eu-central-1/", "aws://nowhere/team",
                                 "aws://eu-central-1/a//b", "aws://eu-central-1/@store", "aws:///team"])  # fmt: skip
def test_a_bad_address_is_bad_input(cli, url):
    answer = cli("--store", url, "list")
    assert answer.code == 2
    assert "aws://REGION/PREFIX" in answer.hint


def test_an_endpoint_of_the_environment_is_not_asked(cli, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    cli.real_sdk = True
    assert cli("init").code == 0


def test_a_configuration_that_names_another_endpoint_is_not_followed(made):
    """T32: values would be written there."""
    made.settings = {"endpoint": "https://vpce.example.org"}
    refused = made("list")
    assert refused.code == 2
    assert "https://vpce.example.org" in refused.error
    assert "--accept-server" in refused.hint


@pytest.fixture
def emulator(cli, monkeypatch) -> AwsCommandLine:
    """AWS under the name that a container has in a compose network, with plain http."""
    real, port = socket.getaddrinfo, urlsplit(cli.aws.url).port
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1" if host == "localstack" else host, *a, **k)
    )
    cli.real_sdk, cli.settings = True, {"endpoint": f"http://localstack:{port}"}
    return cli


def test_an_emulator_in_a_private_network_may_have_http_for_a_practice_store(emulator):
    assert emulator("init", "--sandbox").code == 0
    assert emulator("list").code == 0


def test_a_store_that_is_not_for_practice_is_neither_made_nor_opened_over_http(emulator, words):
    refused = emulator("init")
    assert (refused.code, emulator.aws.requests) == (2, [])
    words(refused)
    create_store(
        place(emulator.aws), client(emulator.aws), emulator.clock
    )  # elsewhere, over a way that is allowed there
    refused = emulator("list")
    assert refused.code == 2
    words(refused)


@pytest.mark.parametrize("host", ["aws.example.org", "203.0.113.7", "8.8.8.8", "169.254.169.254", "localstack.evil"])
def test_another_host_never_has_http(emulator, host):
    emulator.settings = {"endpoint": f"http://{host}:4566"}
    assert emulator("init", "--sandbox").code == 2
    assert emulator.aws.requests == []


def test_a_jobs_identity_goes_nowhere_over_http(emulator):
    emulator.settings |= {"role": "arn:aws:iam::000000000000:role/tokenguard", "credential": "env:IDENTITY"}
    emulator.environ = {"IDENTITY": "tgcanary-identity"}
    assert emulator("init", "--sandbox").code == 2
    assert emulator.aws.requests == []


def test_a_provider_on_this_machine_is_kept_out_of_a_store_that_was_not_made_for_practice(cli, words):
    assert cli("init").code == 0
    answer = cli.issue()
    assert answer.code == 2
    words(answer)


def test_one_runner_works_at_a_time_unless_it_is_told_otherwise(made):
    header = made.aws.service.shelf.secrets["video-team/@store"]
    assert "tg:runner" not in header.tags, "an ended command lets the next one in"
    header.tags["tg:runner"] = "9999999999:elsewhere/7/x"
    answer = made("rotate", NAME)
    assert (answer.code, "elsewhere/7/x" in answer.error) == (4, True)
    assert made("list").code == 0
    assert made("rotate", NAME, "--concurrent").code == 0
    assert header.tags["tg:runner"] == "9999999999:elsewhere/7/x"


def permitted(policy: str, operation: str, asked: dict) -> bool:
    """Whether a role's policy permits a call of the service."""
    arn = f"arn:aws:secretsmanager:eu-central-1:000000000000:secret:{asked.get('SecretId', '')}-AbCdEf"
    for each in json.loads(policy)["Statement"]:
        resources = [each["Resource"]] if isinstance(each["Resource"], str) else each["Resource"]
        stages = [stage for found in each.get("Condition", {}).values() for stage in found[STAGE_KEY]] or ["*"]
        fits = f"secretsmanager:{operation}" in each["Action"] and any(fnmatch(arn, found) for found in resources)
        if each["Effect"] == "Allow" and fits and any(fnmatch(asked.get("VersionStage", ""), one) for one in stages):
            return True
    return False


STAGE_KEY = "secretsmanager:VersionStage"
ROLE_COMMANDS = {
    "inventory": [("list",), ("show", NAME), ("audit", "log"), ("audit", "verify"), ("doctor",)],
    "rotator": [
        ("list",),
        ("rotate", NAME),
        ("edit", NAME, "--purpose", "x"),
        ("verify", NAME),
        ("retire", NAME, "--yes"),
    ],
}


@pytest.mark.parametrize("role", ROLE_COMMANDS)
def test_each_role_s_policy_permits_its_commands_and_that_of_inventory_no_value(made, role):
    """The fake denies what the policy does not permit, as AWS would; a check that needs a value says so."""
    policy = made("init", "--print-policy", "--format", "json").document["policies"][role]
    denied = []

    def denies(operation: str, asked: dict) -> bool:
        if permitted(policy, operation, asked):
            return False
        denied.append((operation, asked.get("VersionStage")))
        return True

    made.aws.denies = denies
    for line in ROLE_COMMANDS[role]:
        denied.clear()
        answer = made(*line)
        assert answer.code == 0, (line, answer)
        told = "live values were not compared" in answer.out + answer.err
        assert denied == [("GetSecretValue", "AWSCURRENT")] * told, line
        assert told is (role == "inventory" and line in {("audit", "verify"), ("doctor",)}), answer


def test_a_local_store_moves_here_with_the_calls_of_a_rotator(cli, tmp_path, monkeypatch, words):
    key = tmp_path / "key"
    key.write_bytes(base64.b64encode(bytes(range(32))))
    key.chmod(0o600)
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    cli.environ = {"TOKENGUARD_KEY_FILE": str(key)}
    old = f"local://{tmp_path / 'old'}"
    assert cli("init", "--sandbox").code == 0
    assert cli("--store", old, "init").code == 0
    assert cli.issue(NAME, "--store", old).code == 0
    policies = cli("init", "--print-policy", "--format", "json").document["policies"]
    allowed = {
        action.partition(":")[2] for each in json.loads(policies["rotator"])["Statement"] for action in each["Action"]
    }
    plan = cli("--store", old, "migrate", "--to", cli.url, "--plan")
    words(plan)
    cli.aws.requests.clear()
    assert cli("--store", old, "migrate", "--to", cli.url).code == 0
    assert set(cli.aws.counts) <= allowed
    assert cli("--store", old, "list").code == 4
    assert cli("rotate", NAME).code == 0
    assert cli("audit", "verify").code == 0
