"""`baseline`: found at the top of the repository, accepted with a reason, kept by branches, folders and moves."""

import io
import json
import os
import secrets
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.git_repository import Repository, leak
from tokenguard.precommit import hook

BASELINE = ".tokenguard-baseline"


def password() -> str:
    return f'password = "{secrets.token_hex(12)}"\n'


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    repository = Repository(tmp_path / "tree")
    repository.write("README.md", "hello\n")
    repository.commit("first")
    monkeypatch.chdir(repository.path)
    return repository


def rows(repo: Repository) -> list[list[str]]:
    return [row.split("\t") for row in (repo.path / BASELINE).read_text().splitlines()[1:]]


def test_an_accepted_finding_is_passed_over_by_every_scan_from_any_folder(cli, repo, monkeypatch, words):
    repo.stage("deep/down/app.py", f"x = 1\n{leak()}")
    words(
        cli("baseline", "accept", "deep/down/app.py:2", "--reason", "a fixture of the parser", "--until", "2027-06-01")
    )
    assert [row[2:3] + row[4:] for row in rows(repo)] == [["deep/down/app.py", "2027-06-01", "a fixture of the parser"]]
    for folder in (".", "deep", "deep/down"):
        monkeypatch.chdir(repo.path / folder)
        for arguments in ([], ["--staged"], [str(repo.path)]):
            assert cli("scan", *arguments).code == 0, (folder, arguments)
        assert hook.run([]) == 0
    assert hook.run(["app.py"]) == 0
    repo.commit("app")
    assert cli("scan", "--history").code == 0
    assert cli("scan", "--no-baseline").code == hook.run(["--history", "--no-baseline"]) == 1


@pytest.mark.parametrize("folder", [".", "deep"])
def test_a_place_is_taken_as_reports_of_the_tree_and_of_the_index_print_it(cli, repo, monkeypatch, folder):
    repo.stage("deep/app.py", leak())
    monkeypatch.chdir(repo.path / folder)
    place = cli("scan", "--staged", "--format", "json").document["findings"][0]["path"]
    assert place == "deep/app.py"
    cli("baseline", "accept", f"{place}:1:10: extra: Autoposting API Key", "--reason", "r")
    assert cli("scan", "--staged").code == 0


def test_what_only_the_index_or_an_old_commit_holds_can_be_accepted(cli, repo):
    repo.stage("app.py", leak())
    (repo.path / "app.py").write_text("x = 1\n")
    cli("baseline", "accept", "app.py:1", "--reason", "staged")
    assert cli("scan", "--staged").code == 0
    repo.write("old.py", leak())
    repo.commit("leak")
    repo.write("old.py", "")
    repo.commit("clean")
    cli.refused("baseline", "accept", "old.py:1", "--reason", "revoked in May")
    cli("baseline", "accept", "old.py:1", "--reason", "revoked in May", "--history")
    assert cli("scan", "--history").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["app.py:1"], ["app.py:1", "--reason", " "], ["app.py:1", "--reason", "a\nb"], ["app.py:1", "--reason", "x" * 201], ["app.py:2", "--reason", "r"],
        ["nowhere.py:1", "--reason", "r"], ["app.py", "--reason", "r"], ["--reason", "r"], ["app.py:1:99", "--reason", "r"], ["../app.py:1", "--reason", "r"],
        ["app.py:1", "--reason", "r", "--until", "2020-01-01"], ["app.py:1", "--reason", "r", "--until", "tomorrow"], ["app.py:1", "--reason", "\x1b[2J"],
    ],
)  # fmt: skip
def test_what_cannot_be_accepted_is_refused_and_nothing_is_written(cli, repo, arguments):
    repo.stage("app.py", leak())
    cli.refused("baseline", "accept", *arguments)
    assert not (repo.path / BASELINE).exists()


def test_a_reason_with_the_value_is_refused(cli, repo):
    value = secrets.token_hex(12)
    repo.stage("app.py", f'password = "{value}"\n')
    cli.refused("baseline", "accept", "app.py:1", "--reason", f"it is only {value}")


