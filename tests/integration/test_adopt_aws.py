"""Adopting, rotating and importing what teams already keep in Secrets Manager: the strict fake, a real boto3 client."""

import contextlib
import itertools
import json
from collections.abc import Iterator

import pytest

from tests.fakes.secrets_manager.command_line import NAME, AwsCommandLine
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS

_numbers = itertools.count()
SECRET = "legacy/publisher"
_READS = {"ListSecrets", "GetSecretValue", "DescribeSecret", "GetCallerIdentity"}


@pytest.fixture
def cli(fake_aws, sandbox, tmp_path, capfd, monkeypatch) -> AwsCommandLine:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    cli = AwsCommandLine(fake_aws, sandbox, tmp_path, capfd, monkeypatch)
    assert cli("init", "--sandbox").code == 0
    return cli


def put(aws: FakeAws, text: str, name: str = SECRET, **tags: str) -> str:
    """What a team keeps, or changes; returns its address."""
    token = {"ClientRequestToken": f"{next(_numbers):032d}"}
    if name in aws.service.shelf.secrets:
        aws.service.call("PutSecretValue", {"SecretId": name, "SecretString": text, **token})
    else:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        aws.service.call("CreateSecret", {"Name": name, "SecretString": text, "Tags": listed, **token})
    return f"aws://{aws.region}/{name}"


def get(aws: FakeAws, name: str = SECRET) -> str:
    return aws.service.call("GetSecretValue", {"SecretId": name})["SecretString"]


def adopt(cli, address: str, name: str = NAME):
    return cli(
        "add", name, "--provider", "autoposting", "--scope", f"org:{cli.sandbox.info.org_id}", "--env", "prod",
        "--owner", "video", "--purpose", "posting", "--no-consumers", "--adopt", address,
    )  # fmt: skip


def made(cli) -> str:
    """A key that somebody made by hand."""
    return cli.sandbox.world.create_key(f"by-hand-{next(_numbers)}", ["posts:write"]).secret.reveal()


def test_a_life_in_one_field_of_somebody_elses_secret(cli, fake_aws, sandbox):
    old = made(cli)
    text = '{ "host":"db.example.org",\n  "port": 5432.0 ,"api_key" : "%s", "big": 12345678901234567890123 }'
    address = put(fake_aws, text % old)
    assert adopt(cli, f"{address}#api_key").code == 0
    assert get(fake_aws) == text % old
    answer = cli("rotate", NAME)
    assert answer.code == 0, answer
    new = json.loads(get(fake_aws))["api_key"]
    assert get(fake_aws) == text % new
    assert sandbox.world.alive(new)
    assert not sandbox.world.alive(old)
    assert new in cli("env", "-t", f"{NAME}=KEY").out
    assert cli("verify", NAME).code == 0
    assert cli("rotate", NAME, "--compromised").code == 0
    assert cli("retire", NAME, "--yes").code == 0
    assert cli("audit", "verify").code == 0
    assert fake_aws.service.shelf.secrets[SECRET].labels == {"AWSCURRENT", "AWSPREVIOUS"}


def test_a_life_as_the_whole_text_of_a_secret(cli, fake_aws):
    old = made(cli)
    assert adopt(cli, put(fake_aws, old)).code == 0
    assert cli("rotate", NAME).code == 0
    assert get(fake_aws) != old
    assert cli.sandbox.world.alive(get(fake_aws))


def test_a_strangers_write_is_a_conflict_that_can_be_resumed(cli, fake_aws, monkeypatch):
    old = made(cli)
    address = put(fake_aws, json.dumps({"token": old, "zone": "eu"}))
    assert adopt(cli, f"{address}#token").code == 0
    from tokenguard.clients.aws.secret_field import SecretField

    replace = SecretField.replace

    def late(self, expected, text):
        monkeypatch.undo()
        put(fake_aws, json.dumps({"token": "tgcanary-theirs-1", "zone": "us"}))
        replace(self, expected, text)

    with monkeypatch.context() as patched:
        patched.setattr(SecretField, "replace", late)
        for name, value in CREDENTIALS.items():
            patched.setenv(name, value)
        answer = cli("rotate", NAME)
    assert answer.code == 3, answer
    assert json.loads(get(fake_aws)) == {"token": "tgcanary-theirs-1", "zone": "us"}
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    put(fake_aws, json.dumps({"token": old, "zone": "us"}))
    assert cli("rotate", NAME, "--resume").code == 0
    there = json.loads(get(fake_aws))
    assert there["zone"] == "us"
    assert there["token"] != old


