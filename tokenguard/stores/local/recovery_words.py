"""The recovery code: 160 random bits as people can print, read out and type back."""

import hashlib
import os

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
_BYTES = 20
_DIGITS = 32
_CHECK_DIGITS = 3
_GROUP = 5
_BITS = 5


def new_recovery_code() -> Secret:
    """A fresh code: seven groups of five, the last three characters being a checksum."""
    raw = os.urandom(_BYTES)
    digits = _encode(int.from_bytes(raw, "big"), _DIGITS) + _checksum(raw)
    return Secret("-".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP)))


def recovery_bytes(code: Secret) -> bytes:
    """Return the 20 bytes of a typed code; ignores case, dashes and spaces, and reads O as 0 and I or L as 1.

    Raises:
        InputError: it is not a recovery code, or has a typing mistake. Never quotes it.
    """
    digits = "".join(code.reveal().upper().replace("-", " ").split()).translate(_MISREAD)
    if len(digits) != _DIGITS + _CHECK_DIGITS or any(digit not in _ALPHABET for digit in digits):
        raise InputError("not a recovery code", hint="it has seven groups of five letters and digits")
    raw = _decode(digits[:_DIGITS]).to_bytes(_BYTES, "big")
    if _checksum(raw) != digits[_DIGITS:]:
        raise InputError("the recovery code has a typing mistake", hint="compare it with the printed one")
    return raw


def _checksum(raw: bytes) -> str:
    digest = hashlib.sha256(b"tokenguard/1/recovery" + raw).digest()
    return _encode(int.from_bytes(digest[:2], "big") >> 1, _CHECK_DIGITS)


def _encode(number: int, digits: int) -> str:
    return "".join(_ALPHABET[number >> (_BITS * place) & 31] for place in reversed(range(digits)))


def _decode(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number << _BITS | _ALPHABET.index(digit)
    return number
