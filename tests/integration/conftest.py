"""What tests with real parts share: an OpenBao, a fake of AWS and a sandbox for a module; a repository for a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.git_repository import Repository
from tests.fakes.secrets_manager.server import FakeAws
from tests.integration.openbao import OpenBao, running
from tokenguard.sandbox.server import Sandbox


@pytest.fixture(scope="module")
def openbao() -> Iterator[OpenBao]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def fake_aws() -> Iterator[FakeAws]:
    with FakeAws() as server:
        yield server


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "work")
    repository.write("README.md", "hello\n")
    repository.commit("first")
    return repository
