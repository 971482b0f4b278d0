"""Only approvers can write approvals: the printed policies on a real OpenBao, and those for AWS, statement by statement."""

import json
from fnmatch import fnmatchcase

import pytest

from tests.fakes.secrets_manager.command_line import AwsCommandLine
from tests.fakes.secrets_manager.stores import CREDENTIALS, place
from tests.fakes.vault_command_line import VaultCommandLine
from tokenguard.stores.aws.policies import AwsStoreRole, policy

NAME = "video/app/prod/post"
MANIFEST = """\
version: 1
tokens:
  {name}:
    {{provider: autoposting, scope: "org:{org}", environment: prod, owner: video, purpose: posting, consumers: [],
      issue: true}}
"""


@pytest.fixture
def cli(openbao, sandbox, tmp_path, capfd, monkeypatch, request) -> VaultCommandLine:
    monkeypatch.chdir(tmp_path)
    prefix = f"approvals-{abs(hash(request.node.nodeid)):x}"
    made = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=f"vault://secret/{prefix}", approver=False)
    assert made("init", "--sandbox").code == 0
    (tmp_path / "tokens.yaml").write_text(MANIFEST.format(name=NAME, org=sandbox.info.org_id))
    return made


def login(cli: VaultCommandLine, role: str) -> str:
    return cli.server.new_token(cli("init", "--print-policy", "--format", "json").document["policies"][role])


def digest(cli: VaultCommandLine, role: str) -> str:
    return cli("plan", "--format", "json", token=login(cli, role)).document["digest"]


def test_an_approver_approves_and_a_rotator_applies_what_was_approved(cli: VaultCommandLine):
    refused = cli("apply", token=login(cli, "rotator"))
    assert (refused.code, "tokenguard approve" in refused.err) == (3, True), refused
    approved = cli("approve", digest(cli, "planner"), "--yes", token=login(cli, "approver"))
    assert approved.code == 0, approved
    assert cli("apply", token=login(cli, "rotator")).code == 0
    assert cli.live()
    assert cli("audit", "verify", token=login(cli, "auditor")).code == 0


def test_an_approver_of_an_older_policy_still_approves_plans(cli: VaultCommandLine):
    policy = cli("init", "--print-policy", "--format", "json").document["policies"]["approver"]
    older = "\n".join(line for line in policy.splitlines() if "/requests/" not in line)
    assert older != policy.rstrip()
    approved = cli("approve", digest(cli, "planner"), "--yes", token=cli.server.new_token(older))
    assert (approved.code, "install the policy" in approved.err) == (0, True), approved
    assert cli("apply", token=login(cli, "rotator")).code == 0


@pytest.mark.parametrize("role", ["rotator", "planner", "publisher", "inventory", "auditor", "scanner", "ci-reader"])
def test_no_other_role_can_approve(cli: VaultCommandLine, role: str):
    plan = digest(cli, "planner")
    assert cli("approve", plan, "--yes", token=login(cli, role)).code == 4
    assert cli("apply", token=login(cli, "rotator")).code == 3


@pytest.mark.parametrize("role", ["rotator", "planner", "publisher", "inventory", "auditor", "scanner", "ci-reader"])
def test_no_other_role_can_write_at_the_path_of_approvals(cli: VaultCommandLine, role: str):
    mount, prefix = cli.url.removeprefix("vault://").split("/", 1)
    for below in ("approvals/plans", "approvals/log/approvals/000000", "approvals/anything"):
        answer = cli.server.api(
            "POST", f"{mount}/data/{prefix}/shared/{below}", {"data": {"data": "x"}}, check=False,
            token=login(cli, role),
        )  # fmt: skip
        assert answer.status_code == 403, (role, below)


