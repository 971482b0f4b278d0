"""A second person on real stores: identities are what the store says, and approvals lie where only approvers may write."""

import base64
import os
import re
import secrets
from collections.abc import Callable
from typing import ClassVar

import pytest

from tests.fakes.answer import Answer
from tests.fakes.secrets_manager.command_line import AwsCommandLine
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tests.fakes.vault_command_line import NAME, VaultCommandLine

POLICY = """\
format: 1
name: team
extends: default
rules:
  - id: second-person
    operations: [compromised, retire, destination, owner, permissions, waiver, migrate, reveal]
"""
OTHER = "video/app/prod/control"
SENSITIVE = {
    "a compromised rotation": ("rotate", NAME, "--compromised"),
    "a retirement": ("retire", NAME, "--yes"),
    "a destination and another owner": ("edit", NAME, "--owner", "audio", "--deliver", "dotenv:DIR/app.env#TOKEN"),
}


class SecondPersonContract:
    """One test per promise. `run(person, *words)` is a command of alice (who rotates), bob or carol (who approve)."""

    run: Callable[..., Answer]

    @pytest.fixture(params=SENSITIVE.values(), ids=SENSITIVE)
    def words(self, request, tmp_path) -> tuple[str, ...]:
        return tuple(word.replace("DIR", str(tmp_path)) for word in request.param)

    def requested(self, run, *words: str, person: str = "alice") -> str:
        answer = run(person, "request", "--format", "json", "--", *words)
        assert answer.code == 0, answer
        return answer.document["digest"]

    def test_another_identity_approves_once_and_the_trails_hold(self, run, words):
        assert run("alice", *words).code == 3
        digest = self.requested(run, *words)
        assert run("alice", "approve", digest, "--yes").code in {2, 4}, "not by the requester"
        assert run("bob", "approve", digest, "--yes").code == 0
        assert run("alice", *words).code == 0
        events = run("alice", "audit", "log", NAME, "--format", "json").out
        assert digest in events
        assert run("alice", "audit", "verify").code == 0

    def test_an_approval_is_bound_to_its_operation_and_its_requester(self, run):
        words = ("retire", NAME, "--yes")
        assert run("bob", "approve", self.requested(run, "rotate", OTHER, "--compromised"), "--yes").code == 0
        assert run("alice", *words).code == 3
        assert run("bob", "approve", self.requested(run, *words, person="dave"), "--yes").code == 0
        assert run("alice", *words).code == 3

    def test_an_approval_cannot_be_replayed(self, run):
        words = ("rotate", NAME, "--compromised")
        assert run("bob", "approve", self.requested(run, *words), "--yes").code == 0
        assert run("alice", *words).code == 0
        assert run("alice", *words).code == 3

    def test_break_glass_is_reviewed_by_another_identity(self, run):
        assert run("alice", "retire", NAME, "--yes", "--break-glass", "leaked at night").code == 0

        def reviews():
            found = run("alice", "check", "--inventory-only", "--format", "json").document["violations"]
            return [each["fix"] for each in found if each["rule"] == "second-person"]

        (fix,) = reviews()
        digest = fix.split()[2].rstrip(",")
        assert run("alice", "approve", digest, "--yes").code in {2, 4}
        assert reviews()
        assert run("bob", "approve", digest, "--yes").code == 0
        assert reviews() == []


