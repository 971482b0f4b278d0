"""The signature of a webhook: HMAC-SHA256 over its timestamp, a dot and its raw body, for senders and receivers."""

import hashlib
import hmac

from tokenguard.domain.secret import Secret

SIGNATURE = "X-Tokenguard-Signature"
"""The header of our own webhooks with `sha256=` and 64 hex digits."""
TIMESTAMP = "X-Tokenguard-Timestamp"
"""The header with the time of sending in Unix seconds; it is part of what is signed."""


def signature(secret: Secret, timestamp: str, body: bytes) -> bytes:
    """The 32 bytes of the signature."""
    return hmac.new(secret.reveal().encode(), timestamp.encode() + b"." + body, hashlib.sha256).digest()


def signed_headers(secret: Secret, timestamp: int, body: bytes) -> tuple[tuple[str, str], ...]:
    """The headers that a receiver verifies."""
    return (
        (TIMESTAMP, str(timestamp)),
        (SIGNATURE, f"sha256={signature(secret, str(timestamp), body).hex()}"),
    )
