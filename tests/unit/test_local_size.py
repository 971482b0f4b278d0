"""What a large store costs: counted in rows read, not in seconds."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.local_stores import added, document, event, made
from tokenguard.domain.event import Op
from tokenguard.domain.names import new_token_id, token_name
from tokenguard.stores.local import sealing, tree
from tokenguard.stores.local.sealing import RowKind
from tokenguard.stores.local.store import LocalStore

ROWS = 4000


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    store = made(tmp_path / "store")
    with store.session.writing() as work:
        for number in range(ROWS):
            work.rows.put(RowKind.VALUE, f"{number:032x}:label", b"{}")
    return store


@pytest.fixture
def counted(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many leaves are read and how many rows are opened from here on."""
    counts: Counter[str] = Counter()
    stored, open_ = tree.Leaf.stored, sealing.Sealer.open

    def counting_leaf(columns: Sequence[Any]) -> tree.Leaf:
        counts["leaves"] += 1
        return stored(columns)

    def counting_open(self: sealing.Sealer, *arguments: Any) -> sealing.OpenedRow:
        counts["opened"] += 1
        return open_(self, *arguments)

    monkeypatch.setattr(tree.Leaf, "stored", staticmethod(counting_leaf))
    monkeypatch.setattr(sealing.Sealer, "open", counting_open)
    return counts


def test_a_commit_reads_a_small_part_of_the_store(store: LocalStore, counted: Counter[str]):
    store.commit(new_token_id(), 0, document("video/upload"), [event(Op.ADD)])
    assert 0 < counted["leaves"] < ROWS / 20
    assert counted["opened"] <= 3


def test_a_lookup_reads_a_small_part_of_the_store(store: LocalStore, counted: Counter[str]):
    token = added(store, "video/upload")
    for look in (
        lambda: store.load(token),
        lambda: store.find(token_name("video/upload")),
        lambda: store.read_live(token),
    ):
        counted.clear()
        look()
        assert 0 < counted["leaves"] < ROWS / 20
        assert counted["opened"] <= 2


def test_a_listing_proves_every_row_and_opens_no_value(store: LocalStore, counted: Counter[str]):
    for name in ("one", "two"):
        added(store, name)
    counted.clear()
    assert len(list(store.scan())) == 2
    assert counted["leaves"] > ROWS
    assert counted["opened"] == 4
