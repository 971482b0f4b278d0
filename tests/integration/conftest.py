"""What tests with real parts share: a sandbox and a repository, new for each test."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.fakes.secrets_manager.command_line import AwsCommandLine
from tests.fakes.secrets_manager.stores import CREDENTIALS
from tests.integration.limited_machine import LimitedMachine
from tests.integration.openbao import OpenBao, running
from tokenguard.errors import ExitCode
from tokenguard.sandbox.sandbox_server import Sandbox

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def own_openbao() -> Iterator[OpenBao]:
    """For a module that sets up logins of the whole server: it overrides `openbao` with this."""
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def limited_machine(tmp_path_factory: pytest.TempPathFactory) -> LimitedMachine:
    """A machine with a store for all tests of a module; a command has little memory."""
    return LimitedMachine(tmp_path_factory.mktemp("limits"))


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel made from it, without any network: built once for all workers."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "dist"
    with (shared / "dist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        if not folder.exists():
            building = tmp_path_factory.mktemp("building")
            command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(building), str(ROOT)]
            done = subprocess.run(command, cwd=building, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            building.rename(folder)
    return folder


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "work")
    repository.write("README.md", "hello\n")
    repository.commit("first")
    return repository


@pytest.fixture
def aws_with_token(fake_aws, sandbox, tmp_path, capfd, monkeypatch) -> AwsCommandLine:
    """The command line on an AWS store with one token."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    cli = AwsCommandLine(fake_aws, sandbox, tmp_path, capfd, monkeypatch)
    assert cli("init", "--sandbox").code == ExitCode.OK
    assert cli.issue().code == ExitCode.OK
    return cli
