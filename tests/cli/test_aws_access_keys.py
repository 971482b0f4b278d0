"""Access keys of IAM users: two slots, no names, signed requests; on a strict fake that verifies signatures."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.secrets_manager.access_keys import FakeIam
from tests.fakes.secrets_manager.security_tokens import ACCOUNT
from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.names import Label, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import Unreachable
from tokenguard.ports.provider import Ambiguous, CreateRefused, TokenRequest
from tokenguard.providers.aws_iam_issuer import PENDING
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.shell.configuration import load_settings
from tokenguard.shell.vendors import ConfiguredVendors

NAME, LABEL = "video/app/prod/bucket", Label("video-bucket-abcd2345")
SCOPE = Scope("iam-user", f"{ACCOUNT}.deploy")


@pytest.fixture(scope="module")
def server():
    with FakeIam() as running:
        yield running


@pytest.fixture(scope="module")
def provider(server):
    """One for all tests: AWS's SDK takes long to read its descriptions of services."""
    return build("aws-iam", ProviderSettings(base_url=server.url), FakeClock())


@pytest.fixture
def iam(server):
    server.reset()
    server.tags["deploy"] = {}
    return server


def value_of(key):
    return Value({"key_id": Secret(key.id), "token": Secret(key.secret)})


def given(key):
    return json.dumps({"key_id": key.id, "token": key.secret})


@pytest.fixture
def admin(iam, provider):
    return issuer(provider, value_of(iam.admin), SCOPE)


def wanted(label=LABEL):
    return TokenRequest(label=label, scope=SCOPE)


def test_a_key_is_created_found_by_its_label_probed_and_deleted(iam, provider, admin):
    made = admin.create(wanted())
    (row,) = admin.listed().rows
    assert (row.provider_id, row.label) == (made.provider_id, LABEL)
    assert admin.listed().complete
    assert row.created_at is not None
    seen = provider.probe(made.value, SCOPE)
    assert (seen.verdict, seen.scope, seen.scope_verdict) == (Verdict.ALIVE, SCOPE, ScopeVerdict.RIGHT)
    elsewhere = provider.probe(made.value, Scope("iam-user", "111111111111.deploy"))
    assert elsewhere.scope_verdict is ScopeVerdict.WRONG
    admin.revoke(made.provider_id)
    assert [each for each in iam.asked if each[:6] in {"Update", "Delete"}] == ["UpdateAccessKey", "DeleteAccessKey"]
    assert provider.probe(made.value, SCOPE).verdict is Verdict.DEAD
    assert admin.listed().rows == ()
    assert made.provider_id not in iam.tags["deploy"]
    admin.revoke(made.provider_id)  # gone already


def test_an_inactive_key_is_dead_and_takes_a_slot(iam, provider, admin):
    made = admin.create(wanted())
    iam.keys[made.provider_id].active = False
    assert provider.probe(made.value, SCOPE).verdict is Verdict.DEAD
    assert admin.listed().holds(made.provider_id)
    admin.create(wanted(Label("video-bucket-second")))
    with pytest.raises(CreateRefused):
        admin.create(wanted(Label("video-bucket-third")))
    assert iam.counts["CreateAccessKey"] == 2


@pytest.mark.parametrize("beside", [0, 1])
def test_a_key_whose_answer_was_lost_is_found_by_its_label(iam, admin, beside):
    known = [iam.make("deploy").id for _ in range(beside)]
    iam.drops.add("CreateAccessKey")
    with pytest.raises(Ambiguous):
        admin.create(wanted())
    found = {row.provider_id: row.label for row in admin.listed().rows}
    assert sorted(found.values()) == ["", LABEL][1 - beside :]
    assert all(found[each] == "" for each in known)


