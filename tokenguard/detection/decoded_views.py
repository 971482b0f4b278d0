"""Undoes the ways in which a token gets written other than as it is: each view is bytes with the place they came from.

The work grows with the bytes: RE2 looks for what could be a writing, and only a reading that could hold a token, or
another writing of one, is passed on. `readings` limits how deep views of views go.
"""

import binascii
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

from tokenguard.detection.character_escapes import SIGNS, CharacterEscapes
from tokenguard.detection.compressed_data import decompressed
from tokenguard.detection.decoded_view import DecodedView, view_of
from tokenguard.detection.number_lists import NumberLists
from tokenguard.detection.regex_set import Regex, any_of, regex
from tokenguard.detection.string_pieces import StringPieces

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_ESCAPED_END = r"(?:\x5c{1,3}[rn]){1,2}"
LINE_END = (
    rf"(?:(?:{_ESCAPED_END})?(?:[\x22'`][ \t]*[,+.;&|]?)?[ \t]*\x5c?\r?\n[ \t>#*\x22'`]*(?://[ \t]+)?"
    rf"|{_ESCAPED_END}[ \t]*)"
)
"""What stands between two lines of base64; `+` and `/` belong to it only beside a quote or a space."""
_BASE64 = r"[A-Za-z0-9+/_\x2d]"
# Of base64: three bytes of visible ASCII; three with zeros between, as UTF-16 has them, and the three after those; and
# how compressed data begins, which may have up to three other characters before it.
VISIBLE_BASE64 = r"[I-Za-f][C-HS-Xi-ny-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589]" + _BASE64
WIDE_BASE64 = r"[I-Za-f][AQgw][AB][A-Za-z0-9+/_\x2d]A[C-H][AEIMQUYcgkosw048]A"
_COMPRESSED = r"(?:H4sI|e[AFJN]|QlpoO|[/_]Td6|JVBERi|UEsDB)"
_BEFORE_COMPRESSED = 8
"""Bytes of other characters and of how compressed data begins: more than there are."""
_HEX_VISIBLE = "[2-7][0-9A-Fa-f]"
_ZEROS = r"\x00", r"\x00\x00\x00"
_WRAPPED = rf"(?:[A-Za-z0-9+/_\x2d]{{19}}[A-Za-z0-9+/_\x2d]+={{0,2}}{LINE_END})+[A-Za-z0-9+/_\x2d]{{2,}}"
NESTED_LIMIT = 6
"""Views of views may be at most this many times as large as what they come from: an end to nesting for its own sake."""
_LARGE = 16_384
"""Bytes from which on it pays to compile what tells whether there is anything to look for."""


class _Kinds(NamedTuple):
    """What there may be in some data."""

    encoded: bool
    broken: bool
    """Wrapped, or in joined literals."""
    numbers: bool
    escaped: bool
    pieces: bool
    """Pieces of strings other than joined literals."""


_ANY = _Kinds(encoded=True, broken=True, numbers=True, escaped=True, pieces=True)


