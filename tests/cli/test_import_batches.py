"""Many tokens in a local store: imports commit whole records in batches, and examinations read each row once."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command_line import CommandLine
from tests.fakes.local_stores import document, event, made, opened
from tests.fakes.world import canary
from tokenguard.delivery.dotenv import DotenvDelivery
from tokenguard.domain.event import Op
from tokenguard.domain.names import new_token_id, token_name
from tokenguard.domain.token import RecordState
from tokenguard.errors import Conflict, Unreachable
from tokenguard.stores.local.anchor import Anchor
from tokenguard.stores.local.sealing import OpenedRow, RowKind, Sealer
from tokenguard.stores.local.store import LocalStore
from tokenguard.usecases import import_file

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # test runners have threads
TOKENS, BATCH = 11, 4
STORES_OWN = 2
"""Entries of the store's own trail: that it was made, and its key."""
AT_COMMITS = [(commit, moment) for commit in (1, 2, 3) for moment in ("prepare", "write", "written")]


@pytest.fixture
def home(cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(import_file, "_BATCH", BATCH)
    cli.store = made(tmp_path / "store")
    rows = [f"t/n{number:02},manual,org:o,prod,t,p,{canary()}" for number in range(TOKENS)]
    Path("tokens.csv").write_text("\n".join(["name,provider,scope,env,owner,purpose,value", *rows]))
    yield tmp_path / "store"
    cli.store.close()


def whole(store: LocalStore) -> list[str]:
    """The names of the tokens, each of which has to be complete."""
    assert not list(store.check())
    for snapshot in store.scan():
        found = snapshot.document
        assert (found.busy, found.record.state) == (False, RecordState.ACTIVE), found.record.name
        assert store.read_live(snapshot.id) is not None, found.record.name
        assert [each.event.op for each in store.history(snapshot.id)][-1] is Op.DONE
    return [snapshot.document.record.name for snapshot in store.scan()]


def killed(cli: CommandLine, commit: int, moment: str) -> int:
    """Import in a process that is killed at this commit: before it is durable, before its anchor is, behind that."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    seen, real = iter(range(1, 100)), getattr(Anchor, "prepare" if moment == "prepare" else "write")

    def dying(anchor: Anchor, state: object) -> None:
        last = next(seen) == commit
        if last and moment != "written":
            os.kill(os.getpid(), signal.SIGKILL)
        real(anchor, state)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(Anchor, real.__name__, dying)
    cli("import", "tokens.csv")
    os._exit(9)


@pytest.mark.parametrize(("commit", "moment"), AT_COMMITS)
def test_a_kill_leaves_whole_records_and_a_second_run_completes(cli, home, commit, moment):
    assert killed(cli, commit, moment) == -signal.SIGKILL
    done = min(TOKENS, BATCH * (commit if moment != "prepare" else commit - 1))
    left = opened(home)
    assert len(whole(left)) == done
    left.close()
    answer = cli("import", "tokens.csv", "--format", "json")
    assert answer.code == 0, answer
    assert (len(answer.document["added"]), len(answer.document["duplicate"])) == (TOKENS - done, done)
    assert len(whole(cli.store)) == TOKENS


def test_an_import_is_one_commit_for_each_batch(cli, home, monkeypatch):
    commits = []
    real = Anchor.write
    monkeypatch.setattr(Anchor, "write", lambda anchor, state: (commits.append(state), real(anchor, state)))
    assert cli("import", "tokens.csv").code == 0
    assert len(commits) == -(-TOKENS // BATCH)


@pytest.mark.parametrize("error", [KeyboardInterrupt, Unreachable("the disk is full", hint="make room")])
def test_only_what_is_durable_is_told(cli, home, monkeypatch, error):
    steps = iter(range(100))
    real = LocalStore.publish

    def publish(*given):
        if next(steps) == BATCH + 2:
            raise error
        return real(*given)

    monkeypatch.setattr(LocalStore, "publish", publish)
    answer = cli("import", "tokens.csv")
    assert (answer.code, f"{BATCH} added" in answer.out) == (130 if error is KeyboardInterrupt else 4, True), answer
    assert len(whole(cli.store)) == BATCH


def test_a_refused_token_does_not_undo_its_batch(cli, home):
    lines = Path("tokens.csv").read_text().splitlines()
    Path("tokens.csv").write_text("\n".join([*lines[:3], lines[2].rpartition(",")[0] + f",{canary()}", *lines[3:]]))
    answer = cli("import", "tokens.csv", "--format", "json")
    assert (answer.code, len(answer.document["added"]), len(answer.document["refused"])) == (1, TOKENS, 1)
    assert len(whole(cli.store)) == TOKENS


def test_a_token_with_a_delivery_is_imported_alone(cli, home, monkeypatch):
    """Another process can read that it will be delivered before it is."""
    lines = Path("tokens.csv").read_text().splitlines()
    rows = [f"{row},{'dotenv:app.env#V' if number == 2 else ''}" for number, row in enumerate(lines[1:6])]
    Path("tokens.csv").write_text("\n".join([f"{lines[0]},deliver", *rows]))
    seen = []
    real = DotenvDelivery.push

    def push(*given):
        other = opened(home)
        seen.extend(each.event.op for each in other.history(other.find(token_name("t/n02")).id))
        other.close()
        return real(*given)

    monkeypatch.setattr(DotenvDelivery, "push", push)
    assert cli("import", "tokens.csv").code == 0
    assert seen[-1] is Op.DELIVER
    assert len(whole(cli.store)) == 5


def test_others_have_the_store_between_two_batches(cli, home, monkeypatch):
    """With the lock held from one batch to the next, a process that waits for it would hardly ever get it."""
    answers = []
    real = cli.clock.sleep

    def sleep(seconds: float) -> None:
        other = opened(home)
        answers.append(len(list(other.scan())))
        other.close()
        real(seconds)

    monkeypatch.setattr(cli.store.session.clock, "sleep", sleep)
    assert cli("import", "tokens.csv").code == 0
    assert answers == [4, 8, 11]


def test_a_store_that_another_process_changed_between_two_batches_is_read_again(home):
    store, other = opened(home), opened(home)
    with store.batch():
        first = store.commit(new_token_id(), 0, document("t/a"), [event(Op.ADD)])
    other.commit(first.id, 1, document("t/b"), [event(Op.EDIT)])
    with store.batch(), pytest.raises(Conflict):
        store.commit(first.id, 1, document("t/c"), [event(Op.EDIT)])
    assert whole_names(store) == ["t/b"]


def whole_names(store: LocalStore) -> list[str]:
    assert not list(store.check())
    return [snapshot.document.record.name for snapshot in store.scan()]


@pytest.mark.parametrize(
    "command", ["audit verify", "doctor", "fingerprints publish own.bundle --key-file scan.key --create-key"]
)
def test_an_examination_opens_each_row_of_a_token_once(cli, home, monkeypatch, command):
    assert cli("import", "tokens.csv").code == 0
    read: Counter[bytes] = Counter()
    real = Sealer.open

    def counting(sealer: Sealer, kind: int, tag: bytes, *given: Any) -> OpenedRow:
        read[tag] += kind in {RowKind.DOCUMENT, RowKind.NAME, RowKind.EVENT, RowKind.VALUE, RowKind.LIVE}
        return real(sealer, kind, tag, *given)

    monkeypatch.setattr(Sealer, "open", counting)
    public = ["--public-code", "tokens.csv"] if "publish" in command else []
    cli(*command.split(), *public)
    assert len(+read) >= 4 * TOKENS
    assert sum(each > 1 for each in read.values()) <= STORES_OWN
