"""Key slots: what opens them, what does not, and what a hostile file may ask of Argon2id."""

import msgspec
import pytest
from cryptography.hazmat.primitives.kdf import argon2

from tests.fakes.local_stores import CHEAP
from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError, Tampered, Unreachable
from tokenguard.frozen import replace
from tokenguard.stores.local import key_slots
from tokenguard.stores.local.key_slots import Cost, Params, SlotKey, SlotKind, unwrap, wrap
from tokenguard.stores.local.recovery_words import new_recovery_code

STORE = b"s" * 16
DATA = b"d" * 32
PHRASE = Secret("tgcanary correct horse")
CODE = new_recovery_code()
KEYS = {
    "key file": SlotKey.key_file(b"k" * 32),
    "keyring": SlotKey.keyring(b"k" * 32, "store-1"),
    "passphrase": SlotKey.passphrase(PHRASE, CHEAP),
    "recovery": SlotKey.recovery(CODE),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_a_slot_opens_with_its_own_key_and_with_no_other(key: SlotKey):
    slot = wrap(DATA, key, STORE)
    for other in KEYS.values():
        assert unwrap(slot, other, STORE) == (DATA if other is key else None)


def test_the_same_bytes_as_another_kind_do_not_open_a_slot():
    """A key-file slot relabelled `keyring` must not open with the same 32 bytes."""
    slot = replace(wrap(DATA, KEYS["key file"], STORE), kind="keyring")
    assert unwrap(slot, KEYS["keyring"], STORE) is None


def test_wrong_secrets_do_not_open():
    assert unwrap(wrap(DATA, KEYS["key file"], STORE), SlotKey.key_file(b"j" * 32), STORE) is None
    wrong = SlotKey.passphrase(Secret("tgcanary wrong horse"), CHEAP)
    assert unwrap(wrap(DATA, KEYS["passphrase"], STORE), wrong, STORE) is None
    assert unwrap(wrap(DATA, KEYS["recovery"], STORE), SlotKey.recovery(new_recovery_code()), STORE) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda slot: (replace(slot, id="0" * 16), STORE),
        lambda slot: (replace(slot, params=slot.params + " "), STORE),
        lambda slot: (replace(slot, wrapped=bytes(48)), STORE),
        lambda slot: (slot, b"t" * 16),
    ],
    ids=["id", "params", "wrapped", "store"],
)
def test_a_slot_that_was_changed_is_tampering_and_not_a_wrong_key(change):
    slot, store = change(wrap(DATA, KEYS["key file"], STORE))
    with pytest.raises(Tampered):
        unwrap(slot, KEYS["key file"], store)


def test_two_wraps_share_nothing():
    one, two = (wrap(DATA, KEYS["key file"], STORE, "1" * 16) for _ in range(2))
    assert one.salt != two.salt
    assert one.commitment != two.commitment
    assert one.wrapped != two.wrapped


@pytest.mark.parametrize(
    "cost",
    [
        {"memory_kib": (19 << 10) - 1},
        {"memory_kib": (1 << 20) + 1},
        {"memory_kib": 1 << 40},
        {"memory_kib": -1},
        {"passes": 1},
        {"passes": 11},
        {"passes": 10**9},
        {"lanes": 0},
        {"lanes": 17},
    ],
    ids=str,
)
def test_costs_beyond_floor_and_ceiling_are_refused_before_they_run(cost: dict[str, int], monkeypatch):
    with pytest.raises(ValueError, match="cost"):
        Cost(**cost)
    monkeypatch.setattr(argon2, "Argon2id", lambda **_: pytest.fail("ran"))
    whole = {"memory_kib": 65536, "passes": 3, "lanes": 4} | cost
    params = msgspec.json.encode({"account": "", "cost": whole}).decode()
    monkeypatch.setattr(key_slots, "_material", lambda *_: b"m" * 32)
    slot = replace(wrap(DATA, KEYS["key file"], STORE), kind="passphrase", params=params)
    with pytest.raises(Tampered):
        unwrap(slot, KEYS["passphrase"], STORE)


def test_the_default_cost_is_the_documented_one():
    assert Cost() == Cost(memory_kib=64 << 10, passes=3, lanes=4)


def test_argon2id_is_the_standard_one():
    """RFC 9106 has no vector without secret and data; this one is the reference implementation's own test."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    derived = Argon2id(salt=b"somesalt", length=32, iterations=2, lanes=1, memory_cost=65536).derive(b"password")
    assert derived.hex() == "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"


def test_a_passphrase_typed_on_another_system_is_the_same():
    composed, decomposed = Secret("caf\u00e9 tgcanary"), Secret("cafe\u0301 tgcanary")
    slot = wrap(DATA, SlotKey.passphrase(composed, CHEAP), STORE)
    assert unwrap(slot, SlotKey.passphrase(decomposed), STORE) == DATA


def test_a_passphrase_with_a_lone_surrogate_is_a_wrong_one_and_no_crash():
    slot = wrap(DATA, KEYS["passphrase"], STORE)
    assert unwrap(slot, SlotKey.passphrase(Secret("\ud800")), STORE) is None


def test_too_little_memory_is_said(monkeypatch):
    def fails(**_: object):
        raise MemoryError

    monkeypatch.setattr(argon2, "Argon2id", fails)
    with pytest.raises(Unreachable, match="memory"):
        wrap(DATA, KEYS["passphrase"], STORE)


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_key_has_32_bytes(size: int):
    for make in (SlotKey.key_file, lambda key: SlotKey.keyring(key, "a")):
        with pytest.raises(InputError, match="32 bytes"):
            make(bytes(size))


def test_info_says_what_is_needed_and_nothing_secret():
    slot = wrap(DATA, KEYS["keyring"], STORE)
    assert slot.info.kind is SlotKind.KEYRING
    assert slot.info.params == Params(account="store-1")
    assert slot.wrapped.hex() not in repr(slot)
    assert "6b6b6b" not in repr(KEYS["key file"])