def prepared(made, tmp_path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    made.more = '[policy]\nfile = "policy.yaml"\n'
    assert made("init", *(() if made.url.startswith("local") else ("--sandbox",))).code == 0
    for name in (NAME, OTHER):
        assert made.issue(name).code == 0


class TestOpenBao(SecondPersonContract):
    """Everybody has a login of their own at the server, so an entity; their rights are the printed policies."""

    ROLES: ClassVar = {"alice": "rotator", "dave": "rotator", "bob": "approver", "carol": "approver"}

    @pytest.fixture
    def cli(self, openbao, sandbox, tmp_path, capfd, monkeypatch) -> VaultCommandLine:
        monkeypatch.chdir(tmp_path)
        prefix = f"second-{secrets.token_hex(4)}"
        made = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=f"vault://secret/{prefix}", approver=False)
        prepared(made, tmp_path)
        return made

    @pytest.fixture
    def logins(self, cli) -> dict[str, str]:
        path, api = f"people-{secrets.token_hex(3)}", cli.server.api
        api("POST", f"sys/auth/{path}", {"type": "userpass"})
        policies = cli("init", "--print-policy", "--format", "json").document["policies"]
        found = {}
        for person, role in self.ROLES.items():
            name, password = f"{path}-{person}", f"tgcanary-{secrets.token_hex(8)}"
            api("PUT", f"sys/policies/acl/{name}", {"policy": policies[role]})
            api("POST", f"auth/{path}/users/{person}", {"password": password, "token_policies": [name]})
            login = api("POST", f"auth/{path}/login/{person}", {"password": password}).json()["auth"]
            assert login["entity_id"]
            found[person] = login["client_token"]
        return found

    @pytest.fixture
    def run(self, cli, logins):
        return lambda person, *words: cli(*words, token=logins[person])

    def test_an_approver_with_the_rights_of_a_rotator_cannot_approve_their_own(self, cli, run):
        """Root may do everything, and is one identity."""
        words = ("retire", NAME, "--yes")
        assert cli(*words).code == 3
        digest = cli("request", "--format", "json", "--", *words).document["digest"]
        assert cli("approve", digest, "--yes").code == 2

    def test_the_server_refuses_a_requester_who_writes_an_approval(self, cli, logins):
        mount, prefix = cli.url.removeprefix("vault://").split("/", 1)
        for below in ("approvals/plans", "approvals/log/approvals/000000"):
            answer = cli.server.api("POST", f"{mount}/data/{prefix}/shared/{below}", {"data": {"data": "x"}},
                                    check=False, token=logins["alice"])  # fmt: skip
            assert answer.status_code == 403, below

    def test_the_server_refuses_an_approver_who_writes_a_request_or_reads_a_value(self, cli, logins):
        mount, prefix = cli.url.removeprefix("vault://").split("/", 1)
        ways = (("POST", "shared/requests/list", {"data": {"data": "x"}}), ("GET", f"live/{NAME}", None))
        for method, below, body in ways:
            answer = cli.server.api(method, f"{mount}/data/{prefix}/{below}", body, check=False, token=logins["bob"])
            assert answer.status_code == 403, below


class TestAws(SecondPersonContract):
    """Who calls is what STS says; what IAM would decide of the calls is in test_approval_roles."""

    SESSIONS: ClassVar = {"alice": "rotator", "dave": "oncall", "bob": "approver", "carol": "approver"}

    @pytest.fixture
    def cli(self, fake_aws, sandbox, tmp_path, capfd, monkeypatch) -> AwsCommandLine:
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        made = AwsCommandLine(fake_aws, sandbox, tmp_path, capfd, monkeypatch, approver=False)
        prepared(made, tmp_path)
        return made

    @pytest.fixture
    def run(self, cli, monkeypatch):
        def as_person(person: str, *words: str) -> Answer:
            arn = f"arn:aws:sts::123456789012:assumed-role/{self.SESSIONS[person]}/{person}"
            monkeypatch.setattr(cli.aws, "arn", arn)
            return cli(*words)

        return as_person

    def test_the_requester_in_another_role_or_session_is_the_requester(self, cli, run, monkeypatch):
        digest = self.requested(run, "retire", NAME, "--yes")
        for session in ("approver/alice", "rotator/another-session"):
            monkeypatch.setattr(cli.aws, "arn", f"arn:aws:sts::123456789012:assumed-role/{session}")
            assert cli("approve", digest, "--yes").code == 2, session