def test_what_aws_rotates_is_left_to_it_and_nothing_is_lost(cli, fake_aws):
    old = made(cli)
    address = put(fake_aws, json.dumps({"token": old}))
    assert adopt(cli, f"{address}#token").code == 0
    fake_aws.service.shelf.secrets[SECRET].rotation_enabled = True
    answer = cli("rotate", NAME)
    assert answer.code == 3, answer
    assert "AWS itself rotates" in answer.err
    assert json.loads(get(fake_aws)) == {"token": old}
    assert cli.sandbox.world.alive(old)
    assert cli("rotate", NAME, "--resume").code == 3
    fake_aws.service.shelf.secrets[SECRET].rotation_enabled = False
    assert cli("rotate", NAME, "--resume").code == 0
    assert not cli.sandbox.world.alive(old)


@pytest.mark.parametrize(
    "operation", ["PutSecretValue", "UpdateSecretVersionStage", "DescribeSecret", "GetSecretValue"]
)
@pytest.mark.parametrize("how", [{"code": "AccessDeniedException"}, {"drops": True, "acts": True}], ids=["no", "lost"])
def test_trouble_at_the_place_is_made_good_by_doing_it_again(cli, fake_aws, operation, how):
    old = made(cli)
    address = put(fake_aws, json.dumps({"token": old, "zone": "eu"}))
    assert adopt(cli, f"{address}#token").code == 0
    with _failing(fake_aws, operation, SECRET, how) as met:
        answer = cli("rotate", NAME)
    assert met
    if answer.code:
        assert answer.code == 4, answer
        assert cli.sandbox.world.alive(old)
        begun = operation != "GetSecretValue"  # which is the first look, before anything is opened
        assert cli("rotate", NAME, *(["--resume"] if begun else [])).code == 0
    there = json.loads(get(fake_aws))
    assert there["zone"] == "eu"
    assert cli.sandbox.world.alive(there["token"])
    assert not cli.sandbox.world.alive(old)


@contextlib.contextmanager
def _failing(fake_aws, operation, name, how) -> Iterator[list[str]]:
    """Fail the next call of an operation that is about one secret; yields what was met."""
    met: list[str] = []
    answer = fake_aws.answer

    def at_place(asked, params):
        if asked == operation and params.get("SecretId") == name and not met:
            met.append(asked)
            fake_aws.fail(operation, **how)
        return answer(asked, params)

    fake_aws.answer = at_place
    try:
        yield met
    finally:
        del fake_aws.answer
        fake_aws.faults.clear()


def test_the_printed_policy_names_every_call_that_is_made(cli, fake_aws):
    address = put(fake_aws, json.dumps({"token": made(cli)}))
    printed = cli("init", "--print-policy", "--adopt", f"{address}#token", "--format", "json").document["policies"]
    statement = json.loads(printed["rotator of adopted fields (AWS)"])["Statement"][0]
    assert statement["Resource"] == [f"arn:aws:secretsmanager:{fake_aws.region}:*:secret:{SECRET}-??????"]
    fake_aws.requests.clear()
    assert adopt(cli, f"{address}#token").code == 0
    assert cli("rotate", NAME).code == 0
    assert cli("rotate", NAME, "--compromised").code == 0
    made_there = {f"secretsmanager:{asked}" for asked, params in fake_aws.requests if params.get("SecretId") == SECRET}
    assert made_there == set(statement["Action"])


