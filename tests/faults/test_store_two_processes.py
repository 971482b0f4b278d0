"""Several processes on one embedded store at once: no false alarm, no lost update, no two winners."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.local_stores import KEY, LABEL, document, edited, event, made
from tokenguard.domain.event import Op
from tokenguard.domain.names import Label, TokenId, new_token_id
from tokenguard.domain.secret import Value
from tokenguard.errors import Conflict
from tokenguard.shell.clock import SystemClock
from tokenguard.stores.local.store import LocalStore, open_store

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # test runners have threads
WRITERS = 3
ROUNDS = 12


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    store = made(tmp_path / "store")
    store.commit(TokenId("1" * 32), 0, document("shared"), [event(Op.ADD)])
    store.close()
    return tmp_path / "store"


def join(home: Path) -> LocalStore:
    return open_store(home, lambda _slots: KEY, SystemClock())


def in_processes(*acts: Callable[[], object]) -> list[int]:
    """Run each act in a forked process; returns exit codes (0 fine, 1 raised)."""
    children = []
    for act in acts:
        child = os.fork()
        if child == 0:
            code = 0
            try:
                act()
            except BaseException:  # noqa: BLE001 - shown by the parent's assertion
                traceback.print_exc(file=sys.stderr)
                code = 1
            os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def test_writers_and_readers_never_raise_a_false_alarm(home: Path):
    def write() -> None:
        store = join(home)
        for number in range(ROUNDS):
            store.commit(new_token_id(), 0, document(f"p{os.getpid()}/n{number}"), [event(Op.ADD)])

    def count_up() -> None:
        store = join(home)
        done = 0
        while done < ROUNDS:
            try:
                edited(store, store.load(TokenId("1" * 32)))
                done += 1
            except Conflict:
                continue

    def read() -> None:
        for _ in range(ROUNDS):
            list(join(home).scan())

    assert in_processes(*[write] * (WRITERS - 1), count_up, count_up, read) == [0] * 5
    store = join(home)
    assert len(list(store.scan())) == 1 + (WRITERS - 1) * ROUNDS
    assert store.load(TokenId("1" * 32)).version == 1 + 2 * ROUNDS
    assert len(store.history(TokenId("1" * 32))) == 1 + 2 * ROUNDS
    assert list(store.check()) == []


@pytest.mark.parametrize("what", ["slot", "publish", "name", "make"])
def test_of_many_who_try_one_wins(home: Path, tmp_path: Path, what: str):
    token = TokenId("1" * 32)
    for number in range(WRITERS):
        join(home).put_candidate(token, Label(f"candidate-{number}"), Value.of(f"tgcanary-{number}"))

    def attempt(number: int) -> Callable[[], object]:
        def act() -> object:
            if what == "make":
                return made(tmp_path / "fresh")
            store = join(home)
            if what == "slot":
                return store.put_candidate(token, LABEL, Value.of(f"tgcanary-of-{number}"))
            if what == "publish":
                return store.publish(token, Label(f"candidate-{number}"), 0)
            return store.commit(new_token_id(), 0, document("wanted"), [event(Op.ADD)])

        return act

    codes = in_processes(*(attempt(number) for number in range(WRITERS)))
    assert sorted(codes) == [0, 1, 1]
    assert list(join(home).check()) == []
