"""A command line for every test of this folder."""

import pytest

from tests.fakes.command_line import CommandLine


@pytest.fixture
def cli(monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)
    return CommandLine(monkeypatch, capfd)
