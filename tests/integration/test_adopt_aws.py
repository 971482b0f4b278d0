"""Adopting, rotating and importing what teams already keep in Secrets Manager: the strict fake, a real boto3 client."""

import contextlib
import itertools
import json
from collections.abc import Iterator

import pytest

from tests.fakes.secrets_manager.command_line import NAME, AwsCommandLine
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tokenguard.sandbox.server import Sandbox

_numbers = itertools.count()
SECRET = "legacy/publisher"
_READS = {"ListSecrets", "GetSecretValue", "DescribeSecret", "GetCallerIdentity"}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeAws]:
    with FakeAws() as aws:
        yield aws


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def cli(server, sandbox, tmp_path, capfd, monkeypatch) -> AwsCommandLine:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    server.service.shelf.secrets.clear()
    server.faults.clear()
    cli = AwsCommandLine(server, sandbox, tmp_path, capfd, monkeypatch)
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


def test_a_life_in_one_field_of_somebody_elses_secret(cli, server, sandbox):
    old = made(cli)
    text = '{ "host":"db.example.org",\n  "port": 5432.0 ,"api_key" : "%s", "big": 12345678901234567890123 }'
    address = put(server, text % old)
    assert adopt(cli, f"{address}#api_key").code == 0
    assert get(server) == text % old
    answer = cli("rotate", NAME)
    assert answer.code == 0, answer
    new = json.loads(get(server))["api_key"]
    assert get(server) == text % new
    assert sandbox.world.alive(new)
    assert not sandbox.world.alive(old)
    assert new in cli("env", "-t", f"{NAME}=KEY").out
    assert cli("verify", NAME).code == 0
    assert cli("rotate", NAME, "--compromised").code == 0
    assert cli("retire", NAME).code == 0
    assert cli("audit", "verify").code == 0
    assert server.service.shelf.secrets[SECRET].labels == {"AWSCURRENT", "AWSPREVIOUS"}


def test_a_life_as_the_whole_text_of_a_secret(cli, server):
    old = made(cli)
    assert adopt(cli, put(server, old)).code == 0
    assert cli("rotate", NAME).code == 0
    assert get(server) != old
    assert cli.sandbox.world.alive(get(server))


def test_a_strangers_write_is_a_conflict_that_can_be_resumed(cli, server, monkeypatch):
    old = made(cli)
    address = put(server, json.dumps({"token": old, "zone": "eu"}))
    assert adopt(cli, f"{address}#token").code == 0
    from tokenguard.clients.aws.fields import SecretField

    replace = SecretField.replace

    def late(self, expected, text):
        monkeypatch.undo()
        put(server, json.dumps({"token": "tgcanary-theirs-1", "zone": "us"}))
        replace(self, expected, text)

    with monkeypatch.context() as patched:
        patched.setattr(SecretField, "replace", late)
        for name, value in CREDENTIALS.items():
            patched.setenv(name, value)
        answer = cli("rotate", NAME)
    assert answer.code == 3, answer
    assert json.loads(get(server)) == {"token": "tgcanary-theirs-1", "zone": "us"}
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    put(server, json.dumps({"token": old, "zone": "us"}))
    assert cli("rotate", NAME, "--resume").code == 0
    there = json.loads(get(server))
    assert there["zone"] == "us"
    assert there["token"] != old


def test_what_aws_rotates_is_left_to_it_and_nothing_is_lost(cli, server):
    old = made(cli)
    address = put(server, json.dumps({"token": old}))
    assert adopt(cli, f"{address}#token").code == 0
    server.service.shelf.secrets[SECRET].rotation_enabled = True
    answer = cli("rotate", NAME)
    assert answer.code == 3, answer
    assert "AWS itself rotates" in answer.err
    assert json.loads(get(server)) == {"token": old}
    assert cli.sandbox.world.alive(old)
    assert cli("rotate", NAME, "--resume").code == 3
    server.service.shelf.secrets[SECRET].rotation_enabled = False
    assert cli("rotate", NAME, "--resume").code == 0
    assert not cli.sandbox.world.alive(old)


@pytest.mark.parametrize(
    "operation", ["PutSecretValue", "UpdateSecretVersionStage", "DescribeSecret", "GetSecretValue"]
)
@pytest.mark.parametrize("how", [{"code": "AccessDeniedException"}, {"drops": True, "acts": True}], ids=["no", "lost"])
def test_trouble_at_the_place_is_made_good_by_doing_it_again(cli, server, operation, how):
    old = made(cli)
    address = put(server, json.dumps({"token": old, "zone": "eu"}))
    assert adopt(cli, f"{address}#token").code == 0
    with _failing(server, operation, SECRET, how) as met:
        answer = cli("rotate", NAME)
    assert met
    if answer.code:
        assert answer.code == 4, answer
        assert cli.sandbox.world.alive(old)
        begun = operation != "GetSecretValue"  # which is the first look, before anything is opened
        assert cli("rotate", NAME, *(["--resume"] if begun else [])).code == 0
    there = json.loads(get(server))
    assert there["zone"] == "eu"
    assert cli.sandbox.world.alive(there["token"])
    assert not cli.sandbox.world.alive(old)


