"""What vendors print as examples: our clients understand them, and our imitations answer in the same shape.

The examples of AWS come with botocore, which is pinned. Those of other vendors are given here by field and type, with
values of our own; each names its page and the day of the copy that was read.
"""

import base64
import json
import urllib.request
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from tests.contract.documented import Example, asked_of, differences, script
from tests.fakes.ci_issuer import GITHUB, GITLAB, Issuer, claims_of
from tests.fakes.clock import FakeClock
from tests.fakes.scripted_server import ScriptedServer, reply
from tests.fakes.secrets_manager import security_tokens, service
from tests.fakes.secrets_manager.server import FakeAws
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tokenguard.clients.aws.aws_settings import AwsSettings, WebIdentity
from tokenguard.clients.aws.region_client import AwsClient
from tokenguard.clients.job_identity import GithubIdentity
from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.names import Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import InputError
from tokenguard.http.address import Address
from tokenguard.http.client import Network
from tokenguard.ports.provider import Issuer as KeyIssuer
from tokenguard.ports.provider import TokenRequest
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.provisioning.server_setup.declared import JobRole, Jobs
from tokenguard.sandbox.sandbox_server import Sandbox

REGION = "eu-central-1"
_DATA = Path(botocore.__file__).parent / "data"


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ({"a": "x", "b": [{"c": 1.5}], "more": 1}, []),
        ({"a": "x"}, ["/b"]),
        ({"a": 1, "b": [{"c": 1}]}, ["/a: str is int"]),
        ({"a": "x", "b": {"c": 1}}, ["/b: list is dict"]),
        ({"a": "x", "b": [{}]}, ["/b[]/c"]),
    ],
)
def test_a_field_that_is_not_as_documented_is_seen(answered, expected):
    assert differences({"a": "x", "b": [{"c": 1}]}, answered) == expected


# AWS: the examples of botocore


def examples(name: str, version: str) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    found = json.loads((_DATA / name / version / "examples-1.json").read_text())["examples"]
    return [
        (operation, each.get("input", {}), each.get("output", {}))
        for operation, several in found.items()
        for each in several
    ]


STS = [each for each in examples("sts", "2011-06-15") if each[0] in security_tokens.OPERATIONS]
_ENTRY = {
    "ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:MySecret1-a1b2c3", "Name": "MySecret1",
    "VersionId": "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE", "SecretString": "tgcanary-one", "VersionStages": ["AWSCURRENT"],
    "CreatedDate": "1523477145.729",
}  # fmt: skip
_BATCH = {"SecretValues": [_ENTRY] * 3, "Errors": []}
"""https://docs.aws.amazon.com/cli/latest/reference/secretsmanager/batch-get-secret-value.html, as of 2026-11-30: the
examples that botocore lacks, by names and by a filter."""
_MISSING = {"SecretId": "MySecret9", "ErrorCode": "ResourceNotFoundException", "Message": "words"}
SECRETS = [
    *(each for each in examples("secretsmanager", "2017-10-17") if each[0] in service.OPERATIONS),
    ("BatchGetSecretValue", {"SecretIdList": ["MySecret1", "MySecret2", "MySecret3"]}, _BATCH),
    ("BatchGetSecretValue", {"Filters": [{"Key": "name", "Values": ["MySecret"]}]}, _BATCH),
    (
        "BatchGetSecretValue",
        {"SecretIdList": ["MySecret1", "MySecret9"]},
        {"SecretValues": [_ENTRY], "Errors": [_MISSING]},
    ),
]
NOT_IMITATED = {
    "KmsKeyId", "LastRotatedDate", "RotationEnabled", "RotationLambdaARN", "RotationRules",
}  # fmt: skip
"""What AWS answers for secrets with a key of the customer's and with AWS' own rotation; tokenguard makes none such."""
NAME = "MyTestDatabaseSecret"
OLD, NEW = "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE", "EXAMPLE2-90ab-cdef-fedc-ba987EXAMPLE"
FIRST, SECOND = "EXAMPLE1-90ab-cdef-fedc-ba987SECRET1", "EXAMPLE2-90ab-cdef-fedc-ba987SECRET2"


def test_every_operation_with_an_example_is_tried():
    assert {each[0] for each in STS} == security_tokens.OPERATIONS.keys()
    assert {each[0] for each in SECRETS} == service.OPERATIONS.keys()


