"""Sealing of one row: AES-256-GCM under a subkey that no other write ever uses, bound to where the row stands."""

import hashlib
import hmac
import os
from enum import IntEnum, unique

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from tokenguard.frozen import Hidden
from tokenguard.stores.local.length_prefix import damaged, length_prefixed, number

KEY_BYTES = 32
TAG_BYTES = 16
SALT_BYTES = 32
STEP = 256
"""Plaintexts are padded to a multiple of this many bytes, so that a row's size says little."""
_NONCE_BYTES = 12
_LABEL = b"tokenguard/1/"


@unique
class RowKind(IntEnum):
    """What a row holds. The number is stored in plain, and authenticated."""

    DOCUMENT = 1
    NAME = 2
    EVENT = 3
    VALUE = 4
    LIVE = 5
    CHAIN = 6
    KEYS = 7
    HOLDERS = 8
    MOVE = 9
    SHARED = 10


def kind_words(number: int) -> str:
    """What a row holds, for messages: `document`, `event`; a number that is not a kind as it is."""
    try:
        return RowKind(number).name.lower()
    except ValueError:
        return f"unknown ({number})"


class OpenedRow(Hidden, frozen=True, kw_only=True):
    """One opened row. Has no repr: it may hold a value."""

    kind: RowKind
    key: str
    version: int
    """Counts the writes to this key, from 1."""
    data: bytes


class DataKeys(Hidden, frozen=True, kw_only=True):
    """The data key (32 bytes) and what is derived from it. Has no repr: it must not reach a log."""

    data: bytes
    rows: bytes
    tags: bytes
    tree: bytes
    id: bytes
    """Says which data key it is, and nothing about it (16 bytes)."""

    @classmethod
    def derive(cls, data: bytes) -> "DataKeys":
        """All keys of one data key."""
        return cls(
            data=data,
            rows=_expand(data, b"rows", KEY_BYTES),
            tags=_expand(data, b"tags", KEY_BYTES),
            tree=_expand(data, b"tree", KEY_BYTES),
            id=_expand(data, b"id", TAG_BYTES),
        )


class Sealer:
    """Seals and opens the rows of one store under one data key."""

    def __init__(self, keys: DataKeys, store_id: bytes) -> None:
        self.keys = keys
        self.store_id = store_id

    def tag(self, kind: RowKind, key: str) -> bytes:
        """Where the row of `key` stands: a keyed hash, so that names stay unknown (16 bytes)."""
        return hmac.digest(self.keys.tags, length_prefixed(bytes([kind]), key.encode()), hashlib.sha256)[:TAG_BYTES]

    def seal(self, row: OpenedRow, tag: bytes = b"") -> bytes:
        """The row as it is stored: salt, ciphertext, authentication tag. `tag` is its place, if that is known."""
        salt = os.urandom(SALT_BYTES)
        plain = length_prefixed(row.key.encode(), row.data)
        plain += bytes(-len(plain) % STEP)
        cipher, nonce = self._cipher(salt)
        return salt + cipher.encrypt(
            nonce, plain, self._bound(row.kind, tag or self.tag(row.kind, row.key), row.version)
        )

    def open(self, kind: int, tag: bytes, version: int, sealed: bytes) -> OpenedRow:
        """Open what `seal` made for exactly this kind, place and version; Tampered otherwise."""
        cipher, nonce = self._cipher(sealed[:SALT_BYTES])
        try:
            plain = cipher.decrypt(nonce, sealed[SALT_BYTES:], self._bound(kind, tag, version))
            row_kind = RowKind(kind)
        except (InvalidTag, ValueError):
            raise damaged("a row of the store cannot be decrypted") from None
        key, rest = _split_prefixed(plain)
        data, _ = _split_prefixed(rest)
        row = OpenedRow(kind=row_kind, key=key.decode(), version=version, data=data)
        if not hmac.compare_digest(self.tag(row_kind, row.key), tag):
            raise damaged("two rows of the store were swapped")
        return row

    def _bound(self, kind: int, tag: bytes, version: int) -> bytes:
        """The associated data: a row moved to another store, kind, key or version does not open."""
        return length_prefixed(_LABEL + b"row", self.store_id, number(kind), tag, number(version))

    def _cipher(self, salt: bytes) -> tuple[AESGCM, bytes]:
        length = KEY_BYTES + _NONCE_BYTES
        derived = HKDF(algorithm=SHA256(), length=length, salt=salt, info=_LABEL + b"row").derive(self.keys.rows)
        return AESGCM(derived[:KEY_BYTES]), derived[KEY_BYTES:]


def _expand(key: bytes, label: bytes, length: int) -> bytes:
    return HKDFExpand(algorithm=SHA256(), length=length, info=_LABEL + label).derive(key)


def _split_prefixed(data: bytes) -> tuple[bytes, bytes]:
    end = 4 + int.from_bytes(data[:4], "big")
    if len(data) < end:
        raise damaged("a row of the store is cut short")
    return data[4:end], data[end:]
