"""A history is all that a push would bring: also what no commit holds, and commits that git itself shows as others."""

import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository, leak
from tests.integration.hook_runners import command, hook
from tokenguard.errors import InputError
from tokenguard.scanning.jobs import ScanJob
from tokenguard.scanning.scanner import Stages, Suppressor

ZEROS = "0" * 40


def job() -> ScanJob:
    return ScanJob(stages=Stages(), suppressor=Suppressor())


def blob(repo: Repository) -> str:
    repo.write("a.py", leak())
    name = repo.git("hash-object", "-w", "a.py").strip()
    (repo.path / "a.py").unlink()
    return name


def tree(repo: Repository) -> str:
    repo.stage("a.py", leak())
    name = repo.git("write-tree").strip()
    repo.git("rm", "-q", "-f", "a.py")
    return name


def tag_of_tag(repo: Repository) -> None:
    repo.git("tag", "-a", "-m", leak(), "inner")
    repo.git("tag", "-a", "-m", "fine", "v1", "inner")
    repo.git("tag", "-d", "inner")


def tag_object(repo: Repository, *lines: str) -> None:
    """A tag as git itself would not write it, but takes it from others."""
    made = subprocess.run(
        ["git", "hash-object", "-t", "tag", "-w", "--stdin", "--literally"],
        cwd=repo.path, input="\n".join((*lines, "", "fine", "")).encode(), capture_output=True, check=True,
    )  # fmt: skip
    repo.git("update-ref", "refs/tags/v1", made.stdout.decode().strip())


PERSON = "tagger A <a@example.com> 1700000000 +0000"


def another_object_below(repo: Repository) -> None:
    repo.git("update-index", "--refresh")
    other = repo.git("hash-object", "-w", "README.md").strip()
    tag_object(repo, f"object {blob(repo)}", "type blob", "tag v1", PERSON, f"object {other}")


BESIDE_COMMITS: dict[str, Callable[[Repository], object]] = {
    "the message of a tag": lambda repo: repo.git("tag", "-a", "-m", leak(), "v1"),
    "the message of a tag of a tag": tag_of_tag,
    "a file that a tag names": lambda repo: repo.git("tag", "v1", blob(repo)),
    "a file that an annotated tag names": lambda repo: repo.git("tag", "-a", "-m", "fine", "v1", blob(repo)),
    "a file whose tag names another one below it": another_object_below,
    "a file that a tag names in capitals": lambda repo: tag_object(
        repo, f"object {blob(repo).upper()}", "type blob", "tag v1", PERSON
    ),
    "the person of a tag": lambda repo: tag_object(
        repo,
        f"object {repo.git('rev-parse', 'HEAD').strip()}",
        "type commit",
        "tag v1",
        f"tagger {leak().strip()} <a> 1 +0000",
    ),
    "a tree that a tag names": lambda repo: repo.git("tag", "v1", tree(repo)),
    "a tree that an annotated tag names": lambda repo: repo.git("tag", "-a", "-m", "fine", "v1", tree(repo)),
}


@pytest.mark.parametrize("where", BESIDE_COMMITS)
def test_what_a_ref_holds_beside_commits_is_history_and_is_refused_when_it_is_pushed(
    repo: Repository, where: str
) -> None:
    BESIDE_COMMITS[where](repo)
    assert len(job().history(repo.path).findings) == 1
    pushed = repo.git("rev-parse", "refs/tags/v1").strip()
    repo.git("update-ref", "-d", "refs/tags/v1")
    assert len(job().pushed(repo.path, [f"{ZEROS} {pushed} refs/tags/v1"]).findings) == 1


def test_a_tag_with_a_token_in_its_message_does_not_get_past_the_server(repo: Repository, tmp_path: Path) -> None:
    server = tmp_path / "server.git"
    subprocess.run(["git", "init", "-q", "--bare", server], check=True)
    (server / "hooks" / "pre-receive").write_text(f"#!/bin/sh\nexec '{hook()}' --pre-receive\n")
    (server / "hooks" / "pre-receive").chmod(0o755)
    repo.git("tag", "-a", "-m", "fine", "v1")
    assert repo.run("git", "push", "-q", str(server), "HEAD:main", "v1").returncode == 0
    repo.git("tag", "-a", "-m", leak(), "v2")
    refused = repo.run("git", "push", "-q", str(server), "v2")
    assert refused.returncode != 0
    assert "(message of tag v2):1:" in refused.stderr


