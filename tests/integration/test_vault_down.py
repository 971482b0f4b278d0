"""A Vault that is down: it is said while it is waited for, and the command ends with the line that goes on."""

import itertools
import threading

import pytest

from tests.fakes.vault_command_line import NAME, VaultCommandLine
from tests.fakes.vault_proxy import Answer, Asked, VaultProxy
from tokenguard.errors import ExitCode
from tokenguard.waiting import notify_if_slow

_numbers = itertools.count()


@pytest.fixture
def proxy(openbao):
    with VaultProxy(openbao.port) as proxy:
        yield proxy


@pytest.fixture
def cli(openbao, proxy, sandbox, tmp_path, capfd) -> VaultCommandLine:
    url = f"vault://secret/down{next(_numbers)}"
    made = VaultCommandLine(openbao, sandbox, tmp_path, capfd, url=url, address=proxy.url)
    assert made("init", "--sandbox").code == ExitCode.OK
    assert made.issue().code == ExitCode.OK
    return made


def test_an_operation_that_loses_its_store_says_so_at_once_and_ends_with_the_resume_line(cli, proxy):
    down = []

    def fault(_number: int, asked: Asked) -> Answer | None:
        if asked.method == "POST" and "/cand/" in asked.path:
            down.append(asked)
        return Answer(500) if down else None

    proxy.fault = fault
    answer = cli("rotate", NAME)
    assert down
    assert answer.code == ExitCode.UNREACHABLE
    lines = answer.err.splitlines()
    told = next(number for number, line in enumerate(lines) if "asking again" in line)
    assert told < next(number for number, line in enumerate(lines) if line.startswith("error: "))
    assert f"tokenguard rotate {NAME} --resume" in lines[-1]
    assert lines[-1].startswith("hint: ")
    proxy.clear()
    assert cli("rotate", NAME, "--resume").code == ExitCode.OK


def test_a_store_that_is_down_from_the_start_is_not_waited_for(cli, proxy):
    proxy.fault = lambda _number, _asked: Answer(503)
    resumed = cli("rotate", "--resume")
    assert resumed.code == ExitCode.UNREACHABLE
    assert "--resume" in resumed.err.splitlines()[-1]
    assert "asking again" not in resumed.err
    listed = cli("list")
    assert (listed.code, "--resume" in listed.err) == (ExitCode.UNREACHABLE, False)


def test_who_waits_is_told_once_and_only_if_it_takes_long():
    told = threading.Event()
    with notify_if_slow(told.set, 0.01):
        assert told.wait(30)
    quiet = threading.Event()
    with notify_if_slow(quiet.set, 3600):
        pass
    assert not quiet.is_set()
