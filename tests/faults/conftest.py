"""Worlds for kill -9, on every kind of store, and one launcher for all of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.rotation_homes import AwsHome, Home, VaultHome
from tests.faults.rotation_killing import Launcher, RealWorld
from tests.integration.openbao import OpenBao

Worlds = Callable[[str, str], RealWorld]
"""Makes a world: the name of its directory, the provider of its token."""


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    with Launcher() as warm:
        yield warm


@pytest.fixture(params=["local", "vault", "aws"])
def worlds(request: pytest.FixtureRequest, launcher: Launcher, tmp_path: Path) -> Worlds:
    """Over every kind of store."""

    def home() -> Home | None:
        if request.param == "vault":
            server: OpenBao = request.getfixturevalue("openbao")
            return VaultHome([server.url], server.root_token)
        return AwsHome(request.getfixturevalue("fake_aws")) if request.param == "aws" else None

    return lambda name, provider: RealWorld(launcher, tmp_path / name, provider, home())
