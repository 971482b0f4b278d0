"""The pre-push hook: what a push would publish, from git itself and from pre-commit and prek, and nothing else."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository, leak
from tests.integration.hook_runners import RUNNERS, Clone, command, hook, hook_source, runner, search_path
from tokenguard.scanning.hook_file import COMMANDS, install_hook

CONFIGURATION = """\
default_install_hook_types: [pre-push]
repos:
  - repo: {path}
    rev: {commit}
    hooks:
      - id: tokenguard-pre-push
"""


class Pusher:
    """A clone with a server, in which a push runs the hook."""

    def __init__(self, tmp_path: Path, way: str) -> None:
        self.server = tmp_path / "server.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.server)], check=True)
        if way == "git":
            self.repository = Repository(tmp_path / "work")
            install_hook(self.repository.path, {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}, "pre-push")
            self.run = lambda *command: self.repository.run(*command, PATH=search_path())
        else:
            source = hook_source(tmp_path / "source")
            text = CONFIGURATION.format(path=source.path, commit=source.git("rev-parse", "HEAD").strip())
            clone = Clone(tmp_path / "work", runner(way), text)
            self.repository, self.run = clone.repository, clone.run
        self.repository.git("remote", "add", "origin", str(self.server))
        self.repository.write("README.md", "hello\n")
        self.repository.commit("first")

    def commit(self, name: str, content: str) -> None:
        self.repository.write(name, content)
        self.repository.commit(name)

    def pushes(self, *arguments: str) -> str:
        done = self.run("git", "push", *arguments)
        assert done.returncode == 0, done
        return done.stdout + done.stderr

    def refused(self, *arguments: str) -> str:
        done = self.run("git", "push", *arguments)
        assert done.returncode != 0, done
        return done.stdout + done.stderr

    def on_server(self) -> str:
        return subprocess.run(
            ["git", "for-each-ref"], cwd=self.server, capture_output=True, text=True, check=True
        ).stdout


@pytest.fixture(params=["git", *RUNNERS])
def pusher(request: pytest.FixtureRequest, tmp_path: Path) -> Pusher:
    return Pusher(tmp_path, request.param)


@pytest.fixture
def plain(tmp_path: Path) -> Pusher:
    return Pusher(tmp_path, "git")


def test_what_a_push_would_publish_is_scanned_and_what_is_there_is_not(pusher: Pusher) -> None:
    pusher.pushes("origin", "main")
    pusher.commit("a.py", leak())
    (pusher.repository.path / "a.py").write_text("x = 1\n")
    pusher.repository.commit("taken out again")
    before = pusher.on_server()
    said = pusher.refused("origin", "main")
    assert "a.py:1:10: extra: Autoposting API Key" in said
    assert "amend or rebase it away before you push" in said
    assert "tokenguard baseline accept --history a.py:1" in said
    assert pusher.on_server() == before
    pusher.pushes("--no-verify", "origin", "main")
    pusher.commit("b.py", "y = 1\n")
    pusher.pushes("origin", "main")  # the leak is on the server, and no later push publishes it


def test_the_first_push_of_a_repository_is_scanned_whole(pusher: Pusher) -> None:
    pusher.commit("a.py", leak())
    assert "Autoposting API Key" in pusher.refused("origin", "main")
    pusher.repository.git("reset", "-q", "--hard", "HEAD~1")
    pusher.pushes("origin", "main")


def test_a_new_branch_is_scanned_from_where_it_leaves_what_the_remote_has(plain: Pusher) -> None:
    plain.commit("old.py", leak())
    plain.pushes("--no-verify", "origin", "main")
    plain.repository.git("checkout", "-q", "-b", "side")
    plain.commit("new.py", "x = 1\n")
    plain.pushes("origin", "side")
    plain.repository.git("checkout", "-q", "-b", "other")
    plain.commit("leak.py", leak())
    assert "leak.py:1" in (said := plain.refused("origin", "other"))
    assert "old.py" not in said
    plain.repository.git("branch", "-q", "unpushed")
    plain.repository.git("checkout", "-q", "main")
    plain.commit("clean.py", "x = 1\n")
    plain.pushes("origin", "main")  # the leak of another branch is not pushed
    plain.pushes("origin", "--delete", "side")


def test_an_accepted_finding_does_not_stop_a_push(plain: Pusher) -> None:
    plain.pushes("origin", "main")
    plain.commit("a.py", leak())
    done = plain.run(command(), "baseline", "accept", "--history", "a.py:1", "--reason", "r")
    assert done.returncode == 0, done
    plain.pushes("origin", "main")


def test_a_commit_message_is_published_too(plain: Pusher) -> None:
    plain.pushes("origin", "main")
    plain.repository.git("commit", "-q", "--allow-empty", "-m", f"with {leak()}")
    assert "(message of " in plain.refused("origin", "main")


def test_git_tells_every_ref_of_a_push(plain: Pusher) -> None:
    plain.pushes("origin", "main")
    for name, content in (("one", "x = 1\n"), ("two", leak())):
        plain.repository.git("checkout", "-q", "-b", name, "main")
        plain.commit(f"{name}.py", content)
    assert "two.py:1" in plain.refused("origin", "one", "two")
    plain.repository.git("tag", "-a", "v1", "-m", f"release {leak()}", "main")
    assert "(message of tag v1)" in plain.refused("origin", "v1")
    plain.pushes("origin", "one")


def test_another_remote_gets_what_only_the_first_has(plain: Pusher, tmp_path: Path) -> None:
    plain.commit("a.py", leak())
    plain.pushes("--no-verify", "origin", "main")
    public = plain.repository.path / "*"
    subprocess.run(["git", "init", "-q", "--bare", str(public)], check=True)
    for address in ("*", str(public)):
        assert "a.py:1" in plain.refused(address, "main")
    plain.pushes("--no-verify", "*", "main")
    plain.repository.stage("b.py", "x = 1\n")
    plain.repository.git("commit", "-q", "--no-verify", "-m", "b")
    plain.pushes("*", "main")  # what git says to be there is not published again
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "third.git")], check=True)
    plain.repository.git("remote", "add", "third", str(tmp_path / "third.git"))
    assert "a.py:1" in plain.refused("third", "main")


@pytest.mark.parametrize("fetched", ["", "+refs/heads/*:refs/remotes/origin/theirs/*"], ids=["its own", "another"])
def test_a_remote_below_another_s_name_is_another_remote(plain: Pusher, tmp_path: Path, fetched: str) -> None:
    """Its branches lie among those of the other."""
    plain.pushes("origin", "main")
    private = tmp_path / "private.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(private)], check=True)
    plain.repository.git("remote", "add", "origin/private", str(private))
    if fetched:
        plain.repository.git("config", "remote.origin/private.fetch", fetched)
    plain.commit("a.py", leak())
    plain.pushes("--no-verify", "origin/private", "main")
    plain.repository.git("fetch", "-q", "origin/private")
    assert "a.py:1" in plain.refused("origin", "main")


def test_a_forced_push_over_a_commit_that_is_not_here(plain: Pusher, tmp_path: Path) -> None:
    plain.pushes("origin", "main")
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", str(plain.server), str(other)], check=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "theirs"], cwd=other, check=True)
    subprocess.run(["git", "push", "-q"], cwd=other, check=True)
    plain.commit("a.py", leak())
    assert "a.py:1" in plain.refused("--force", "origin", "main")


@pytest.mark.parametrize("name", ["a\u2028b", "a\u0085b", "caf\xe9"])
def test_a_branch_of_any_name_can_be_pushed(plain: Pusher, name: str) -> None:
    """Git takes names that hold what Python takes for the end of a line."""
    plain.pushes("origin", f"HEAD:refs/heads/{name}")
    (plain.server / "hooks" / "pre-receive").write_text(f"#!/bin/sh\nexec '{hook()}' --pre-receive\n")
    (plain.server / "hooks" / "pre-receive").chmod(0o755)
    plain.commit("a.txt", "fine\n")
    plain.pushes("origin", f"HEAD:refs/heads/{name}")
    plain.commit("a.py", leak())
    plain.refused("--no-verify", "origin", f"HEAD:refs/heads/{name}")


@pytest.mark.parametrize(
    ("stdin", "environ", "code"),
    [
        (b"", {}, 0), (b"main 0 main 0\n", {}, 2), (b"one two\n", {}, 2), (b"\xff\xfe\n", {}, 2), (b"refs/heads/x " + b"1" * 40 + b" y " + b"0" * 40 + b"\n", {}, 2),
        (b"(delete) " + b"0" * 40 + b" refs/heads/x " + b"1" * 40 + b"\n", {}, 0), (b"", {"PRE_COMMIT_TO_REF": "--upload-pack=x"}, 2),
        (b"", {"PRE_COMMIT_REMOTE_NAME": "--all", "PRE_COMMIT_TO_REF": "HEAD", "PRE_COMMIT_FROM_REF": "HEAD"}, 0),
        (b"", {"PRE_COMMIT_REMOTE_NAME": "*", "PRE_COMMIT_LOCAL_BRANCH": "refs/heads/main"}, 0),
    ],
)  # fmt: skip
def test_input_that_is_not_gits_is_bad_usage_and_not_a_pass(
    plain: Pusher, stdin: bytes, environ: dict[str, str], code: int
) -> None:
    done = subprocess.run(
        [hook(), "--pre-push", "--", "origin", "x"],
        cwd=plain.repository.path, input=stdin, env={**os.environ, **environ}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done


@pytest.fixture
def hooked(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "work")
    repository.write("README.md", "hello\n")
    repository.commit("first")
    repository.git("branch", "side")
    for stage in COMMANDS:
        install_hook(repository.path, {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}, stage)
    return repository


def _git(repository: Repository, *command: str) -> subprocess.CompletedProcess[str]:
    return repository.run("git", *command, PATH=search_path())


def test_a_plain_hook_scans_the_message_of_a_commit(hooked: Repository) -> None:
    assert _git(hooked, "commit", "--allow-empty", "-m", f"with {leak()}").returncode == 1
    assert _git(hooked, "commit", "--allow-empty", "-m", "without").returncode == 0


def test_a_plain_hook_scans_a_merge_without_conflicts(hooked: Repository) -> None:
    hooked.git("switch", "-q", "side")
    hooked.write("a.py", leak())
    hooked.git("add", "a.py")
    hooked.git("commit", "-q", "--no-verify", "-m", "leak")
    hooked.git("switch", "-q", "main")
    assert _git(hooked, "merge", "--no-ff", "--no-edit", "side").returncode == 1


def test_the_push_hook_scans_a_commit_for_which_git_runs_no_other_hook(plain: Pusher) -> None:
    plain.pushes("origin", "main")
    install_hook(plain.repository.path, {"HOME": "/nonexistent", "PATH": os.environ["PATH"]})
    plain.repository.git("switch", "-q", "--create", "side")
    plain.repository.write("a.py", leak())
    plain.repository.git("add", "a.py")
    plain.repository.git("commit", "-q", "--no-verify", "-m", "leak")
    plain.repository.git("switch", "-q", "main")
    assert plain.run("git", "cherry-pick", "side").returncode == 0, "git runs no pre-commit hook for it"
    assert "a.py" in plain.refused("origin", "main")
