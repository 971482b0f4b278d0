"""Secret ids of AppRole on a real OpenBao: made with their labels, listed by accessor, proven dead by refused logins."""

import itertools
import json

import pytest

from tests.fakes.clock import SwiftClock
from tests.fakes.vault_command_line import VaultCommandLine
from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.names import Label
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import InputError, Unreachable
from tokenguard.ports.provider import CreateRefused, TokenRequest
from tokenguard.providers.provider_registry import build, issuer
from tokenguard.providers.provider_settings import ProviderSettings

LABEL = Label("video-app-abcd2345")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def mount(openbao):
    """A mount of AppRole with a path of two segments."""
    path = f"teams/approle{next(_numbers)}"
    openbao.api("POST", f"sys/auth/{path}", {"type": "approle"})
    return path


@pytest.fixture
def role(openbao, mount):
    name = f"deploy-{next(_numbers)}"
    openbao.api("POST", f"auth/{mount}/role/{name}", {"token_ttl": "20m", "token_policies": ["default"]})
    return name


@pytest.fixture
def provider(openbao, mount):
    return build("openbao-approle", ProviderSettings(base_url=f"{openbao.url}/v1/auth/{mount}"), SwiftClock())


def admin(provider, openbao, role):
    return issuer(provider, Value.of(openbao.root_token), Scope("approle", role))


def wanted(role, label=LABEL):
    return TokenRequest(label=label, scope=Scope("approle", role))


def test_a_secret_id_is_made_found_accepted_and_destroyed(openbao, provider, role):
    api, scope = admin(provider, openbao, role), Scope("approle", role)
    assert api.listed().rows == ()
    assert api.listed().complete
    made, other = api.create(wanted(role)), api.create(wanted(role, Label("video-app-other")))
    rows = {row.provider_id: row for row in api.listed().rows}
    assert {each.label for each in rows.values()} == {LABEL, "video-app-other"}
    assert rows[made.provider_id].label == LABEL
    assert rows[made.provider_id].created_at is not None
    assert rows[made.provider_id].expires_at is None
    seen = provider.probe(made.value, scope)
    assert (seen.verdict, seen.scope_verdict) == (Verdict.ALIVE, ScopeVerdict.RIGHT)
    assert provider.probe(made.value, Scope("approle", "elsewhere")).scope_verdict is ScopeVerdict.WRONG
    api.revoke(made.provider_id)
    assert provider.probe(made.value, scope).verdict is Verdict.DEAD
    assert provider.probe(other.value, scope).verdict is Verdict.ALIVE
    assert [row.provider_id for row in api.listed().rows] == [other.provider_id]
    api.revoke(made.provider_id)  # it is gone already


def test_a_probe_leaves_no_session(openbao, provider, role):
    made = admin(provider, openbao, role).create(wanted(role))
    before = openbao.api("GET", "auth/token/accessors?list=true").json()["data"]["keys"]
    for _ in range(3):
        assert provider.probe(made.value, None).verdict is Verdict.ALIVE
    assert openbao.api("GET", "auth/token/accessors?list=true").json()["data"]["keys"] == before


def test_what_is_no_answer_is_no_list_and_no_verdict(openbao, provider, mount, role):
    missing = admin(provider, openbao, "no-such-role")
    for act in (missing.listed, lambda: missing.create(wanted("no-such-role"))):
        with pytest.raises(Unreachable):
            act()
    stranger = issuer(provider, Value.of("tgcanary-stranger"), Scope("approle", role))
    for act in (stranger.listed, lambda: stranger.create(wanted(role)), lambda: stranger.revoke("accessor")):
        with pytest.raises(Unreachable):
            act()
    with pytest.raises(CreateRefused):
        issuer(provider, Value.of(openbao.root_token), None).create(wanted(role))
    assert provider.probe(Value.of("tgcanary-alone"), None).reason == "incomplete-value"
    with pytest.raises(InputError):
        build("openbao-approle", ProviderSettings(base_url=openbao.url), SwiftClock())
    elsewhere = build("openbao-approle", ProviderSettings(base_url=f"{openbao.url}/v1/auth/nothing"), SwiftClock())
    with pytest.raises(Unreachable):
        admin(elsewhere, openbao, role).listed()
    pair = Value({"role_id": Secret("tgcanary-role"), "token": Secret("tgcanary-secret-id")})
    assert elsewhere.probe(pair, None).verdict is Verdict.UNKNOWN


@pytest.fixture
def cli(openbao, provider, sandbox, tmp_path, capfd):
    made = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=f"vault://secret/approles{next(_numbers)}")
    made.more = f"[providers.openbao-approle]\nbase_url = {json.dumps(provider.base_url)}\ndeath_floor = 2\n"
    made.environ["TOKENGUARD_ADMIN_OPENBAO_APPROLE"] = openbao.root_token
    assert made("init", "--sandbox").code == 0
    return made


def test_a_live_trial_passes(cli, openbao, provider, role, tmp_path):
    """The date under "tried live" of docs/providers.md is that of a run of this test."""
    report = tmp_path / "trial.json"
    answer = cli(
        "provider", "test", "--live", "openbao-approle", "--scope", f"approle:{role}", "--report", str(report), "--yes"
    )
    assert answer.code == 0, answer
    assert admin(provider, openbao, role).listed().rows == ()
    assert openbao.root_token not in report.read_text()


def test_it_is_issued_rotated_compromised_and_retired(cli, openbao, provider, role):
    scope = ("--provider", "openbao-approle", "--scope", f"approle:{role}", "--env", "prod", "--owner", "video")
    name = "video/app/prod/login"
    for each in (name, "video/app/prod/other"):
        added = cli("add", each, *scope, "--purpose", each, "--no-consumers", "--issue")
        assert added.code == 0, added
    assert cli("rotate", name).code == 0
    assert cli("rotate", name, "--compromised", "--reason", "leaked").code == 0
    rows = admin(provider, openbao, role).listed().rows
    assert len(rows) == 2
    assert cli("retire", name, "--yes").code == 0
    assert len(admin(provider, openbao, role).listed().rows) == 1
