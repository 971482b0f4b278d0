"""What trails say of approvals and reviews is held against the trails that must have them."""

from datetime import UTC, datetime

import pytest

from tokenguard.audit.chain import Checked
from tokenguard.audit.references import References
from tokenguard.domain.event import Actor, ChainedEvent, ChainHead, Event, Op, extend
from tokenguard.ports.shared_item import Item

AT = datetime(2026, 11, 1, 9, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64


def event(op: Op, **detail: str) -> Event:
    return Event(at=AT, op=op, actor=Actor(id="user:bob"), detail=detail)


def trail(chain: str, *events: Event) -> Checked:
    head, entries = extend(chain, ChainHead(), events)
    return Checked(whose=chain, chain=chain, head=head, broken=None, trail=tuple[ChainedEvent, ...](entries))


APPROVED = event(Op.APPROVE, plan=DIGEST)
FORCED = event(Op.BREAK_GLASS, digest_of_request=DIGEST)
NAMING = {
    Item.APPROVALS: event(Op.OPEN, approved=f"{DIGEST}@{AT.isoformat()}"),
    Item.REQUESTS: event(Op.OPEN, break_glass=DIGEST),
}
MADE = {Item.APPROVALS: APPROVED, Item.REQUESTS: FORCED}


def lacking(*trails: Checked) -> list[str]:
    references = References()
    for each in trails:
        references.note(each)
    return [each.where for each in references.lacking()]


@pytest.mark.parametrize("item", MADE)
def test_what_a_trail_names_must_be_there(item: Item) -> None:
    token = trail("0" * 32, NAMING[item])
    assert lacking(token) == [f"the shared {item}"]
    assert lacking(token, trail(item.chain, event(Op.APPROVE, plan="sha256:" + "b" * 64))) == [f"the shared {item}"]
    assert lacking(token, trail(item.chain, MADE[item])) == []


@pytest.mark.parametrize("item", MADE)
def test_it_must_be_in_its_own_trail(item: Item) -> None:
    assert lacking(trail("0" * 32, NAMING[item]), trail(Item.POLICY.chain, MADE[item])) == [f"the shared {item}"]


@pytest.mark.parametrize("item", MADE)
def test_an_item_that_a_migration_left_behind_is_not_missed(item: Item) -> None:
    """Where it came along, it has its trail."""
    moved = trail("0" * 32, NAMING[item], event(Op.MIGRATE))
    assert lacking(moved) == []
    assert lacking(moved, trail(item.chain, event(Op.MIGRATE))) == [f"the shared {item}"]
    assert lacking(trail("0" * 32, event(Op.MIGRATE), NAMING[item])) == [f"the shared {item}"]
