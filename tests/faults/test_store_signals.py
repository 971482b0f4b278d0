"""SIGTERM, SIGHUP and Ctrl-C of what rewrites or copies a whole store: it is the old one or the new one, and goes on."""

import fcntl
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.fakes import frozen_stores
from tests.integration.forked_commands import Ended
from tests.integration.limited_machine import LimitedMachine
from tokenguard.cli.error_handler import run
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.local import restoring
from tokenguard.stores.local.database import Database

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: the unit of memory is Linux's"),
    pytest.mark.usefixtures("unmeasured"),
]
PROGRAM = Path(sys.executable).with_name("tokenguard")
AGAIN = "command again"


@dataclass(frozen=True)
class Work:
    """A command on a whole store."""

    command: tuple[str, ...]
    hint: str
    """What is said after a signal, or a part of it."""
    watched: str = ""
    """The store in which its steps show; empty: it is one step."""
    made: str = ""
    """A file that is there only if it was done."""


WORK = {
    "rekey": Work(("store", "rekey"), AGAIN),
    "rekey with a new recovery code": Work(("store", "rekey", "--recovery-file", "code"), AGAIN, made="code"),
    "backup": Work(("store", "backup", "copy.db"), AGAIN, made="copy.db"),
    "restore": Work(("store", "restore", "before.db", "--yes"), AGAIN),
    "upgrade": Work(("store", "upgrade"), "run `tokenguard store upgrade` again", watched="store"),
    "migrate": Work(("migrate", "--to", "local://AT/new", "--yes"), AGAIN, watched="new"),
}


@dataclass
class World:
    """A store of an earlier version with its tokens and open operations, a backup of it and an empty store beside."""

    machine: LimitedMachine
    at: Path
    environ: dict[str, str]

    def run(self, *arguments: str) -> Ended:
        return self.machine.run(["--no-input", *self._filled(arguments)], self.at, b"", self.environ)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PROGRAM, "--no-input", *self._filled(arguments)], env={**os.environ, **self.environ}, text=True, cwd=self.at,
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def _filled(self, arguments: tuple[str, ...]) -> list[str]:
        return [each.replace("AT", str(self.at)) for each in arguments]

    @contextmanager
    def locked(self, store: str) -> Iterator[None]:
        """As a runner that is at work there."""
        with (self.at / store / "lock").open("r+b") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def files(self) -> list[str]:
        """What stands there, without what a restore keeps."""
        found = (path.relative_to(self.at) for path in self.at.rglob("*") if path.is_file())
        return sorted(str(each) for each in found if each.parts[0] != "state" and "replaced-" not in str(each))

    def names(self, store: str = "store") -> set[str]:
        answer = self.run("--store", f"local://AT/{store}", "list", "--format", "json")
        assert answer.code == 0, answer.err
        return set(re.findall(r'"name": ?"([^"]+)"', answer.out))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> LimitedMachine:
    return LimitedMachine(tmp_path_factory.mktemp("store-signals"))


@pytest.fixture
def world(machine: LimitedMachine, tmp_path: Path) -> World:
    key = frozen_stores.put_local(tmp_path / "store", tmp_path / "state")
    environ = {
        "TOKENGUARD_STORE": f"local://{tmp_path}/store", "TOKENGUARD_KEY_FILE": str(key), "HOME": str(tmp_path),
        "TOKENGUARD_STATE_DIR": str(tmp_path / "state"),
    }  # fmt: skip
    made = World(machine, tmp_path, environ)
    assert made.run("store", "backup", "before.db").code == 0
    assert made.run("--store", "local://AT/new", "init", "--sandbox").code == 0
    return made


def ended(process: subprocess.Popen[str], number: int) -> tuple[str, str]:
    os.kill(process.pid, number)
    try:
        return process.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(("it did not end", process.communicate())) from None


def stopped(process: subprocess.Popen[str], err: str, hint: str) -> None:
    """One error, one hint, the exit code of an interrupt."""
    assert process.returncode == 130, err
    assert [err.count("error: "), err.count("hint: "), err.count("Traceback")] == [1, 1, 0], err
    assert "error: interrupted" in err
    assert hint in err.partition("hint: ")[2], err


def whole(world: World, work: Work, names: set[str]) -> None:
    """The same command goes on, and everything is there once."""
    done = world.run(*work.command)
    assert done.code == 0, done.err
    home = "new" if work.command[0] == "migrate" else "store"
    assert world.names(home) == names
    verified = world.run("--store", f"local://AT/{home}", "audit", "verify")
    assert verified.code == 0, verified.err
    assert not [each for each in world.files() if ".tmp" in each or "restoring" in each or each.endswith("-journal")]
    assert not work.made or (world.at / work.made).exists()


