"""A shared item and its trail come out of one entry as they were put in; anything else is refused, quoting nothing."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.local_stores import event
from tokenguard.domain.event import ChainHead, Op, extend
from tokenguard.ports.shared_item import Item
from tokenguard.stores.shared_item_codec import ItemTrail, packed, unpacked

HEAD, ENTRIES = extend(Item.POLICY.chain, ChainHead(), [event(Op.SHARE, reason="two\nlines")] * 3)
TRAIL = ItemTrail(id=Item.POLICY, chain=HEAD, entries=ENTRIES, blocks=("1/0a1b",))
MARK = b"\0trail\n"


@given(st.binary(max_size=200))
def test_any_bytes_come_back_with_their_trail(data: bytes):
    assert unpacked(packed(TRAIL, data), Item.POLICY, "") == (TRAIL, data)


@given(st.binary(max_size=200).filter(lambda data: not data.startswith(MARK)))
def test_what_lay_there_without_a_trail_is_read_as_it_is(data: bytes):
    assert unpacked(zlib.compress(data), Item.SCAN_KEY, "") == (ItemTrail(id=Item.SCAN_KEY), data)


@pytest.mark.parametrize(
    "plain",
    [
        MARK,
        MARK + b"{}\n",
        MARK + b"tgcanary\ndata",
        MARK + b'{"id":"value"}\n',
        MARK + b'{"id":"fingerprints"}\ndata',
        MARK + b'{"id":"policy","entries":[{}]}\ndata',
        MARK + b"[" * 100_000,
    ],
    ids=["nothing", "no item", "no JSON", "unknown item", "another item", "half an entry", "too deep"],
)
def test_anything_else_is_refused(plain: bytes):
    with pytest.raises(ValueError, match="policy") as caught:
        unpacked(zlib.compress(plain), Item.POLICY, "")
    assert "tgcanary" not in str(caught.value)


def test_what_is_no_stream_is_refused():
    for stored in (b"", b"no stream", zlib.compress(b"{}")[:-1]):
        with pytest.raises(ValueError, match="policy"):
            unpacked(stored, Item.POLICY, "")
