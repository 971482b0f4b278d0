"""What a large store costs: counted in rows read, not in seconds."""

import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.local_stores import added, document, edited, event, made, opened
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
    return opened(tmp_path / "store")


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


def test_a_lookup_reads_a_small_part_of_the_store(store: LocalStore, counted: Counter[str], tmp_path: Path):
    token = added(store, "video/upload")
    for look in (
        lambda fresh: fresh.load(token),
        lambda fresh: fresh.find(token_name("video/upload")),
        lambda fresh: fresh.read_live(token),
    ):
        fresh = opened(tmp_path / "store")
        counted.clear()
        look(fresh)
        assert 0 < counted["leaves"] < ROWS / 20
        assert counted["opened"] <= 2


def test_a_run_over_all_tokens_reads_each_part_of_the_store_once(store: LocalStore, counted: Counter[str]):
    for number in range(2 * ROWS):
        with store.session.reading() as rows:
            assert rows.leaf(RowKind.VALUE, f"{number % ROWS:032x}:label") is not None
    assert ROWS <= counted["leaves"] < ROWS + 20


def test_a_run_that_writes_reads_each_part_of_the_store_once(store: LocalStore, counted: Counter[str]):
    tokens = [added(store, f"video/upload{number}") for number in range(20)]
    for token in tokens * 10:
        edited(store, store.load(token), secrets.token_hex(4))
    assert counted["leaves"] < 2 * ROWS


def test_what_another_process_wrote_is_read(store: LocalStore, counted: Counter[str], tmp_path: Path):
    token = added(store, "video/upload")
    other = opened(tmp_path / "store")
    assert other.load(token).document.record.purpose == "uploads"
    edited(store, store.load(token), "renders")
    assert other.load(token).document.record.purpose == "renders"
    edited(other, other.load(token), "posts")
    assert store.load(token).document.record.purpose == "posts"


def test_a_listing_proves_every_row_and_opens_no_value(store: LocalStore, counted: Counter[str]):
    for name in ("one", "two"):
        added(store, name)
    counted.clear()
    assert len(list(store.scan())) == 2
    assert counted["leaves"] > ROWS
    assert counted["opened"] == 4
