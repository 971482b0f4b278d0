"""Programs that run hooks for a team, pre-commit and prek, with this repository as the source of its hooks."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.integration.forked_commands import program as forked

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
RUNNERS = ("pre-commit", "prek")
HOOK_TYPES = (
    "pre-commit", "pre-merge-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-push", "pre-rebase",
    "post-checkout", "post-merge", "post-rewrite",
)  # fmt: skip
"""Every kind of hook that the runners install."""
_BLOCK = re.compile(r"^```yaml\n(# \.pre-commit-config\.yaml.*?)^```", re.MULTILINE | re.DOTALL)


def hook() -> str:
    """The hook, from a process that has loaded it: its start takes most of its time, and has tests of its own."""
    return str(forked("tokenguard-hook"))


def command() -> str:
    """`tokenguard` in the same way."""
    return str(forked("tokenguard"))


def search_path() -> str:
    """A PATH on which both come first."""
    return f"{forked('tokenguard-hook').parent}:{forked('tokenguard').parent}:{BIN}:{os.environ['PATH']}"


def runner(name: str) -> str:
    """The program; a test without it is skipped, and fails in CI."""
    program = shutil.which(name, path=str(BIN)) or shutil.which(name)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"NOT TESTED: {name} is not installed, so the hook was not run under it")
    return program


def documented(page: Path) -> list[str]:
    """The configurations that a page prints."""
    return _BLOCK.findall(page.read_text())


def hook_source(path: Path) -> Repository:
    """A repository that offers the hooks as this one does, but runs those that are installed here.

    What a runner installs of a hook of the kind `python` is not looked at: that takes a minute and a package index.
    """
    source = Repository(path)
    offered = (ROOT / ".pre-commit-hooks.yaml").read_text()
    assert offered.count("language: python") == offered.count("- id: ")
    source.write(".pre-commit-hooks.yaml", offered.replace("language: python", "language: system"))
    source.commit("hooks")
    return source


def let_hooks_fork(repository: Repository) -> None:
    """Have the hooks that pre-commit has installed use one loaded process: its start takes most of a hook's time."""
    for hook in (repository.path / ".git/hooks").iterdir():
        text = hook.read_text()
        if "-mpre_commit" in text:
            hook.write_text(re.sub("(?m)^INSTALL_PYTHON=.*", f"INSTALL_PYTHON={forked('pre_commit')}", text))


class Clone:
    """A repository in which a runner's hooks are installed, and somebody who works in it."""

    def __init__(self, path: Path, program: str, configuration: str, *types: str, forks: bool = True) -> None:
        self.repository = Repository(path)
        self._environ = {
            "PRE_COMMIT_HOME": str(path.parent / "cache"), "PREK_HOME": str(path.parent / "cache"),
            "PATH": search_path() if forks else f"{BIN}:{os.environ['PATH']}",
        }  # fmt: skip
        self.repository.stage(".pre-commit-config.yaml", configuration)
        chosen = [word for each in types for word in ("-t", each)]
        done = self.run(program, "install", *chosen)
        assert done.returncode == 0, done
        if forks:
            let_hooks_fork(self.repository)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self.repository.run(*command, **self._environ)

    def git(self, *arguments: str) -> str:
        """What git and its hooks say; it must succeed."""
        done = self.run("git", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def refused(self, *arguments: str) -> str:
        """What git and its hooks say; the hooks must have stopped it, and not for a failure of their own."""
        done = self.run("git", *arguments)
        said = done.stdout + done.stderr
        assert done.returncode != 0, said
        assert "exit code: 1" in said, said
        return said
