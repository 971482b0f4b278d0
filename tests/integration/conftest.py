"""What tests with real parts share: a sandbox and a repository, new for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.integration.openbao import OpenBao, running
from tokenguard.sandbox.sandbox_server import Sandbox


@pytest.fixture(scope="module")
def own_openbao() -> Iterator[OpenBao]:
    """For a module that sets up logins of the whole server: it overrides `openbao` with this."""
    with running() as server:
        yield server


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