def test_an_acceptance_ends_with_its_day(cli, repo, monkeypatch):
    repo.stage("app.py", leak())
    cli("baseline", "accept", "app.py:1", "--reason", "r", "--until", "2090-01-01")
    text = (repo.path / BASELINE).read_text()
    (repo.path / BASELINE).write_text(text.replace("2090-01-01", "2026-01-01"))
    answer = cli("scan", "--format", "json")
    assert (answer.code, answer.document["findings"][0]["baseline"]) == (1, "expired on 2026-01-01")
    assert cli("baseline", "update", "--format", "json").document["left"] == 1, "an update does not renew it"
    assert cli("scan").code == 1
    cli("baseline", "accept", "app.py:1", "--reason", "again")
    assert cli("scan").code == 0
    assert len(rows(repo)) == 1


def test_an_update_of_a_folder_keeps_the_rest_with_dates_and_reasons(cli, repo, monkeypatch):
    for name in ("a/one.py", "b/two.py", "b/three.py", "bc/four.py"):
        repo.stage(name, password())
    cli("baseline", "update")
    cli("baseline", "accept", "b/two.py:1", "--reason", "kept", "--until", "2090-01-01")
    monkeypatch.chdir(repo.path / "b")
    repo.stage("b/two.py", password())
    cli("baseline", "update")
    assert sorted(row[2] for row in rows(repo)) == ["a/one.py", "b/three.py", "b/two.py", "bc/four.py"]
    assert cli("scan", str(repo.path)).code == 0
    cli("baseline", "accept", "two.py:1", "--reason", "kept")
    monkeypatch.chdir(repo.path)
    (repo.path / "a" / "one.py").unlink()
    cli("baseline", "update")
    assert [(row[2], row[4:]) for row in rows(repo)] == [
        ("b/three.py", []), ("b/two.py", ["-", "kept"]), ("bc/four.py", []),
    ]  # fmt: skip


def test_a_moved_file_is_no_new_finding_and_an_update_takes_its_reason_along(cli, repo):
    repo.stage("app.py", leak())
    cli("baseline", "accept", "app.py:1", "--reason", "a fixture")
    repo.commit("app")
    repo.git("mv", "app.py", "moved.py")
    assert hook.run([]) == cli("scan").code == 0
    cli("baseline", "update")
    assert [(row[2], row[5]) for row in rows(repo)] == [("moved.py", "a fixture")]
    repo.stage("copy.py", (repo.path / "moved.py").read_text())
    assert hook.run([]) == cli("scan").code == 1


def named_otherwise(repo: Repository, kind: str, type_: str) -> None:
    """Write the baseline as a version did that took the value for something else."""
    head, *lines = (repo.path / BASELINE).read_text().splitlines()
    others = ("\t".join((kind, type_, *line.split("\t")[2:])) for line in lines)
    (repo.path / BASELINE).write_text("\n".join((head, *others, "")))


@pytest.mark.parametrize(
    ("kind", "type_"), [("extra", "Assigned Secret"), ("rule", "Secret Keyword"), ("rule", "No Such Type")]
)
@pytest.mark.parametrize("moved", [False, True])
def test_a_value_stays_accepted_when_a_version_gives_its_type_another_name(cli, repo, kind, type_, moved):
    repo.stage("app.py", leak())
    cli("baseline", "accept", "app.py:1", "--reason", "a fixture", "--until", "2090-01-01")
    (told,) = rows(repo)
    assert told[:2] != [kind, type_]
    named_otherwise(repo, kind, type_)
    where = "app.py"
    if moved:
        repo.git("mv", "app.py", where := "moved.py")
    assert hook.run([]) == cli("scan").code == 0
    cli("baseline", "update")
    assert rows(repo) == [[*told[:2], where, *told[3:]]], "with its name of today, its date and its reason"


def test_an_acceptance_replaces_the_former_one_of_the_value_under_any_type(cli, repo):
    repo.stage("app.py", leak())
    cli("baseline", "accept", "app.py:1", "--reason", "for always")
    named_otherwise(repo, "extra", "Assigned Secret")
    cli("baseline", "accept", "app.py:1", "--reason", "for a while", "--until", "2090-01-01")
    assert [row[4:] for row in rows(repo)] == [["2090-01-01", "for a while"]]


def test_another_value_in_the_same_place_and_of_the_same_type_is_a_new_finding(cli, repo):
    repo.stage("app.py", leak())
    cli("baseline", "accept", "app.py:1", "--reason", "a fixture")
    repo.stage("app.py", leak())
    assert hook.run([]) == cli("scan").code == 1


