"""The grammar of names for tokens, scopes, providers and labels."""

import os
import re
from typing import NewType

from tokenguard.errors import InputError
from tokenguard.text import safe_text

TokenName = NewType("TokenName", str)
"""`team/service/env/purpose`-like path of 1 to 6 segments; ASCII lower case; the key people use."""

TokenId = NewType("TokenId", str)
"""Opaque id of a token in a store: 32 lower-case hex digits. Never changes, says nothing."""

Label = NewType("Label", str)
"""Names one value of one token, in the store and (as the token's name) at the provider."""

SEGMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
MAX_SEGMENTS = 6
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
LABEL_LIMIT = 64
"""Characters of a label where the vendor declares no other limit."""
LABEL_PUNCTUATION = "-._"
"""What a label may have besides lower-case letters and digits."""
_RUN = re.compile(r"([-._])[-._]+")
_FIRST_LETTER = "t"
_LABEL_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # without 0, 1, l and o: people read and type labels


def token_name(text: str) -> TokenName:
    """Check a token's name; InputError (exit 2) says what is wrong with it."""
    segments = text.split("/")
    if len(segments) > MAX_SEGMENTS or not all(SEGMENT.fullmatch(segment) for segment in segments):
        raise InputError(
            f"not a token name: {safe_text(text, one_line=True, limit=80)!r}",
            hint="use 1 to 6 segments such as video/publisher/prod/upload: a-z, 0-9, '.', '_', '-', "
            "each starting with a letter or digit, at most 63 characters",
        )
    return TokenName(text)


def segment(text: str, *, what: str) -> str:
    """Check one segment (a provider, an environment, an owner); `what` names it in the error."""
    if not SEGMENT.fullmatch(text):
        raise InputError(
            f"not a valid {what}: {safe_text(text, one_line=True, limit=80)!r}",
            hint="use a-z, 0-9, '.', '_', '-', starting with a letter or digit, at most 63 characters",
        )
    return text


def is_token_id(text: str) -> bool:
    """Whether a text has the form of an id."""
    return _ID.fullmatch(text) is not None


def token_id(text: str) -> TokenId:
    """Check an id that came from outside."""
    if not is_token_id(text):
        raise InputError("not a token id", hint="an id has 32 hexadecimal digits; `tokenguard list` shows names")
    return TokenId(text)


def new_token_id() -> TokenId:
    """Return a random token id."""
    return TokenId(os.urandom(16).hex())


def new_label(
    name: TokenName,
    attempt: int,
    limit: int = LABEL_LIMIT,
    punctuation: str = LABEL_PUNCTUATION,
    *,
    letter_first: bool = False,
) -> Label:
    """Return a unique label for one attempt to create a value of `name`.

    The random part makes it the idempotency key that providers do not offer: a token at the provider that
    carries this name was made by this attempt and by nothing else. People find it in a settings page among hundreds,
    so it is the whole name, shortened to `limit` characters where the vendor takes no more; a nonce of 40 bits, which
    is never shortened; the attempt. Where the vendor takes only some `punctuation`, the first of it replaces the rest.
    Where the vendor wants a letter first, one is put before a digit.
    """
    # 32 letters: five bits of a byte choose one of them evenly
    nonce = "".join(_LABEL_ALPHABET[byte % 32] for byte in os.urandom(8))
    ending = f"-{nonce}-{attempt}"
    first = _FIRST_LETTER if letter_first and not name[0].isalpha() else ""
    label = f"{first}{_stem(name, limit - len(first + ending))}{ending}"
    other = punctuation[:1] or None
    return Label(label.translate({ord(each): other for each in LABEL_PUNCTUATION if each not in punctuation}))


def _stem(name: TokenName, room: int) -> str:
    """The name with dashes; where that is too long, every segment keeps its beginning, the longest lose most.

    Of several characters of punctuation in a row one is left: some services, such as Harbor, refuse them.
    """
    segments = [_RUN.sub(r"\1", segment).rstrip(LABEL_PUNCTUATION) for segment in name.split("/")]
    while len("-".join(segments)) > room and (longest := max(segments, key=len)) and len(longest) > 1:
        place = segments.index(longest)
        segments[place] = longest[:-1].rstrip(".-_")
    return "-".join(segments)[: max(room, 1)].rstrip(".-_")
