"""Worlds for kill -9, on every kind of store: one launcher, one OpenBao and one fake of AWS for a module of tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.secrets_manager.server import FakeAws
from tests.faults.rotation_homes import AwsHome, Home, VaultHome
from tests.faults.rotation_killing import Launcher, RealWorld
from tests.integration.openbao import OpenBao, running

Worlds = Callable[[str, str], RealWorld]
"""Makes a world: the name of its directory, the provider of its token."""


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with Launcher() as warm:
        yield warm


@pytest.fixture(scope="module")
def openbao() -> Iterator[OpenBao]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def aws() -> Iterator[FakeAws]:
    with FakeAws() as server:
        yield server


@pytest.fixture(params=["local", "vault", "aws"])
def worlds(request: pytest.FixtureRequest, launcher: Launcher, tmp_path: Path) -> Worlds:
    """Over every kind of store."""

    def home() -> Home | None:
        if request.param == "vault":
            server: OpenBao = request.getfixturevalue("openbao")
            return VaultHome([server.url], server.root_token)
        return AwsHome(request.getfixturevalue("aws")) if request.param == "aws" else None

    return lambda name, provider: RealWorld(launcher, tmp_path / name, provider, home())
