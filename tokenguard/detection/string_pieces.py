"""Strings that are written in several pieces: joined literals, quotes within a shell word, continued lines."""

import re
from collections.abc import Iterator

from tokenguard.detection.decoded_view import DecodedView, holds_any, view_of
from tokenguard.detection.regex_set import Regex, regex
from tokenguard.frozen import Frozen

CHARACTER = r"[A-Za-z0-9_.~:+/=%\x5c\x2d]"
_PLAIN = r"[A-Za-z0-9_.~:+/=\x2d]"
_QUOTE = r"\x5c{0,3}[\x22'`]"
_COMMENT = r"/\*[^*\r\n]*\*/|(?:\x23|//|\x2d\x2d)[^\r\n]*\r?\n"
_NAME = r"[A-Za-z_$@][\w.$@:\x2d]{0,60}"
_STEP = r"[ \t;)\r\n]{0,60}"
_APPENDED = rf"{_STEP}{_NAME}(?:\[[^\]\r\n]{{0,40}}\])?[ \t]*(?:[+.&|]=|=[ \t]*{_NAME}[ \t]*[+.&|]{{1,2}})[ \t(]*"
_CALLED = rf"{_STEP}(?:{_NAME})?(?:\.[A-Za-z]{{1,12}}\(|<<)[ \t]*"
_PREFIX = r"[fFrRbBuU@$L]{1,2}"
_FILL = rf"[ \t+.&|^*~()\[\]$\x7b\x7d\x5c\r\n\x22'`]|\x5c[rnt](?:\x5c?\x22,)?|\x23\x7b|<>|_\r?\n|{_COMMENT}"


def _joint(fill: str) -> str:
    """What stands between two literals of one string, from quote to quote; or round one within another."""
    prefixed = rf"(?:{fill})*[ \t+.&|(,\r\n]{_PREFIX}"
    between = rf"{_QUOTE}(?:(?:{fill})*|{prefixed}|{_APPENDED}|{_CALLED}){_QUOTE}"
    kept = rf"{_QUOTE}{_STEP}{_NAME}=[\x22']?\$\x7b?{_NAME}(?:\x7d[\x22']?|[\x22'])"
    return rf"(?:{between}|{kept}|[$\x23]?\x7b[ \t]*{_QUOTE}(?:{_QUOTE}[ \t]*\x7d)?|{_QUOTE}[ \t]*\x7d)"


JOINT = _joint(_FILL)
LISTED = _joint(f"{_FILL}|,")
"""The same with commas: only where something joins lists, since most lists are none of one string's pieces."""
_JOINS = (
    b"join", b"Join(", b"JOIN", b"oncat", b"CONCAT", b"implode(", b"paste0(", b"(str ", b"%s%s", b"{}{}", b"{0}{1}",
)  # fmt: skip
"""Functions, operators and templates that make one string of a list."""
_CHARACTERS = rf"{_QUOTE}{_PLAIN}{_QUOTE}[ \t]*,[ \t\r\n]*"
CHARACTERS_IN_A_ROW = rf"(?:{_CHARACTERS}){{12}}"
"""More than most lists have of single characters."""
_MOVED = r"\)[-0-9. \t\r\n]{0,24}\("
"""What stands between the pieces of a text in a PDF: how far the next one is moved."""
_LINE_END = r"(?:\r?\n|\x5cr\x5cn)"
_CHUNK = rf"{_LINE_END}[0-9A-Fa-f]{{1,8}}(?:;[^\r\n]{{0,80}})?{_LINE_END}"
"""What stands between two parts of a body that HTTP sends in chunks: the size of the next one."""
_TEXT_MOVED, _IN_CHUNKS = (b"TJ",), (b"hunked",)
CONTINUED = r"[\x5c`^]\r?\n[ \t]*\x5c?"
IN_A_WORD = r"(?:\$?[\x22'][\x22'$]{0,3}|\x5c)"
_FEW = 4
"""Of so many pieces, one has this part of all characters."""


class _Pieces(Frozen, frozen=True):
    how: str
    gate: tuple[bytes, ...]
    chains: Regex
    between: Regex


class StringPieces:
    """The expressions for tokens of at least `shortest` bytes, compiled once."""

    def __init__(self, shortest: int) -> None:
        self._kinds = (
            _pieces("joined literals", (b"'", b'"', b"`"), rf"(?:{CHARACTER}+{JOINT})+{CHARACTER}+", JOINT),
            _pieces("joined literals", _JOINS, rf"(?:{CHARACTER}+{LISTED})+{CHARACTER}+", LISTED),
            _pieces(
                "shell quotes",
                (b"'", b'"', b"\\"),
                rf"(?:{_PLAIN}*[A-Za-z0-9_\x2d]{IN_A_WORD})+[A-Za-z0-9_\x2d]{_PLAIN}*",
                IN_A_WORD,
            ),
            _pieces(
                "continued lines",
                (b"\\\n", b"\\\r\n", b"`\n", b"`\r\n", b"^\n", b"^\r\n"),
                rf"(?:{CHARACTER}*{CONTINUED})+{CHARACTER}+",
                CONTINUED,
            ),
            _pieces(
                "characters",
                (b"','", b"', '", b'","', b'", "', b"',\n", b'",\n'),
                rf"(?:{_CHARACTERS}){{{shortest - 1},}}{_QUOTE}{_PLAIN}",
                r"[\x22'`, \t\r\n\x5c]+",
            ),
            _pieces("moved text", _TEXT_MOVED, rf"(?:{_PLAIN}+{_MOVED})+{_PLAIN}+", _MOVED),
            _pieces("chunks", _IN_CHUNKS, rf"(?:{_PLAIN}+{_CHUNK})+{_PLAIN}+", _CHUNK),
        )
        self._shortest = shortest
        long = rf"{CHARACTER}{{{shortest // _FEW}}}"
        self.joined = rf"{long}{JOINT}{CHARACTER}|{CHARACTER}{JOINT}{long}|(?:{CHARACTER}+{JOINT}){{{_FEW}}}{CHARACTER}"
        """This is in data that holds joined literals of enough characters."""
        joins = "|".join(re.escape(each.decode()) for each in _JOINS)
        self.signs = (
            joins,
            rf"[A-Za-z0-9_\x2d]{IN_A_WORD}[A-Za-z0-9_\x2d]",
            CONTINUED,
            rf"(?:{_CHARACTERS}){{4}}",
            "TJ",
            "hunked",
        )
        """Of these, one at least is in data that holds other pieces."""

    def views(self, data: bytes, *, joined: bool, others: bool) -> Iterator[DecodedView]:
        """Pieces that are written one after another, as if they were one: joined literals, others, or both."""
        first, *rest = self._kinds
        for kind in (*((first,) if joined else ()), *(rest if others else ())):
            if not holds_any(data, kind.gate):
                continue
            for chain in kind.chains.finditer(data):
                text = chain.group()
                if len(text) > self._shortest:
                    read = kind.between.sub(b"", text)
                    if len(read) >= self._shortest:
                        yield view_of(chain, read, kind.how)


def signs_of_pieces(data: bytes) -> bytes:
    """What says of pieces that they are joined, and may stand on other lines than they."""
    return b" ".join(sign for sign in (*_JOINS, *_TEXT_MOVED, *_IN_CHUNKS) if sign in data)


def _pieces(how: str, gate: tuple[bytes, ...], chains: str, between: str) -> _Pieces:
    return _Pieces(how, gate, regex(chains), regex(between))
