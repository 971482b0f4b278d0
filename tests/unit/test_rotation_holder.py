"""A runner that is alive on this machine is not taken over from without asking."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import Stage
from tokenguard.errors import NotProvenDead, Unfinished
from tokenguard.frozen import replace
from tokenguard.rotation.lease import is_runner_alive, is_runner_dead


@pytest.fixture
def other():
    """A process of this machine that is not this one."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def left_open(other, *, compromised=False, **changes):
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token, compromised=compromised)
    bench.clock.sleep(timedelta(days=3650).total_seconds())  # the other process began before the journal's last word
    snapshot = bench.store.load(token)
    holder = f"{os.uname().nodename}/{other.pid}/{'0' * 8}"
    journal = replace(snapshot.document.journal, **{"holder": holder, "updated_at": bench.clock.now(), **changes})
    bench.store.commit(token, snapshot.version, replace(snapshot.document, journal=journal), [])
    return bench, token


@pytest.mark.parametrize(("compromised", "error"), [(False, Unfinished), (True, NotProvenDead)])
def test_a_living_runner_is_left_alone(other, compromised, error):
    bench, token = left_open(other, compromised=compromised)
    before = bench.store.load(token)
    for verb in (bench.engine.resume, bench.engine.abort):
        with pytest.raises((Unfinished, error)):
            verb(token)
    assert bench.store.load(token) == before


def test_where_it_was_asked_it_is_taken_over(other):
    bench, token = left_open(other)
    with pytest.raises(NotProvenDead):  # what became of the interrupted attempt is a person's word
        bench.engine.resume(token, from_living=True)
    assert bench.journal(token).stage is Stage.DONE


def test_a_runner_that_has_ended_or_stopped_is_taken_over(other):
    bench, token = left_open(other, waiting_for="a person is needed")
    with pytest.raises(NotProvenDead):
        bench.engine.resume(token)
    assert bench.journal(token).stage is Stage.DONE
    bench, token = left_open(other)
    other.kill()
    other.wait()
    assert is_runner_dead(bench.journal(token).holder)
    with pytest.raises(NotProvenDead):
        bench.engine.resume(token)
    assert bench.journal(token).stage is Stage.DONE


@pytest.mark.skipif(sys.platform != "linux", reason="the start of a process is read from /proc")
def test_a_younger_process_of_the_same_id_is_another_one(other):
    bench, token = left_open(other)
    assert is_runner_alive(bench.journal(token))
    older = replace(bench.journal(token), updated_at=bench.clock.now() - timedelta(days=36500))
    assert not is_runner_alive(older)


@pytest.mark.parametrize("holder", ["elsewhere/1/x", "HOST/PID/x", "nonsense", ""])
def test_of_other_machines_and_of_ourselves_nothing_is_held_against_a_resume(other, holder):
    holder = holder.replace("HOST", os.uname().nodename).replace("PID", str(os.getpid()))
    bench, token = left_open(other, holder=holder)
    assert not is_runner_alive(bench.journal(token))
