"""What tests with real parts share: a sandbox and a repository, new for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.integration.limited_machine import LimitedMachine
from tests.integration.openbao import OpenBao, running
from tokenguard.sandbox.sandbox_server import Sandbox


@pytest.fixture(scope="module")
def own_openbao() -> Iterator[OpenBao]:
    """For a module that sets up logins of the whole server: it overrides `openbao` with this."""
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def limited_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LimitedMachine]:
    """A machine with a store for all tests of a module; a command has little memory."""
    with LimitedMachine(tmp_path_factory.mktemp("limits")) as machine:
        yield machine


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