def wire(tree: Any, name: str = "") -> Any:
    """An example as it is sent: dates are numbers, which some of the examples print as text."""
    if isinstance(tree, dict):
        return {key: wire(each, key) for key, each in tree.items()}
    if isinstance(tree, list):
        return [wire(each) for each in tree]
    return float(tree) if name.endswith("Date") and not isinstance(tree, bool) else tree


@pytest.fixture
def credentials(monkeypatch):
    for name, text in CREDENTIALS.items():
        monkeypatch.setenv(name, text)


def client_of(url: str, identity: WebIdentity | None = None) -> AwsClient:
    return AwsClient(AwsSettings(region=REGION, endpoint=Address.parse(url), attempts=1, identity=identity))


def json_answer(tree: Any) -> Callable[..., None]:
    return reply(
        200, json.dumps(tree).encode(), "x-amzn-RequestId: 1", "Connection: close", kind="application/x-amz-json-1.1"
    )


def snake(operation: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")


def comparable(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: comparable(each) for key, each in tree.items() if key != "ResponseMetadata"}
    if isinstance(tree, list):
        return [comparable(each) for each in tree]
    return round(tree.timestamp(), 3) if isinstance(tree, datetime) else tree


def test_the_client_reads_what_secrets_manager_prints(credentials):
    with ScriptedServer(*[json_answer(wire(output)) for _, _, output in SECRETS]) as server:
        client = client_of(server.url)
        for operation, asked, output in SECRETS:
            assert comparable(client.secrets(snake(operation), **asked)) == wire(output), operation
    assert len(SECRETS) >= 16


def prepared(operation: str) -> service.SecretsManager:
    """A region in which the example of an operation can happen."""
    region = service.SecretsManager(REGION)
    if operation == "CreateSecret":
        return region
    first = (
        OLD if operation in {"GetSecretValue", "PutSecretValue", "ListSecretVersionIds", "DescribeSecret"} else FIRST
    )
    for name in (NAME, f"{NAME}1", "MyExampleSecret", *(f"MySecret{number}" for number in (1, 2, 3))):
        content = {"ClientRequestToken": first, "SecretString": "tgcanary-one", "Description": "for tests"}
        region.call("CreateSecret", {"Name": name, **content, "Tags": [{"Key": "a", "Value": "b"}]})
    if operation in {"UpdateSecretVersionStage", "GetSecretValue", "ListSecretVersionIds", "DescribeSecret"}:
        second = SECOND if operation == "UpdateSecretVersionStage" else NEW
        region.call(
            "PutSecretValue",
            {"SecretId": NAME, "ClientRequestToken": second, "SecretString": "tgcanary-two"}
            | ({"VersionStages": ["STAGINGLABEL2"]} if operation == "UpdateSecretVersionStage" else {}),
        )
    if operation in {"GetSecretValue", "DescribeSecret"}:
        region.call("GetSecretValue", {"SecretId": NAME})
    if operation == "RestoreSecret":
        region.call("DeleteSecret", {"SecretId": NAME})
    return region


def with_labels(region: service.SecretsManager, asked: Mapping[str, Any]) -> None:
    """The label that an example moves or removes is where the example says."""
    held = region.shelf.secrets[NAME].versions
    start = asked.get("RemoveFromVersionId")
    if start is not None:
        held[start].stages.add(asked["VersionStage"])


def undocumented(shape: Any, tree: Any, at: str = "") -> list[str]:
    """Fields that a model of botocore does not know, and those of another type."""
    kinds = {"string": str, "boolean": bool, "integer": int, "long": int, "timestamp": float, "blob": str}
    match "nothing" if shape is None else shape.type_name:
        case "nothing":
            return [f"{at}/{name}" for name in tree]
        case "structure":
            strange = [f"{at}/{name}" for name in tree if name not in shape.members]
            known = [name for name in tree if name in shape.members]
            return strange + [
                each for name in known for each in undocumented(shape.members[name], tree[name], f"{at}/{name}")
            ]
        case "list":
            return [found for each in tree for found in undocumented(shape.member, each, f"{at}[]")]
        case "map":
            return [found for each in tree.values() for found in undocumented(shape.value, each, f"{at}{{}}")]
    return [] if isinstance(tree, kinds[shape.type_name]) else [f"{at}: {type(tree).__name__}"]


@pytest.mark.parametrize(("operation", "asked", "output"), SECRETS, ids=[each[0] for each in SECRETS])
def test_the_fake_answers_no_field_that_the_model_lacks(operation, asked, output):
    region = prepared(operation)
    if operation == "UpdateSecretVersionStage":
        with_labels(region, asked)
    model = botocore.session.get_session().get_service_model("secretsmanager").operation_model(operation)
    assert undocumented(model.output_shape, region.call(operation, asked)) == []


@pytest.mark.parametrize(("operation", "asked", "output"), SECRETS, ids=[each[0] for each in SECRETS])
def test_the_fake_answers_as_secrets_manager_prints(operation, asked, output):
    region = prepared(operation)
    if operation == "UpdateSecretVersionStage":
        with_labels(region, asked)
    answered = region.call(operation, asked)
    expected = {name: each for name, each in wire(output).items() if name not in NOT_IMITATED}
    versions = ("SecretVersionsToStages", "VersionIdsToStages")
    assert differences(_plain(expected, versions), _plain(answered, versions)) == []


def _plain(tree: Any, keyed: tuple[str, ...]) -> Any:
    """Mappings whose keys are data, as the list of their values."""
    if isinstance(tree, dict):
        return {name: list(each.values()) if name in keyed else _plain(each, keyed) for name, each in tree.items()}
    return [_plain(each, keyed) for each in tree] if isinstance(tree, list) else tree


IDENTITIES = [output for operation, _, output in STS if operation == "GetCallerIdentity"]
[ROLE_SESSION] = [output for operation, _, output in STS if operation == "AssumeRoleWithWebIdentity"]


def xml_answer(operation: str, output: Mapping[str, Any]) -> Callable[..., None]:
    """The example in the XML around it that the page of the operation shows."""
    texts = json.loads(json.dumps(output), parse_int=str)
    return reply(200, security_tokens.document_of(operation, texts).encode(), "Connection: close", kind="text/xml")


def test_the_client_reads_each_identity_that_sts_prints(credentials):
    with ScriptedServer(*[xml_answer("GetCallerIdentity", each) for each in IDENTITIES]) as server:
        client = client_of(server.url)
        assert [client.identity() for _ in IDENTITIES] == [each["Arn"] for each in IDENTITIES]
    assert {each["Arn"].split(":")[5].partition("/")[0] for each in IDENTITIES} == {
        "user", "assumed-role", "federated-user",
    }  # fmt: skip


def test_the_client_takes_the_session_that_sts_prints():
    """The session of the example ended long ago, so that the client has to say what it got."""
    asked = WebIdentity(role="arn:aws:iam::123456789012:role/x", token=lambda: Secret("tgcanary-identity"))
    with ScriptedServer(xml_answer("AssumeRoleWithWebIdentity", ROLE_SESSION)) as server:
        taken = client_of(server.url, asked)._assume(asked)
    documented = ROLE_SESSION["Credentials"]
    assert (taken["access_key"], taken["secret_key"], taken["token"]) == (
        documented["AccessKeyId"], documented["SecretAccessKey"], documented["SessionToken"],
    )  # fmt: skip
    assert datetime.fromisoformat(taken["expiry_time"]) == datetime.fromisoformat(documented["Expiration"])


def test_the_fake_of_sts_answers_as_sts_prints(credentials):
    token = "tgcanary"
    asked = WebIdentity(role="arn:aws:iam::123456789012:role/x", token=lambda: Secret(token))
    with FakeAws(region=REGION) as aws, Issuer() as ci:
        aws.trusts = lambda *_: True
        token = ci.signed()
        client = client_of(aws.url, asked)
        request = {"RoleArn": asked.role, "RoleSessionName": "app1", "WebIdentityToken": token}
        session = client._call(client._unsigned_sts, "assume_role_with_web_identity", request)
        identity = client_of(aws.url)._call(client_of(aws.url)._sts, "get_caller_identity", {})
    session["Credentials"]["Expiration"] = session["Credentials"]["Expiration"].isoformat()
    assert differences(ROLE_SESSION, session) == []
    assert all(differences(each, identity) == [] for each in IDENTITIES)


# Identities of jobs

GITHUB_PAGE, GITLAB_PAGE = (
    "https://docs.github.com/en/actions/reference/security/oidc",
    "https://docs.gitlab.com/ci/secrets/id_token_authentication/",
)
"""As of 2026-11-29."""
GITHUB_CLAIMS = frozenset(
    [
        "jti",
        "sub",
        "environment",
        "aud",
        "ref",
        "sha",
        "repository",
        "repository_owner",
        "repository_id",
        "repository_owner_id",
        "repository_visibility",
        "run_id",
        "run_number",
        "run_attempt",
        "runner_environment",
        "actor",
        "actor_id",
        "workflow",
        "workflow_ref",
        "workflow_sha",
        "job_workflow_ref",
        "job_workflow_sha",
        "head_ref",
        "base_ref",
        "event_name",
        "ref_type",
        "iss",
        "nbf",
        "exp",
        "iat",
    ]
)
GITLAB_CLAIMS: Mapping[str, Any] = {
    "namespace_id": "72", "namespace_path": "acme", "project_id": "20", "project_path": "acme/app", "user_id": "1",
    "user_login": "alex", "user_email": "alex@example.org", "pipeline_id": "574", "pipeline_source": "push",
    "job_id": "302", "ref": "main", "ref_type": "branch", "ref_path": "refs/heads/main", "ref_protected": "false",
    "environment": "tokens", "environment_protected": "false", "deployment_tier": "testing", "runner_id": 1,
    "runner_environment": "self-hosted", "sha": "0" * 40, "jti": "1", "iss": "https://gitlab.example.org",
    "ci_config_ref_uri": "gitlab.example.org/acme/app//.gitlab-ci.yml@refs/heads/main",
    "iat": 1, "nbf": 1, "exp": 1, "sub": "project_path:acme/app:ref_type:branch:ref:main", "aud": "https://example.org",
}  # fmt: skip


def test_the_fake_says_of_a_job_what_github_documents():
    with Issuer(claims=GITHUB) as ci:
        said = claims_of(ci.signed())
    assert said.keys() >= GITHUB_CLAIMS
    assert said.keys() - GITHUB_CLAIMS == {"ref_protected"}, "in GitHub's discovery document, not on its page"
    assert all(isinstance(each, int if name in {"nbf", "exp", "iat"} else str) for name, each in said.items())


def test_the_fake_says_of_a_job_what_gitlab_documents():
    with Issuer(claims=GITLAB) as ci:
        said = claims_of(ci.signed())
    assert said.keys() == GITLAB_CLAIMS.keys()
    assert differences(GITLAB_CLAIMS, said) == []


@pytest.mark.parametrize(("system", "documented"), [("github", GITHUB_CLAIMS), ("gitlab", set(GITLAB_CLAIMS))])
@pytest.mark.parametrize("part", JobRole)
def test_roles_ask_for_documented_claims_only(system, documented, part):
    jobs = Jobs(
        system=system, issuer="https://ci.example.org", repository="acme/app", number="20",
        workflow=".github/workflows/tokens.yml", branch="main", environments=("tokens",),
    )  # fmt: skip
    assert jobs.claims(part).keys() <= documented


def test_github_s_answer_is_understood_and_imitated():
    """`{"value": TOKEN}`, besides which servers send a count."""
    with Issuer() as ci:
        url, credential = ci.job.values()
        asked = urllib.request.Request(f"{url}&audience=x", headers={"Authorization": f"Bearer {credential}"})
        with urllib.request.urlopen(asked) as answer:
            imitated = json.load(answer)
        documented = {"count": 1584, "value": ci.signed()}
    assert differences(documented, imitated) == []
    header = json.loads(base64.urlsafe_b64decode(documented["value"].partition(".")[0] + "=="))
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "one"}
    with ScriptedServer(reply(200, json.dumps(documented).encode())) as server:
        client = GithubIdentity(
            f"{server.url}/run//idtoken/1/2?api-version=2.0", Secret(credential), "x", FakeClock(), Network()
        )
        assert client().reveal() == documented["value"]
    assert b"GET /run//idtoken/1/2?api-version=2.0&audience=x " in server.requests[0]


