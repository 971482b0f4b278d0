"""A person is sent to where a token is: the Drive that it leads to, the applications of an account, a name among hundreds."""

import re
import shlex
import string

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import FakeIssuer
from tokenguard.domain.names import LABEL_LIMIT, new_label, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.ports.provider import CreatedToken, Guide, Method

NAME = "video/app/prod/upload"
ELSEWHERE = Scope("drive", "d2")
GRANT = ("--provider", "manual", "--kind", "oauth_grant", "--scope", "drive:d1", "--env", "prod", "--owner", "video",
         "--purpose", "mcp")  # fmt: skip


def record(cli, name=NAME):
    return cli.store.find(token_name(name)).document.record


class TestLabels:
    NAMES = tuple(
        f"{team}/{service}/{env}/{purpose}"
        for team in ("video", "audio", "platform-engineering", "data-and-analytics-europe", "growth")
        for service in ("publisher", "transcript-export-service-of-europe")
        for env in ("prod", "staging", "dev")
        for purpose in ("upload", "upload-nightly", "read", "export", "export-nightly-to-warehouse", "sync", "mcp",
                        "import", "review", "ci")
    )  # fmt: skip

    @pytest.mark.parametrize("limit", [40, 48, LABEL_LIMIT, 100])
    def test_three_hundred_tokens_are_told_apart_within_the_limit_of_the_vendor(self, limit):
        labels = [new_label(token_name(name), 1, limit) for name in self.NAMES]
        assert len(labels) == 300
        assert max(map(len, labels)) <= limit
        stems = [re.fullmatch(r"(.+)-([a-z2-9]{8})-1", label)[1] for label in labels]
        assert len(set(labels)) == 300
        if limit >= LABEL_LIMIT:
            assert len(set(stems)) == 300

    def test_a_short_name_is_there_as_a_whole(self):
        assert new_label(token_name(NAME), 2).startswith("video-app-prod-upload-")

    @pytest.mark.parametrize("limit", [13, 16, 24, 30])
    @pytest.mark.parametrize(
        "name", ["a", "a/b/c/d/e/f", "/".join(["x" * 63] * 6), "a-/b./c_/d", "/".join(string.ascii_lowercase[:6])]
    )
    def test_the_nonce_is_never_shortened(self, name, limit):
        label = new_label(token_name(name), 1, limit)
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*-[a-z2-9]{8}-1", label)
        assert len(label) <= limit

    def test_the_limit_that_a_provider_declares_is_kept(self, cli):
        long = "platform-engineering/transcript-export-service/prod/nightly-upload"
        cli.add(long)
        able = cli.vendors.fake.capabilities
        cli.vendors.fake.capabilities = type(able)(
            mint=Method.API, revoke=Method.API, probe=True, lists=True, verifies_scope=True, label_limit=30
        )
        assert cli("rotate", long).code == 0
        assert len(record(cli, long).label) <= 30


class TestScopes:
    def seen_elsewhere(self, cli):
        """A token of the inventory that the provider says leads to another Drive than its record."""
        value = cli.world.create(NAME, ELSEWHERE).value
        assert cli("add", NAME, "--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video",
                   "--purpose", "uploads", "--no-verify", "--stdin", stdin=value).code == 0  # fmt: skip
        assert cli("verify", NAME).code == 1

    def test_an_observed_scope_is_kept_and_offered(self, cli):
        self.seen_elsewhere(cli)
        cli.refused("edit", NAME, "--scope", "drive:d3")
        assert cli("edit", NAME, "--scope", "observed").code == 0
        assert record(cli).scope == ELSEWHERE
        assert cli("verify", NAME).code == 0

    def test_what_was_never_seen_cannot_be_taken_over(self, cli):
        assert cli("add", NAME, *GRANT).code == 0
        cli.refused("edit", NAME, "--scope", "observed")

    def test_a_scope_that_the_provider_contradicts_is_refused_and_its_own_is_not(self, cli):
        cli.add(NAME)
        cli.refused("edit", NAME, "--scope", "drive:d2")
        assert cli("edit", NAME, "--scope", "drive:d1").code == 0

    def test_the_clean_up_names_the_drive_where_the_token_is(self, cli, monkeypatch):
        cli.add(NAME)
        cli.vendors.fake.capabilities = type(cli.vendors.fake.capabilities)(
            mint=Method.API, revoke=Method.PERSON, probe=True, lists=True, verifies_scope=True
        )

        def astray(issuer, wanted):
            made = issuer.world.create(wanted.label, ELSEWHERE)
            return CreatedToken(value=Value.of(made.value), provider_id=made.id, hint="")

        monkeypatch.setattr(FakeIssuer, "create", astray)
        guide = Guide("Settings", create=("create {label}",), revoke=("revoke {label} in {scope}",))
        monkeypatch.setattr(cli.vendors.fake, "guide", lambda: guide)
        cli.tty = FakeTty("")
        assert cli("rotate", NAME).code == 3
        (step,) = [each for each in cli.tty.shown if "revoke" in each and "drive:" in each]
        assert "drive:d2" in step


class TestGrants:
    @pytest.mark.parametrize("command", [("rotate", NAME, "--plan"), ("retire", NAME, "--plan")])
    def test_a_plan_says_first_that_there_is_no_value(self, cli, command):
        assert cli("add", NAME, *GRANT, "--account", "ada@example.com").code == 0
        before = cli.everything()
        lines = cli(*command).out.splitlines()
        assert "no value" in lines[1]
        assert "ada@example.com" in lines[2]
        assert cli.everything() == before

    def test_retiring_it_sends_the_person_to_the_applications_of_the_account(self, cli):
        assert cli("add", NAME, *GRANT, "--account", "ada@example.com").code == 0
        cli.tty = FakeTty("yes", "done alex")
        assert cli("retire", NAME).code in {0, 5}
        assert any("ada@example.com" in each and "where" in each for each in cli.tty.shown)

    def test_a_plan_of_a_retirement_changes_nothing(self, cli):
        cli.add(NAME)
        before = cli.everything()
        plan = cli("retire", NAME, "--plan", "--format", "json").document["plan"]
        assert [each["mode"] for each in plan] == ["retire"]
        assert cli.everything() == before


class TestWhoLeft:
    POLICY = "format: 1\nname: ours\nextends: default\nrules:\n  - {id: person-left, people: [ada]}\n"

    def left(self, cli, tmp_path):
        (tmp_path / "policy.yaml").write_text(self.POLICY)
        found = cli("check", "--inventory-only", "--policy", "policy.yaml", "--format", "json").document["violations"]
        return [each["fix"] for each in found if each["rule"] == "person-left"]

    @pytest.mark.parametrize(
        "roles",
        [("--made-by", "ada"), ("--account", "ada"), ("--deputy", "ada"), ("--made-by", "ada", "--deputy", "ada")],
    )
    @pytest.mark.parametrize("grant", [False, True])
    def test_what_is_printed_ends_the_violation(self, cli, tmp_path, roles, grant):
        if grant:
            assert cli("add", NAME, *GRANT, *roles).code == 0
            cli.tty = FakeTty("yes", "done alex")
        else:
            cli.add(NAME, *roles)
        (fix,) = self.left(cli, tmp_path)
        for command in fix.split(" && "):
            program, *arguments = shlex.split(command)
            assert program == "tokenguard"
            assert cli(*arguments).code in {0, 5}, command
        assert self.left(cli, tmp_path) == []
