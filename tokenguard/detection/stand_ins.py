"""Values that only stand for a secret: placeholders, rows of the alphabet, repeated pieces, and published keys."""

import re
from itertools import pairwise

_STAND_IN = re.compile(
    r"(?i)example|your[-_]?|placeholder|change[-_]?me|replace|dummy|x{6}|0{8}|12345678|insert|todo|\.{3}|secrets\.|environ"
)
_FILLED_UP = re.compile(r"[-_.]?[#*x.]{4}")
_LEAST_DISTINCT = 8
_LONGEST_ROW, _LONGEST_ROW_OF_LETTERS = 11, 8
_LONGEST_PIECE = 4
_PUBLISHED = frozenset(
    (
        "095101cf732c298a",
        "0b476bdf9acf2123",
        "2037abcaffb2b777",
        "27a9a42931dff7eb",
        "34d464f64a851dff",
        "37f8f09bdf12c2f2",
        "3a8b61d0f636b007",
        "3f370c9dd8225c63",
        "424742fc6538f5e7",
        "49f777db995e8260",
        "4c98242dcadc8b29",
        "53fe277c7b483940",
        "578592185588730b",
        "58f5b51b4b236ec8",
        "60a09e4357868c1e",
        "7f75367e78812551",
        "8335c55334821eef",
        "8731261cb72d8626",
        "a19f89ab3555eac1",
        "a6a72fb29e3985c6",
        "a6c814bc555ae62c",
        "b26ab6529d20ebeb",
        "b295b46eca7f6cf2",
        "bb4978fbe7638de8",
        "bc1a50966c9e6486",
        "cf4d418ed3de92d7",
        "dc0fcf046c61640c",
        "e4a5542bb7fd7b67",
        "ea9bb1082cf95663",
        "eb540d2b6ee2a0a4",
        "f56e323494a6ffc2",
    )
)
"""The first 16 digits of the SHA-256 of keys in public programs of their vendors, such as a browser, and of examples in
standards and tutorials (RFC 7617, jwt.io, the accounts of Hardhat's, Anvil's and Ganache's test chains)."""


def stands_for_another(value: str) -> bool:
    """Whether it is a word that stands for a token."""
    return len(set(value)) < _LEAST_DISTINCT or _STAND_IN.search(value) is not None


def is_in_a_row(value: str, least: int = _LONGEST_ROW) -> bool:
    """Whether so many characters follow each other in the alphabet, among the digits, or are the same."""
    row = 1
    for before, after in pairwise(value.lower()):
        row = row + 1 if 0 <= ord(after) - ord(before) <= 1 or before + after == "90" else 1
        if row >= least:
            return True
    return False


def is_typed(value: str) -> bool:
    """Whether it has a long row, or its letters are one: `a1B2c3…`, `abc123def456…`."""
    letters = "".join(filter(str.isalpha, value))
    return is_in_a_row(value) or is_in_a_row(letters, _LONGEST_ROW_OF_LETTERS)


def goes_on_filled_up(after: str) -> bool:
    """Whether what follows a value stands for the rest of it."""
    return _FILLED_UP.match(after) is not None


def repeats(value: str) -> bool:
    """Whether it is a short piece three times or more."""
    most = min(_LONGEST_PIECE, len(value) // 3)
    return any(value == (value[:size] * len(value))[: len(value)] for size in range(1, most + 1))


def is_published(value: str) -> bool:
    """Whether its vendor publishes it, so that it opens nothing which is not open."""
    import hashlib  # few texts hold what has a vendor's form

    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16] in _PUBLISHED