IN_EACH_RUN = {"restore": signal.SIGHUP, "rekey": signal.SIGTERM}
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
CASES = [
    pytest.param(name, number, id=f"{name}, {number.name}", marks=() if IN_EACH_RUN.get(name) is number else pytest.mark.slow)
    for name in WORK
    for number in SIGNALS
]  # fmt: skip


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_signal_while_it_waits_for_its_turn(world: World, name: str, number: signal.Signals):
    """Before the first step, or between two steps where there are several: that is a token of an upgrade or a migration."""
    work, names, before = WORK[name], world.names(), world.files()
    if work.watched:
        database = world.at / work.watched / "store.db"
        state = database.stat().st_mtime_ns
        process = world.start(*work.command)
        until = time.monotonic() + 20
        while database.stat().st_mtime_ns == state and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        with world.locked(work.watched):
            time.sleep(0.3)
            assert process.poll() is None, process.communicate()
            _, err = ended(process, number)
    else:
        with world.locked("store"):
            process = world.start(*work.command)
            time.sleep(1.5)
            assert process.poll() is None, process.communicate()
            _, err = ended(process, number)
        assert world.files() == before
    stopped(process, err, work.hint)
    whole(world, work, names)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", WORK)
def test_a_signal_at_any_moment(world: World, name: str, seed: int):
    """Also while the program starts, and as it ends; what was done is said to be done."""
    work, names, chance = WORK[name], world.names(), random.Random(f"{name} {seed}")
    before, number = world.files(), chance.choice(SIGNALS)
    process = world.start(*work.command)
    time.sleep(chance.uniform(0.05, 1.6))
    _, err = ended(process, number) if process.poll() is None else process.communicate()
    if process.returncode not in {0, 130}:  # Python itself was not up
        assert process.returncode == -number, err
        assert (world.files(), "error: " in err) == (before, False), err
    elif process.returncode == 0:
        if work.made:
            (world.at / work.made).unlink()
        if name == "migrate":
            assert world.names("new") == names
            return
    else:
        assert [err.count("error: interrupted"), err.count("hint: "), err.count("Traceback")] == [1, 1, 0], err
        done = f"the code in {world.at / work.made} opens it", f"the copy {world.at / work.made} is complete"
        if work.made and any(each in err for each in done):
            (world.at / work.made).unlink()
        assert not work.made or not (world.at / work.made).exists(), "it is said to be not done"
    whole(world, work, names)


def test_an_interrupted_backup_leaves_no_file(world: World):
    """A half one would stand in the way of the same command."""

    def copies_half(_self: Database, target: Path) -> None:
        target.write_bytes(b"SQLite format 3\0")
        raise KeyboardInterrupt

    with patch.object(Database, "copy_to", copies_half):
        assert _here(world, "store", "backup", "copy.db") == 130
    assert not (world.at / "copy.db").exists()
    assert world.run("store", "backup", "copy.db").code == 0


def test_an_interrupt_after_a_backup_says_that_the_copy_is_complete(world: World, capfd: pytest.CaptureFixture[str]):
    """The same command would refuse the file that is there."""
    with patch("tokenguard.shell.render.Screen.line", side_effect=KeyboardInterrupt):
        assert _here(world, "store", "backup", "copy.db") == 130
    assert f"the copy {world.at / 'copy.db'} is complete" in capfd.readouterr().err
    assert world.run("store", "restore", "copy.db", "--yes").code == 0


@pytest.mark.parametrize("step", ["make_private_dir", "fsync_dir"])
def test_an_interrupted_restore_leaves_the_store_in_its_place(world: World, step: str):
    """Between the moment at which the old store is taken away and that at which the restored one comes."""
    data, real = (world.at / "store" / "store.db").read_bytes(), getattr(restoring, step)

    def interrupted(path: Path) -> None:
        real(path)
        if "replaced-" in path.name:
            raise KeyboardInterrupt

    with patch.object(restoring, step, interrupted):
        assert _here(world, "store", "restore", "before.db", "--yes") == 130
    assert (world.at / "store" / "store.db").read_bytes() == data
    assert not list((world.at / "store").glob("replaced-*"))
    assert world.run("list").code == 0


def _here(world: World, *arguments: str) -> int:
    """In this process: only its parts can be made to stop at one place."""
    with patch.dict(os.environ, world.environ):
        return run(
            ["--no-input", *(str(world.at / each) if each.endswith(".db") else each for each in arguments)], Wiring()
        )
