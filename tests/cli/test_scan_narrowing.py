"""What a repository leaves out of its scans: counted everywhere, held to the policy, and never a known token."""

import io
import json
import secrets
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository, leak
from tokenguard.precommit import hook

SETTINGS = ".tokenguard.toml"


def entropy() -> str:
    return f"x = '{secrets.token_hex(20)}'\n"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    repository = Repository(tmp_path / "work")
    repository.write("README.md", "hello\n")
    repository.commit("first")
    monkeypatch.chdir(repository.path)
    return repository


def policy(cli, tmp_path: Path, rules: str) -> None:
    """The organisation's policy, for commands and for the hook."""
    (tmp_path / "policy.yaml").write_text(f"format: 1\nname: ours\nextends: default\nrules: [{rules}]\n")
    (tmp_path / "config.toml").write_text(f"[policy]\nfile = '{tmp_path / 'policy.yaml'}'\n")
    (tmp_path / "config.toml").chmod(0o600)
    cli.environ["TOKENGUARD_CONFIG"] = str(tmp_path / "config.toml")


@pytest.mark.parametrize(
    ("pattern", "excluded"),
    [
        ("tests/", ["tests/a.py", "tests/deep/b.py"]), ("tests/*", ["tests/a.py", "tests/deep/b.py"]), ("/tests/", ["tests/a.py", "tests/deep/b.py"]),
        ("./tests/a.py", ["tests/a.py"]), ("*.lock", ["x.lock", "sub/y.lock"]), ("**/deep/*", ["deep/c.py", "tests/deep/b.py"]),
        ("tests", []), ("TESTS/", []), ("[!t.R]*", ["deep/c.py", "sub/y.lock", "x.lock"]), ("tests/../x.lock", []),
    ],
)  # fmt: skip
def test_a_pattern_excludes_files_from_any_folder_and_every_summary_counts_them(
    cli, repo, monkeypatch, pattern, excluded
):
    names = ["tests/a.py", "tests/deep/b.py", "x.lock", "sub/y.lock", "deep/c.py"]
    for name in names:
        repo.stage(name, leak())
    repo.write(SETTINGS, f"[scan]\nexclude = ['{pattern}']\n")
    for folder in (".", "tests"):
        monkeypatch.chdir(repo.path / folder)
        for arguments in ([str(repo.path)], ["--staged"]):
            document = cli("scan", *arguments, "--format", "json").document
            found = {
                str(Path(each["path"]).relative_to(repo.path)) if arguments[0][0] == "/" else each["path"]
                for each in document["findings"]
            }
            assert (found, document["excluded"]) == ({*names} - {*excluded} - ({"README.md"}), len(excluded)), (
                folder,
                arguments,
            )


def test_text_and_hook_say_what_was_left_out(cli, repo, words, capfd):
    repo.stage("tests/a.py", leak())
    repo.stage("app.py", entropy())
    repo.write(SETTINGS, "[scan]\nexclude = ['tests/']\ndisable = ['hex-high-entropy-string']\n")
    answer = cli("scan", "--profile", "strict")
    assert answer.code == 0
    words(answer)
    assert hook.run(["--profile", "strict"]) == 0
    shown = capfd.readouterr().out
    assert "1 file excluded by .tokenguard.toml, 1 of kinds that .tokenguard.toml disables" in shown
    repo.commit("all")
    document = cli("scan", "--history", "--profile", "strict", "--format", "json").document
    assert (document["findings"], document["excluded"], document["disabled"]) == ([], 1, 1)


@pytest.mark.parametrize("name", ["Hex High Entropy String", "hex-high-entropy-string", "rule/hex-high-entropy-string"])
def test_a_kind_is_named_as_reports_name_it(cli, repo, name):
    repo.write("app.py", entropy())
    repo.write(SETTINGS, f"[scan]\ndisable = ['{name}']\n")
    document = cli("scan", "--profile", "strict", "--format", "json").document
    assert (document["findings"], document["disabled"]) == ([], 1)


