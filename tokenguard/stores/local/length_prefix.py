"""Unambiguous concatenation of byte strings, for hashing and authentication."""

import struct

from tokenguard.errors import Tampered

RESTORE = "restore a backup: tokenguard store restore FILE"


def length_prefixed(*parts: bytes) -> bytes:
    """Concatenate `parts`, each prefixed with its length (4 bytes, big endian), so that the result is unambiguous."""
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])


def number(value: int) -> bytes:
    """A count as 8 bytes; Tampered if it is not one (SQLite lets any column hold anything)."""
    try:
        return struct.pack(">Q", value)
    except struct.error:
        raise damaged("a stored number is out of range") from None


def damaged(what: str) -> Tampered:
    """The error for stored bytes that are not what was written."""
    return Tampered(what, hint=RESTORE)
