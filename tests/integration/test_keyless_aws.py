"""A job takes a role on AWS with its own identity, through the real SDK: the trust that was rendered decides."""

import fnmatch
import json
from pathlib import Path

import pytest

from tests.fakes.ci_issuer import GITHUB, PULL_REQUEST, Issuer
from tests.fakes.secrets_manager.command_line import NAME, AwsCommandLine
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tests.integration.pipeline_jobs import Runner
from tokenguard.provisioning.server_setup.server_file import read_setup
from tokenguard.shell.aws_store import roles_of

ACTION = Path(__file__).parents[2] / "action.yml"
SERVER = """\
version: 1
aws: {account: "123456789012", github_owner_id: 9919}
github: {repository: acme/tokens, repository_id: 4711, environments: [tokens]}
"""
ROTATOR = "arn:aws:iam::123456789012:role/tg-video-team-github-rotator"
PLANNER = "arn:aws:iam::123456789012:role/tg-video-team-github-planner"


@pytest.fixture(scope="module")
def issuer():
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def aws(issuer):
    """STS decides by the trust policies that `setup` renders, as IAM evaluates their two operators."""
    with FakeAws() as aws:
        setup = read_setup(SERVER.encode(), source="server.yaml")
        url = f"aws://{aws.region}/video-team"
        trusts = {each.name: json.loads(each.trust)["Statement"][0]["Condition"] for each in roles_of(setup, url)}

        def trusted(role: str, identity: str) -> bool:
            claims, condition = issuer.verified(identity), trusts[role.rpartition("/")[2]]
            if claims is None:
                return False
            same = all(claims.get(key.rpartition(":")[2]) == each for key, each in condition["StringEquals"].items())
            return same and all(
                any(fnmatch.fnmatchcase(str(claims.get(key.rpartition(":")[2])), each) for each in patterns)
                for key, patterns in condition["StringLike"].items()
            )

        aws.trusts = trusted
        yield aws


@pytest.fixture
def job(aws, issuer, sandbox, tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")  # whoever sets it must not be sent an identity
    issuer.claims = GITHUB
    cli = AwsCommandLine(aws, sandbox, tmp_path, capfd, monkeypatch, real_sdk=True)
    cli.settings = {"role": ROTATOR, "credential": "github-oidc:sts.amazonaws.com"}
    cli.environ = {**issuer.job, "CI": "true"}
    return cli


@pytest.fixture
def made(job):
    """A job that has a store."""
    assert job("init", "--sandbox").code == 0
    return job


def test_a_job_makes_a_store_and_rotates_with_sessions_of_its_role(job, aws):
    assert job("init", "--sandbox").code == 0
    assert job.issue().code == 0
    assert job("rotate", NAME).code == 0
    assert aws.counts["AssumeRoleWithWebIdentity"] == 3, "one session for each process"


def test_the_composite_action_plans_and_applies_on_aws(made, aws, issuer, sandbox, tmp_path, tmp_path_factory):
    made.settings = {**made.settings, "role": "env:TOKENGUARD_ROLE"}
    made("list")  # writes the configuration
    env = tmp_path_factory.mktemp("app") / ".env"
    (tmp_path / "tokens.yaml").write_text(
        "version: 1\ntokens:\n  video/app/prod/clip:\n    provider: autoposting\n"
        f"    scope: org:{sandbox.info.org_id}\n    environment: prod\n    owner: video\n    purpose: clips\n"
        f"    consumers: ['dotenv:{env}#KEY']\n    issue: true\n"
    )
    environ = {**made.environ, "TOKENGUARD_ADMIN_AUTOPOSTING": sandbox.info.admin_key}
    runner = Runner(tmp_path, tmp_path_factory.mktemp("runner"), environ, hosted=False)
    given = {"runner-config": (tmp_path / "config.toml").read_text(), "role": PLANNER}
    issuer.claims = PULL_REQUEST
    planned = runner.action(ACTION, command="plan", **given)
    assert planned.code == 0, planned
    digest = planned.outputs["digest"]
    given["role"] = ROTATOR
    assert (runner.action(ACTION, command="apply", digest=digest, **given).code, env.exists()) == (4, False)
    issuer.claims = GITHUB
    for wrong in ({"command": "apply"}, {"command": "destroy; id"}, {"command": "plan", "manifest": "--help"}):
        assert runner.action(ACTION, **given, **wrong).code == 2, wrong
    assert (runner.action(ACTION, command="apply", digest=digest, **given).code, env.exists()) == (3, False)
    config = {"TOKENGUARD_CONFIG": str(tmp_path / "config.toml"), "TOKENGUARD_ROLE": ROTATOR}
    assert runner.shell(f"tokenguard approve {digest} --yes --no-input", config, ["sh"]).code == 0
    applied = runner.action(ACTION, command="apply", digest=digest, **given)
    assert applied.code == 0, applied
    value = env.read_text().partition("=")[2].strip().strip("'\"")
    assert not any(each in "".join(runner.log) for each in (value, issuer.request_token, "tgcanary-session"))


@pytest.mark.parametrize(
    ("claims", "more"),
    [
        (PULL_REQUEST, {}),
        ({**GITHUB, "sub": "repo:acme@9919/tokens@4711:environment:preview"}, {}),
        ({**GITHUB, "sub": "repo:acme@9919/other@4712:environment:tokens"}, {}),
        ({**GITHUB, "sub": "repo:acme@9920/tokens@4711:environment:tokens"}, {}),  # the owner's name, given anew
        ({**GITHUB, "sub": "repo:acme@9919/tokens@4712:environment:tokens"}, {}),  # the repository's
        ({**GITHUB, "sub": "repo:acme/tokens:environment:tokens"}, {}),
        (GITHUB, {"credential": "github-oidc:somebody-else"}),
    ],
    ids=[
        "pull request",
        "another environment",
        "another repository",
        "another owner of that name",
        "another repository of that name",
        "names alone",
        "another audience",
    ],
)
def test_no_other_job_takes_the_rotators_role(job, issuer, claims, more):
    issuer.claims = claims
    job.settings = {**job.settings, **more}
    refused = job("list")
    assert (refused.code, refused.err.count("error: ")) == (4, 1), refused
    assert "tgcanary" not in refused.err


def test_a_pull_request_takes_the_planners_role_named_by_a_variable(made, issuer):
    issuer.claims = PULL_REQUEST
    made.settings = {**made.settings, "role": "env:ROLE"}
    made.environ = {**made.environ, "ROLE": PLANNER}
    assert made("list").code == 0


@pytest.mark.parametrize(
    "role", ["rotator", "arn:aws:iam::1:role/x", "env:NOTHING", "env:", "arn:aws:iam::123456789012:user/x"]
)
def test_a_role_that_is_none_is_refused(job, role):
    job.settings = {**job.settings, "role": role}
    refused = job("list")
    assert (refused.code, "role of [aws]" in refused.error or "NOTHING" in refused.error) == (2, True), refused


def test_where_the_policy_says_so_ci_lets_no_key_in_that_never_expires(made, tmp_path, monkeypatch):
    (tmp_path / "policy.yaml").write_text(
        "format: 1\nname: ours\nextends: default\nrules:\n  - {id: ci-long-lived-key, severity: error}\n"
    )
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    made.settings = {}
    assert made("list").code == 0, "the default policy warns only"
    made.more = '[policy]\nfile = "policy.yaml"\n'
    refused = made("list")
    assert (refused.code, "ci-long-lived-key" in refused.error) == (4, True), refused
    monkeypatch.setenv("AWS_SESSION_TOKEN", "tgcanary-session-token")
    assert made("list").code == 0
