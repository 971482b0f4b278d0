"""`policy`: show, lint, test, schema, publish and pull, with good input and bad."""

import json

import pytest

from tests.fakes.git_repository import Repository

OWN = """\
format: 1
name: ours
extends: default
rules:
  - {id: unused, days: 60}
own_rules:
  - id: reads-in-dev
    severity: error
    says: a token of dev can write
    why: test systems leak
    source: our handbook
    fix: tokenguard rotate NAME
    applies: 'record.environment == "dev"'
    holds: '!record.permissions.exists(p, p.endsWith(":write"))'
overrides:
  - {rule: maximum-age, environment: dev, severity: note}
waivers:
  - {rule: maximum-age, token: video/*, owner: video, reason: frozen, until: 2027-01-31}
"""


@pytest.fixture(autouse=True)
def own(tmp_path):
    (tmp_path / "own.yaml").write_text(OWN)


class TestShow:
    def test_every_rule_with_its_layers(self, cli):
        out = cli("policy", "show", "own.yaml").out
        assert "days 60" in out
        assert "reads-in-dev" in out
        assert "override: maximum-age for environment dev: note" in out
        assert "waived until 2027-01-31: maximum-age for token video/*, by video: frozen" in out

    def test_json_is_a_policy_file(self, cli, tmp_path):
        document = cli("policy", "show", "own.yaml", "--format", "json").document
        (tmp_path / "flat.yaml").write_text(json.dumps(document))
        assert cli("policy", "show", "flat.yaml", "--format", "json").document == document

    def test_what_the_repository_asks_for_is_in_it(self, cli, tmp_path, monkeypatch):
        repository = Repository(tmp_path / "work")
        repository.stage(".tokenguard.toml", "[policy.rules.unused]\ndays = 7\n")
        monkeypatch.chdir(repository.path)
        rules = {each["id"]: each for each in cli("policy", "show", "--format", "json").document["rules"]}
        assert rules["unused"]["days"] == 7

    @pytest.mark.parametrize("named", ["nobody", "none.yaml", "../x.yaml"])
    def test_what_is_not_there_is_refused(self, cli, named):
        cli.refused("policy", "show", named)


class TestLayers:
    def test_a_file_beside_it_can_be_extended(self, cli, tmp_path):
        (tmp_path / "top.yaml").write_text("format: 1\nname: top\nextends: own.yaml\n")
        assert "reads-in-dev" in cli("policy", "show", "top.yaml").out

    @pytest.mark.parametrize(
        "base", ["../own.yaml", "sub/own.yaml", "missing.yaml", "link.yaml", "loop.yaml", "/etc/own.yaml"]
    )
    def test_nothing_else_can(self, cli, tmp_path, base):
        (tmp_path / "link.yaml").symlink_to(tmp_path / "own.yaml")
        (tmp_path / "loop.yaml").write_text("format: 1\nname: loop\nextends: loop.yaml\n")
        (tmp_path / "top.yaml").write_text(f"format: 1\nname: top\nextends: {base}\n")
        cli.refused("policy", "lint", "top.yaml")


