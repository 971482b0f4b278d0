"""`store upgrade`: the frozen stores of an earlier version, in place, killed at every step."""

import json
import os
import signal
import sys
import traceback
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.test_frozen_stores import Frozen, frozen, place  # noqa: F401 - fixtures
from tests.fakes import frozen_stores
from tokenguard.cli.error_handler import run
from tokenguard.domain.document import REVISION
from tokenguard.domain.secret import Value
from tokenguard.frozen import replace
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.local.key_slots import SlotKey
from tokenguard.stores.local.store import open_store


class Killing:
    """A store whose runner is killed right before or after its first commit."""

    def __init__(self, home, when):
        self._home, self._when = home, when

    def __getattr__(self, name):
        return getattr(self._home, name)

    def commit(self, *arguments):
        if self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        made = self._home.commit(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
        return made


def held(store):
    """All that must survive: documents as they are read, trails, every value by its digest."""
    found = {}
    for snapshot in store.scan():
        document, live = snapshot.document, store.read_live(snapshot.id)
        labels = {each.label for each in document.quarantine} | (document.journal.labels if document.journal else set())
        slots = {label: store.read_candidate(snapshot.id, label) for label in sorted(labels)}
        found[snapshot.id] = (
            replace(document, chain=type(document.chain)(), revision=REVISION),
            live and (live.label, live.version, live.value.digest()),
            {label: each.digest() if isinstance(each, Value) else each for label, each in slots.items()},
        )
    return found


def test_an_upgrade_keeps_everything_says_so_and_is_done_once(frozen: Frozen):  # noqa: F811
    before = held(frozen.store)
    trails = {token: tuple(frozen.store.history(token)) for token in before}
    code, out, err = frozen("store", "upgrade", "--plan", "--format", "json")
    assert code == 0, err
    plan = json.loads(out)
    assert (plan["format"], len(plan["older"]), plan["upgraded"]) == (1, len(before), 0)
    assert "alone/app/prod/sole-confirmed" in plan["unproven"]
    assert frozen("store", "upgrade")[0] == 0
    assert held(frozen.store) == before
    for snapshot in frozen.store.scan():
        now = tuple(frozen.store.history(snapshot.id))
        assert now[:-1] == trails[snapshot.id]
        assert (now[-1].event.op, now[-1].event.detail) == ("edit", {"fields": "revision", "revision": REVISION})
    assert {snapshot.document.revision for snapshot in frozen.store.scan()} == {REVISION}
    code, out, _ = frozen("store", "upgrade", "--format", "json")
    assert (code, json.loads(out)["older"]) == (0, [])
    assert frozen("audit", "verify")[0] == 0


@pytest.mark.parametrize(
    ("when", "steps"), [("before", 2), ("after", 9), pytest.param("after", 86, marks=pytest.mark.slow)]
)
def test_an_upgrade_that_is_killed_at_every_step_loses_nothing(place: Path, when: str, steps: int):  # noqa: F811
    around = frozen_stores.surroundings("local")
    frozen_stores.put_local(place / "store", place / "state")
    key = SlotKey.key_file(frozen_stores.local_key())

    def opened():
        return open_store(place / "store", lambda _slots: key, around.clock)

    def upgrade(store):
        wiring = Wiring(environ={"NO_COLOR": "1"})
        wiring.clock, wiring.tty, wiring.store, wiring.store_url = around.clock, None, store, store.url
        return run(("store", "upgrade"), wiring)

    with closing(opened()) as store:
        before = held(store)
    left = len(before)
    assert steps <= left
    for step in range(steps):
        child = os.fork()
        if child == 0:
            try:
                upgrade(Killing(opened(), when))
            except BaseException:  # noqa: BLE001 - the parent sees the code
                traceback.print_exc(file=sys.stderr)
            os._exit(99)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        with closing(opened()) as store:
            older = [each for each in store.scan() if each.document.revision < REVISION]
            if step % 20 == 0:
                assert held(store) == before
        left -= when == "after"
        assert len(older) == left, "a step that was acknowledged is not there, or more than one was taken"
    with closing(opened()) as store:
        assert upgrade(store) == 0
    with closing(opened()) as store:
        assert held(store) == before
        assert all(each.document.revision == REVISION for each in store.scan())
