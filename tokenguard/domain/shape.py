"""Rejects values that cannot be a token of any provider; finer checks belong to the provider."""

import re
import unicodedata

from tokenguard.errors import InputError

MIN_LENGTH = 8
MAX_LENGTH = 4096
_PAIR = re.compile(r"dx_bearer_[^:]+:dx_secret_[^:]+", re.ASCII)
_PLAIN = re.compile(r"[!-~]+")
"""Text that surely has no white space and no control character."""
_HALF = re.compile(r"dx_(?:bearer|secret)_", re.ASCII)


def check_value(text: str) -> str:
    """Return `text` if it may be stored as a token's field; InputError (exit 2, never quoting it) otherwise."""
    if not text:
        raise InputError("the value is empty", hint="paste the token exactly as the provider showed it")
    if not _PLAIN.fullmatch(text) and any(char.isspace() or unicodedata.category(char)[0] in "CZ" for char in text):
        raise InputError(
            "the value holds white space or control characters",
            hint="paste the token alone, in one line, exactly as the provider showed it",
        )
    if len(text) < MIN_LENGTH or len(text.encode()) > MAX_LENGTH:
        raise InputError(
            f"the value is not between {MIN_LENGTH} and {MAX_LENGTH:,} bytes long",
            hint="check that the whole token was given, and nothing else",
        )
    if _HALF.search(text) and not _PAIR.fullmatch(text):
        raise InputError(
            "the value is one half of a Descript token",
            hint="copy the whole token: both parts, with the colon between them",
        )
    return text
