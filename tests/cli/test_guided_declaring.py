"""A rotation that nobody has named consumers for waits until they are named, and then goes on from where it was."""

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import FakeIssuer
from tokenguard.domain.names import token_name
from tokenguard.errors import Unreachable

NAME = "video/app/prod/upload"


@pytest.fixture
def waiting(cli):
    """A planned rotation that stopped before the revoke; returns the value that was live before."""
    old = cli.world.create(NAME).value
    answer = cli(
        "add", NAME, "--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video",
        "--purpose", "uploads", "--stdin", stdin=old,
    )  # fmt: skip
    assert answer.code == 0, answer
    cli.tty = FakeTty()  # without a person it would not be begun
    answer = cli("rotate", NAME)
    cli.tty = None
    assert answer.code == 3
    assert f"tokenguard edit {NAME} --deliver TARGET (or --no-consumers)" in answer.err
    return old


def _alive(cli, value):
    return cli.world.alive(cli.world.of_value(value))


def test_nobody_uses_it(cli, waiting):
    assert _alive(cli, waiting)
    assert cli("edit", NAME, "--no-consumers").code == 0
    assert cli("rotate", NAME, "--resume").code == 0
    assert not _alive(cli, waiting)


def test_a_consumer_named_late_is_given_the_new_value_before_the_old_one_dies(cli, waiting, tmp_path):
    assert cli("edit", NAME, "--deliver", f"dotenv:{tmp_path}/app.env#TOKEN").code == 0
    assert cli("rotate", NAME, "--resume").code == 0
    live = cli.store.read_live(cli.store.find(token_name(NAME)).id).value.token.reveal()
    assert (tmp_path / "app.env").read_text() == f"TOKEN={live}\n"
    assert not _alive(cli, waiting)


def test_a_consumer_that_cannot_be_reached_keeps_the_old_token_alive(cli, waiting, tmp_path):
    (tmp_path / "app").mkdir(mode=0o700)
    assert cli("edit", NAME, "--deliver", f"dotenv:{tmp_path}/app/.env#TOKEN").code == 0
    (tmp_path / "app").rmdir()
    assert cli("rotate", NAME, "--resume").code == 2
    assert _alive(cli, waiting)


def test_everything_else_of_the_record_stays_as_the_operation_knows_it(cli, waiting):
    for change in (["--owner", "audio"], ["--no-consumers", "--owner", "audio"], ["--scope", "drive:d2"]):
        assert "open operation" in cli.refused("edit", NAME, *change, code=3)


def test_after_the_revoke_was_decided_nobody_can_be_named_any_more(cli, waiting, monkeypatch):
    monkeypatch.setattr(FakeIssuer, "revoke", _no_answer)
    assert cli("rotate", NAME, "--resume", "--accept-outage").code == 5
    assert "open operation" in cli.refused("edit", NAME, "--no-consumers", code=3)


def _no_answer(*_args):
    raise Unreachable("no answer", hint="try again")
