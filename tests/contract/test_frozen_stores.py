"""Stores that an earlier version wrote open, and everything in them goes on: local, OpenBao, AWS.

The stores are those of `tests/data/frozen`, which are never regenerated. Each holds the same tokens in every state, with
operations stopped at every stage. Beside the store stands the world as it was: what the providers knew at that moment.
"""

import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import frozen_stores, vault_stores
from tests.fakes.frozen_stores import KINDS, PREFIX, FrozenVendors, Surroundings
from tests.fakes.secrets_manager import stores as aws_stores
from tests.fakes.world import ScriptedOperator
from tokenguard.cli.error_handler import run
from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.journal import Mode, Stage
from tokenguard.domain.names import token_name
from tokenguard.domain.secret import Value
from tokenguard.domain.token import RecordState
from tokenguard.rotation.machine import ORDER, can_abort, revoke_intended
from tokenguard.shell.opened_stores import close_store
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.adopted import adopting
from tokenguard.stores.aws.store import open_store as open_on_aws
from tokenguard.stores.local.key_slots import SlotKey
from tokenguard.stores.local.store import open_store
from tokenguard.stores.vault.layout import VaultAddress

TOKENS = 86
OPEN = 54
ABORTABLE = 33
READING = {
    (0,): (
        "list --due", "rotate --due --plan", "runbook video/app/prod/upload", "policy pull",
        "fingerprints pull --from store",
    ),
    (0, 1): ("check", "report"),
}  # fmt: skip
NOT_OPEN: set[tuple[Mode, Stage]] = {(Mode.REVOKE_AGAIN, Stage.REVOKED), (Mode.REVOKE_AGAIN, Stage.DEAD)}
"""Where no operation stands."""
WAITS_FOR_ITS_VALUE = "open/add/prod/open"
STUCK = {
    WAITS_FOR_ITS_VALUE, "open/waiting/prod/undeclared", "alone/app/prod/dead-open", "alone/app/prod/dead-settled",
}  # fmt: skip
ALIVE_BUT_CALLED_DEAD = "video/app/prod/retired-alive"
"""Its death was "proven" while the provider answered 401 to all; nobody had revoked it."""
WITHOUT_CONTROL = {
    ALIVE_BUT_CALLED_DEAD,
    "alone/app/prod/sole",
    "alone/app/prod/dead-open",
    "alone/app/prod/dead-settled",
}
"""Nothing was accepted meanwhile, and the value is still kept."""


@dataclass
class Frozen:
    """One frozen store, thawed for one test."""

    kind: str
    around: Surroundings
    reopen: Callable[[], Any]
    capfd: pytest.CaptureFixture[str]

    def __post_init__(self) -> None:
        self.vendors = FrozenVendors(self.around.world)
        self.store = adopting(self.reopen(), lambda: self.around.places)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """A command with the right person at hand, on the store as another process would open it."""
        sys.stdin = io.TextIOWrapper(io.BytesIO())
        wiring = Wiring(environ={"NO_COLOR": "1"})
        wiring.clock, wiring.tty, wiring.places = self.around.clock, None, self.around.places
        wiring.store, wiring.store_url = adopting(self.reopen(), lambda: self.around.places), self.store.url
        wiring.vendors, wiring.deliveries = self.vendors, self.around.deliveries
        wiring.operator = ScriptedOperator(self.around.world)
        try:
            code = run(arguments, wiring)
        finally:
            close_store(wiring.store)
        shown = self.capfd.readouterr()
        return code, shown.out, shown.err

    def document(self, name: str) -> Document:
        return self.snapshot(name).document

    def snapshot(self, name: str) -> Snapshot:
        found = self.store.find(token_name(name))
        assert found is not None, name
        return found

    def alive(self, value: Value) -> bool:
        made = self.around.world.of_value(value.token.reveal())
        return made is not None and self.around.world.alive(made)

    def busy(self) -> list[str]:
        return [each.document.record.name for each in self.store.scan() if each.document.busy]


@pytest.fixture(params=KINDS)
def frozen(request: pytest.FixtureRequest, place: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Frozen]:
    """For a test that writes."""
    yield from _thawed(request, place, capfd, fresh=True)