def test_the_additions_of_two_branches_merge(cli, repo):
    repo.write("first.py", password())
    cli("baseline", "update")
    assert (repo.path / ".gitattributes").read_text() == f"/{BASELINE} merge=union\n"
    repo.commit("baseline")
    for branch in ("one", "two"):
        repo.git("checkout", "-q", "-b", branch, "main")
        repo.write(f"{branch}.py", leak())
        cli("baseline", "accept", f"{branch}.py:1", "--reason", branch)
        repo.commit(branch)
    repo.git("merge", "-q", "-m", "both", "one")
    assert cli("scan").code == hook.run([]) == 0
    assert cli("scan", "--no-baseline").code == 1


def test_an_unresolved_conflict_is_an_error_with_its_place_and_an_update_resolves_it(cli, repo, words):
    repo.write("one.py", leak())
    repo.write("two.py", leak())
    cli("baseline", "update")
    head, one, two = (repo.path / BASELINE).read_text().splitlines()
    (repo.path / BASELINE).write_text(f"{head}\n<<<<<<< HEAD\n{one}\n=======\n{two}\n>>>>>>> side\n")
    words(cli.refused("scan"))
    assert hook.run([]) == 2
    with (repo.path / BASELINE).open("a") as file:
        file.write("damaged\n")
    answer = cli("baseline", "accept", "one.py:1", "--reason", "both sides are kept")
    assert "left out: 1 damaged line" in answer.err
    assert "accepted: one.py: Autoposting API Key" in answer.out
    assert cli("scan").code == 0
    assert len(rows(repo)) == 2


@pytest.mark.parametrize("before", ["", "*.png binary", "*.png binary\n"])
def test_attributes_of_the_repository_stay_as_they_are(cli, repo, before):
    if before:
        repo.write(".gitattributes", before)
    cli("baseline", "update")
    text = (repo.path / ".gitattributes").read_text()
    assert text == (before.rstrip("\n") + "\n" if before else "") + f"/{BASELINE} merge=union\n"
    cli("baseline", "update")
    assert (repo.path / ".gitattributes").read_text() == text


def test_a_link_in_the_place_of_attributes_or_baseline_is_not_followed(cli, repo, tmp_path):
    (tmp_path / "elsewhere").write_text("kept\n")
    (repo.path / ".gitattributes").symlink_to(tmp_path / "elsewhere")
    cli("baseline", "update")
    assert (tmp_path / "elsewhere").read_text() == "kept\n"
    (repo.path / BASELINE).rename(tmp_path / "baseline")
    (repo.path / BASELINE).symlink_to(tmp_path / "baseline")
    cli.refused("scan")
    (repo.path / BASELINE).unlink()
    (repo.path / BASELINE).symlink_to("/dev/zero")
    cli.refused("scan")
    cli.refused("baseline", "update")
    assert hook.run([]) == 2
    assert cli("scan", "--no-baseline").code == 0


def test_what_is_accepted_in_one_repository_or_message_is_accepted_nowhere_else(cli, repo, tmp_path):
    text = leak()
    other = Repository(tmp_path / "other")
    other.write("copy.py", text)
    repo.write("app.py", text)
    cli("baseline", "accept", "app.py:1", "--reason", "r")
    (repo.path / "app.py").unlink()
    assert cli("scan", str(repo.path), str(other.path)).code == 1
    message = leak()
    repo.git("commit", "-q", "--allow-empty", "-m", f"with {message}")
    place = cli("scan", "--history", "--format", "json").document["findings"][0]["path"]
    cli("baseline", "accept", "--history", f"{place}:1", "--reason", "r")
    assert cli("scan", "--history").code == 0
    repo.write("from-message.py", message)
    assert cli("scan").code == 1


def test_hostile_names_are_accepted_and_recognised(cli, repo):
    names = [
        "a b.py",
        "new\nline.py",
        "tab\t.py",
        "a:1.py",
        "\x1b[31m.py",
        "ünï.py",
        "-n.py",
        "100%.py",
        os.fsdecode(b"caf\xe9.py"),
    ]
    for name in names:
        repo.stage(name, leak())
        cli("baseline", "accept", "--reason", "r", "--", f"{name}:1")
    assert cli("scan").code == hook.run([]) == 0
    assert len(rows(repo)) == len(names)