class TestLint:
    def test_a_policy_in_order(self, cli):
        answer = cli("policy", "lint", "own.yaml")
        assert (answer.code, answer.out.strip()) == (0, "own.yaml: 49 rules, 1 override, 1 waiver: valid")

    def test_what_does_nothing_is_remarked(self, cli, tmp_path):
        text = OWN.replace("2027-01-31", "2020-01-31").replace(", severity: note}", "}")
        (tmp_path / "own.yaml").write_text(text)
        answer = cli("policy", "lint", "own.yaml", "--format", "json")
        assert (answer.code, len(answer.document["remarks"])) == (1, 2)

    @pytest.mark.parametrize(
        ("old", "new", "place"),
        [
            ("days: 60", "days: 0", "own.yaml:5:18: "),
            ("record.environment ==", "record.enviroment ==", "own.yaml:13:5: "),
            ("owner: video,", "", "own.yaml:18:5: "),
            ("extends: default", "extends: nobody", "own.yaml:3:1: "),
            ("extends: default", "extends: [", "own.yaml:5:3: "),
        ],
    )
    def test_a_mistake_has_line_and_column(self, cli, tmp_path, old, new, place):
        assert old in OWN
        (tmp_path / "own.yaml").write_text(OWN.replace(old, new))
        assert cli.refused("policy", "lint", "own.yaml").startswith(place)

    def test_a_repository_s_file_is_held_to_the_policy_in_force(self, cli, tmp_path, words):
        (tmp_path / ".tokenguard.toml").write_text("[policy.rules.unused]\ndays = 7\n")
        assert cli("policy", "lint", ".tokenguard.toml").code == 0
        (tmp_path / ".tokenguard.toml").write_text("[policy.rules.unused]\ndays = 700\n")
        words(cli.refused("policy", "lint", ".tokenguard.toml"))
        cli.refused("policy", "lint", "nowhere.toml")


TRIAL = """\
format: 1
policy: own.yaml
now: 2026-11-01
cases:
  - name: an old token of production
    token: {name: audio/app/prod/upload, environment: prod, rotated: 2026-01-01, scope: drive:d1, verified: 2026-10-31}
    expect: {maximum-age: violated, value-alive: holds, unused: unknown, orphan: not asked}
  - name: a frozen one
    token: {name: video/app/prod/upload, environment: prod, rotated: 2026-01-01}
    expect: {maximum-age: waived}
  - name: two of one use
    token: {name: a/b, environment: prod, purpose: x, scope: drive:d1}
    also: [{name: a/c, environment: prod, purpose: x, scope: drive:d1}]
    expect: {one-purpose: violated}
  - name: a reader in dev
    token: {environment: dev, permissions: ["posts:read"], consumers: ["command:deploy"]}
    expect: {reads-in-dev: holds, consumers-declared: holds}
  - name: a loud script
    files:
      .gitlab-ci.yml: |
        a:
          script: [echo $API_TOKEN]
    expect: {ci-token-echoed: violated, callback-url: holds}
"""


class TestTest:
    def test_cases_that_hold_pass(self, cli, tmp_path):
        (tmp_path / "trial.yaml").write_text(TRIAL)
        answer = cli("policy", "test", "trial.yaml")
        assert (answer.code, answer.out.splitlines()[-1]) == (0, "5 passed, 0 failed"), answer

    def test_a_case_that_fails_says_what_the_policy_says(self, cli, tmp_path, words):
        (tmp_path / "trial.yaml").write_text(TRIAL.replace("maximum-age: waived", "maximum-age: violated"))
        answer = cli("policy", "test", "trial.yaml")
        assert answer.code == 1
        words(answer)
        document = cli("policy", "test", "trial.yaml", "--format", "json").document
        assert (document["passed"], document["failed"]) == (4, 1)

    def test_another_policy_can_be_tried(self, cli, tmp_path):
        (tmp_path / "trial.yaml").write_text(TRIAL)
        assert cli("policy", "test", "trial.yaml", "--policy", "default").code == 1

    def test_no_store_is_needed(self, cli, tmp_path):
        cli.store = None
        cli.environ["TOKENGUARD_STORE"] = "local:///nowhere"
        (tmp_path / "trial.yaml").write_text(TRIAL)
        assert cli("policy", "test", "trial.yaml").code == 0

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("maximum-age: waived", "maximum-age: fine"),
            ("    expect: {maximum-age: waived}\n", ""),
            ("format: 1", "format: 2"),
            ("now: 2026-11-01", "now: yesterday"),
            ("scope: drive:d1, verified", "scope: d1, verified"),
            ("environment: dev,", "enviroment: dev,"),
            ("name: audio/app/prod/upload", "name: AUDIO"),
            ("ci-token-echoed: violated", "maximum-age: violated"),
            (TRIAL[TRIAL.index("cases:"):], "cases: []\n"),
            (TRIAL[TRIAL.index("cases:"):], "cases: x\n"),
            ("policy: own.yaml", "policy: nobody"),
        ],
    )  # fmt: skip
    def test_a_file_that_is_not_understood_is_refused(self, cli, tmp_path, old, new):
        assert old in TRIAL
        (tmp_path / "trial.yaml").write_text(TRIAL.replace(old, new))
        cli.refused("policy", "test", "trial.yaml")