# The two vendors


KEY = {
    "id": "key_01HXYZ", "name": "CI", "keyHint": "tgcanary...xyz7", "scopes": ["posts:read"],
    "lastUsedAt": "2026-01-10T08:00:00Z", "expiresAt": None, "createdAt": "2026-01-01T00:00:00Z",
}  # fmt: skip
_KEYS = "https://docs.autoposting.ai/api-reference/api-keys"
LISTED = Example("GET /api-keys", f"{_KEYS}/list-api-keys", "2026-11", {"success": True, "data": [KEY]})
CREATED = Example(
    "POST /api-keys",
    f"{_KEYS}/create-an-api-key",
    "2026-11",
    {
        "success": True,
        "data": {name: each for name, each in KEY.items() if name not in {"keyHint", "lastUsedAt"}}
        | {"key": "tgcanary-documented-key"},
    },
    201,
)
REFUSED = Example(
    "GET /auth/profile",
    "https://docs.autoposting.ai/api-reference/overview",
    "2026-11",
    {"success": False, "error": "error_code", "message": "words"},
    401,
)
_DESCRIPTION = "https://docs.descriptapi.com/openapi.yaml"
_TIMES = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
PROJECTS = Example(
    "GET /projects", _DESCRIPTION, "2026-08-22", {"data": [{"id": "p1", "name": "x", **_TIMES}], "pagination": {}}
)
PROJECT = Example(
    "GET /projects/p1",
    _DESCRIPTION,
    "2026-08-22",
    {"id": "p1", "name": "x", "drive_id": "d1", **_TIMES, "media_files": {}, "compositions": []},
)
DESCRIPT_REFUSED = Example(
    "GET /projects", _DESCRIPTION, "2026-08-22", {"error": "unauthorized", "message": "words"}, 401
)


