"""Generates the forms of a value in text: encoded, quoted, escaped, or split in lines or halves.

Pure string work. Every form is as secret as the value itself; none is shorter than `MIN_LENGTH` bytes.
"""

import base64
import codecs
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from enum import StrEnum, unique
from urllib.parse import quote, quote_plus

from tokenguard.domain.shape import MIN_LENGTH

_MIN_DISTINCT = 5
# Words of one case with two digits at most; in a UUID, a group of such letters is chance.
_PUBLIC_START = re.compile(
    r"(?:(?![0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-)(?:[a-z]{2,12}|[A-Z]{2,12})[0-9]{0,2}[_-]){1,4}|(?:hv[sb]|dp\.pt|SG)\."
)
_HALVES = re.compile(r":(?=[a-z]{2}_[a-z]{2,12}_)")
_ARMOUR = re.compile(r"-----[A-Z0-9 ]+-----")


@unique
class Encoding(StrEnum):
    """An encoding of a value."""

    RAW = "raw"
    HALF = "half"
    """One half of a `dx_bearer_…:dx_secret_…` pair."""
    LINE = "line"
    """One line of a value of several lines."""
    BASE64 = "base64"
    HEX = "hex"
    UTF16 = "utf-16"
    URL = "url"
    JSON = "json"
    SOURCE = "source"
    """A literal of a programming language: Python, C, Go."""
    SHELL = "shell"
    MARKUP = "markup"
    CASE = "case"
    """All upper or all lower case."""
    NORMAL = "normalised"
    PART = "part"
    """A piece of a value that was cut for display."""


def forms(value: str) -> dict[bytes, Encoding]:
    """Every form of `value` with its kind, the plainest kind winning where two coincide.

    Args:
        value: the value, of any length and alphabet; halves and lines of it are forms too.
    """
    found: dict[bytes, Encoding] = {}
    for form, text in _spellings(value):
        _add(found, form, _utf8(text))
    for kind, part in ((Encoding.RAW, value), *((Encoding.HALF, half) for half in parts_of_pair(value))):
        _add(found, kind, _utf8(part))
        for form, data in _encodings(part):
            _add(found, form, data)
    return found


def byte_forms(value: str) -> Iterator[tuple[bytes, Encoding]]:
    """Forms that write a value byte by byte, or encode it twice: rarer than `forms`, and longer."""
    data = _utf8(value)
    lower, numbers = data.hex(" "), list(map(str, data))
    for begin, glue, end, form in _BYTE_BY_BYTE:
        yield from ((f"{begin}{text.replace(' ', glue)}{end}".encode(), form) for text in (lower, lower.upper()))
    yield ",".join(numbers).encode(), Encoding.SOURCE
    yield ("\\" + "\\".join(f"{byte:03o}" for byte in data)).encode(), Encoding.SOURCE
    if value.isascii():
        yield f"&#{';&#'.join(numbers)};".encode(), Encoding.MARKUP
    wide = value.encode("utf-16-le", "surrogatepass").hex()
    yield from ((text.encode(), Encoding.UTF16) for text in (wide, wide.upper()))
    cores = dict.fromkeys(base64_cores(data))
    for core in cores:
        yield from ((text.encode(), Encoding.HEX) for text in (core.hex(), core.hex().upper()))
    for inner in (*cores, data.hex().encode()):
        yield from ((core, Encoding.BASE64) for core in base64_cores(inner))


def parts_of_pair(value: str) -> tuple[str, ...]:
    """The parts of a pair such as `dx_bearer_…:dx_secret_…`; empty for a value that is not a pair."""
    parts = tuple(_HALVES.split(value))
    return parts if len(parts) > 1 else ()


def public_start(value: str) -> str:
    """The beginning of a value that says who issued it and is not a secret (`sk-social-`), or nothing."""
    found = _PUBLIC_START.match(value)
    return found[0] if found else ""