def test_the_label_of_a_lost_key_outlives_the_next_request(iam, admin):
    iam.drops.add("CreateAccessKey")
    with pytest.raises(Ambiguous):
        admin.create(wanted())
    second = admin.create(wanted(Label("video-bucket-second")))
    labels = {row.label: row.provider_id for row in admin.listed().rows}
    assert labels.keys() == {LABEL, "video-bucket-second"}
    assert labels["video-bucket-second"] == second.provider_id


def test_a_key_whose_tag_was_not_written_has_its_label_all_the_same(iam, admin):
    iam.tags["deploy"][PENDING] = f"{LABEL}"
    made = iam.make("deploy")
    assert [(row.provider_id, row.label) for row in admin.listed().rows] == [(made.id, LABEL)]


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("AccessDenied", 403, CreateRefused),
        ("LimitExceeded", 409, CreateRefused),
        ("Throttling", 400, CreateRefused),
        ("ServiceFailure", 500, Ambiguous),
    ],
)
def test_what_a_refused_create_says(iam, admin, code, status, error):
    iam.fails["CreateAccessKey"] = (code, status)
    with pytest.raises(error) as caught:
        admin.create(wanted())
    assert "tgcanary" not in caught.value.message + caught.value.hint
    assert iam.counts["CreateAccessKey"] == 1


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", 403),
        ("SignatureDoesNotMatch", 403),
        ("Throttling", 400),
        ("ServiceFailure", 500),
        ("ExpiredToken", 403),
    ],
)
def test_only_an_unknown_key_is_dead(iam, provider, admin, code, status):
    made = admin.create(wanted())
    iam.fails["GetCallerIdentity"] = (code, status)
    assert provider.probe(made.value, SCOPE).verdict is Verdict.UNKNOWN
    wrong = Value({"key_id": made.value.field("key_id"), "token": Secret("tgcanary-another-secret")})
    assert provider.probe(wrong, SCOPE).verdict is Verdict.UNKNOWN
    assert provider.probe(Value.of("tgcanary-alone"), SCOPE).reason == "incomplete-value"


def test_a_list_is_read_over_its_pages_and_another_user_is_no_empty_list(iam, provider, admin):
    iam.page = 1
    first, second = admin.create(wanted()), admin.create(wanted(Label("video-bucket-second")))
    assert {row.label for row in admin.listed().rows} == {LABEL, "video-bucket-second"}
    assert {row.provider_id for row in admin.listed().rows} == {first.provider_id, second.provider_id}
    other = issuer(provider, value_of(iam.admin), Scope("iam-user", f"{ACCOUNT}.nobody"))
    with pytest.raises(Unreachable):
        other.listed()
    with pytest.raises(Unreachable):
        other.revoke("AKIA" + "A" * 16)


