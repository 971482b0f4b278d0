"""Jobs log in with their own identity, on a real OpenBao that `setup` has set up: the right job, and no other."""

import itertools
import textwrap

import pytest
import trustme

from tests.fakes.ci_issuer import GITHUB, GITLAB, MERGE_REQUEST, PULL_REQUEST, Issuer
from tests.integration.keyless import GITHUB_SERVER, GITLAB_SERVER, Pipeline

_numbers = itertools.count()


@pytest.fixture(scope="module")
def openbao(own_openbao):
    return own_openbao


@pytest.fixture(scope="module")
def issuer():
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def store(openbao):
    """The address of a store that `setup` prepared and `init` made, once for each CI system."""
    return {
        "github": f"vault://secret/keyless{next(_numbers)}",
        "gitlab": f"vault://secret/keyless{next(_numbers)}",
        "made": set(),
    }


def pipeline(system, store, openbao, sandbox, issuer, tmp_path, capfd):
    made = Pipeline(openbao, sandbox, issuer, tmp_path, capfd, store[system], system)
    text = {"github": GITHUB_SERVER, "gitlab": GITLAB_SERVER}[system]
    (tmp_path / "server.yaml").write_text(text.format(issuer=issuer.url))
    if system not in store["made"]:
        done = made.owner("setup", str(tmp_path / "server.yaml"), "--apply")
        assert done.code == 0, done
        assert made.owner("init", "--sandbox").code == 0
        store["made"].add(system)
    return made


@pytest.fixture
def github(store, openbao, sandbox, issuer, tmp_path, capfd):
    return pipeline("github", store, openbao, sandbox, issuer, tmp_path, capfd)


@pytest.fixture
def gitlab(store, openbao, sandbox, issuer, tmp_path, capfd):
    return pipeline("gitlab", store, openbao, sandbox, issuer, tmp_path, capfd)


def test_a_job_on_the_protected_branch_adds_and_rotates_and_the_trail_says_who(github, sandbox):
    added = github.job(
        "rotator", "add", "video/app/prod/post", "--provider", "autoposting", "--scope", f"org:{sandbox.info.org_id}",
        "--env", "prod", "--owner", "video", "--purpose", "posting", "--no-consumers", "--issue", claims=GITHUB,
    )  # fmt: skip
    assert added.code == 0, added
    assert github.job("rotator", "rotate", "video/app/prod/post").code == 0
    assert "vault:entity:" in github.job("rotator", "audit", "log", "video/app/prod/post").out


_OTHER_WORKFLOW = "acme/tokens/.github/workflows/other.yml@refs/heads/main"
WRONG_FOR_GITHUB = {
    "a pull request": dict(PULL_REQUEST),
    "a pull request that names the environment": {**PULL_REQUEST, "environment": "tokens"},
    "pull_request_target, which runs on the protected branch": {**GITHUB, "event_name": "pull_request_target"},
    "another repository": {**GITHUB, "repository_id": "4712"},
    "a repository that was given the old name": {**GITHUB, "repository_id": "9"},
    "another workflow": {**GITHUB, "workflow_ref": _OTHER_WORKFLOW},
    "another branch": {**GITHUB, "ref": "refs/heads/topic"},
    "a tag named like the branch": {**GITHUB, "ref": "refs/tags/main"},
    "another environment": {**GITHUB, "environment": "preview"},
    "no environment": {name: each for name, each in GITHUB.items() if name != "environment"},
    "another audience": {**GITHUB, "aud": "somebody-else"},
    "no audience": {**GITHUB, "aud": None},
    "expired an hour ago": {**GITHUB, "iat": 1, "nbf": 1, "exp": 1_700_000_000},
    "not valid yet": {**GITHUB, "nbf": 4_000_000_000, "exp": 4_000_000_300},
    "another issuer": {**GITHUB, "iss": "https://token.actions.githubusercontent.com"},
}  # fmt: skip


@pytest.mark.parametrize("claims", WRONG_FOR_GITHUB.values(), ids=WRONG_FOR_GITHUB)
def test_no_other_job_of_github_becomes_rotator(github, monkeypatch, claims):
    issuer = github.issuer
    if "aud" in claims:  # the runner would sign what is asked for
        signed = issuer.signed
        monkeypatch.setattr(issuer, "signed", lambda given=None, **_: signed(given))
    refused = github.job("rotator", "list", claims=claims)
    assert refused.code == 4, refused
    assert not refused.out


