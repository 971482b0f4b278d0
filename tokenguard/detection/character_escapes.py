"""Characters that are written as escapes: of programming languages, URLs, HTML, quoted-printable, and of Unicode.

Each kind of escape has a gate of a few bytes, so that a file without it costs one search.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from html.entities import html5

from tokenguard.detection.decoded_view import DecodedView, holds_any, view_of
from tokenguard.detection.regex_set import Regex, regex
from tokenguard.frozen import Frozen

CHARACTERS = r"A-Za-z0-9_.~:+/=\x2d"
"""What tokens are made of, for a class."""
_BACKSLASH = re.compile(
    rb"\\{1,4}(?:u{1,4}00([0-9A-Fa-f]{2})|x([0-9A-Fa-f]{2})|U000000([0-9A-Fa-f]{2})|[ux]\{0*([0-9A-Fa-f]{2})\}"
    rb"|0000([0-9A-Fa-f]{2}) ?|o\{0*([0-7]{2,3})\}|0?(1[0-7]{2})|(0{1,2}[4-7][0-7]|[4-7][0-7](?![0-7]))|([/_.~:+=-]))"
    rb"|`u\{0*([0-9A-Fa-f]{2})\}"
)
_OCTAL_GROUPS = frozenset({6, 7, 8})
_PERCENT = re.compile(rb"%(?:25)*(?:u00)?([0-9A-Fa-f]{2})")
_ENTITY = re.compile(rb"&(?:amp;)*(?:#0*([0-9]{2,6});?|#[xX]0*([0-9A-Fa-f]{2,5});?|([A-Za-z]{2,20});)")
_QUOTED_PRINTABLE = re.compile(rb"=(?:([2-7][0-9A-Fa-f])|[ \t]*\r?\n)")
_OF_MAIL = b"=\n", b"=\r\n", b"= \n", b"=3D", b"?Q?", b"?q?", b"uoted-"
_IN_MAIL = r"=(?:[2-7][0-9A-F]|[ \t]*\r?\n)"
_TERMINAL = re.compile(rb"(?:\x1b|\\e|\\033|\\x1[bB]|\\u001[bB])\[[0-9;]{0,20}[A-Za-z]")
_BACKSLASHED = r"(?:\x5c{1,4}[uxUo0-7/_.~:+=\x2d]|`u)(?:[0-9A-Fa-fu]{1,10}|\x7b[0-9A-Fa-f]{1,8}\x7d)? ?"
_TAG = re.compile(rb"<!--[^<>\n]{0,200}-->|</?[A-Za-z][^<>\n]{0,200}>")
_CONTROL = r"(?:\x1b|\x5c(?:e|033|x1[bB]|u001[bB]))\[[0-9;]{0,20}[A-Za-z]"
_DECODED = r"&(?:amp;)*(?:\x23|[A-Za-z0-9]{2,20};)"
"""An entity that is one: most `&` stand between the parameters of an address."""
_NOT_SEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\ufe00-\ufe0f\U000e0100-\U000e01ef]")

Replace = Callable[[bytes], bytes]


class _Escapes(Frozen, frozen=True):
    """One kind: how it is told, when it is worth a look, where it stands, and what it is without."""

    how: str
    gate: tuple[bytes, ...]
    """Empty: anything beyond ASCII."""
    runs: Regex
    plain: Replace


SIGNS = (
    r"%[0-9A-Fa-fu]", _BACKSLASHED, _DECODED, _IN_MAIL, _CONTROL, r"<[^<>\n]+>", r"[\xc2-\xf4][\x80-\xbf]",
)  # fmt: skip
"""Of these, one at least is in data that holds an escape."""


class CharacterEscapes:
    """The expressions for tokens of at least `shortest` bytes, compiled once."""

    def __init__(self, shortest: int) -> None:
        self._kinds = (
            _kind("percent", (b"%",), r"(?:%[0-9A-Fa-fu]|\x5c)+", _from_percent),
            _kind("escapes", (b"\\", b"`u{"), _BACKSLASHED, _from_backslash),
            _kind("entities", (b"&",), r"&(?:amp;)*(?:\x23[A-Za-z0-9]{2,20};?|[A-Za-z]{2,20};)", _from_entities),
            _kind("quoted-printable", _OF_MAIL, _IN_MAIL, _from_quoted_printable),
            _kind("terminal codes", (b"\x1b[", b"\\e[", b"33[", b"1b[", b"1B["), _CONTROL, _from_terminal),
            _kind("markup", (b"</", b"<!--", b"<wbr", b"<br"), r"<[^<>\n]+>", _from_markup),
            _kind("unicode", (), r"[\xc2-\xf4][\x80-\xbf]{1,3}", _from_unicode),
        )
        self._shortest = shortest

    def views(self, data: bytes) -> Iterator[DecodedView]:
        """Every run of characters with escapes in it, without them."""
        for kind in self._kinds:
            if not (holds_any(data, kind.gate) if kind.gate else not data.isascii()):
                continue
            for run in kind.runs.finditer(data):
                text = run.group()
                plain = kind.plain(text)
                if plain != text and len(plain) >= self._shortest:
                    yield view_of(run, plain, kind.how)


def _kind(how: str, gate: tuple[bytes, ...], escape: str, plain: Replace) -> _Escapes:
    part = f"[{CHARACTERS}]*"
    return _Escapes(how, gate, regex(f"{part}(?:{escape}{part})+"), plain)


def _from_backslash(text: bytes) -> bytes:
    return _BACKSLASH.sub(_escaped, text)


def _escaped(found: re.Match[bytes]) -> bytes:
    group = found.lastindex or 0
    digits = found.group(group)
    if group == 9:  # noqa: PLR2004 - the character itself
        return digits
    return bytes([int(digits, 8 if group in _OCTAL_GROUPS else 16) & 0xFF])


def _from_percent(text: bytes) -> bytes:
    return _PERCENT.sub(lambda found: bytes([int(found.group(1), 16)]), text)


def _from_quoted_printable(text: bytes) -> bytes:
    return _QUOTED_PRINTABLE.sub(lambda found: bytes([int(found.group(1), 16)]) if found.group(1) else b"", text)


def _from_entities(text: bytes) -> bytes:
    return _ENTITY.sub(_entity, text)


def _entity(found: re.Match[bytes]) -> bytes:
    decimal, digits, name = found.groups()
    if name is not None:
        return _visible(html5.get(f"{name.decode()};", "") or found.group().decode())
    number = int(decimal) if decimal is not None else int(digits, 16)
    return _visible(chr(number)) if 0 < number < 0xD800 else b""  # noqa: PLR2004 - surrogates are not characters


def _from_terminal(text: bytes) -> bytes:
    return _TERMINAL.sub(b"", text)


def _from_markup(text: bytes) -> bytes:
    return _TAG.sub(b"", text)


def _from_unicode(text: bytes) -> bytes:
    return text if text.isascii() else _visible(text.decode("utf-8", "ignore"))


def _visible(text: str) -> bytes:
    """Without what has no width, and compatible characters (full width, mathematical letters) as plain ones."""
    if text.isascii():
        return text.encode()
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", _NOT_SEEN.sub("", seen)).encode()