def test_an_approver_pins_the_rule_and_a_rotator_is_bound_by_it(cli: VaultCommandLine, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(
        "format: 1\nname: t\nextends: default\nrules:\n  - {id: second-person, operations: [destination]}\n"
    )
    cli.more = f'[policy]\nfile = "{file}"\n'
    assert cli("policy", "pin", "--yes", token=login(cli, "rotator")).code == 4
    assert cli("policy", "pin", "--yes", token=login(cli, "approver")).code == 0
    cli.more = ""
    words = ("add", "video/app/prod/new", "--provider", "autoposting", "--scope", f"org:{cli.sandbox.info.org_id}",
             "--env", "prod", "--owner", "video", "--purpose", "p", "--deliver", f"dotenv:{tmp_path}/a.env#T", "--issue")  # fmt: skip
    refused = cli(*words, token=login(cli, "rotator"))
    assert (refused.code, "needs a second person" in refused.err) == (3, True), refused
    assert cli("audit", "verify", token=login(cli, "auditor")).code == 0


def test_an_approver_reads_no_value_and_changes_no_token(cli: VaultCommandLine):
    assert cli("approve", digest(cli, "planner"), "--yes", token=login(cli, "approver")).code == 0
    assert cli("apply", token=login(cli, "rotator")).code == 0
    mount, prefix = cli.url.removeprefix("vault://").split("/", 1)
    for path in (f"live/{NAME}", "key/fingerprint"):
        answer = cli.server.api("GET", f"{mount}/data/{prefix}/{path}", check=False, token=login(cli, "approver"))
        assert answer.status_code == 403, path
    for words in (("rotate", NAME), ("edit", NAME, "--purpose", "x"), ("retire", NAME)):
        assert cli(*words, token=login(cli, "approver")).code == 4, words


# ---- AWS: what IAM would decide of the calls that are made


@pytest.fixture
def on_aws(fake_aws, sandbox, tmp_path, capfd, monkeypatch) -> AwsCommandLine:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    made = AwsCommandLine(fake_aws, sandbox, tmp_path, capfd, monkeypatch, approver=False)
    assert made("init", "--sandbox").code == 0
    (tmp_path / "tokens.yaml").write_text(MANIFEST.format(name=NAME, org=sandbox.info.org_id))
    return made


def allowed(role: AwsStoreRole, aws, operation: str, params: dict) -> bool:
    """An explicit deny wins; then any statement that allows it."""
    secret = params.get("SecretId") or params.get("Name") or "*"
    arn = f"arn:aws:secretsmanager:{aws.region}:123456789012:secret:{secret}-AbCdEf" if secret != "*" else "*"
    effects = set()
    for each in json.loads(policy(role, place(aws)))["Statement"]:
        resources = each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]
        if f"secretsmanager:{operation}" in each["Action"] and any(fnmatchcase(arn, found) for found in resources):
            stages = next(iter(each.get("Condition", {}).values()), {}).get("secretsmanager:VersionStage", ["*"])
            if any(fnmatchcase(params.get("VersionStage", ""), stage) for stage in stages):
                effects.add(each["Effect"])
    return effects == {"Allow"}


def writes(aws) -> list[tuple[str, dict]]:
    acts = {"CreateSecret", "PutSecretValue", "UpdateSecretVersionStage", "TagResource"}
    return [(operation, params) for operation, params in aws.requests if operation in acts]


def only_lets_write(wanted: AwsStoreRole, aws) -> None:
    """Of the policies of all roles, only this one allows what was written, break-glass aside."""
    asked = writes(aws)
    assert asked
    for operation, params in asked:
        assert allowed(wanted, aws, operation, params), (operation, params)
        for role in set(AwsStoreRole) - {wanted, AwsStoreRole.BREAK_GLASS}:
            assert not allowed(role, aws, operation, params), (role, operation)


def test_on_aws_only_the_approver_s_policy_lets_an_approval_be_written(on_aws: AwsCommandLine):
    plan = on_aws("plan", "--format", "json").document["digest"]
    assert on_aws("apply").code == 3
    for _ in range(2):  # the first makes the secret, the second replaces what is in it
        on_aws.aws.requests.clear()
        assert on_aws("approve", plan, "--yes").code == 0
        only_lets_write(AwsStoreRole.APPROVER, on_aws.aws)
    assert on_aws("apply").code == 0


def test_on_aws_a_rotator_writes_all_that_a_rotation_writes(on_aws: AwsCommandLine):
    on_aws("approve", on_aws("plan", "--format", "json").document["digest"], "--yes")
    on_aws.aws.requests.clear()
    assert on_aws("apply").code == 0
    assert on_aws("rotate", NAME).code == 0
    for operation, params in writes(on_aws.aws):
        assert allowed(AwsStoreRole.ROTATOR, on_aws.aws, operation, params), (operation, params)


def test_on_aws_only_a_publisher_s_policy_lets_a_policy_be_published(on_aws: AwsCommandLine, tmp_path):
    (tmp_path / "own.yaml").write_text("format: 1\nname: own\nextends: default\n")
    for _ in range(2):  # the first makes the secret, the second replaces what is in it
        on_aws.aws.requests.clear()
        assert on_aws("policy", "publish", "own.yaml").code == 0
        only_lets_write(AwsStoreRole.PUBLISHER, on_aws.aws)


def test_on_aws_no_daily_role_replaces_the_store_s_own_secret(on_aws: AwsCommandLine):
    """It holds the fingerprint key, and where the store has moved. A rotator keeps its lease in a tag of it."""
    secret = {"SecretId": place(on_aws.aws).header}
    for role in set(AwsStoreRole) - {AwsStoreRole.BREAK_GLASS}:
        for operation in ("PutSecretValue", "UpdateSecretVersionStage", "DeleteSecret"):
            assert not allowed(role, on_aws.aws, operation, secret), (role, operation)
    assert allowed(AwsStoreRole.ROTATOR, on_aws.aws, "TagResource", secret)
