"""The confirmation of a compromise: what is already open is named when the person leaves there."""

from tests.fakes.command_line import FakeTty

NAME = "video/app/prod/upload"


def test_leaving_the_confirmation_of_an_open_compromise_names_the_resume_line(cli):
    cli.add(NAME)
    cli.world.revoke_lag = 10**9
    cli.tty = FakeTty("1")
    assert cli("rotate", NAME, "--compromised").code == 5
    cli.tty = FakeTty()
    cli.tty.ask = lambda question: (_ for _ in ()).throw(KeyboardInterrupt())
    answer = cli("rotate", NAME, "--compromised")
    assert answer.code == 130
    assert f"tokenguard rotate {NAME} --resume" in answer.err
