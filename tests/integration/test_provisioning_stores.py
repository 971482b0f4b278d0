"""`plan`, `apply` and `drift` on a real OpenBao and on the strict fake of AWS, with each role's policy and no more."""

import base64
import itertools
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.answer import Answer
from tests.fakes.approvals import EverythingApproved
from tests.fakes.clock import SwiftClock
from tests.fakes.secrets_manager.command_line import AwsCommandLine
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tests.fakes.vault_command_line import VaultCommandLine
from tests.fakes.vault_proxy import Cut, VaultProxy
from tokenguard.cli.error_handler import run
from tokenguard.sandbox.fault_settings import FaultSettings
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.aws.store import AwsStore

_numbers = itertools.count()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(knobs=FaultSettings(per_minute=1_000_000)) as sandbox:
        yield sandbox


@pytest.fixture
def vault(openbao, sandbox, tmp_path, capfd, monkeypatch) -> VaultCommandLine:
    monkeypatch.chdir(tmp_path)
    cli = VaultCommandLine(
        openbao, sandbox, tmp_path, capfd, url=f"vault://secret/{tmp_path.name.replace('_', '-')[-40:]}"
    )
    assert cli("init", "--sandbox").code == 0
    return cli


@pytest.fixture
def on_aws(fake_aws, sandbox, tmp_path, capfd, monkeypatch) -> AwsCommandLine:
    monkeypatch.chdir(tmp_path)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    cli = AwsCommandLine(fake_aws, sandbox, tmp_path, capfd, monkeypatch)
    assert cli("init", "--sandbox").code == 0
    return cli