WRONG_FOR_GITLAB = {
    "a merge request": dict(MERGE_REQUEST),
    "an unprotected branch of the same name": {**GITLAB, "ref_protected": "false"},
    "a tag of the same name": {**GITLAB, "ref_type": "tag"},
    "another project": {**GITLAB, "project_id": "43"},
    "another branch": {**GITLAB, "ref": "topic"},
    "another file of jobs": {
        **GITLAB,
        "ci_config_ref_uri": "gitlab.example.org/acme/tokens//other.yml@refs/heads/main",
    },
    "no environment": {name: each for name, each in GITLAB.items() if name != "environment"},
    "started by another pipeline": {**GITLAB, "pipeline_source": "pipeline"},
}


@pytest.mark.parametrize("claims", WRONG_FOR_GITLAB.values(), ids=WRONG_FOR_GITLAB)
def test_no_other_job_of_gitlab_becomes_rotator(gitlab, claims):
    refused = gitlab.job("rotator", "list", claims=claims)
    assert refused.code == 4, refused


def test_gitlabs_jobs_log_in_by_variable(gitlab):
    assert gitlab.job("rotator", "list", claims=GITLAB).code == 0
    assert gitlab.job("planner", "list", claims=MERGE_REQUEST).code == 0


def test_a_pull_request_plans_and_can_do_nothing_else(github):
    assert github.job("planner", "list", claims=PULL_REQUEST).code == 0
    denied = github.job("planner", "retire", "video/app/prod/post", "--yes", claims=PULL_REQUEST)
    assert denied.code == 4
    stranger = github.job("planner", "list", claims={**PULL_REQUEST, "repository_id": "4712"})
    assert stranger.code == 4


def test_a_token_signed_by_somebody_else_is_refused(github):
    with Issuer() as other:
        github.issuer, genuine = other, github.issuer
        other.claims = {**GITHUB, "iss": genuine.url}
        assert github.job("rotator", "list").code == 4


def test_a_long_run_asks_for_a_fresh_identity_and_trouble_passes(github):
    asked = len(github.issuer.asked)
    github.issuer.failures = [503]
    assert github.job("rotator", "list", claims=GITHUB).code == 0
    assert github.issuer.asked[asked:] == ["tokenguard"]
    github.issuer.failures = [403]
    refused = github.job("rotator", "list", claims=GITHUB)
    assert refused.code == 4
    assert "id-token: write" in refused.err


