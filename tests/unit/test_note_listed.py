"""What a list shows before a revoke is recorded for each token from one reading of the list."""

from types import SimpleNamespace

import pytest

from tokenguard.domain.event import Op
from tokenguard.rotation.absence import listed_under, note_listed


class Listing:
    """An issuer whose list is counted, and a session that keeps what is committed."""

    def __init__(self, *listed: str) -> None:
        self.listed_ids, self.reads, self.events = listed, 0, []
        self.context = SimpleNamespace(store=SimpleNamespace(history=lambda _token: self.events))
        self.snapshot = SimpleNamespace(id="0" * 32)

    def listed(self) -> SimpleNamespace:
        self.reads += 1
        return SimpleNamespace(holds=lambda each: each in self.listed_ids, named=lambda _label: (), tokens=())

    def event(self, op: Op, **detail: str) -> SimpleNamespace:
        return SimpleNamespace(event=SimpleNamespace(op=op, detail=detail))

    def commit(self, event: SimpleNamespace) -> None:
        self.events.append(event)


@pytest.mark.parametrize("ids", [["a"], ["a", "b"], ["a", "b", "c", ""]])
def test_the_list_is_read_once_for_all_tokens_and_not_again(ids):
    world = Listing("a", "b", "c")
    for _ in range(2):
        note_listed(world, world, ids, "label")
    assert world.reads == 1
    assert [each.event.detail["provider_id"] for each in world.events] == [each for each in ids if each]


def test_without_ids_nothing_is_read():
    world = Listing()
    note_listed(world, world, [""], "label")
    assert world.reads == 0


def test_other_tokens_are_read_only_for_rows_that_may_be_theirs():
    """On a server that is tens of requests, and a proof asks for each token: here is no store to read."""
    session = SimpleNamespace(record=SimpleNamespace(provider_id="b"), journal=SimpleNamespace(attempts=()))
    row = SimpleNamespace(provider_id="b", label="label")
    for rows in ((), (row,)):
        assert listed_under(session, SimpleNamespace(rows=rows), "a", "label") == []
