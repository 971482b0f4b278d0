"""Everything that `init --ci` writes, in every variant, is committed through the hook and is clean by a strict scan."""

import contextlib
import itertools
import os
import secrets
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.integration.hook_runners import BIN, HOOK_TYPES, ROOT, RUNNERS, let_hooks_fork, runner
from tokenguard.cli.error_handler import run
from tokenguard.domain.profile import Profile
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.init_ci import SYSTEMS

STORES = ("vault://kv/video", "aws://eu-central-1/video")
REQUIREMENTS = {
    "no requirement": lambda: "",
    "a commit": lambda: f"tokenguard-governance @ git+https://git.example.org/team/tokenguard@{secrets.token_hex(20)}",
    "a hash": lambda: (
        f"tokenguard-governance @ https://files.example.org/tokenguard.tar.gz#sha256={secrets.token_hex(32)}"
    ),
    "a version": lambda: "tokenguard-governance==1.0.0",
}
VARIANTS = list(itertools.product(SYSTEMS, STORES, REQUIREMENTS))


def begun(path: Path, system: str, store: str, requirement: str) -> Repository:
    """A repository with all that `init --ci` writes staged."""
    repository = Repository(path)
    repository.git("remote", "add", "origin", f"https://{system}.example.org/acme/tokens.git")
    repository.stage(".gitignore", "build/\n")
    said = ["--repository-id", "4711"] if requirement else []
    if wanted := REQUIREMENTS[requirement]() if requirement else "":
        said += ["--requirement", wanted]
    if store.startswith("aws"):
        said += ["--aws-account", "123456789012"]
    tokenguard(repository, "--store", store, "init", "--ci", system, "--yes", *said)
    repository.git("add", "--all")
    assert "tokens.yaml" in repository.git("diff", "--cached", "--name-only")
    return repository


def tokenguard(repository: Repository, *arguments: str) -> None:
    """A command in the repository, in this process: what git starts is a process of its own."""
    with contextlib.chdir(repository.path):
        assert run(arguments, Wiring(environ=dict(os.environ))) == 0


def committed(repository: Repository, **environ: str) -> str:
    path = {"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin"}
    done = repository.run("git", "commit", "--message", "The tokens of the team", **path, **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert repository.git("status", "--porcelain") == ""
    return done.stdout + done.stderr


@pytest.mark.parametrize(("system", "store", "requirement"), VARIANTS)
def test_it_is_committed_through_the_plain_hook_and_clean_by_a_strict_scan(
    tmp_path: Path, system: str, store: str, requirement: str
) -> None:
    repository = begun(tmp_path / "work", system, store, requirement)
    tokenguard(repository, "doctor", "--install-hook")
    assert ": 0 findings" in committed(repository)
    for profile in (Profile.DEFAULT.value, Profile.DETECT_SECRETS.value):  # strict shows also what the judge calls low
        tokenguard(repository, "scan", "--strict", "--profile", profile)
    tokenguard(repository, "scan", "--strict", "--history")
    tokenguard(repository, "check", "--repo-only", "--fail-on", "warning")


@pytest.mark.parametrize("name", RUNNERS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_hook_configuration_that_is_written_lets_it_pass_and_stops_a_token(
    tmp_path: Path, name: str, system: str
) -> None:
    """With every hook type installed. The hooks run as they are installed here: what a runner would install takes long."""
    program = runner(name)
    repository = begun(tmp_path / "work", system, STORES[0], "a commit")
    configuration = (repository.path / ".pre-commit-config.yaml").read_text()
    lines = [line for line in configuration.splitlines() if "additional_dependencies" not in line]
    repository.stage(".pre-commit-config.yaml", "\n".join(lines).replace("language: python", "language: system") + "\n")
    home = {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "PREK_HOME": str(tmp_path / "cache")}
    repository.run(program, "install", *(word for each in HOOK_TYPES for word in ("-t", each)), **home)
    let_hooks_fork(repository)
    assert "Passed" in committed(repository, **home)
    environ = {"PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin", **home}
    repository.stage("app.py", f"connect('sk-social-{secrets.token_hex(32)}')\n")
    assert "exit code: 1" in repository.run("git", "commit", "-m", "leak", **environ).stderr
    repository.stage("app.py", "")
    message = f"with sk-social-{secrets.token_hex(32)}"
    assert "exit code: 1" in repository.run("git", "commit", "-m", message, **environ).stderr


@pytest.mark.parametrize("name", ["pipelines", "docs", "README.md", "action.yml", ".pre-commit-hooks.yaml"])
def test_what_users_copy_from_is_clean_too(tmp_path: Path, name: str) -> None:
    repository = Repository(tmp_path / "work")
    tokenguard(repository, "scan", "--strict", str(ROOT / name))