def key_issuer(url: str, admin: str) -> KeyIssuer:
    made = issuer(build("autoposting", ProviderSettings(base_url=url), FakeClock()), Value.of(admin))
    assert made is not None
    return made


def test_autoposting_s_list_is_understood():
    with ScriptedServer(*script(LISTED)) as server:
        [found] = key_issuer(server.url, "tgcanary-admin-session").listed().rows
    assert found.created_at == datetime.fromisoformat(KEY["createdAt"])
    assert (found.provider_id, found.label, found.hint) == (KEY["id"], KEY["name"], KEY["keyHint"])


def test_autoposting_s_new_key_is_understood():
    wanted = TokenRequest(label=Label("CI"), scope=None, permissions=("posts:read",))
    with ScriptedServer(*script(CREATED)) as server:
        made = key_issuer(server.url, "tgcanary-admin-session").create(wanted)
    assert made.provider_id == CREATED.answer["data"]["id"]
    assert made.value.token.reveal() == CREATED.answer["data"]["key"]


@pytest.mark.parametrize(
    ("name", "example", "scope"),
    [("autoposting", REFUSED, "org:o1"), ("descript", DESCRIPT_REFUSED, "drive:d1")],
)
def test_a_documented_refusal_is_one(name, example, scope):
    with ScriptedServer(*script(example)) as server:
        provider = build(name, ProviderSettings(base_url=server.url), FakeClock())
        seen = provider.probe(Value.of("tgcanary-refused-token"), Scope.parse(scope))
    assert seen.verdict is Verdict.DEAD


