"""`rotate --resume` where no person can be asked: it stops before anything is recorded that a person would have to undo."""

import pytest

from tests.fakes.command_line import FakeTty
from tokenguard.domain.journal import Stage
from tokenguard.domain.names import token_name

NAME = "video/app/prod/upload"


def added(cli, *more):
    given = (
        "--provider",
        "manual",
        "--scope",
        "drive:d1",
        "--env",
        "prod",
        "--owner",
        "video",
        "--purpose",
        "uploads",
        "--label",
        "first",
    )
    cli.tty = FakeTty("done alex")
    assert cli("add", NAME, *given, *more, "--stdin", stdin="tgcanary-first-0123456789").code == 0


def journal(cli):
    return cli.store.find(token_name(NAME)).document.journal


def interrupted(cli, monkeypatch, *, at):
    """A rotation with a person that ended when it was about to leave a stage."""
    real = cli.store.commit

    def commit(token, version, document, events):
        before = cli.store.load(token).document.journal if version else None
        if before is not None and before.stage is at and document.journal.stage is not at:
            raise KeyboardInterrupt
        return real(token, version, document, events)

    monkeypatch.setattr(cli.store, "commit", commit)
    cli.tty = FakeTty("tgcanary-second-0123456789", "done alex")
    assert cli("rotate", NAME).code == 130
    monkeypatch.setattr(cli.store, "commit", real)
    cli.tty = None
    assert journal(cli).stage is at


@pytest.mark.parametrize("tries", [1, 3])
def test_no_token_is_awaited_that_nobody_was_asked_for(cli, monkeypatch, tries):
    """It went on to `mint`: from then on a person had to look for a token that was never made."""
    added(cli, "--no-consumers")
    interrupted(cli, monkeypatch, at=Stage.OPEN)
    for _ in range(tries):
        stopped = cli("rotate", NAME, "--resume", "--no-input")
        assert stopped.code == 3
        assert "a person is needed" in stopped.err
    assert journal(cli).stage is Stage.OPEN
    assert journal(cli).attempts == ()
    assert cli("rotate", NAME, "--abort", "--no-input").code == 0


def test_no_delivery_is_recorded_that_nobody_was_asked_for(cli, monkeypatch):
    added(cli, "--deliver", "person:alex")
    interrupted(cli, monkeypatch, at=Stage.VERIFIED)
    assert cli("rotate", NAME, "--resume", "--no-input").code == 3
    assert journal(cli).stage is Stage.PUBLISHED
    assert journal(cli).handovers == ()
