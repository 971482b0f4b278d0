"""Tells small texts in ASCII in which no vendor's token is written differently: the part of `clean_text` for these.

It may only err to one side: what `disguised_tokens` finds in a text makes the answer no.
"""

from tokenguard.detection.clean_text_literals import INNER, LITERALS, SIGNED, UNSIGNED

_WORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~:/-"
_GLUES = b"\"'`\\^$#{%&="
_QUOTES = b"\"'`"
_NO_GLUE = (b",", b":", b"]", b">", b"!", b"?")
"""What follows a quote where no other literal of the same string does."""
_MOST_BETWEEN = 400
_LEAST_HEX, _LEAST_ESCAPES, _LEAST_NUMBERS = 40, 6, 20
_IN_ESCAPES = b"0123456789abcdefABCDEFuUxo{};#ampshyzwnjlobrdetic \\"
_LONGEST_ESCAPE = 16
_OF_WORD = tuple([bytes((each,)) for each in _WORD])
_PARTS = bytes(each if each in _WORD else ord('"') if each in _GLUES else ord(" ") for each in range(256))
_RUN = _WORD + b"+"
_IN_WORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_STEMS = tuple([each[:-1] + b"%" for each in SIGNED])
"""Beginnings whose last sign stands in an address as an escape."""
_IN_BASE64 = SIGNED + UNSIGNED + INNER
_VISIBLE = bytes(range(32, 128))
_BEHIND, _IN_A_ROW, _LEAST_ZEROS = 8, 12, 12
_ENDS_OF_ADDRESS = b"0: ", b"0:\t", b"0  ", b"0 \t", b"0\t"
"""What stands behind the address of a row in a dump."""
_OF_ESCAPE = b"2", b"3", b"4", b"5", b"6", b"7", b"u", b"\r", b"\n", b" ", b"\t"
_FILL = b" \t+.&|^*~()[]${}\\\r\n\"'`<>"
_PREFIXES = b"fFrRbBuU@Lnt"
_LEAST_ADDRESS = 4
_STANDARD = bytes.maketrans(b"-_", b"+/")
_OF_DUMP = b"0123456789abcdefABCDEFx:"
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
        _has_numbers(data)
        or any(_has_escapes(data, sign) for sign in (b"\\", b"%", b"&", b"=", b"`"))
        or _is_cut(data)
        or _is_cut_short(data)
        or _has_characters(data)
        or _is_dump(data)
    )


def holds_short(run: bytes) -> bool:
    """Whether base64 may be of a token with a short beginning, or of text in UTF-16: `run` is some, a space between."""
    from binascii import a2b_base64

    for offset in range(4):
        parts = (each[offset:] for each in run.translate(_STANDARD).split())
        read = a2b_base64(b"////".join(each[: len(each) & ~3] for each in parts))
        if read.count(0) >= _LEAST_ZEROS or any(_is_before_text(read, each) for each in _IN_BASE64):
            return True
    return False


def _is_before_text(read: bytes, literal: bytes) -> bool:
    at = read.find(literal)
    while at >= 0:
        if not read[at : at + len(literal) + _BEHIND].translate(None, _VISIBLE):
            return True
        at = read.find(literal, at + 1)
    return False


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


def _is_cut_short(data: bytes) -> bool:
    """The same for beginnings that need more behind them, and for those with an escape of addresses in them."""
    if b"%" in data and any(each in data for each in _STEMS):
        return True
    return (
        any(_is_cut_behind(data, each, 0) for each in SIGNED)
        or any(_is_cut_behind(data, each, _BEHIND) for each in UNSIGNED)
        or any(_is_cut_behind(data, each, _BEHIND, begins=False) for each in INNER)
    )


def _is_cut_behind(data: bytes, literal: bytes, behind: int, *, begins: bool = True) -> bool:
    at = data.find(literal)
    while at >= 0:
        end = at + len(literal)
        word = data[end : end + behind]
        within = begins and data[at - 1 : at] in _OF_WORD if at else False
        if not within and len(word) == behind and not word.translate(None, _IN_WORD):
            while end < len(data) and data[end] in _RUN:
                end += 1
            if _joins(data, end):
                return True
        at = data.find(literal, at + 1)
    return False


def _joins(data: bytes, at: int) -> bool:
    """Whether the sign at this place may be between two parts of a token."""
    sign = data[at : at + 1]
    if sign in (b"%", b"="):
        return data[at + 1 : at + 2] in _OF_ESCAPE
    if sign not in (b"'", b'"', b"`"):
        return sign != b"" and sign in b"\\$#{^<&"
    rest = data[at + 1 : at + _MOST_BETWEEN]
    if sign == b"`" and rest[:1] in (b"\r", b"\n"):
        return True
    between = rest.replace(b'"', b"'").replace(b"`", b"'").partition(b"'")
    if not between[1]:
        return False
    fill, behind = between[0].translate(None, _FILL), rest[len(between[0]) + 1 :]
    return (
        not fill.strip(_PREFIXES)
        or any(each in between[0] for each in (b"#", b"//", b"--", b"/*"))
        or any(each in between[0] for each in (b"+=", b".=", b"&=", b"|=", b"<<", b"(", b"+", b"&", b"|"))
        or (fill.endswith(b"=") and behind.startswith(b"$"))
    )


def _has_characters(data: bytes) -> bool:
    """Whether as many single characters stand in a list."""
    return any(
        data.count(quote + b",") >= _IN_A_ROW - 1 and _longest_list(data.split(quote)) >= _IN_A_ROW
        for quote in (b"'", b'"', b"`")
    )


def _longest_list(parts: list[bytes]) -> int:
    longest = row = 0
    for each in parts:
        single = len(each.strip(b"\\")) == 1 and each.strip(b"\\") != b","
        row = row + 1 if single else row if each.strip(b" \t\r\n\\") == b"," else 0
        longest = max(longest, row)
    return longest


def _is_dump(data: bytes) -> bool:
    """Whether a line has an address and bytes in hex."""
    if not any(each in data for each in _ENDS_OF_ADDRESS):
        return False
    words = (line.split(None, 1) for line in data.replace(b"\r", b"\n").split(b"\n"))
    return any(
        len(each) > 1 and len(each[0]) >= _LEAST_ADDRESS and not each[0].translate(None, _OF_DUMP) for each in words
    )
