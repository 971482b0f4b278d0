"""One sealed row opens in exactly one place, at one version, in one store, under one key."""

import os
from collections.abc import Callable
from itertools import product

import pytest

from tokenguard.errors import Tampered
from tokenguard.stores.local import sealing
from tokenguard.stores.local.length_prefix import length_prefixed
from tokenguard.stores.local.sealing import STEP, DataKeys, OpenedRow, RowKind, Sealer

STORE = b"s" * 16
KEYS = DataKeys.derive(b"k" * 32)
ROW = OpenedRow(kind=RowKind.VALUE, key="token:label", version=3, data=b"tgcanary-value")


def refuses(sealer: Sealer, sealed: bytes, kind: int, tag: bytes, version: int) -> bool:
    try:
        sealer.open(kind, tag, version, sealed)
    except Tampered:
        return True
    return False


def accepted_contexts(sealer: Sealer) -> list[str]:
    """Every wrong context in which a sealed row still opens: must be empty."""
    sealed, tag = sealer.seal(ROW), sealer.tag(ROW.kind, ROW.key)
    other_store, other_key = Sealer(KEYS, b"t" * 16), Sealer(DataKeys.derive(b"j" * 32), STORE)
    tries = {
        "older version": (sealer, ROW.kind, tag, 2),
        "newer version": (sealer, ROW.kind, tag, 4),
        "other kind": (sealer, RowKind.DOCUMENT, tag, 3),
        "unknown kind": (sealer, 99, tag, 3),
        "other key": (sealer, ROW.kind, sealer.tag(ROW.kind, "token:other"), 3),
        "other kind's tag": (sealer, ROW.kind, sealer.tag(RowKind.DOCUMENT, ROW.key), 3),
        "other store": (other_store, ROW.kind, other_store.tag(ROW.kind, ROW.key), 3),
        "other data key": (other_key, ROW.kind, other_key.tag(ROW.kind, ROW.key), 3),
    }
    return [what for what, (door, *context) in tries.items() if not refuses(door, sealed, *context)]


def test_a_row_opens_where_it_was_sealed():
    sealer = Sealer(KEYS, STORE)
    assert sealer.open(ROW.kind, sealer.tag(ROW.kind, ROW.key), 3, sealer.seal(ROW)) == ROW


def test_a_row_opens_in_no_other_context():
    assert accepted_contexts(Sealer(KEYS, STORE)) == []


MUTANTS: dict[str, tuple[Callable[..., bytes], str]] = {
    "version left out": (
        lambda self, kind, tag, _: length_prefixed(self.store_id, bytes([kind]), tag),
        "older version",
    ),
    "store left out": (
        lambda _, kind, tag, version: length_prefixed(bytes([kind]), tag, bytes([version])),
        "other store",
    ),
}


@pytest.mark.parametrize(("mutant", "caught_by"), MUTANTS.values(), ids=MUTANTS.keys())
def test_a_mutant_that_binds_less_is_caught(
    monkeypatch: pytest.MonkeyPatch, mutant: Callable[..., bytes], caught_by: str
):
    """The test of the test."""
    monkeypatch.setattr(Sealer, "_bound", mutant)
    assert caught_by in accepted_contexts(Sealer(KEYS, STORE))


def test_every_flipped_bit_and_every_cut_is_refused():
    sealer = Sealer(KEYS, STORE)
    sealed, tag = sealer.seal(ROW), sealer.tag(ROW.kind, ROW.key)
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        assert refuses(sealer, bytes(changed), ROW.kind, tag, 3)
    for size in range(len(sealed)):
        assert refuses(sealer, sealed[:size], ROW.kind, tag, 3)


def test_no_two_writes_share_a_key_a_nonce_or_a_byte_pattern():
    sealer = Sealer(KEYS, STORE)
    sealed = {sealer.seal(ROW) for _ in range(100)}
    assert len({each[: sealing.SALT_BYTES] for each in sealed}) == 100
    assert all(b"tgcanary" not in each and b"token" not in each for each in sealed)


@pytest.mark.parametrize("size", [0, 1, 100, 230, 237, 238, 239, 500, 4096])
def test_the_size_of_a_row_says_little(size: int):
    sealer = Sealer(KEYS, STORE)
    row = OpenedRow(kind=RowKind.VALUE, key="k", version=1, data=os.urandom(size))
    sealed = sealer.seal(row)
    assert (len(sealed) - sealing.SALT_BYTES - 16) % STEP == 0
    assert sealer.open(row.kind, sealer.tag(row.kind, row.key), 1, sealed) == row


def test_tags_differ_by_kind_and_key_and_do_not_depend_on_how_they_join():
    sealer = Sealer(KEYS, STORE)
    tags = {sealer.tag(kind, key) for kind, key in product(RowKind, ("a", "b", "ab", "", "a:b"))}
    assert len(tags) == len(RowKind) * 5
    assert sealer.tag(RowKind.NAME, "a") == Sealer(KEYS, b"t" * 16).tag(RowKind.NAME, "a")


def test_a_sealed_row_that_lies_about_its_key_is_refused(monkeypatch: pytest.MonkeyPatch):
    """Sealed with the right key under another row's tag: only a bug of ours could write it."""
    sealer = Sealer(KEYS, STORE)
    wrong = sealer.tag(RowKind.VALUE, "another")
    with monkeypatch.context() as patched:
        patched.setattr(Sealer, "tag", lambda *_: wrong)
        sealed = sealer.seal(ROW)
    assert refuses(sealer, sealed, ROW.kind, wrong, 3)


def test_keys_and_opened_rows_have_no_repr():
    assert "tgcanary" not in f"{ROW!r} {ROW}"
    assert "kkkk" not in repr(KEYS)
    assert KEYS.data.hex() not in repr(KEYS)


def test_framing_is_unambiguous():
    lists = [(b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"abc", b""), (b"", b"abc"), ()]
    assert len({length_prefixed(*parts) for parts in lists}) == len(lists)