def test_the_schema_is_one_json_document(cli):
    assert cli("policy", "schema").document["title"] == "tokenguard policy"


class TestSharing:
    def test_what_is_published_is_in_force_where_it_was_pulled(self, cli, words):
        cli.add("video/app/dev/upload", "--env", "dev", "--permission", "posts:write")
        assert "published: ours, version 1" in cli("policy", "publish", "own.yaml").out
        assert "reads-in-dev" not in cli("policy", "show").out
        words(cli("policy", "pull"))
        assert "reads-in-dev" in cli("policy", "show").out
        words(cli("check"))
        assert cli("policy", "pull", "--forget").out.startswith("the organisation's policy is no longer")
        assert cli("policy", "pull", "--forget", "--format", "json").document == {"forgotten": False}
        assert "a token of dev can write" not in cli("check").out

    def test_an_older_one_is_tampering(self, cli, words):
        cli("policy", "publish", "own.yaml")
        old = dict(cli.store._shared)
        assert cli("policy", "publish", "own.yaml", "--format", "json").document["version"] == 2
        cli("policy", "pull")
        cli.store._shared = old
        words(cli.refused("policy", "pull", code=6))

    def test_another_one_of_the_same_version_is_tampering(self, cli, tmp_path, words):
        cli("policy", "publish", "own.yaml")
        cli("policy", "pull")
        assert cli("policy", "pull").code == 0, "the same again"
        cli.store._shared.clear()
        (tmp_path / "own.yaml").write_text("format: 1\nname: loose\nextends: default\n")
        cli("policy", "publish", "own.yaml")
        words(cli.refused("policy", "pull", code=6))

    def test_nothing_published_and_nothing_acceptable(self, cli, tmp_path):
        cli.refused("policy", "pull")
        cli.refused("policy", "publish", "nowhere.yaml")
        (tmp_path / "own.yaml").write_text(OWN.replace("record.environment ==", "record.enviroment =="))
        cli.refused("policy", "publish", "own.yaml")
        from tokenguard.ports.shared_item import Item

        cli.store.write(Item.POLICY, b'{"format": 9}', "", ())
        cli.refused("policy", "pull")

    def test_the_configuration_s_file_comes_first(self, cli, tmp_path):
        cli("policy", "publish", "own.yaml")
        cli("policy", "pull")
        (tmp_path / "mine.yaml").write_text("format: 1\nname: mine\nextends: strict\n")
        (tmp_path / "config.toml").write_text("[policy]\nfile = 'mine.yaml'\n")
        (tmp_path / "config.toml").chmod(0o600)
        assert cli("policy", "show", "--config", "config.toml", "--format", "json").document["name"] == "mine"

    def test_the_hook_uses_what_was_pulled(self, cli, tmp_path, monkeypatch):
        from tokenguard.precommit.hook import run

        (tmp_path / "own.yaml").write_text(
            OWN + "  - {rule: env-file-tracked, path: tests/*, owner: a, reason: b, until: 2999-01-01}\n"
        )
        cli("policy", "publish", "own.yaml")
        repository = Repository(tmp_path / "work")
        repository.stage("tests/.env", "A=1\n")
        monkeypatch.chdir(repository.path)
        assert run([]) == 1
        cli("policy", "pull")
        assert run([]) == 0
