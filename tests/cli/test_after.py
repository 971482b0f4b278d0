"""`after`: a command of the runner's configuration runs after a delivery, with its result on record."""

import stat

import pytest

from tests.fakes.command_line import FakeTty
from tokenguard.delivery.command import CommandDelivery
from tokenguard.domain.event import Op, Phase
from tokenguard.domain.names import token_name

NAME = "video/app/prod/upload"


@pytest.fixture
def program(cli, tmp_path):
    """The program of [commands.reload]: notes how it was called; its exit code is in a file."""
    script = tmp_path / "reload.sh"
    script.write_text(
        f'#!/bin/sh\necho "$@ [$(cat)]" >> {tmp_path}/runs\nexit $(cat {tmp_path}/code 2>/dev/null || echo 0)\n'
    )
    script.chmod(0o700)
    config = tmp_path / "config.toml"
    config.write_text(f'[commands.reload]\nargv = ["{script}", "app; touch {tmp_path}/shell"]\ntimeout = 20\n')
    cli.environ["TOKENGUARD_CONFIG"] = str(config)
    return script


@pytest.fixture
def target(cli, program, tmp_path):
    target = f"dotenv:{tmp_path}/app.env#TOKEN"
    cli.add(NAME)
    answer = cli("edit", NAME, "--deliver", target, "--after", f"{target}=reload")
    assert answer.code == 0, answer
    return target


def record(cli):
    return cli.store.find(token_name(NAME)).document.record


def runs(tmp_path):
    return (tmp_path / "runs").read_text().splitlines() if (tmp_path / "runs").exists() else []


def events(cli):
    history = cli.store.history(cli.store.find(token_name(NAME)).id)
    return [(each.event.phase, each.event.detail.get("result")) for each in history if each.event.op is Op.AFTER]


def living(cli):
    return len(cli.world.living())


def test_it_runs_after_the_delivery_without_a_shell_and_without_the_value(cli, target, tmp_path):
    assert cli("rotate", NAME).code == 0
    assert runs(tmp_path) == [f"app; touch {tmp_path}/shell []"]
    assert not (tmp_path / "shell").exists()
    assert events(cli) == [(Phase.INTENT, None), (Phase.OUTCOME, "exit code 0")]
    order = [(each.event.op, each.event.phase) for each in cli.store.history(cli.store.find(token_name(NAME)).id)]
    intent = len(order) - order[::-1].index((Op.AFTER, Phase.INTENT))
    assert order.index((Op.DELIVER, Phase.INTENT)) < intent < order.index((Op.REVOKE, Phase.INTENT))


def test_a_failure_is_told_stops_before_the_revoke_and_is_run_again(cli, target, tmp_path):
    (tmp_path / "code").write_text("7")
    answer = cli("rotate", NAME)
    assert (answer.code, living(cli)) == (3, 2), answer
    assert "exit code 7" in answer.err.splitlines()[-2]
    assert events(cli)[-1] == (Phase.OUTCOME, "ended with exit code 7")
    assert cli("rotate", NAME, "--resume").code == 3
    (tmp_path / "code").unlink()
    assert cli("rotate", NAME, "--resume").code == 0
    assert (len(runs(tmp_path)), living(cli)) == (3, 1)


def test_a_command_that_does_not_end_is_ended(cli, target, tmp_path, program):
    program.write_text("#!/bin/sh\nsleep 60\n")
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace("timeout = 20", "timeout = 0.2"))
    answer = cli("rotate", NAME)
    assert answer.code == 3
    assert events(cli)[-1] == (Phase.OUTCOME, "did not end in time")


