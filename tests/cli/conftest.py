"""A command line for every test of this folder."""

import pytest

from tests.cli.bundles import added, public_code, publish
from tests.fakes.command_line import CommandLine


@pytest.fixture
def cli(monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)
    return CommandLine(monkeypatch, capfd)


@pytest.fixture
def published(cli, tmp_path):
    """A store with one token, its bundle, and the scan key in the environment."""
    cli.value = added(cli)
    public_code(tmp_path)
    cli.environ["TOKENGUARD_SCAN_KEY"] = publish(cli).document["scan_key"]
    return cli
