"""The commands on a second Secrets Manager that others wrote: moto's server, with a real SDK.

moto knows less than AWS does, and other things than our fake: what holds on both is not an assumption of either.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.fakes.clock import SwiftClock
from tests.fakes.secrets_manager.command_line import NAME, AwsCommandLine, accepted
from tests.fakes.secrets_manager.stores import CREDENTIALS, PREFIX
from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.names import Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.ports.provider import CreateRefused, TokenRequest
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings

REGION = "eu-west-1"


@dataclass
class MotoAws:
    """Stands where the fake does, for `AwsCommandLine`."""

    url: str
    region: str = REGION

    @property
    def service(self) -> "MotoAws":
        return self

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        client = boto3.client("secretsmanager", endpoint_url=self.url, region_name=self.region)
        method = "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")
        return getattr(client, method)(**params)  # type: ignore[no-any-return]


@pytest.fixture
def moto_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoAws]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield MotoAws(f"http://{host}:{port}")
    server.stop()


@pytest.fixture
def cli(moto_aws, sandbox, tmp_path, capfd, monkeypatch) -> AwsCommandLine:
    return AwsCommandLine(moto_aws, sandbox, tmp_path, capfd, monkeypatch, real_sdk=True)  # type: ignore[arg-type]


def _live(moto_aws: MotoAws) -> str:
    """The value in use. A consumer of AWS need not name its stage; moto answers with the newest version then."""
    answer = moto_aws.call("GetSecretValue", {"SecretId": f"{PREFIX}/{NAME}", "VersionStage": "AWSCURRENT"})
    return str(json.loads(answer["SecretString"])["token"])


def _put(moto_aws: MotoAws, name: str, value: str) -> None:
    moto_aws.call("CreateSecret", {"Name": name, "SecretString": value})


def test_a_token_lives_from_issue_to_retirement_and_a_doomed_secret_is_told_as_that(cli, moto_aws, sandbox):
    assert cli("init", "--sandbox").code == 0
    assert cli.issue().code == 0
    old = _live(moto_aws)
    rotated = cli("rotate", NAME)
    assert rotated.code == 0, rotated.err
    new = _live(moto_aws)
    assert (accepted(sandbox, new), accepted(sandbox, old)) == (True, False)
    assert cli("audit", "verify").code == 0
    assert [each["name"] for each in cli("list", "--format", "json").document["tokens"]] == [NAME]

    _put(moto_aws, "legacy/doomed", json.dumps({"token": "tgcanary-doomed"}))
    moto_aws.call("DeleteSecret", {"SecretId": "legacy/doomed"})
    adopted = cli(
        "add", "video/app/prod/other", "--provider", "autoposting", "--scope", f"org:{sandbox.info.org_id}",
        "--env", "prod", "--owner", "video", "--purpose", "posting", "--no-consumers",
        "--adopt", f"aws://{REGION}/legacy/doomed",
    )  # fmt: skip
    assert adopted.code == 2
    assert "scheduled for deletion" in adopted.error

    assert cli("retire", NAME, "--yes").code == 0
    assert not accepted(sandbox, new)


def test_access_keys_are_made_listed_and_deleted_on_the_iam_of_others(moto_aws):
    iam = boto3.client("iam", endpoint_url=moto_aws.url, region_name="us-east-1")
    iam.create_user(UserName="deploy")
    provider = build("aws-iam", ProviderSettings(base_url=moto_aws.url), SwiftClock())
    pair = Value({"key_id": Secret(CREDENTIALS["AWS_ACCESS_KEY_ID"]), "token": Secret("tgcanary-secret")})
    scope = Scope("iam-user", "123456789012.deploy")
    admin = issuer(provider, pair, scope)
    first, second = (admin.create(TokenRequest(label=Label(f"deploy-{each}"), scope=scope)) for each in ("one", "two"))
    assert {row.label: row.provider_id for row in admin.listed().rows} == {
        "deploy-one": first.provider_id,
        "deploy-two": second.provider_id,
    }
    assert not admin.listed().complete  # moto leaves out IsTruncated, which AWS always says
    with pytest.raises(CreateRefused):
        admin.create(TokenRequest(label=Label("deploy-three"), scope=scope))
    seen = provider.probe(first.value, scope)
    assert (seen.verdict, seen.scope_verdict) == (Verdict.ALIVE, ScopeVerdict.RIGHT)
    admin.revoke(first.provider_id)
    admin.revoke(first.provider_id)
    found = iam.list_access_keys(UserName="deploy")["AccessKeyMetadata"]
    assert [each["AccessKeyId"] for each in found] == [second.provider_id]
