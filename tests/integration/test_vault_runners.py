"""Several processes run `rotate --due` over one store at the same time: every token is rotated once, by one of them."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.secrets_manager.server import FakeAws
from tests.faults.rotation_homes import AwsHome, Home, VaultHome
from tests.integration.openbao import OpenBao
from tests.integration.runners import Ended, Fleet
from tokenguard.sandbox.fault_settings import FaultSettings
from tokenguard.sandbox.sandbox_server import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(knobs=FaultSettings(latency=0.02, per_minute=100_000)) as sandbox:
        yield sandbox


@pytest.fixture
def home(openbao: OpenBao) -> Home:
    return VaultHome([openbao.url], openbao.root_token)


def names(ended: Ended) -> list[str]:
    return [each["name"] for each in ended.results]


def check_each_was_rotated_once(fleet: Fleet, sandbox: Sandbox, count: int) -> None:
    assert list(fleet.openings().values()) == [1] * count
    living = sandbox.world.keys()
    assert fleet.served() == sorted(key.secret.reveal() for key in living), "one living key for each token"
    assert len(fleet.served()) == count


def test_three_runners_share_a_list_and_rotate_each_token_once(home: Home, sandbox: Sandbox, tmp_path: Path):
    fleet = Fleet(home, sandbox, tmp_path, 9)
    _, ended = fleet.work(3)
    assert [each.code for each in ended] == [0, 0, 0], [each.errors for each in ended]
    done = [name for each in ended for name in names(each)]
    assert sorted(done) == sorted(fleet.openings()), (
        "each is in the report of the runner that rotated it, and in no other"
    )
    check_each_was_rotated_once(fleet, sandbox, 9)


@pytest.mark.slow
def test_eight_runners_over_two_hundred(home: Home, sandbox: Sandbox, tmp_path: Path):
    fleet = Fleet(home, sandbox, tmp_path, 200)
    _, ended = fleet.work(8)
    assert {each.code for each in ended} == {0}, [each.errors for each in ended if each.code]
    check_each_was_rotated_once(fleet, sandbox, 200)


def test_a_runner_that_was_killed_is_not_waited_for_and_its_token_is_named(
    home: Home, sandbox: Sandbox, tmp_path: Path
):
    """The other one does the rest, exits 3 with the line that goes on, and that line ends it."""
    fleet = Fleet(home, sandbox, tmp_path, 4)
    doomed = fleet.start("--due")
    while not fleet.busy():
        doomed.send_signal(signal.SIGCONT)
        time.sleep(0.02)
        assert doomed.poll() is None, "it came to its end"
        doomed.send_signal(signal.SIGSTOP)
    doomed.send_signal(signal.SIGKILL)
    doomed.wait()
    fleet.start("--due")
    other = fleet.ended(1)
    assert other.code == 3, other.errors
    stuck = [each for each in other.results if each["exit_code"]]
    assert len(stuck) == 1
    assert stuck[0]["hint"].startswith(f"tokenguard rotate {stuck[0]['name']} --resume")
    fleet.start("--resume")
    assert fleet.ended(2).code == 0
    check_each_was_rotated_once(fleet, sandbox, 4)


def test_on_aws_runners_share_a_list_when_they_are_told_to(fake_aws: FakeAws, sandbox: Sandbox, tmp_path: Path):
    fleet = Fleet(AwsHome(fake_aws), sandbox, tmp_path, 4)
    _, ended = fleet.work(2, "--concurrent")
    assert [each.code for each in ended] == [0, 0], [each.errors for each in ended]
    check_each_was_rotated_once(fleet, sandbox, 4)