class Disguises:
    """The expressions for tokens of at least `shortest` bytes, compiled once."""

    def __init__(self, shortest: int) -> None:
        groups = (shortest - 2) // 3
        telling = rf"(?:{VISIBLE_BASE64}){{{groups}}}|{WIDE_BASE64}"
        self._shortest = shortest
        self._telling = telling
        self._base64 = regex(rf"{_BASE64}*(?:{telling}){_BASE64}*")
        self._packed = regex(rf"(?:^|[^A-Za-z0-9+/_\x2d])({_BASE64}{{0,3}}{_COMPRESSED}{_BASE64}*)")
        self._least_base64 = shortest * 4 // 3
        self._wrapped = regex(_WRAPPED)
        self._hex = regex(rf"[0-9A-Fa-f]*(?:(?:{_HEX_VISIBLE}){{{shortest}}}|(?:{_HEX_VISIBLE}00){{8}})[0-9A-Fa-f]*")
        self._wide = regex(
            "|".join(rf"(?:{zeros}[\x20-\x7e]){{8,}}|(?:[\x20-\x7e]{zeros}){{8,}}[\x20-\x7e]?" for zeros in _ZEROS)
        )
        self._promising = regex(rf"[\x21-\x7e]{{{shortest},}}|(?:[\x20-\x7e]\x00){{8}}")
        self._line_end = regex(LINE_END)
        self._numbers = NumberLists(shortest)
        self._escapes = CharacterEscapes(shortest)
        self._pieces = StringPieces(shortest)

    def views(self, data: bytes) -> Iterator[DecodedView]:
        """Every reading of a part of `data` that could hold a token or another writing of one."""
        kinds = self._kinds_in(data)
        if kinds.encoded or kinds.broken:
            yield from self._base64_views(data)
        if kinds.encoded:
            yield from self._hex_views(data)
        for views in (
            self._numbers.views(data) if kinds.numbers else (),
            self._numbers.base32_views(data) if kinds.encoded else (),
            self._escapes.views(data) if kinds.escaped else (),
            self._pieces.views(data, joined=kinds.broken, others=kinds.pieces),
        ):
            yield from (view for view in views if self._promising.search(view.data))
        if b"\x00" in data:
            for wide in self._wide.finditer(data):
                text = wide.group()
                how = "utf-32" if b"\x00\x00" in text else "utf-16"
                yield view_of(wide, text.replace(b"\x00", b""), how)

    def _kinds_in(self, data: bytes) -> _Kinds:
        """What there may be: three searches instead of fifteen, and three more where there may be small things."""
        if len(data) < _LARGE:
            return _ANY
        encoded, small, broken = (each.search(data) is not None for each in self._gates)
        numbers, escaped, pieces = (small and each.search(data) is not None for each in self._small_gates)
        return _Kinds(encoded, broken, numbers, escaped, pieces)

    @cached_property
    def _gates(self) -> tuple[Regex, ...]:
        """What is in all data with one of each kind. They are told apart so that the automaton of each stays small."""
        encoded = (
            self._telling,
            rf"{_COMPRESSED}{_BASE64}{{{self._least_base64 - _BEFORE_COMPRESSED}}}",
            rf"(?:{_HEX_VISIBLE}){{{self._shortest}}}|(?:{_HEX_VISIBLE}00){{8}}",
            self._numbers.base32,
        )
        escaped = (*self._numbers.lists, *SIGNS, *self._pieces.signs)
        return tuple(regex(any_of(each)) for each in (encoded, escaped, (_WRAPPED, self._pieces.joined)))

    @cached_property
    def _small_gates(self) -> tuple[Regex, ...]:
        """The second of these in its parts: some are two letters, which are in random text too."""
        return tuple(regex(any_of(each)) for each in (self._numbers.lists, SIGNS, self._pieces.signs))

    def _base64_views(self, data: bytes) -> Iterator[DecodedView]:
        for group, runs in ((0, self._base64), (1, self._packed)):
            for run in runs.finditer(data):
                if len(run.group(group)) >= self._least_base64:
                    yield from self._base64_of(run.span(group), run.group(group))
        for block in self._wrapped.finditer(data):
            yield from self._base64_of(block.span(), self._line_end.sub(b"", block.group()))

    def _base64_of(self, place: tuple[int, int], run: bytes) -> Iterator[DecodedView]:
        """All four ways to cut the run into groups of four: what stands before it may belong to it or not."""
        plain = run.replace(b"=", b"").translate(_URL_SAFE)
        for offset in range(4):
            part = plain[offset:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            read = binascii.a2b_base64(part + b"=" * (-len(part) % 4))
            unpacked = decompressed(read)
            if unpacked is not None:
                yield DecodedView(*place, unpacked.data, f"base64, {unpacked.how}", unpacked.whole)
            elif self._promising.search(read):
                yield DecodedView(*place, read, "base64")

    def _hex_views(self, data: bytes) -> Iterator[DecodedView]:
        for run in self._hex.finditer(data):
            digits = run.group()
            for offset in range(2):
                read = binascii.a2b_hex(digits[offset : len(digits) - (len(digits) - offset) % 2])
                if self._promising.search(read):
                    yield view_of(run, read, "hex")


@lru_cache(maxsize=8)
def disguises_of(shortest: int) -> Disguises:
    """The expressions for tokens of at least so many bytes: every index with tokens of that length shares them."""
    return Disguises(shortest)


def readings(disguises: Disguises, data: bytes) -> Iterator[DecodedView]:
    """Every reading of `data`, and every reading of one of these where the first stands.

    One that is not `whole` and has no data says that nesting was not followed to its end there.
    """
    left = NESTED_LIMIT * len(data) + 4096
    for view in disguises.views(data):
        yield view
        if left < 0:
            continue
        for nested in disguises.views(view.data):
            left -= len(nested.data)
            if left < 0:
                yield DecodedView(view.start, view.end, b"", "", whole=False)
                break
            yield DecodedView(view.start, view.end, nested.data, f"{view.how}, {nested.how}")