def test_a_format_is_named_by_its_id_too_and_others_are_still_found(cli, repo):
    repo.write("app.py", leak())
    for ids, code in (("autoposting-key", 0), ("autoposting-api-key", 0), ("descript-token", 1), ("*", 1)):
        repo.write(SETTINGS, f"[scan]\ndisable = ['{ids}']\n")
        assert cli("scan").code == code, ids


@pytest.mark.parametrize(
    "content",
    ["exclude = ['*']", "exclude = ['**']", "exclude = ['**/*']", "exclude = ['*.*']", "exclude = ['/']", "exclude = ['../*']", "exclude = './'", "exclude = ['a', '?*']",
     "exclude = 'tests/'", f"exclude = {[str(each) for each in range(101)]}", "exclude = ['']", "exclude = ['a\\u001b']", "disable = 'x'", "disable = {a = 1}", "excludes = ['a']"],
)  # fmt: skip
def test_what_excludes_everything_or_is_no_list_is_refused_with_its_place(cli, repo, content):
    repo.write(SETTINGS, f"[scan]\n{content.replace(chr(39), chr(34)) if 'u001b' in content else content}\n")
    refusal = cli.refused("scan")
    assert refusal.startswith(f"{SETTINGS}:2")
    assert hook.run([]) == 2


def test_a_known_token_is_found_in_excluded_files_of_every_kind(published, repo, tmp_path):
    published("fingerprints", "pull", str(tmp_path / "bundle"))
    repo.stage("tests/a.py", f"x = '{published.value}'\n" + leak())
    with zipfile.ZipFile(repo.path / "tests" / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("c.txt", f"x = '{published.value}'\n" + leak())
    repo.git("add", "-A")
    repo.write(
        SETTINGS,
        "[scan]\nexclude = ['tests/']\ndisable = ['own', 'own-token', 'autoposting-api-key', 'autoposting-key']\n",
    )
    for arguments in ([], ["--staged"]):
        document = published("scan", *arguments, "--format", "json").document
        assert [(each["kind"], each["path"]) for each in document["findings"]] == [
            ("own", "tests/a.py"), ("own", "tests/b.zip!c.txt"),
        ]  # fmt: skip
        assert (document["excluded"], document["disabled"]) == (3, 0)
    repo.commit("all")
    history = published("scan", "--history", "--format", "json").document
    assert {each["kind"] for each in history["findings"]} == {"own"}


def test_messages_and_streams_are_not_excluded(cli, repo, tmp_path):
    repo.write(SETTINGS, "[scan]\nexclude = ['(*', '?*message*', '?stdin*']\n")
    repo.write("a.py", "x = 1\n")
    repo.commit(f"with {leak()}")
    assert cli("scan", "--history").code == 1
    (tmp_path / "message").write_text(leak())
    assert (
        cli("scan", "--commit-msg", str(tmp_path / "message")).code
        == hook.run(["--commit-msg", str(tmp_path / "message")])
        == 1
    )


def test_the_base_branch_decides_in_a_build(cli, repo):
    repo.write(SETTINGS, "[scan]\nexclude = ['fixtures/']\n")
    repo.commit("settings")
    repo.write("fixtures/a.py", leak())
    repo.write("src/a.py", leak())
    repo.write(SETTINGS, "[scan]\nexclude = ['fixtures/', 'src/']\n")
    repo.commit("a change that wants more")
    assert cli("scan").code == 0
    document = cli("scan", "--base", "HEAD~1", "--format", "json").document
    assert ([each["path"] for each in document["findings"]], document["excluded"]) == (["src/a.py"], 1)


def test_a_server_reads_it_from_its_own_branch(repo, tmp_path, monkeypatch, capfd):
    repo.write(SETTINGS, "[scan]\nexclude = ['fixtures/']\n")
    repo.commit("settings")
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.path), str(tmp_path / "server.git")], check=True)
    repo.write("fixtures/a.py", leak())
    repo.commit("a fixture")
    update = f"{'0' * 40} {repo.git('rev-parse', 'HEAD').strip()} refs/heads/new"
    repo.git("push", "-q", str(tmp_path / "server.git"), "HEAD:refs/heads/other")
    subprocess.run(["git", "update-ref", "-d", "refs/heads/other"], cwd=tmp_path / "server.git", check=True)
    monkeypatch.chdir(tmp_path / "server.git")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(update.encode())))
    assert hook.run(["--pre-receive"]) == 0
    assert "1 file excluded" in capfd.readouterr().out