class TestLocal(SecondPersonContract):
    """Each person has a key slot. This documents a decision: whoever opens the store can write all of it."""

    @pytest.fixture
    def keys(self, tmp_path) -> dict[str, str]:
        found = {}
        for person in ("alice", "dave", "bob"):
            file = tmp_path / f"{person}.key"
            file.write_bytes(base64.b64encode(os.urandom(32)))
            file.chmod(0o600)
            found[person] = str(file)
        return found

    @pytest.fixture
    def run(self, keys, sandbox, tmp_path, capfd, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
        made = VaultCommandLine(None, sandbox, tmp_path, capfd, url=f"local://{tmp_path}/store", approver=False)
        made.token, made.vault, made.address = "unused", {}, "http://127.0.0.1:9"

        def as_person(person: str, *words: str) -> Answer:
            made.environ = {"TOKENGUARD_KEY_FILE": keys[person]}
            return made(*words)

        made.environ = {"TOKENGUARD_KEY_FILE": keys["alice"]}
        prepared(made, tmp_path)
        for person in ("dave", "bob"):
            assert as_person("alice", "store", "add-slot", "--key-file", keys[person]).code == 0
        return as_person

    @pytest.mark.parametrize("again", [False, True], ids=["removed", "removed and added again"])
    def test_an_approval_ends_with_the_key_slot_of_its_approver(self, run, keys, again):
        words = ("retire", NAME, "--yes")
        approved = run("bob", "approve", self.requested(run, *words), "--yes")
        assert approved.code == 0
        (slot,) = re.findall(r"approved by slot:([0-9a-f]{16})", approved.out + approved.err)
        assert run("alice", "store", "remove-slot", slot).code == 0
        if again:
            assert run("alice", "store", "add-slot", "--key-file", keys["bob"]).code == 0
            assert run("alice", *words).code == 0
            return
        assert run("alice", *words).code == 3
        assert run("dave", "approve", self.requested(run, *words), "--yes").code == 0
        assert run("alice", *words).code == 0

    def test_a_migration_waits_and_is_only_finished_once_it_has_begun(self, run, tmp_path):
        new = f"local://{tmp_path}/new"
        assert run("alice", "--store", new, "init").code == 0
        words = ("migrate", "--to", new, "--yes")
        assert run("alice", *words).code == 3
        assert run("alice", "list").code == 0, "nothing has moved"
        assert run("bob", "approve", self.requested(run, *words), "--yes").code == 0
        assert run("alice", *words).code == 0
        assert run("alice", "list").code == 4
        moved = run("alice", "--store", new, "audit", "verify")
        assert moved.code == 0, moved
        assert run("alice", *words).code == 0, "again"

    def test_a_migration_does_not_make_a_person_another_one(self, run, tmp_path):
        assert run("alice", "retire", NAME, "--yes", "--break-glass", "fire").code == 0
        new = f"local://{tmp_path}/new"
        assert run("alice", "--store", new, "init").code == 0
        words = ("migrate", "--to", new, "--yes")
        assert run("bob", "approve", self.requested(run, *words), "--yes").code == 0
        assert run("alice", *words).code == 0
        waiting = run("alice", "--store", new, "request", "--format", "json").document["requests"]
        (review,) = [each["digest"] for each in waiting if each["break_glass"]]
        refused = run("alice", "--store", new, "approve", review, "--yes")
        assert (refused.code, "your own" in refused.err) == (2, True)

    def test_a_requested_migration_does_not_run_where_the_policy_asks_nothing(self, run, tmp_path):
        new = f"local://{tmp_path}/new"
        assert run("alice", "--store", new, "init").code == 0
        (tmp_path / "policy.yaml").write_text("format: 1\nname: team\nextends: default\n")
        assert run("alice", "request", "--", "migrate", "--to", new, "--yes").code == 2
        assert run("alice", "list").code == 0