def test_the_member_of_an_archive_can_be_accepted_and_its_name_leads_nowhere_else(cli, repo):
    text = leak()
    with zipfile.ZipFile(repo.path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/app.py", text)
        archive.writestr("x/../../app.py", text)
    cli("baseline", "accept", "a.zip!in/app.py:1", "--reason", "r")
    assert [each["path"] for each in cli("scan", "--format", "json").document["findings"]] == ["a.zip!x/../../app.py"]
    repo.stage("app.py", text)
    cli("baseline", "update", "a.zip")
    assert [each["path"] for each in cli("scan", "--format", "json").document["findings"]] == ["app.py"]


def test_outside_git_the_baseline_is_the_one_of_the_directory(cli, tmp_path):
    (tmp_path / "app.py").write_text(leak())
    cli("baseline", "accept", "app.py:1", "--reason", "r")
    assert cli("scan").code == cli("scan", str(tmp_path)).code == 0
    assert not (tmp_path / ".gitattributes").exists()


def test_a_review_without_a_terminal_needs_a_person(cli, repo, words):
    repo.stage("app.py", leak())
    answer = cli("baseline", "review", "--no-input")
    assert answer.code == 3
    words(answer)


def test_a_review_asks_about_each_new_finding_and_saves_each_answer_at_once(cli, repo):
    token = secrets.token_hex(12)
    repo.stage("a.py", leak())
    cli("baseline", "accept", "a.py:1", "--reason", "before")
    repo.stage("b.py", f"password = '{token}'\n# again\npassword = '{token}'\n")
    repo.stage("c.py", leak())
    repo.stage("d.py", leak())
    cli.tty = FakeTty("perhaps", "y", "", "2020-01-01", "a fixture", "2020-01-01", "a fixture", "", "no", "quit")
    answer = cli("baseline", "review", "--format", "json")
    assert (answer.document["accepted"], answer.document["left"]) == (2, 2)
    assert not any(token in line for line in cli.tty.shown)
    assert {row[2]: row[5] for row in rows(repo)} == {"a.py": "before", "b.py": "a fixture"}
    cli.tty = FakeTty("y", "interrupted later", "")
    assert cli("baseline", "review").code == 130
    assert {row[2] for row in rows(repo)} == {"a.py", "b.py", "c.py"}


def test_json_says_what_was_written(cli, repo):
    repo.stage("app.py", leak())
    document = cli("baseline", "accept", "app.py:1", "--reason", "r", "--format", "json").document
    assert {key: document[key] for key in ("entries", "accepted")} == {"entries": 1, "accepted": 1}
    assert json.dumps(document).count("sk-social") == 0


@pytest.mark.parametrize(
    "command", [("scan", "."), ("scan", "--staged"), ("baseline", "update"), ("doctor", "--install-hook")], ids=" ".join
)
@pytest.mark.parametrize("place", ["server.git", ".git"])
def test_where_there_is_no_working_tree_nothing_is_called_clean(
    cli, repo, tmp_path, monkeypatch, place, command, words
):
    repo.stage("app.py", leak())
    repo.commit("app")
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.path), str(tmp_path / "server.git")], check=True)
    monkeypatch.chdir((tmp_path if place == "server.git" else repo.path) / place)
    words(cli.refused(*command))
    assert cli("scan", "--history").code == 1


def test_a_server_reads_a_baseline_that_is_named_and_takes_no_copy_for_a_move(cli, repo, tmp_path, monkeypatch):
    server = tmp_path / "server.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.path), str(server)], check=True)
    repo.stage("app.py", leak())
    cli("baseline", "accept", "app.py:1", "--reason", "r")
    (tmp_path / "elsewhere").mkdir()
    (repo.path / BASELINE).rename(tmp_path / "elsewhere" / "accepted")
    repo.commit("app")

    def pushed() -> int:
        update = f"{'0' * 40} {repo.git('rev-parse', 'HEAD').strip()} refs/heads/new"
        repo.git("push", "-q", str(server), "HEAD:refs/heads/other")
        subprocess.run(["git", "update-ref", "-d", "refs/heads/other"], cwd=server, check=True)
        monkeypatch.chdir(server)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(update.encode())))
        code = hook.run(["--pre-receive", "--baseline", str(tmp_path / "elsewhere" / "accepted")])
        monkeypatch.chdir(repo.path)
        return code

    assert pushed() == 0
    repo.write("copy.py", "# a copy\n" + (repo.path / "app.py").read_text())
    repo.commit("a copy")
    assert pushed() == 1