@pytest.mark.parametrize("done", [False, True], ids=["before it ran", "after it ran"])
@pytest.mark.parametrize("command", ["rotate", "deliver"])
def test_a_runner_that_is_stopped_at_it_runs_it_again(cli, target, tmp_path, monkeypatch, command, done):
    real = CommandDelivery.run_command

    def stopped(self, name):
        if done:
            real(self, name)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CommandDelivery, "run_command", stopped)
        assert cli(command, NAME).code == 130
    assert events(cli)[-1] == (Phase.INTENT, None), "what was begun is on record"
    assert cli("rotate", "--resume", NAME).code == 0 if command == "rotate" else cli("deliver", NAME).code == 0
    assert (len(runs(tmp_path)), living(cli)) == (1 + done, 1)
    assert events(cli)[-1] == (Phase.OUTCOME, "exit code 0")


def test_deliver_runs_it_again_until_it_succeeds(cli, target, tmp_path):
    (tmp_path / "code").write_text("1")
    assert cli("deliver", NAME).code == 3
    checked = cli("deliver", NAME, "--check", "--format", "json")
    assert (checked.code, checked.document["consumers"][0]["result"]) == (
        3,
        "holds it, but its command has not succeeded",
    )
    kept = cli("upkeep", "--format", "json")
    (found,) = [each for each in kept.document["results"] if each["duty"] == "consumers"]
    assert (kept.code, found["exit_code"], found["hint"]) == (3, 3, f"tokenguard deliver {NAME}")
    (tmp_path / "code").unlink()
    assert cli("deliver", NAME).code == 0
    assert cli("deliver", NAME, "--check").code == 0
    assert len(runs(tmp_path)) == 2


def test_an_abort_runs_it_for_the_previous_value(cli, target, tmp_path):
    assert cli("deliver", NAME).code == 0
    (tmp_path / "code").write_text("1")
    assert cli("rotate", NAME).code == 3
    (tmp_path / "code").unlink()
    before = len(runs(tmp_path))
    assert cli("rotate", NAME, "--abort").code == 0
    assert len(runs(tmp_path)) == before + 1


def test_a_command_that_this_machine_does_not_have_is_refused_before_anything_begins(cli, target, tmp_path):
    (tmp_path / "config.toml").write_text("")
    cli.refused("rotate", NAME)
    cli.refused("edit", NAME, "--after", f"{target}=other")
    assert living(cli) == 1


def test_doctor_and_a_plan_say_that_this_machine_does_not_have_a_command(cli, target, tmp_path):
    cli.clock.sleep(89 * 86_400)
    (tmp_path / "config.toml").write_text("")
    assert "no command 'reload'" in cli("doctor").out
    assert "no command 'reload'" in cli.refused("rotate", NAME, "--plan")


def test_a_program_that_every_user_can_change_is_refused(cli, target, program):
    program.chmod(program.stat().st_mode | stat.S_IWOTH)
    cli.refused("rotate", NAME)


def test_a_configuration_in_a_repository_names_no_command(cli, target, tmp_path):
    (tmp_path / ".git").mkdir()
    assert "commands" in cli.refused("rotate", NAME)


def test_it_goes_with_its_consumer_and_is_cleared_by_an_empty_name(cli, target, tmp_path):
    assert [str(each) for each in record(cli).after] == [f"{target}=reload"]
    assert "after deliveries" in cli("show", NAME).out
    assert cli("edit", NAME, "--after", f"{target}=").code == 0
    assert record(cli).after == ()
    assert cli("edit", NAME, "--after", f"{target}=reload").code == 0
    assert cli("edit", NAME, "--no-consumers").code == 0
    assert record(cli).after == ()


def test_a_new_command_is_confirmed_on_a_terminal(cli, target, tmp_path):
    assert cli("edit", NAME, "--after", f"{target}=").code == 0
    cli.tty = FakeTty("no")
    cli.refused("edit", NAME, "--after", f"{target}=reload", code=3)


@pytest.mark.parametrize(
    "after",
    ["", "=", "reload", "dotenv:/srv/x.env#TOKEN=reload", "{}=Re Load", "{}=a/b", "{}=../x", "nothing:x=reload"],
)
def test_what_is_no_consumer_with_a_command_is_refused(cli, target, after):
    cli.refused("edit", NAME, "--after", after.format(target))