def test_a_policy_forbids_or_limits_what_a_repository_leaves_out(cli, repo, tmp_path, monkeypatch, words):
    repo.stage("tests/a.py", leak())
    repo.stage("src/b.py", leak())
    repo.stage("src/c.py", entropy())
    repo.write(SETTINGS, "[scan]\nexclude = ['tests/', 'src/b.py']\ndisable = ['Hex High Entropy String']\n")
    assert cli("scan", "--profile", "strict").code == 0
    policy(cli, tmp_path, "{id: scan-narrowing, exclude: ['tests/*'], disable: []}")
    answer = cli("scan", "--profile", "strict")
    assert answer.code == 1
    words(answer)
    document = cli("scan", "--profile", "strict", "--format", "json").document
    assert ({each["path"] for each in document["findings"]}, document["excluded"], document["disabled"]) == (
        {"src/b.py", "src/c.py"},
        1,
        0,
    )
    monkeypatch.setenv("TOKENGUARD_CONFIG", cli.environ["TOKENGUARD_CONFIG"])
    policy(cli, tmp_path, "{id: scan-narrowing, exclude: []}")
    assert cli("scan", "--format", "json").document["excluded"] == 0
    policy(cli, tmp_path, "{id: scan-narrowing, most: 1}")
    answer = cli("scan", "--profile", "strict")
    assert answer.code == hook.run(["--profile", "strict"]) == 1
    assert "excludes 2 files, and the policy allows at most 1" in answer.out
    policy(cli, tmp_path, "{id: scan-narrowing, severity: 'off', exclude: []}")
    assert cli("scan", "--profile", "strict").code == 0


@pytest.mark.parametrize("comment", ["gitleaks:allow", "ggignore", "trufflehog:ignore"])
def test_comments_of_other_scanners_count_where_the_policy_says_so(cli, repo, tmp_path, monkeypatch, comment):
    repo.stage("a.py", leak().rstrip() + f"  # {comment}\npassword = '{secrets.token_hex(12)}'  # {comment}\n")
    for profile in ("default", "detect-secrets"):
        assert cli("scan", "--profile", profile).code == 1
    policy(cli, tmp_path, f"{{id: scan-comments, words: ['{comment}']}}")
    monkeypatch.setenv("TOKENGUARD_CONFIG", cli.environ["TOKENGUARD_CONFIG"])
    for profile in ("default", "detect-secrets"):
        answer = cli("scan", "--profile", profile, "--format", "json")
        assert (answer.code, answer.document["allowed"]) == (0, 2)
    assert hook.run([]) == 0
    assert cli("scan", "--max-pragmas", "1").code == 1
    document = cli("scan", "--strict", "--format", "json").document
    assert [each["type"] for each in document["findings"]] == ["Autoposting API Key"]
    policy(cli, tmp_path, "{id: scan-comments, words: ['nosec']}")
    cli.refused("scan")


def test_a_policy_that_lists_comments_silences_no_known_token(published, repo, tmp_path):
    published("fingerprints", "pull", str(tmp_path / "bundle"))
    repo.write("a.py", f"x = '{published.value}'  # gitleaks:allow\n")
    policy(published, tmp_path, "{id: scan-comments, words: ['gitleaks:allow']}")
    assert [each["kind"] for each in published("scan", "--format", "json").document["findings"]] == ["own"]


def test_a_baseline_takes_nothing_that_is_left_out(cli, repo):
    repo.write("tests/a.py", leak())
    repo.write("b.py", leak())
    repo.write(SETTINGS, "[scan]\nexclude = ['tests/']\n")
    assert cli("baseline", "update", "--format", "json").document["entries"] == 1
    cli.refused("baseline", "accept", "tests/a.py:1", "--reason", "r")
    assert json.loads(cli("scan", "--format", "json").out)["excluded"] == 1