def test_an_import_adopts_each_value_once_and_only_reads(cli, fake_aws):
    shared, alone = made(cli), made(cli)
    put(fake_aws, json.dumps({"token": shared, "zone": "eu"}), "team/a/app", team="Video", env="prod")
    put(fake_aws, shared, "team/b-token")
    put(fake_aws, json.dumps({"user": "alice", "api_key": alone, "password": "tgcanary-pass"}), "team/c", owner="web")
    put(fake_aws, json.dumps({"token": made(cli)}), "team/rotated")
    fake_aws.service.shelf.secrets["team/rotated"].rotation_enabled = True
    put(fake_aws, json.dumps({"token": made(cli)}), "teammate/other")
    assert cli.issue("video/own/prod").code == 0
    before = {name: dict(kept.versions) for name, kept in fake_aws.service.shelf.secrets.items() if "team" in name}
    fake_aws.requests.clear()
    planned = cli("import", "--from", f"aws://{fake_aws.region}/team", "--dry-run", "--format", "json")
    assert planned.code == 0, planned
    answer = cli("import", "--from", f"aws://{fake_aws.region}/team", "--format", "json")
    assert answer.code == 0, answer
    assert _asked_outside_the_store(fake_aws, cli) <= _READS, "the source was written to"
    assert {**answer.document, "dry_run": True} == planned.document
    assert [(each["name"], each["place"], each["also"]) for each in answer.document["added"]] == [
        ("team/a/app", f"aws://{fake_aws.region}/team/a/app#token", [f"aws://{fake_aws.region}/team/b-token"]),
        ("team/c", f"aws://{fake_aws.region}/team/c#api_key", []),
    ]
    assert [each["place"] for each in answer.document["skipped"]] == [f"aws://{fake_aws.region}/team/rotated"]
    for name, versions in before.items():
        if not name.startswith("video-team/"):
            assert fake_aws.service.shelf.secrets[name].versions == versions
    shown = cli("show", "team/a/app", "--format", "json").document
    assert (shown["owner"], shown["environment"], shown["provider"]) == ("video", "prod", "autoposting")
    again = cli("import", "--from", f"aws://{fake_aws.region}/team", "--format", "json")
    assert (again.document["added"], len(again.document["duplicate"])) == ([], 2)
    for value in (shared, alone):
        assert value not in answer.out + answer.err + planned.out + planned.err


def test_only_what_has_the_tag_is_read(cli, fake_aws):
    put(fake_aws, json.dumps({"token": made(cli)}), "team/a", team="video")
    put(fake_aws, json.dumps({"token": made(cli)}), "team/b", team="web")
    fake_aws.requests.clear()
    answer = cli("import", "--from", f"aws://{fake_aws.region}", "--tag", "team=web", "--format", "json")
    assert [each["name"] for each in answer.document["added"]] == ["team/b"]
    assert not [params for _, params in fake_aws.requests if params.get("SecretId") == "team/a"]


def test_its_own_store_is_not_walked_into(cli, fake_aws):
    assert cli.issue("video/own/prod").code == 0
    answer = cli("import", "--from", cli.url, "--format", "json")
    assert answer.code == 0, answer
    assert {each["reason"] for each in answer.document["skipped"]} == {"a secret of tokenguard's own"}
    assert answer.document["added"] == []


def test_what_may_not_be_read_is_named(cli, fake_aws):
    put(fake_aws, json.dumps({"token": made(cli)}), "team/a")
    put(fake_aws, json.dumps({"token": made(cli)}), "team/b")
    with _failing(fake_aws, "GetSecretValue", "team/b", {"code": "AccessDeniedException"}):
        answer = cli("import", "--from", f"aws://{fake_aws.region}/team", "--format", "json")
    assert answer.code == 1, answer
    assert [(each["place"], each["reason"]) for each in answer.document["unreadable"]] == [
        (f"aws://{fake_aws.region}/team/b", "denied")
    ]
    assert [each["name"] for each in answer.document["added"]] == ["team/a"]


def _asked_outside_the_store(fake_aws, cli) -> set[str]:
    own = cli.url.removeprefix(f"aws://{fake_aws.region}/")
    return {
        asked
        for asked, params in fake_aws.requests
        if params.get("SecretId", params.get("Name", "")).partition("/")[0] != own
    }


def test_a_secret_that_is_scheduled_for_deletion_is_told_as_that_with_the_way_back(cli, fake_aws):
    address = put(fake_aws, made(cli))
    fake_aws.service.call("DeleteSecret", {"SecretId": SECRET})
    answer = adopt(cli, address)
    assert answer.code == 2
    assert "scheduled for deletion" in answer.error
    assert f"restore-secret --region {fake_aws.region} --secret-id '{SECRET}'" in answer.err
    assert cli("list", "--format", "json").document["tokens"] == []
    fake_aws.service.call("RestoreSecret", {"SecretId": SECRET})
    assert adopt(cli, address).code == 0
