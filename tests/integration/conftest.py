"""What tests with real parts share: one OpenBao, one fake of AWS, one sandbox for a module that asks for it."""

from collections.abc import Iterator

import pytest

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
