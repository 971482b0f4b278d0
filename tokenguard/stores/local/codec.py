"""What the rows hold, as JSON: values and tombstones, live pointers, chain heads, the store's own keys."""

import os
from typing import TypeVar

import msgspec

from tokenguard.domain.names import Label, TokenId
from tokenguard.domain.secret import Value
from tokenguard.frozen import Frozen, Hidden, field
from tokenguard.ports.store import Tombstone
from tokenguard.stores.local.length_prefix import damaged

_Content = TypeVar("_Content")
KEYS_ROW = "store"
"""Where the store's own keys are."""


class LivePointer(Frozen, frozen=True, kw_only=True):
    """Which candidate is live; the version grows with every publish and withdrawal."""

    version: int = 0
    label: Label | None = None


class StoreKeys(Hidden, frozen=True, kw_only=True, omit_defaults=True):
    """Keys as old as the store: a rekey must change neither fingerprints nor the proof of anchors."""

    fingerprint: bytes = field(default_factory=lambda: os.urandom(32))
    anchor: bytes = field(default_factory=lambda: os.urandom(32))
    identity: bytes = b""
    """16 bytes that tell a restored copy from the store it is a copy of; empty: the store's own id."""


class _Slot(Hidden, frozen=True, kw_only=True):
    """Bytes, not text: a value may hold what UTF-8 cannot."""

    fields: dict[str, bytes] | None = None
    tombstone: Tombstone | None = None


def encode(content: object) -> bytes:
    """Any of these contents as JSON."""
    return msgspec.json.encode(content, order="deterministic")


def decode(data: bytes, kind: type[_Content]) -> _Content:
    """Read what `encode` wrote; Tampered for anything else (never quoting it)."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise damaged("a row of the store has content that tokenguard never writes") from None


def encode_slot(content: Value | Tombstone) -> bytes:
    """A candidate slot's content."""
    if isinstance(content, Tombstone):
        return encode(_Slot(tombstone=content))
    return encode(_Slot(fields=content.encoded()))


def decode_slot(data: bytes) -> Value | Tombstone:
    """Read what `encode_slot` wrote."""
    slot = decode(data, _Slot)
    if slot.tombstone is not None:
        return slot.tombstone
    if not slot.fields:
        raise damaged("a value of the store is empty")
    return Value.decoded(slot.fields)


def candidate_key(token: TokenId, label: Label) -> str:
    """The key of one candidate's row."""
    return f"{token}:{label}"