def base64_cores(data: bytes) -> Iterator[bytes]:
    """What base64 of any text that holds `data` must hold: for each offset, the digits that `data` alone decides.

    The digit before and the one after may hold up to four bits of `data` besides those of its neighbours.
    """
    for phase in range(3):
        first, after = -(-8 * phase // 6), 8 * (phase + len(data)) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * phase + data)[first:after]


def _add(found: dict[bytes, Encoding], form: Encoding, data: bytes) -> None:
    if len(data) >= MIN_LENGTH:
        found.setdefault(data, form)


def _encodings(value: str) -> Iterator[tuple[Encoding, bytes]]:
    """Forms of the bytes of a value."""
    data, wide = _utf8(value), value.encode("utf-16-le", "surrogatepass")
    yield from ((Encoding.BASE64, core) for core in base64_cores(data))
    yield from ((Encoding.HEX, text.encode()) for text in (data.hex(), data.hex().upper()))
    yield from ((Encoding.UTF16, each) for each in (wide, value.encode("utf-16-be", "surrogatepass")))
    yield from ((Encoding.BASE64, core) for core in base64_cores(wide))


def _spellings(value: str) -> Iterator[tuple[Encoding, str]]:
    """Forms that quote, escape or fold the characters of a value."""
    yield Encoding.RAW, value
    yield Encoding.RAW, value.strip()
    for text in {value, *_lines(value)}:
        for form, spell in _SPELLINGS:
            yield form, spell(text)
    yield from ((Encoding.LINE, line) for line in _lines(value))
    if "\n" in value:
        rows = value.splitlines()
        yield from ((Encoding.LINE, between.join(rows)) for between in ("\r\n", " ", ""))
        yield from ((Encoding.BASE64, core.decode()) for core in base64_cores(_utf8("\r\n".join(rows))))


def _lines(value: str) -> tuple[str, ...]:
    """The lines of a value of several lines that are secret by themselves: not armour, not trivial."""
    if "\n" not in value:
        return ()
    stripped = (line.strip() for line in value.splitlines())
    return tuple(
        line
        for line in stripped
        if len(line) >= MIN_LENGTH and len(set(line)) >= _MIN_DISTINCT and not _ARMOUR.fullmatch(line)
    )


def _lower_percent(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


def _json(text: str, *, ascii_only: bool = True) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _json_for_html(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" if char in "<>&'+=/" else _json(char) for char in text)


def _bytes_repr(text: str) -> str:
    return repr(_utf8(text))[2:-1]


def _hex_escaped(text: str) -> str:
    """What C and Go print: printable ASCII as it is, everything else in hexadecimal."""
    return codecs.escape_encode(_utf8(text))[0].decode().replace("\\'", "'").replace('"', '\\"')


def _backslashed(text: str) -> str:
    return re.sub(r"([^\w@%+=:,./~-])", r"\\\1", text)


def _entities(text: str, quotes: tuple[str, str]) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")  # `html` takes long to import
    return escaped.replace('"', quotes[0]).replace("'", quotes[1])


_SPELLINGS: tuple[tuple[Encoding, Callable[[str], str]], ...] = (
    (Encoding.URL, lambda text: quote(_utf8(text), safe="")),
    (Encoding.URL, lambda text: quote(_utf8(text), safe="/")),
    (Encoding.URL, lambda text: quote_plus(_utf8(text))),
    (Encoding.URL, lambda text: _lower_percent(quote(_utf8(text), safe=""))),
    (Encoding.URL, lambda text: _lower_percent(quote_plus(_utf8(text)))),
    (Encoding.URL, lambda text: quote(quote(_utf8(text), safe=""), safe="")),
    (Encoding.URL, lambda text: quote(_utf8(text), safe="~()*!'/:@$&+,;=")),
    (Encoding.JSON, _json),
    (Encoding.JSON, lambda text: _json(text, ascii_only=False)),
    (Encoding.JSON, lambda text: _json(text).replace("/", "\\/")),
    (Encoding.JSON, lambda text: _json(text, ascii_only=False).replace("/", "\\/")),
    (Encoding.JSON, lambda text: _json(_json(text))),
    (Encoding.JSON, _json_for_html),
    (Encoding.SOURCE, lambda text: repr(text)[1:-1]),
    (Encoding.SOURCE, lambda text: repr(repr(text)[1:-1])[1:-1]),
    (Encoding.SOURCE, _bytes_repr),
    (Encoding.SOURCE, _hex_escaped),
    (Encoding.SOURCE, lambda text: ascii(text)[1:-1]),
    (Encoding.SHELL, lambda text: text.replace("'", "'\"'\"'")),
    (Encoding.SHELL, lambda text: text.replace("'", "'\\''")),
    (Encoding.SHELL, lambda text: text.replace("\\", "\\\\").replace("'", "\\'")),
    (Encoding.SHELL, lambda text: re.sub(r'([$`"\\])', r"\\\1", text)),
    (Encoding.SHELL, _backslashed),
    (Encoding.SHELL, lambda text: re.sub(r"([&|<>^])", r"^\1", text)),
    (Encoding.SHELL, lambda text: text.replace("$", "$$")),
    (Encoding.SHELL, lambda text: text.replace("`", "``")),
    (Encoding.MARKUP, lambda text: _entities(text, ("&quot;", "&#x27;"))),
    (Encoding.MARKUP, lambda text: _entities(text, ("&#34;", "&#39;"))),
    (Encoding.MARKUP, lambda text: _entities(text, ("&quot;", "&apos;"))),
    (Encoding.MARKUP, lambda text: _entities(text, ('"', "'"))),
    (Encoding.CASE, str.upper),
    (Encoding.CASE, str.lower),
    (Encoding.NORMAL, lambda text: unicodedata.normalize("NFC", text)),
    (Encoding.NORMAL, lambda text: unicodedata.normalize("NFD", text)),
    (Encoding.NORMAL, lambda text: unicodedata.normalize("NFKC", text)),
)


_BYTE_BY_BYTE = (
    ("%", "%", "", Encoding.URL),
    ("\\x", "\\x", "", Encoding.SOURCE),
    ("\\\\x", "\\\\x", "", Encoding.SOURCE),
    ("\\u00", "\\u00", "", Encoding.JSON),
    ("&#x", ";&#x", ";", Encoding.MARKUP),
    ("", ":", "", Encoding.HEX),
    ("", "-", "", Encoding.HEX),
    ("", ",", "", Encoding.HEX),
    ("0x", ",0x", "", Encoding.SOURCE),
)
"""What stands before, between and behind the hexadecimal digits of the bytes."""


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
