"""Tells small texts in ASCII in which no vendor's token is written differently: the part of `clean_text` for these.

It may only err to one side: what `disguised_tokens` finds in a text makes the answer no.
"""

from tokenguard.detection.clean_text_literals import LITERALS

_WORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~:/-"
_GLUES = b"\"'`\\^$#{%&="
_QUOTES = b"\"'`"
_NO_GLUE = (b",", b":", b"]", b">", b"!", b"?")
"""What follows a quote where no other literal of the same string does."""
_MOST_BETWEEN = 400
_LEAST_HEX, _LEAST_ESCAPES, _LEAST_NUMBERS = 40, 6, 20
_IN_ESCAPES = b"0123456789abcdefABCDEFuUxo{};#ampshyzwnjlobrdetic \\"
_LONGEST_ESCAPE = 16
_PARTS = bytes(each if each in _WORD else ord('"') if each in _GLUES else ord(" ") for each in range(256))
_HEX = bytes(each if each in b"0123456789abcdefABCDEF" else ord(" ") for each in range(256))
_BETWEEN_NUMBERS = b" \t\r\n,:;.+&|\"'\\()[]-_$#%xXhHrRwWyYtT"
"""Beside hex digits, all that stands in a list of numbers, `Chr(103)` and the like too."""
_LISTED = bytes(
    each if each in b"0123456789abcdefABCDEF" else ord(" ") if each in _BETWEEN_NUMBERS else ord("!")
    for each in range(256)
)


def may_be_disguised(data: bytes) -> bool:
    """Whether a token may be written differently here; base64 is looked at by `clean_text` itself."""
    if any(each in data for each in LITERALS):
        return True
    if any(len(each) >= _LEAST_HEX for each in data.translate(_HEX).split()):
        return True
    return (
        _has_numbers(data) or any(_has_escapes(data, sign) for sign in (b"\\", b"%", b"&", b"=", b"`")) or _is_cut(data)
    )


def _has_numbers(data: bytes) -> bool:
    """Whether as many numbers of two or three digits stand in a row as a token has characters."""
    return any(
        len(row) >= 3 * _LEAST_NUMBERS - 1 and sum(len(each) in (2, 3) for each in row.split()) >= _LEAST_NUMBERS
        for row in data.translate(_LISTED).split(b"!")
    )


def _has_escapes(data: bytes, sign: bytes) -> bool:
    """Whether enough escapes that begin with this sign follow each other."""
    if data.count(sign) < _LEAST_ESCAPES:
        return False
    row = 0
    for part in data.split(sign)[1:]:
        if part and part[:_LONGEST_ESCAPE].translate(None, _IN_ESCAPES) and row + 1 < _LEAST_ESCAPES:
            row = 0
            continue
        row += bool(part)
        if row >= _LEAST_ESCAPES:
            return True
    return False


def _is_cut(data: bytes) -> bool:
    """Whether the beginning of a token may stand before what joins it with the rest."""
    at = 0
    begun = None
    for part in data.translate(_PARTS).split(b'"')[:-1]:
        at += len(part) + 1
        word = part[part.rfind(b" ") + 1 :]
        if len(word) < 2:  # noqa: PLR2004 - no piece of a token tells less
            continue
        begun = begun or {each[:size] for each in LITERALS for size in range(2, len(each))}
        if word in begun and _may_go_on(data, at):
            return True
    return False


def _may_go_on(data: bytes, at: int) -> bool:
    """Whether a string may go on behind the sign before `at`."""
    if data[at - 1] not in _QUOTES:
        return True
    between = data[at : at + _MOST_BETWEEN].lstrip()
    return between != b"" and not between.startswith(_NO_GLUE)