def test_tags_of_tags_end_somewhere_and_it_is_said_where(repo: Repository) -> None:
    repo.git("tag", "-a", "-m", "0", "v0")
    for number in range(1, 12):
        repo.git("tag", "-a", "-m", str(number), "v1", f"v{number - 1}" if number == 1 else "v1", "-f")
    assert [each.reason for each in job().history(repo.path).skipped] == ["tag-of-tags"]


def commit_object(repo: Repository, *headers: str, message: str) -> None:
    """A commit as git itself would not write it, on its own branch."""
    people = "author A <a@example.com> 1700000000 +0000\ncommitter A <a@example.com> 1700000000 +0000"
    lines = (f"tree {repo.git('write-tree').strip()}", people, *headers, "", message)
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        cwd=repo.path, input="\n".join(lines).encode(), capture_output=True, check=True,
    )  # fmt: skip
    repo.git("update-ref", "refs/heads/odd", made.stdout.decode().strip())


def merge(repo: Repository) -> None:
    repo.git("checkout", "-q", "-b", "side")
    repo.write("b.txt", "b")
    repo.commit("b")
    repo.git("checkout", "-q", "main")
    repo.write("c.txt", "c")
    repo.commit("c")
    repo.git("merge", "-q", "--no-commit", "--no-ff", "side")
    repo.write("a.py", leak())
    repo.commit("merge")


def taken_out(repo: Repository) -> None:
    repo.write("a.py", leak())
    repo.commit("leak")
    (repo.path / "a.py").unlink()
    repo.commit("gone")


def graft(repo: Repository) -> None:
    taken_out(repo)
    (repo.path / ".git" / "info").mkdir(exist_ok=True)
    (repo.path / ".git" / "info" / "grafts").write_text(repo.git("rev-parse", "HEAD"))


ODD: dict[str, Callable[[Repository], object]] = {
    "a message that claims to be UTF-16": lambda repo: commit_object(repo, "encoding UTF-16", message=leak()),
    "a message behind a NUL": lambda repo: commit_object(repo, message=f"fine\0{leak()}"),
    "a repository that shows messages in UTF-7": lambda repo: (
        commit_object(repo, message=leak()), repo.git("config", "i18n.logOutputEncoding", "UTF-7"),
    ),
    "a repository that shows messages in UTF-16": lambda repo: (
        commit_object(repo, message=leak()), repo.git("config", "i18n.logOutputEncoding", "UTF-16"),
    ),
    "a message of a tag that was merged": lambda repo: commit_object(
        repo, f"mergetag object {'ab' * 20}", " type commit", " tag v1", " tagger A <a> 1 +0000", " ", f" {leak()}", message="fine"
    ),
    "a header that git does not know": lambda repo: commit_object(repo, f"x-note {leak().strip()}", message="fine"),
    "a comment in a signature": lambda repo: commit_object(
        repo, f"gpgsig -----BEGIN PGP SIGNATURE-----\n Comment: {leak().strip()}\n \n -----END PGP SIGNATURE-----", message="fine"
    ),
    "a header that says that it is a signature": lambda repo: commit_object(repo, f"gpgsig {leak().strip()}", message="fine"),
    "a second tree": lambda repo: commit_object(repo, f"tree {leak().strip()}", message="fine"),
    "a late parent": lambda repo: commit_object(repo, f"parent {leak().strip()}", message="fine"),
    "the header of an object": lambda repo: commit_object(repo, f"object {leak().strip()}", message="fine"),
    "a second object of a tag": lambda repo: tag_object(
        repo, f"object {repo.git('rev-parse', 'HEAD').strip()}", "type commit", "tag v1", PERSON, f"object {leak().strip()}"
    ),
    "the name of an author": lambda repo: repo.git(
        "commit", "-q", "--allow-empty", "-m", "fine", "--author", f"{leak().strip()} <a@example.com>"
    ),
    "notes": lambda repo: repo.git("notes", "add", "-m", leak()),
    "the stash": lambda repo: (repo.write("README.md", leak()), repo.git("stash")),
    "a file that only the merge has": merge,
    "commits before a graft": graft,
}  # fmt: skip


@pytest.mark.parametrize("trick", ODD)
def test_no_odd_commit_and_no_setting_hides_what_is_pushed(repo: Repository, trick: str) -> None:
    ODD[trick](repo)
    assert len(job().history(repo.path).findings) == 1