@pytest.fixture
def local(sandbox, tmp_path, capfd, monkeypatch):
    """The command line on an embedded store."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    (tmp_path / "key").chmod(0o600)
    config = tmp_path / "config.toml"
    config.write_text(f'[providers.autoposting]\nbase_url = "{sandbox.info.autoposting_url}"\ndeath_floor = 2\n')
    config.chmod(0o600)
    environ = {
        "NO_COLOR": "1", "TOKENGUARD_CONFIG": str(config), "TOKENGUARD_STORE": f"local://{tmp_path}/store",
        "TOKENGUARD_KEY_FILE": str(tmp_path / "key"), "TOKENGUARD_ADMIN_AUTOPOSTING": sandbox.info.admin_key,
    }  # fmt: skip
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))

    clock = SwiftClock()

    def call(*arguments: str) -> Answer:
        wiring = Wiring(environ=environ)
        wiring.clock, wiring.approvals = clock, EverythingApproved()
        code = run(["--no-input", *arguments], wiring)
        shown = capfd.readouterr()
        return Answer(code, shown.out, shown.err, arguments)

    assert call("init").code == 0
    return call


def declare(tmp_path, sandbox, *, retired: bool = False, purpose: str = "posting") -> None:
    (tmp_path / "tokens.yaml").write_text(
        "version: 1\n"
        f"defaults: {{provider: autoposting, owner: video, environment: prod, scope: 'org:{sandbox.info.org_id}'}}\n"
        "tokens:\n"
        + (
            "  a/post: {state: retired}\n"
            if retired
            else f"  a/post: {{purpose: {purpose}, issue: true, consumers: []}}\n"
        )
        + f"  a/later: {{purpose: {purpose}, issue: guided, permissions: ['posts:read']}}\n"
    )


def planned(cli) -> list:
    answer = cli("plan", "--format", "json")
    assert answer.code == 0, answer.err
    return answer.document["actions"]


def life(cli, tmp_path, sandbox) -> None:
    """Declare, apply under the digest, change, retire: after each apply the plan is empty."""
    for step in ({}, {"purpose": "other"}, {"retired": True}):
        declare(tmp_path, sandbox, **step)
        digest = cli("plan", "--format", "json").document["digest"]
        answer = cli("apply", "--digest", digest, "--allow-retire")
        assert answer.code == 0, answer.err
        assert planned(cli) == []
        assert cli("drift", "--ask-providers").code == 0
    assert cli("audit", "verify").code == 0


def test_the_whole_life_on_openbao_with_the_rotators_policy(vault, tmp_path, sandbox):
    policies = vault("init", "--print-policy", "--format", "json").document["policies"]
    vault.token = vault.server.new_token(policies["rotator"])
    life(vault, tmp_path, sandbox)


def test_the_whole_life_on_aws(on_aws, tmp_path, sandbox):
    life(on_aws, tmp_path, sandbox)


def test_a_planners_login_plans_and_finds_drift_on_openbao_and_every_request_only_reads_metadata(
    vault, tmp_path, sandbox
):
    declare(tmp_path, sandbox)
    assert vault("apply").code == 0
    declare(tmp_path, sandbox, purpose="other")
    policies = vault("init", "--print-policy", "--format", "json").document["policies"]
    vault.token = vault.server.new_token(policies["planner"])
    with VaultProxy(vault.server.port) as proxy:
        vault.address = proxy.url
        assert [each["name"] for each in planned(vault)] == ["a/later", "a/post"]
        assert vault("drift").code == 1
        asked = list(proxy.asked)
        refused = vault("apply", "--yes")
    assert refused.code == 4, refused
    assert asked
    own = [each for each in asked if each.path.startswith("secret/")]
    assert {each.method for each in own} <= {"GET", "LIST"}, own
    assert not [each for each in own if any(f"/{place}/" in each.path for place in ("live", "cand", "key", "log"))]
    assert {each.path for each in asked} - {each.path for each in own} <= {
        "auth/token/lookup-self", "auth/token/renew-self", "sys/capabilities-self",
    }  # fmt: skip
    folder = vault.url.removeprefix("vault://secret/")
    for place in ("live/a/post", f"cand/{'0' * 32}/x", "key/fingerprint", f"log/{'0' * 32}"):
        answer = vault.server.api("GET", f"secret/data/{folder}/{place}", check=False, token=vault.token)
        assert answer.status_code == 403, place


def test_a_plan_on_aws_writes_nothing_reads_no_value_and_tells_the_price(on_aws, tmp_path, sandbox, words):
    declare(tmp_path, sandbox)
    assert on_aws("apply").code == 0
    declare(tmp_path, sandbox, purpose="other")
    statements = json.loads(on_aws("init", "--print-policy", "--format", "json").document["policies"]["planner"])
    allowed = {action.partition(":")[2] for each in statements["Statement"] for action in each["Action"]}
    on_aws.aws.requests.clear()
    assert [each["name"] for each in planned(on_aws)] == ["a/later", "a/post"]
    words(on_aws("plan"))
    assert on_aws("drift").code == 1
    assert {operation for operation, _ in on_aws.aws.requests} <= allowed
    for operation, asked in on_aws.aws.requests:
        if operation == "GetSecretValue" and not asked["SecretId"].endswith("/@store"):
            assert asked["VersionStage"] in {"tg-doc", "tg-name"}, asked


def test_no_value_is_in_the_manifest_the_plan_or_the_output_of_an_apply(vault, tmp_path, sandbox):
    declare(tmp_path, sandbox)
    answers = [
        vault("plan"),
        vault("apply"),
        vault("plan", "--format", "markdown"),
        vault("drift", "--format", "sarif"),
    ]
    value = vault.live("a/post")
    assert value
    assert not [answer for answer in answers if value in answer.out + answer.err]


def many(tmp_path, sandbox, count: int) -> list[str]:
    names = [f"a/t{number}" for number in range(count)]
    tokens = "".join(f"  {name}: {{purpose: '{name}', issue: true, consumers: []}}\n" for name in names)
    scope = f"org:{sandbox.info.org_id}"
    (tmp_path / "tokens.yaml").write_text(
        "version: 1\n"
        f"defaults: {{provider: autoposting, owner: video, environment: prod, scope: '{scope}'}}\n"
        f"tokens:\n{tokens}"
    )
    return names


def test_several_side_by_side_end_as_one_after_another(vault, tmp_path, sandbox):
    names = many(tmp_path, sandbox, 8)
    answer = vault("apply", "--jobs", "4", "--format", "json")
    assert answer.code == 0, answer.err
    assert [each["name"] for each in answer.document["results"]] == names
    assert len({vault.live(name) for name in names}) == len(names)
    assert planned(vault) == []


def test_two_processes_that_apply_at_once_converge_on_openbao(vault, tmp_path, sandbox):
    """Each ends well, or says that the other one was first; together they have made one token for each name."""
    names = many(tmp_path, sandbox, 6)
    before = len(sandbox.world.keys())
    vault.approver = False
    both = [process(vault, tmp_path, sandbox) for _ in range(2)]
    said = [each.communicate(timeout=60)[0].decode() for each in both]
    assert {each.returncode for each in both} <= {0, 4}, said
    assert planned(vault) == []
    values = {vault.live(name) for name in names}
    assert len(values) == len(names)
    assert len(sandbox.world.keys()) - before == len(names), said
    assert not any(value in text for value in values for text in said)


def process(vault, tmp_path, sandbox, *arguments: str) -> subprocess.Popen[bytes]:
    """`apply` as a process of its own, of what was approved."""
    assert vault("approve", vault("plan", "--format", "json").document["digest"], "--yes").code == 0
    environ = {
        **os.environ,
        "TOKENGUARD_CONFIG": str(tmp_path / "config.toml"),
        "LOGIN": vault.server.root_token,
        "TOKENGUARD_ADMIN_AUTOPOSTING": sandbox.info.admin_key,
    }
    command = [sys.executable, "-P", "-m", "tokenguard", "apply", "--no-input", "--jobs", "1", *arguments]
    return subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def kill_at(vault, tmp_path, sandbox, write: int) -> None:
    """SIGKILL at the nth write to the store, before or after the server does it; then the reviewed plan again."""
    before = len(sandbox.world.keys())
    names = many(tmp_path, sandbox, 2)
    digest, vault.approver = vault("plan", "--format", "json").document["digest"], False
    writes = itertools.count(1)
    with VaultProxy(vault.server.port) as proxy:
        vault.address = proxy.url
        running_one = process(vault, tmp_path, sandbox, "--digest", digest)

        def fault(_number, asked):
            if asked.path.startswith("secret/") and asked.method not in {"GET", "LIST"} and next(writes) == write:
                running_one.kill()
                return Cut(after=write % 2 == 0)
            return None

        proxy.fault = fault
        said = running_one.communicate(timeout=60)[0].decode()
        vault.address = ""
    assert running_one.returncode == -9, said
    again = vault("apply", "--digest", digest)
    assert again.code == 0, again.err
    assert planned(vault) == []
    assert len({vault.live(name) for name in names}) == 2
    assert len(sandbox.world.keys()) - before == 2, "a token that nobody knows"


@pytest.mark.parametrize("write", [1, 8, 13])
def test_killed_at_a_write_to_openbao_the_same_command_finishes_it(vault, tmp_path, sandbox, write):
    kill_at(vault, tmp_path, sandbox, write)


@pytest.mark.slow
@pytest.mark.parametrize("write", range(2, 26))
def test_killed_at_any_write_to_openbao_the_same_command_finishes_it(vault, tmp_path, sandbox, write):
    kill_at(vault, tmp_path, sandbox, write)


_token = st.fixed_dictionaries(
    {"purpose": st.sampled_from(["x", "y"]), "issue": st.sampled_from(["true", "true", "guided"])},
    optional={
        "owner": st.sampled_from(["audio", "video"]),
        "permissions": st.lists(st.sampled_from(["posts:read", "posts:write"]), unique=True),
        "deputy": st.sampled_from(["", "grace"]),
        "state": st.sampled_from(["active", "active", "retired"]),
        "file": st.booleans(),
    },
)
_edits = st.lists(st.dictionaries(st.sampled_from(["one", "two", "three"]), _token, max_size=3), min_size=2, max_size=3)
_few = settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
_many = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def settles(cli, directory, sandbox, edits) -> None:
    """Each edit is applied under its digest, and then there is nothing left to do."""
    prefix = f"e{next(_numbers)}"
    for tokens in edits:
        declared = {}
        for name, fields in tokens.items():
            given = dict(fields)
            if given.pop("file", False):
                given["consumers"] = [f"dotenv:{directory}/{prefix}-{name}.env#T"]
            declared[f"{prefix}/{name}"] = given
        defaults = {"provider": "autoposting", "owner": "video", "environment": "prod"}
        document = {"version": "1", "defaults": {**defaults, "scope": f"org:{sandbox.info.org_id}"}, "tokens": declared}
        (directory / "tokens.yaml").write_text(json.dumps(document))
        plan = cli("plan", "--format", "json").document
        answer = cli("apply", "--digest", plan["digest"], "--allow-retire")
        assert answer.code == (2 if plan["blocked"] else 0), answer.err
        if not plan["blocked"]:
            assert planned(cli) == []
            assert cli("drift", "--ask-consumers").code in {0, 1}


on_each_store = pytest.mark.parametrize("home", ["vault", "on_aws", "local"])


@on_each_store
@_few
@given(_edits)
def test_edits_settle(request, home, tmp_path, sandbox, edits):
    settles(request.getfixturevalue(home), tmp_path, sandbox, edits)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@on_each_store
@_many
@given(_edits)
def test_many_edits_settle(request, home, tmp_path, sandbox, edits):
    settles(request.getfixturevalue(home), tmp_path, sandbox, edits)


class Killed(BaseException):
    """The process is gone."""


def kill_on_aws_at(on_aws, tmp_path, sandbox, monkeypatch, write: int) -> None:
    """Ends at the nth write to the store, odd ones before it and even ones after; then the reviewed plan again."""
    before = len(sandbox.world.keys())
    names = many(tmp_path, sandbox, 2)
    digest = on_aws("plan", "--format", "json").document["digest"]
    writes = itertools.count(1)

    def dying(real):
        def call(*arguments):
            number = next(writes)
            if number == write and write % 2:
                raise Killed
            answer = real(*arguments)
            if number == write:
                raise Killed
            return answer

        return call

    with monkeypatch.context() as patch:
        for name in ("commit", "put_candidate", "publish"):
            patch.setattr(AwsStore, name, dying(getattr(AwsStore, name)))
        with pytest.raises(Killed):
            on_aws("apply", "--digest", digest)
    again = on_aws("apply", "--digest", digest)
    assert again.code == 0, again.err
    assert planned(on_aws) == []
    assert len({on_aws.live(name) for name in names}) == 2
    assert len(sandbox.world.keys()) - before == 2, "a token that nobody knows"


@pytest.mark.parametrize("write", [1, 4, 7])
def test_killed_at_a_write_to_aws_the_same_command_finishes_it(on_aws, tmp_path, sandbox, monkeypatch, write):
    kill_on_aws_at(on_aws, tmp_path, sandbox, monkeypatch, write)


@pytest.mark.slow
@pytest.mark.parametrize("write", range(1, 19))
def test_killed_at_any_write_to_aws_the_same_command_finishes_it(on_aws, tmp_path, sandbox, monkeypatch, write):
    kill_on_aws_at(on_aws, tmp_path, sandbox, monkeypatch, write)
