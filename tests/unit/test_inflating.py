"""What stores keep deflated comes back whole or not at all, and never larger than was agreed on."""

import base64
import zlib
from types import SimpleNamespace

import pytest

from tokenguard.clients.vault.kv import KvEntry
from tokenguard.errors import Tampered
from tokenguard.ports.shared_item import Item
from tokenguard.stores.aws.layout import AwsPlace
from tokenguard.stores.aws.shared_items import AwsSharedItems
from tokenguard.stores.decompress import decompress_limited
from tokenguard.stores.vault.codec import pack_bound
from tokenguard.stores.vault.layout import VaultAddress
from tokenguard.stores.vault.shared_items import VaultSharedItems, _Packed

PLAIN = bytes(range(256)) * 8
WHOLE = zlib.compress(PLAIN)


def test_a_whole_stream_comes_back():
    assert decompress_limited(WHOLE, len(PLAIN)) == PLAIN


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (WHOLE[:-1], len(PLAIN)),
        (WHOLE[: len(WHOLE) // 2], len(PLAIN)),
        (WHOLE + b"x", len(PLAIN)),
        (WHOLE, len(PLAIN) - 1),
        (b"", len(PLAIN)),
        (b"no stream", len(PLAIN)),
    ],
    ids=["last byte missing", "half of it", "more behind it", "too large", "nothing", "something else"],
)
def test_anything_else_is_refused(data: bytes, limit: int):
    with pytest.raises(zlib.error):
        decompress_limited(data, limit)


def test_a_shared_item_that_was_cut_short_is_tampering_and_not_a_shorter_policy():
    cut = WHOLE[: len(WHOLE) // 2]
    secrets = SimpleNamespace(read=lambda _secret: SimpleNamespace(version="v", data=cut))
    entry = KvEntry(version=1, data=pack_bound(_Packed(base64.b64encode(cut).decode()), 1))
    mount = SimpleNamespace(mount="kv", read=lambda _path: entry)
    for shelf in (
        AwsSharedItems(secrets, AwsPlace.parse("aws://eu-central-1/team"), "0" * 32),
        VaultSharedItems(mount, VaultAddress.parse("vault://kv/team"), "0" * 32),
    ):
        with pytest.raises(Tampered):
            shelf.read(Item.POLICY)