def first_as(name: str, settings: str = "", then: str = "conf.py"):
    """A content under a name by which less of it is read, and then under another."""

    def make(repo: Repository) -> None:
        repo.write(".tokenguard.toml", settings)
        repo.commit("settings")
        repo.write(name, f'password = "{secrets.token_hex(20)}"\n')
        repo.commit("as it came")
        repo.git("mv", name, then)
        repo.commit("as it is read")

    return make


def beside(repo: Repository) -> None:
    """Both names in one commit."""
    line = f'password = "{secrets.token_hex(20)}"\n'
    repo.write("a.lock", line)
    repo.write("conf.py", line)
    repo.commit("both")


RENAMED = {
    "a lock file": first_as("yarn.lock"),
    "a bill of materials": first_as("app.sbom.json", then="conf.json"),
    "a picture": first_as("a.svg"),
    "an excluded file": first_as("other.py", '[scan]\nexclude = ["other.py"]\n'),
    "a lock file beside it": beside,
}


@pytest.mark.parametrize("kind", RENAMED)
def test_a_content_is_read_under_each_name_that_changes_what_is_found(repo: Repository, kind: str) -> None:
    RENAMED[kind](repo)
    head = repo.git("rev-parse", "HEAD").strip()
    for arguments, told in (
        (["--history"], ""),
        (["--pre-push", "origin"], f"refs/heads/main {head} refs/heads/main {ZEROS}\n"),
    ):
        done = subprocess.run(
            [hook(), *arguments], cwd=repo.path, input=told, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stdout
        assert any(line.startswith("conf.") for line in done.stdout.splitlines()), done.stdout


def test_a_copy_of_an_accepted_finding_is_told_when_it_is_pushed(repo: Repository) -> None:
    """What a baseline accepts in one file is new in another, also where git keeps the content once."""
    repo.write("a.py", leak())
    repo.commit("one")
    assert repo.run(command(), "baseline", "update").returncode == 0
    repo.git("add", ".tokenguard-baseline")
    assert repo.run(hook(), "--history").returncode == 0
    repo.write("b.py", (repo.path / "a.py").read_text())
    repo.commit("two")
    done = repo.run(hook(), "--history")
    assert (done.returncode, done.stdout.startswith("b.py:1:")) == (1, True), done.stdout


def test_a_content_is_told_once_where_its_name_changes_nothing(repo: Repository) -> None:
    repo.write("src/a.py", leak())
    repo.commit("one")
    repo.git("mv", "src", "lib")
    repo.commit("two")
    assert [each.path for each in job().history(repo.path).findings] == ["src/a.py"]


def test_a_signature_and_the_usual_header_of_a_commit_are_no_finding(repo: Repository) -> None:
    signature = "\n ".join(["-----BEGIN PGP SIGNATURE-----", *(secrets.token_urlsafe(48) for _ in range(9))])
    commit_object(repo, f"parent {repo.git('rev-parse', 'HEAD').strip()}", f"gpgsig {signature}", message="fine")
    assert not job().history(repo.path).findings


def test_the_message_of_a_commit_keeps_its_lines(repo: Repository) -> None:
    repo.git("commit", "-q", "--allow-empty", "-m", "one", "-m", "two", "-m", leak())
    (found,) = job().history(repo.path).findings
    assert (found.line, found.origin is not None and len(found.origin.author_date)) == (5, 25)


def test_a_shallow_clone_says_where_it_ends(repo: Repository, tmp_path: Path) -> None:
    taken_out(repo)
    head = repo.git("rev-parse", "HEAD").strip()
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{repo.path}", tmp_path / "clone"], check=True)
    report = job().history(tmp_path / "clone")
    assert [(each.path, each.reason) for each in report.skipped] == [(f"(parents of {head[:12]})", "shallow-clone")]
    assert not job().history(tmp_path / "clone", since="HEAD").skipped


def test_a_clone_without_trees_is_an_error_and_no_pass(repo: Repository, tmp_path: Path) -> None:
    taken_out(repo)
    repo.git("config", "uploadpack.allowFilter", "true")
    url, clone = f"file://{repo.path}", tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "-q", "--no-checkout", "--filter=tree:0", url, clone], check=True, capture_output=True
    )
    with pytest.raises(InputError, match=r"git .+ failed") as refused:
        job().history(clone)
    assert "partial clones lack objects" in refused.value.hint