def test_a_login_that_ended_is_made_again_with_a_fresh_identity(github, openbao):
    from tests.fakes.clock import FakeClock
    from tokenguard.clients.job_identity import GithubIdentity
    from tokenguard.clients.vault.connection import VaultConnection
    from tokenguard.clients.vault.vault_settings import Login, LoginMethod, VaultSettings
    from tokenguard.domain.secret import Secret
    from tokenguard.http.address import Address
    from tokenguard.http.client import Network

    issuer, clock = github.issuer, FakeClock()
    issuer.claims = GITHUB
    url, request = issuer.job.values()
    identity = GithubIdentity(url, Secret(request), "tokenguard", clock, Network())
    login = Login(method=LoginMethod.JWT, credential=identity, mount="tokenguard-github", role=github.role("rotator"))
    connection = VaultConnection(VaultSettings(address=Address.parse(openbao.url), login=login), clock)
    asked = len(issuer.asked)
    for expected in (1, 2):
        connection.request("get", "/v1/auth/token/lookup-self")
        assert len(issuer.asked) - asked == expected
        token = connection._client.adapter.credential.reveal()
        openbao.api("POST", "auth/token/revoke", {"token": token})
    connection.close()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://example.org/x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "tgcanary-request"},
        {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://a@b/x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "tgcanary-request"},
        {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://a/../x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "tgcanary-request"},
        {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://a/x?audience=b", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "tgcanary-request"},
        {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://[x/", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "tgcanary-request"},
    ],
)  # fmt: skip
def test_a_runner_that_says_nothing_usable_is_one_error(github, environ):
    refused = github._run({"auth": "jwt", "role": "x", "credential": "github-oidc:tokenguard"}, environ, ["list"])
    assert (refused.code, refused.err.count("error: "), refused.err.count("hint: ")) == (2, 1, 1), refused
    assert "tgcanary" not in refused.err


def test_where_the_policy_says_so_ci_lets_no_stored_credential_in(github, tmp_path):
    (tmp_path / "policy.yaml").write_text(
        "format: 1\nname: ours\nextends: default\nrules:\n  - {id: ci-long-lived-key, severity: error}\n"
    )
    assert github.owner("list").code == 0, "the default policy warns only"
    github.policy = "policy.yaml"
    refused = github.owner("list")
    assert (refused.code, "ci-long-lived-key" in refused.error) == (2, True), refused
    assert github.job("rotator", "list", claims=GITHUB).code == 0


def test_a_set_up_server_is_as_declared_until_somebody_changes_it(github, tmp_path, openbao):
    file = str(tmp_path / "server.yaml")
    again = github.owner("setup", file, "--exit-code", "--format", "json")
    assert (again.code, again.document["changes"]) == (0, []), again
    role = next(
        name for name in openbao.api("LIST", "auth/tokenguard-github/role").json()["data"]["keys"] if "rotator" in name
    )
    openbao.api(
        "POST",
        f"auth/tokenguard-github/role/{role}",
        {
            **openbao.api("GET", f"auth/tokenguard-github/role/{role}").json()["data"],
            "bound_claims": {"repository_id": ["4711"]},
        },
    )
    openbao.api("PUT", f"sys/policies/acl/{role}", {"policy": 'path "secret/*" { capabilities = ["read"] }'})
    drifted = github.owner("setup", file, "--exit-code", "--format", "json")
    assert drifted.code == 1
    (tmp_path / "tokens.yaml").write_text("version: 1\ntokens: {}\n")
    drift = ["drift", str(tmp_path / "tokens.yaml"), "--server", file, "--format", "json"]
    told = github.owner(*drift)
    assert (told.code, [each["rule"] for each in told.document["drift"]].count("server")) == (1, 2), told
    unanswered = github.job("planner", *drift, claims=PULL_REQUEST)
    assert [each["rule"] for each in unanswered.document["not_evaluable"]] == ["server"], unanswered
    assert {(each["kind"], *each["differs"]) for each in drifted.document["changes"]} == {
        ("role", "bound_claims"), ("policy", "policy")
    }  # fmt: skip
    assert github.owner("setup", file, "--apply").code == 0
    assert github.owner("setup", file, "--exit-code").code == 0


def test_what_is_there_and_not_ours_is_left_alone(github, tmp_path, openbao):
    openbao.api("POST", "sys/mounts/taken", {"type": "kv", "options": {"version": "1"}})
    refused = github.owner("--store", "vault://taken/team", "setup", str(tmp_path / "server.yaml"), "--apply")
    assert refused.code == 2, refused
    assert openbao.api("GET", "sys/mounts").json()["data"]["taken/"]["options"] == {"version": "1"}


def test_a_stores_own_role_cannot_set_the_server_up(github, tmp_path):
    denied = github.job("rotator", "setup", str(tmp_path / "server.yaml"), claims=GITHUB)
    assert denied.code == 4, denied


def test_a_cluster_is_set_up_and_an_audit_device_that_the_server_refuses_is_told(github, tmp_path, openbao):
    file = tmp_path / "pods.yaml"
    authority = trustme.CA().cert_pem.bytes().decode()
    pods = (
        "version: 1\nkubernetes:\n  host: https://127.0.0.1:6443\n  namespace: tokens\n"
        f"  service_account: tokenguard\n  ca_certificate: |\n{textwrap.indent(authority, '    ')}"
    )
    file.write_text(pods)
    done = github.owner("setup", str(file), "--apply")
    assert done.code == 0, done
    assert github.owner("setup", str(file), "--exit-code").code == 0
    role = openbao.api("LIST", "auth/tokenguard-kubernetes/role").json()["data"]["keys"][0]
    bound = openbao.api("GET", f"auth/tokenguard-kubernetes/role/{role}").json()["data"]
    assert (bound["bound_service_account_names"], bound["audience"]) == (["tokenguard"], "tokenguard")
    file.write_text(f"{pods}audit: {tmp_path}/audit.log\n")
    refused = github.owner("setup", str(file), "--apply")
    assert refused.code == 2, refused
