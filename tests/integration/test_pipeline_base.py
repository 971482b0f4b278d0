"""The base decides: the check of each shipped pipeline holds a change to what was there before it."""

import os
import secrets
import subprocess
from pathlib import Path

import pytest

from tests.integration.hook_runners import BIN
from tests.integration.pipeline_jobs import Ran, Runner

ACTION = Path(__file__).parents[2] / "action.yml"
DEMANDS = "[scan]\nmax_pragmas = 0\n"
SILENCED = f'key = "sk-social-{secrets.token_hex(32)}"  # pragma: allowlist secret\n'
NEVER = "0" * 40


class Change:
    """A repository whose main branch allows no silenced line, and a change that silences one and asks for less."""

    def __init__(self, system: str, directory: Path) -> None:
        self.system, self.origin, self.work = system, directory / "origin.git", directory / "work"
        self.runner = Runner(self.work, directory / "runner")
        self.runner.directory.mkdir()
        self.work.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", f"https://{system}.example.org/acme/tokens.git")
        name = "gitlab" if system == "gitlab" else "github"
        self.run(str(BIN / "tokenguard"), "--store", "vault://kv/video", "init", "--ci", name, "--yes")
        self.before = self.commit(DEMANDS)
        self.run("git", "clone", "-q", "--bare", str(self.work), str(self.origin))
        self.git("remote", "set-url", "origin", str(self.origin))

    def run(self, *command: str) -> str:
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(self.work.parent), "GIT_CONFIG_NOSYSTEM": "1", "NO_COLOR": "1",
            **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }  # fmt: skip
        done = subprocess.run(command, cwd=self.work, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    def commit(self, demands: str, source: str = "") -> str:
        (self.work / ".tokenguard.toml").write_text(demands)
        (self.work / "settings.py").write_text(source)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD").strip()

    def checked(self, *, target: str = "", before: str = "") -> Ran:
        """The job of a pull request for `target`, or of a push over `before`."""
        if self.system == "gitlab":
            change = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": target, "CI_COMMIT_BEFORE_SHA": before or NEVER}
            return self.runner.gitlab("tokenguard-check", {}, **change)
        self.runner.environ = {"GITHUB_BASE_REF": target}
        self.runner.event = {"before": before}
        if self.system == "the action":
            return self.runner.action(ACTION, command="check")
        if target:
            self.git("fetch", "-q", "origin")  # as `fetch-depth: 0` does
        return self.runner.github("check")


@pytest.fixture(params=["github", "gitlab", "the action"])
def change(request, tmp_path):
    return Change(request.param, tmp_path)


def test_a_pull_request_cannot_take_away_what_it_is_held_to(change):
    assert change.checked(target="main").code == 0, change.runner.log
    change.git("switch", "-q", "-c", "topic")
    change.commit("", SILENCED)
    assert change.checked(target="main").code == 1, change.runner.log
    change.git("push", "-q", "origin", "topic:main")
    assert change.checked(target="main").code == 0, "its base allows it now"


def test_a_push_is_held_to_what_was_there_before(change):
    after = change.commit("", SILENCED)
    assert change.checked(before=change.before).code == 1, change.runner.log
    assert change.checked(before=after).code == 0
    assert change.checked(before=NEVER).code == 0, "a new branch has nothing before it"


def test_a_base_that_is_not_there_fails_the_job(change):
    assert change.checked(target="gone").code not in {0, 1}, change.runner.log
    assert change.checked(before="1" * 40).code not in {0, 1}, change.runner.log