@pytest.fixture(params=KINDS)
def untouched(request: pytest.FixtureRequest, place: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Frozen]:
    """For tests that only read: filling an OpenBao takes seconds, so that they share one."""
    yield from _thawed(request, place, capfd, fresh=False)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    for name, value in aws_stores.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def _thawed(request: pytest.FixtureRequest, place: Path, capfd: Any, *, fresh: bool) -> Iterator[Frozen]:
    around = frozen_stores.surroundings(request.param)
    reopen = {"local": _local, "openbao": _openbao, "aws": _aws}[request.param](request, around, place, fresh)
    thawed = Frozen(request.param, around, reopen, capfd)
    yield thawed
    close_store(thawed.store)


def _local(_request: pytest.FixtureRequest, around: Surroundings, place: Path, _fresh: bool) -> Callable[[], Any]:
    frozen_stores.put_local(place / "store", place / "state")
    key = SlotKey.key_file(frozen_stores.local_key())
    return lambda: open_store(place / "store", lambda _slots: key, around.clock)


_read_only: dict[str, str] = {}
"""The mount that tests which only read have in common, by server."""


def _openbao(request: pytest.FixtureRequest, _around: Surroundings, _place: Path, fresh: bool) -> Callable[[], Any]:
    server = request.getfixturevalue("openbao")
    if fresh or server.url not in _read_only:
        mount = server.new_mount()
        frozen_stores.put_openbao(server, mount)
        if not fresh:
            _read_only[server.url] = mount
    else:
        mount = _read_only[server.url]
    return lambda: vault_stores.opened(
        VaultAddress(mount=mount, prefix=PREFIX), vault_stores.connection(server.url, server.root_token)
    )


def _aws(request: pytest.FixtureRequest, around: Surroundings, _place: Path, _fresh: bool) -> Callable[[], Any]:
    server = request.getfixturevalue("fake_aws")
    server.service.now = lambda: around.clock.now().timestamp()
    frozen_stores.put_aws(server)
    return lambda: open_on_aws(aws_stores.place(server, PREFIX), aws_stores.client(server), around.clock)


def test_all_three_hold_the_same_tokens(untouched: Frozen):
    documents = [snapshot.document for snapshot in untouched.store.scan()]
    assert len(documents) == TOKENS
    states = Counter(document.record.state for document in documents)
    assert states == {"active": 66, "pending": 11, "retired": 6, "unclaimed": 3}
    stages = {(document.journal.mode, document.journal.stage) for document in documents if document.busy}
    known = {mode: order for mode, order in ORDER.items() if mode is not Mode.IN_PLACE}  # made since
    assert {(mode, stage) for mode, order in known.items() for stage in order if not stage.ended} - stages == NOT_OPEN
    assert len(untouched.busy()) == OPEN


def test_every_token_is_listed_and_shown(untouched: Frozen):
    code, out, _ = untouched("list", "--format", "json")
    assert code == 0
    names = [snapshot.document.record.name for snapshot in untouched.store.scan()]
    listed = {each["name"] for each in json.loads(out)["tokens"]}
    assert listed <= set(names)
    assert len(listed) >= TOKENS - 6  # the retired ones are shown on demand
    for name in names:
        assert untouched("show", name)[0] == 0, name


def test_the_trails_are_whole(untouched: Frozen):
    code, out, err = untouched("audit", "verify")
    assert code == 0, out + err
    assert untouched("audit", "log", "video/app/prod/often")[0] == 0


def test_what_only_reads_works_and_destroys_nothing(untouched: Frozen):
    before = _kept(untouched)
    for codes, arguments in READING.items():
        for line in arguments:
            code, out, err = untouched(*line.split())
            assert code in codes, (line, out + err)
    assert _kept(untouched) == before


def test_what_is_live_is_what_the_provider_accepts(untouched: Frozen):
    for snapshot in untouched.store.scan():
        record, live = snapshot.document.record, untouched.store.read_live(snapshot.id)
        journal = snapshot.document.journal
        dying = snapshot.document.busy and journal is not None and revoke_intended(journal)
        if live is None or record.state is RecordState.RETIRED or dying:
            continue
        assert untouched.alive(live.value), record.name


def test_the_values_of_deaths_without_a_control_are_still_kept(untouched: Frozen):
    kept = _kept(untouched)
    for name in WITHOUT_CONTROL:
        snapshot = untouched.snapshot(name)
        labels = [each.label for each in snapshot.document.quarantine]
        if snapshot.document.busy:
            labels = [snapshot.document.journal.old.label]
        assert labels, name
        assert all((name, label) in kept for label in labels), name