@contextlib.contextmanager
def _failing(server, operation, name, how) -> Iterator[list[str]]:
    """Fail the next call of an operation that is about one secret; yields what was met."""
    met: list[str] = []
    answer = server.answer

    def at_place(asked, params):
        if asked == operation and params.get("SecretId") == name and not met:
            met.append(asked)
            server.fail(operation, **how)
        return answer(asked, params)

    server.answer = at_place
    try:
        yield met
    finally:
        del server.answer
        server.faults.clear()


def test_the_printed_policy_names_every_call_that_is_made(cli, server):
    address = put(server, json.dumps({"token": made(cli)}))
    printed = cli("init", "--print-policy", "--adopt", f"{address}#token", "--format", "json").document["policies"]
    statement = json.loads(printed["rotator of adopted fields (AWS)"])["Statement"][0]
    assert statement["Resource"] == [f"arn:aws:secretsmanager:{server.region}:*:secret:{SECRET}-??????"]
    server.requests.clear()
    assert adopt(cli, f"{address}#token").code == 0
    assert cli("rotate", NAME).code == 0
    assert cli("rotate", NAME, "--compromised").code == 0
    made_there = {f"secretsmanager:{asked}" for asked, params in server.requests if params.get("SecretId") == SECRET}
    assert made_there == set(statement["Action"])


def test_an_import_adopts_each_value_once_and_only_reads(cli, server):
    shared, alone = made(cli), made(cli)
    put(server, json.dumps({"token": shared, "zone": "eu"}), "team/a/app", team="Video", env="prod")
    put(server, shared, "team/b-token")
    put(server, json.dumps({"user": "alice", "api_key": alone, "password": "tgcanary-pass"}), "team/c", owner="web")
    put(server, json.dumps({"token": made(cli)}), "team/rotated")
    server.service.shelf.secrets["team/rotated"].rotation_enabled = True
    put(server, json.dumps({"token": made(cli)}), "teammate/other")
    assert cli.issue("video/own/prod").code == 0
    before = {name: dict(kept.versions) for name, kept in server.service.shelf.secrets.items() if "team" in name}
    server.requests.clear()
    planned = cli("import", "--from", f"aws://{server.region}/team", "--dry-run", "--format", "json")
    assert planned.code == 0, planned
    answer = cli("import", "--from", f"aws://{server.region}/team", "--format", "json")
    assert answer.code == 0, answer
    assert _asked_outside_the_store(server, cli) <= _READS, "the source was written to"
    assert {**answer.document, "dry_run": True} == planned.document
    assert [(each["name"], each["place"], each["also"]) for each in answer.document["added"]] == [
        ("team/a/app", f"aws://{server.region}/team/a/app#token", [f"aws://{server.region}/team/b-token"]),
        ("team/c", f"aws://{server.region}/team/c#api_key", []),
    ]
    assert [each["place"] for each in answer.document["skipped"]] == [f"aws://{server.region}/team/rotated"]
    for name, versions in before.items():
        if not name.startswith("video-team/"):
            assert server.service.shelf.secrets[name].versions == versions
    shown = cli("show", "team/a/app", "--format", "json").document
    assert (shown["owner"], shown["environment"], shown["provider"]) == ("video", "prod", "autoposting")
    again = cli("import", "--from", f"aws://{server.region}/team", "--format", "json")
    assert (again.document["added"], len(again.document["duplicate"])) == ([], 2)
    for value in (shared, alone):
        assert value not in answer.out + answer.err + planned.out + planned.err


def test_only_what_has_the_tag_is_read(cli, server):
    put(server, json.dumps({"token": made(cli)}), "team/a", team="video")
    put(server, json.dumps({"token": made(cli)}), "team/b", team="web")
    server.requests.clear()
    answer = cli("import", "--from", f"aws://{server.region}", "--tag", "team=web", "--format", "json")
    assert [each["name"] for each in answer.document["added"]] == ["team/b"]
    assert not [params for _, params in server.requests if params.get("SecretId") == "team/a"]


def test_its_own_store_is_not_walked_into(cli, server):
    assert cli.issue("video/own/prod").code == 0
    answer = cli("import", "--from", cli.url, "--format", "json")
    assert answer.code == 0, answer
    assert {each["reason"] for each in answer.document["skipped"]} == {"a secret of tokenguard's own"}
    assert answer.document["added"] == []


def test_what_may_not_be_read_is_named(cli, server):
    put(server, json.dumps({"token": made(cli)}), "team/a")
    put(server, json.dumps({"token": made(cli)}), "team/b")
    with _failing(server, "GetSecretValue", "team/b", {"code": "AccessDeniedException"}):
        answer = cli("import", "--from", f"aws://{server.region}/team", "--format", "json")
    assert answer.code == 1, answer
    assert [(each["place"], each["reason"]) for each in answer.document["unreadable"]] == [
        (f"aws://{server.region}/team/b", "denied")
    ]
    assert [each["name"] for each in answer.document["added"]] == ["team/a"]


def _asked_outside_the_store(server, cli) -> set[str]:
    own = cli.url.removeprefix(f"aws://{server.region}/")
    return {
        asked
        for asked, params in server.requests
        if params.get("SecretId", params.get("Name", "")).partition("/")[0] != own
    }