def test_descript_s_projects_are_understood():
    with ScriptedServer(*script(PROJECTS, PROJECT)) as server:
        provider = build("descript", ProviderSettings(base_url=server.url), FakeClock())
        seen = provider.probe(Value.of("tgcanary-descript-token"), Scope("drive", "d1"))
    assert (seen.verdict, seen.scope_verdict) == (Verdict.ALIVE, ScopeVerdict.RIGHT)


def test_the_sandbox_answers_as_the_vendors_print():
    with Sandbox() as sandbox:
        drive = next(each for each in sandbox.world.drives if each.projects)
        token = sandbox.world.create_token("x", drive.id).secret.reveal()
        keys, media, admin = sandbox.info.autoposting_url, sandbox.info.descript_url, sandbox.info.admin_key
        body = {"name": "CI", "scopes": ["posts:read"]}
        given = [
            (CREATED, asked_of(keys, CREATED.route, admin, body)),
            (LISTED, asked_of(keys, LISTED.route, admin)),
            (REFUSED, asked_of(keys, REFUSED.route, "tgcanary-unknown-key")),
            (PROJECTS, asked_of(media, PROJECTS.route, token)),
            (DESCRIPT_REFUSED, asked_of(media, DESCRIPT_REFUSED.route, "tgcanary-unknown-key")),
        ]
        project = given[3][1][1]["data"][0]["id"]
        given.append((PROJECT, asked_of(media, f"GET /projects/{project}", token)))
    for example, (status, answered) in given:
        assert status == example.status, example.route
        assert differences(example.answer, answered) == [], example.route


def test_an_address_that_github_does_not_set_is_refused():
    with pytest.raises(InputError):
        GithubIdentity("ftp://x", Secret("tgcanary-x"), "x", FakeClock(), Network())