def test_deaths_on_record_without_a_control_are_unproven_when_read(untouched: Frozen):
    for name in {*WITHOUT_CONTROL, "alone/app/prod/sole-confirmed"}:
        document = untouched.document(name)
        proofs = [each.proof for each in document.quarantine] + [document.journal.proof]
        assert {proof.grade.value for proof in proofs} == {"unproven"}, name


def test_every_operation_that_can_be_is_resumed_to_its_end(frozen: Frozen):
    code, out, err = frozen("rotate", "--resume")
    assert code in {3, 5}, out + err
    assert set(frozen.busy()) <= STUCK
    assert WAITS_FOR_ITS_VALUE in frozen.busy()
    _holds(frozen)


SAID = ("open/guided/prod/mint", "open/issue/prod/guided")
"""What was made for them, or may have been, is only said to be gone: no end of that is clean."""
ALIVE = "video/app/prod/alive-again-busy"
"""An old value of it was accepted again while the operation was open."""


def test_every_operation_that_can_be_is_aborted(frozen: Frozen):
    undone = [
        each.document.record.name
        for each in frozen.store.scan()
        if each.document.busy and each.document.journal is not None and can_abort(each.document.journal)
    ]
    assert len(undone) >= ABORTABLE
    codes = {name: frozen("rotate", name, "--abort", "--reason", "given up")[0] for name in undone}
    assert {name: code for name, code in codes.items() if code} == dict.fromkeys((*SAID, ALIVE), 5)
    assert not set(undone) & set(frozen.busy())
    assert frozen("rotate", ALIVE, "--resume")[0] == 0
    _holds(frozen)


def test_later_looks_go_on(frozen: Frozen):
    frozen.around.clock.sleep(2 * 86_400)
    code, out, err = frozen("verify", "--all")
    assert code in {0, 1, 4, 5}, out + err
    assert frozen("audit", "verify")[0] == 0
    _keeps_what_is_unproven(frozen)


def test_upkeep_goes_on_with_all_of_it_and_destroys_no_value_without_a_control(frozen: Frozen):
    frozen.around.clock.sleep(40 * 86_400)
    code, out, err = frozen("upkeep", "--format", "json")
    assert code in {3, 4, 5}, out + err
    done = {each["duty"] for each in json.loads(out)["duties"]}
    assert {"resume", "rotate", "verify", "consumers"} <= done
    assert frozen("audit", "verify")[0] == 0
    _keeps_what_is_unproven(frozen)


def _keeps_what_is_unproven(frozen: Frozen) -> None:
    """A value of a death without a control is there as long as no later look with a control has confirmed it."""
    kept = _kept(frozen)
    for name in WITHOUT_CONTROL:
        snapshot = frozen.snapshot(name)
        for each in snapshot.document.quarantine:
            assert (name, each.label) in kept, name
    alive = frozen.snapshot(ALIVE_BUT_CALLED_DEAD)
    made = next(each for each in frozen.around.world.made.values() if "retired-alive" in each.label)
    if frozen.around.world.alive(made):
        assert [name for name, _ in kept if name == ALIVE_BUT_CALLED_DEAD], alive.document.record.name


def _kept(frozen: Frozen) -> set[tuple[str, str]]:
    """The values that the store holds of operations and in quarantine, by token and label."""
    found = set()
    for snapshot in frozen.store.scan():
        document = snapshot.document
        labels = {each.label for each in document.quarantine} | (document.journal.labels if document.journal else set())
        held = {label for label in labels if isinstance(frozen.store.read_candidate(snapshot.id, label), Value)}
        found |= {(document.record.name, label) for label in held}
    return found


def _holds(frozen: Frozen) -> None:
    """Afterwards: what is served is alive, what is called dead on good grounds is dead, every event is in its chain."""
    for snapshot in frozen.store.scan():
        document, live = snapshot.document, frozen.store.read_live(snapshot.id)
        if document.busy:
            continue
        if live is not None and document.record.state is not RecordState.RETIRED:
            assert frozen.alive(live.value), document.record.name
        for each in document.quarantine:
            held = frozen.store.read_candidate(snapshot.id, each.label)
            if each.proof.control and not each.alive_again:
                assert isinstance(held, Value)
                assert not frozen.alive(held), document.record.name
    code, out, err = frozen("audit", "verify")
    assert code == 0, out + err
