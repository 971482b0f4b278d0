"""The authenticated tree: 256 buckets of leaves, and a root that vouches for all of them. Pure.

A read needs one bucket and the root, and a write changes only the buckets it touches.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Any

from tokenguard.frozen import Frozen
from tokenguard.stores.local.length_prefix import damaged, length_prefixed, number
from tokenguard.stores.local.sealing import TAG_BYTES

BUCKETS = 256
DIGEST_BYTES = 32
_LABEL = b"tokenguard/1/tree/"


class Leaf(Frozen, frozen=True, gc=False):
    """One row as the tree knows it. `body` says where its bytes are and needs no proof: the digest has it."""

    tag: bytes
    kind: int
    version: int
    digest: bytes
    body: int

    @classmethod
    def stored(cls, columns: Sequence[Any]) -> "Leaf":
        """A leaf as SQLite returns it; Tampered if a column holds what we never write there."""
        tag, kind, version, digest, body = columns
        counts = isinstance(kind, int) and isinstance(version, int) and isinstance(body, int)
        blobs = isinstance(tag, bytes) and isinstance(digest, bytes)
        if not (counts and blobs and (len(tag), len(digest)) == (TAG_BYTES, DIGEST_BYTES)):
            raise damaged("an entry of the store's tree is malformed")
        return cls(tag, kind, version, digest, body)

    @property
    def encoded(self) -> bytes:
        """What the bucket's digest covers; of fixed length."""
        return self.tag + number(self.kind) + number(self.version) + self.digest


class Head(Frozen, frozen=True, kw_only=True):
    """The whole store at one moment, in a few values."""

    store_id: bytes
    key_id: bytes
    generation: int
    """Counts the commits, from 1."""
    slots: bytes
    """Digest of the key slots."""
    buckets: bytes
    """The digests of the 256 buckets, joined."""

    def root(self, key: bytes) -> bytes:
        """The MAC under the tree's key (32 bytes)."""
        parts = (self.store_id, self.key_id, number(self.generation), self.slots, self.buckets)
        return hmac.digest(key, length_prefixed(_LABEL + b"root", *parts), hashlib.sha256)


def bucket_of(tag: bytes) -> int:
    """Which bucket a tag falls in."""
    return tag[0]


def bucket_digest(leaves: Iterable[Leaf]) -> bytes:
    """The digest of one bucket; `leaves` in the order of their tags."""
    return digest_of([leaf.encoded for leaf in leaves])


def digest_of(encoded: Iterable[bytes]) -> bytes:
    """The digest of one bucket from its encoded leaves, in their order."""
    return hashlib.sha256(b"".join((_LABEL + b"bucket", *encoded))).digest()


EMPTY = bucket_digest(()) * BUCKETS
"""The buckets of a store without a row."""


def digest_in(buckets: bytes | bytearray, bucket: int) -> bytes:
    """The digest of one bucket out of all."""
    return bytes(buckets[bucket * DIGEST_BYTES : (bucket + 1) * DIGEST_BYTES])