def test_add_rotate_compromise_and_retire(cli, iam, provider, tmp_path, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text(f"[providers.aws-iam]\nbase_url = {json.dumps(iam.url)}\n")
    config.chmod(0o600)
    cli.environ["TOKENGUARD_ADMIN_AWS_IAM"] = given(iam.admin)
    monkeypatch.setattr("tokenguard.providers.aws_iam.AccessKeyClients", lambda _settings: provider._clients)
    cli.vendors = ConfiguredVendors(load_settings(str(config), {}), cli.environ, cli.clock, lambda: cli.store)

    def held():
        live = cli.store.read_live(cli.store.find(token_name(NAME)).id)
        return live.value.field("key_id").reveal() if live else None

    def keys():
        return [each.id for each in iam.keys.values() if each.user == "deploy"]

    scope = ("--provider", "aws-iam", "--scope", str(SCOPE), "--env", "prod", "--owner", "video")
    assert cli("add", NAME, *scope, "--purpose", "files", "--no-consumers", "--issue").code == 0
    first = held()
    assert keys() == [first]
    assert cli("rotate", NAME, "--no-input").code == 0
    second = held()
    assert keys() == [second] != [first]
    iam.drops.add("CreateAccessKey")
    assert cli("rotate", NAME, "--compromised", "--no-input", "--reason", "leaked").code == 5
    assert cli("rotate", NAME, "--resume", "--no-input").code == 0
    assert keys() == [held()]
    iam.make("deploy")
    full = cli("rotate", NAME, "--no-input")
    assert full.code == 2, full  # both slots are taken, and nothing is begun
    assert cli("retire", NAME, "--yes", "--no-input").code == 0
    assert len(keys()) == 1


@contextmanager
def metadata_of(key):
    """The credential service of a container, which gives out a role's credentials."""
    answer = json.dumps(
        {
            "AccessKeyId": key.id, "SecretAccessKey": key.secret, "Token": "tgcanary-of-the-session",
            "Expiration": "2099-01-01T00:00:00Z",
        }
    ).encode()  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    served = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{served.server_port}/role"
    finally:
        served.shutdown()
        served.server_close()


@pytest.fixture
def chain(iam, monkeypatch, tmp_path):
    """A runner without any credential of AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    return monkeypatch


def runner(cli, iam, tmp_path, provider="aws-iam"):
    config = tmp_path / "config.toml"
    config.write_text(f'[providers.{provider}]\nbase_url = {json.dumps(iam.url)}\nadmin = "aws:default-chain"\n')
    config.chmod(0o600)
    cli.vendors = ConfiguredVendors(load_settings(str(config), {}), cli.environ, cli.clock, lambda: cli.store)


def add(cli, scope=SCOPE, provider="aws-iam"):
    return cli(
        "add", NAME, "--provider", provider, "--scope", str(scope), "--env", "prod", "--owner", "video", "--purpose",
        "files", "--no-consumers", "--issue",
    )  # fmt: skip


def by_variables(chain, tmp_path, key):
    chain.setenv("AWS_ACCESS_KEY_ID", key.id)
    chain.setenv("AWS_SECRET_ACCESS_KEY", key.secret)


def by_profile(chain, tmp_path, key):
    (tmp_path / "aws-credentials").write_text(
        f"[rotator]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"
    )
    chain.setenv("AWS_PROFILE", "rotator")


@pytest.mark.parametrize("how", [by_variables, by_profile])
def test_the_identity_of_the_runner_rotates_without_a_stored_key(cli, iam, chain, tmp_path, how):
    how(chain, tmp_path, iam.admin)
    runner(cli, iam, tmp_path)
    added = add(cli)
    assert added.code == 0, added
    first = cli.store.find(token_name(NAME)).document.record
    assert first.account == "aws:default-chain"
    assert cli("rotate", NAME, "--no-input").code == 0
    (left,) = [each.id for each in iam.keys.values() if each.user == "deploy"]
    assert left != first.provider_id


def test_a_role_of_the_container_is_used_with_its_session(cli, iam, chain, tmp_path):
    with metadata_of(iam.admin) as address:
        chain.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)
        runner(cli, iam, tmp_path)
        added = add(cli)
    assert added.code == 0, added
    assert iam.sessions == {"tgcanary-of-the-session"}


def test_without_an_identity_nothing_is_created(cli, iam, chain, tmp_path):
    runner(cli, iam, tmp_path)
    assert add(cli).code == 4
    assert not iam.counts["CreateAccessKey"]


def test_an_identity_of_another_account_is_refused(cli, iam, chain, tmp_path):
    by_variables(chain, tmp_path, iam.admin)
    runner(cli, iam, tmp_path)
    answer = add(cli, Scope("iam-user", "111111111111.deploy"))
    assert answer.code == 4
    assert "another AWS account" in answer.err
    assert set(iam.counts) <= {"GetCallerIdentity"}


def test_no_other_provider_takes_the_identity(cli, iam, tmp_path):
    runner(cli, iam, tmp_path, "resend")
    answer = add(cli, Scope("team", "a1"), "resend")
    assert answer.code == 2
    assert "cannot use the admin credential" in answer.err
