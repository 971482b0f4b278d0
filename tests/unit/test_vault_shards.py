"""The index of a store at 100,000 tokens: its shards fit into entries, so that an inventory is a few requests there too."""

import os

import msgspec

from tests.unit.rotation_bench import Bench
from tokenguard.clients.vault.kv import KvEntry
from tokenguard.domain.document import Document, encode
from tokenguard.domain.names import new_token_id, token_name
from tokenguard.stores.vault.layout import SHARDS
from tokenguard.stores.vault.shards import IndexRow, pack_shard, unpack_shard

TOKENS = 100_000
FULL = -(-TOKENS // SHARDS) * 11 // 10
"""Rows of a shard, with a tenth more than its share."""


def rotated() -> Document:
    """A document after two rotations: with a journal, attempts, handovers, proof and a value in quarantine."""
    bench = Bench()
    token, _ = bench.add()
    for _ in range(2):
        bench.engine.rotate(token)
    return bench.document(token)


def test_a_shard_of_a_hundred_thousand_rotated_tokens_fits_into_one_entry():
    plain = encode(rotated()).decode()
    journal = msgspec.json.decode(plain)["journal"]
    random = [journal["id"], *{part for part in journal["holder"].split("/") if len(part) > 7}]
    prints = {each for each in plain.split('"') if len(each) in {32, 64} and set(each) <= set("0123456789abcdef")}
    rows = []
    for number in range(FULL):
        text = plain
        for known in {*random, *prints}:
            text = text.replace(known, os.urandom(len(known)).hex()[: len(known)])
        name = token_name(f"team{number % 40}/service{number}/prod/{os.urandom(3).hex()}")
        rows.append(
            IndexRow(name=name, token=new_token_id(), version=40, busy=False, document=msgspec.Raw(text.encode()))
        )
    packed = pack_shard(rows)
    assert packed is not None, "it would be read token by token"
    assert len(msgspec.json.encode(packed)) < 1 << 20, "more than an entry of Raft holds"
    assert unpack_shard(KvEntry(version=1, data=packed)).keys() == {row.token for row in rows}
