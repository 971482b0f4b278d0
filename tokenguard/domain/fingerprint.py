"""Keyed fingerprints: compare and recognise values without storing them.

`HMAC-SHA256(key, SHA-256(value))`, cut to 128 bits. Keyed, so that a leaked inventory cannot be used to test
guesses; over the digest, so that a later key epoch can be computed where only the digest was kept.
"""

import hashlib
import hmac
from typing import NewType

from tokenguard.domain.secret import Value
from tokenguard.frozen import Hidden

Fingerprint = NewType("Fingerprint", str)
"""32 lower-case hex digits."""


class FingerprintKey(Hidden, frozen=True):
    """A store's fingerprint key (32 bytes). A migration keeps it, so fingerprints stay valid."""

    data: bytes


def fingerprint(key: bytes, digest: bytes) -> Fingerprint:
    """The fingerprint under `key` (32 bytes) of a value's `digest()` (32 bytes)."""
    return Fingerprint(hmac.new(key, digest, hashlib.sha256).hexdigest()[:32])


def fingerprint_of(key: bytes, value: Value) -> Fingerprint:
    """The fingerprint of a value at hand."""
    return fingerprint(key, value.digest())
