"""Patterns of issued credentials, for values that are not in the store.

A pattern is a short sequence of literals and runs. It is matched from left to right without ever going back, so it
takes linear time on any input, and it can say "not yet": which is what a stream needs to know what to hold.
"""

import re
from functools import cache
from typing import NamedTuple

from tokenguard.redaction.compact import CompactText, compact
from tokenguard.redaction.vendor_patterns import ROWS

_CAP = 4096
_PLACEHOLDER = re.compile(rb"\*+|[xX]+|\.+|\$?\{{1,3}[\w.()!:]*\}{1,3}|\$\([\w.]+\)|%\(\w+\)s|\[[A-Za-z ]+\]")
_ZEROS = 8
"""As many of one letter, and one more for each 16 characters, are in one of a million random bodies at most."""


class PatternRun(NamedTuple):
    """Between `least` and `most` bytes of one class, as many as there are."""

    chars: str
    """The inside of a regular expression's character class."""
    least: int
    """Fewer are not a match."""
    most: int = _CAP
    """What follows after that many is not looked at."""

    def end(self, data: bytes, at: int) -> int:
        """Where the run that starts at `at` ends."""
        found = _run(self.chars, self.most).match(data, at)
        return found.end() if found else at


@cache
def _run(chars: str, most: int) -> re.Pattern[bytes]:
    return re.compile(f"[{chars}]{{0,{most}}}".encode())


class PatternMatch(NamedTuple):
    """What a pattern says of one place: `data[start:end]` is to be masked, or not decided yet."""

    start: int
    end: int
    decided: bool = True
    """False: the data ends before the pattern can tell; `start` is where its secret part begins, or would."""
    at: int = 0
    """Where the pattern begins."""


class Pattern:
    """One shape. It begins with a literal, by which it is found.

    Args:
        name: the mask's label.
        pieces: literals and runs, in order.
        masked: which piece is masked; None: all of it.
    """

    __slots__ = ("_compact", "_open", "_whole", "longest", "masked", "name", "needs", "pieces")

    def __init__(self, name: str, pieces: tuple[bytes | PatternRun, ...], masked: int | None = None) -> None:
        self.name = name
        self.pieces = pieces
        self.masked = masked
        self._compact = tuple(compact(each) if type(each) is bytes else each for each in pieces)
        last = self._compact[-1]
        self.needs = last if isinstance(last, bytes) else b""
        """The literal it ends with, without which there is no need to look."""
        self.longest = sum(each.most if isinstance(each, PatternRun) else len(each) for each in self._compact)
        """Bytes of the longest text without white space that it matches."""
        self._whole: _Whole | None = None
        self._open: re.Pattern[bytes] | None = None

    @property
    def anchor(self) -> bytes:
        """The literal it begins with, without white space."""
        first = self._compact[0]
        if not isinstance(first, bytes):
            raise TypeError("a pattern begins with a literal")
        return first

    def match_compact(self, view: CompactText, at: int, *, final: bool) -> PatternMatch | None:
        """Match at an offset of the compact text; the answer is in offsets of the data, white space included.

        What matches the data matches without its white space too, which is faster to tell.
        """
        if self.is_refuted(view.text, at):
            return None
        if self._match(self._compact, view.text, at, final=final) is None:
            return None
        return self.match(view.data, view.start(at), final=final)

    @property
    def is_lone(self) -> bool:
        """Whether it needs one byte at its end, and has no literal in it that more data could complete."""
        later = [each for each in self.pieces[1:] if isinstance(each, bytes)]
        return len(self.needs) == 1 and all(len(each) == 1 for each in later)

    def may_follow(self, data: bytes) -> bool:
        """Whether one that is lone has begun in the data as it stands, and would go on behind its end."""
        if self._open is None:
            self._open = re.compile(_begun(self.pieces) + rb"\Z")
        return self._open.search(data, max(0, len(data) - self.longest)) is not None

    def is_absent(self, text: bytes, at: int) -> bool:
        """Whether it does not match the compact text, after which nothing follows; the usual case, told fast."""
        if self.needs and text.find(self.needs, at, at + self.longest) < 0:
            return True
        return (self._whole or self._expressions()).regex.match(text, at) is None

    def is_refuted(self, text: bytes, at: int) -> bool:
        """Whether more data could not make it match the compact text; the usual case, told fast."""
        whole = self._whole or self._expressions()
        found = whole.begun.match(text, at)
        if found is None:
            return at + whole.longest < len(text)
        if found.lastindex is None:  # one of its pieces is not there
            return found.end() + whole.longest < len(text)
        return found.end() + whole.longest < len(text) and whole.regex.match(text, at) is None

    def _expressions(self) -> "_Whole":
        """Made when they are first needed: most never are."""
        self._whole = _whole(self._compact)
        return self._whole

    def match(self, data: bytes, at: int, *, final: bool) -> PatternMatch | None:
        """Match at `at`; None is a no. With `final`, nothing follows the data and every answer is decided."""
        found = self._match(self.pieces, data, at, final=final)
        if found is None or not found.decided:
            return found
        if self.masked is not None:
            return None if _is_placeholder(data[found.start : found.end]) else found
        if not self.anchor.isalnum():
            return found
        return None if _is_zeros(data[found.start + len(self.anchor) : found.end]) else found

    def _match(
        self, pieces: tuple[bytes | PatternRun, ...], data: bytes, at: int, *, final: bool
    ) -> PatternMatch | None:
        bounds: list[int] = [at]
        for piece in pieces:
            begin = bounds[-1]
            end = _end(piece, data, begin)
            if end == len(data) and not final and _may_go_on(piece, data, begin):
                return self._undecided(bounds, len(data))
            if end < 0 or not _is_whole(piece, end - begin):
                return None
            bounds.append(end)
        if self.masked is None:
            return PatternMatch(at, bounds[-1], at=at)
        return PatternMatch(bounds[self.masked], bounds[self.masked + 1], at=at)

    def _undecided(self, bounds: list[int], size: int) -> PatternMatch:
        secret = 1 if self.masked is None else self.masked
        start = bounds[secret] if secret < len(bounds) else size
        return PatternMatch(start, size, decided=False, at=bounds[0])


def _is_zeros(body: bytes) -> bool:
    """Whether it is rather base64 of zeros, which stand in most binary data: of random characters few are an A."""
    return body.count(b"A") >= _ZEROS + len(body) / 16


def _is_placeholder(secret: bytes) -> bool:
    """Whether it is what another masker left, or where a program will put a secret."""
    return _PLACEHOLDER.fullmatch(secret) is not None


class _Whole(NamedTuple):
    """A pattern as regular expressions: faster, but they cannot tell what more data would change."""

    regex: re.Pattern[bytes]
    begun: re.Pattern[bytes]
    """As many of its pieces as there are, and an empty group if all are."""
    longest: int
    """Bytes of its longest literal."""


def _whole(pieces: tuple[bytes | PatternRun, ...]) -> _Whole:
    whole = b"".join(_expression(each, whole=True) for each in pieces)
    longest = max(len(each) for each in pieces if isinstance(each, bytes))
    return _Whole(re.compile(whole), re.compile(_begun(pieces)), longest)


def _begun(pieces: tuple[bytes | PatternRun, ...]) -> bytes:
    """As many of its pieces as there are, and an empty group if all are."""
    begun = b"()"
    for piece in reversed(pieces):
        begun = _expression(piece, whole=False) + b"(?:" + begun + b")?"
    return begun


def _expression(piece: bytes | PatternRun, *, whole: bool) -> bytes:
    if isinstance(piece, bytes):
        return re.escape(piece)
    return f"[{piece.chars}]{{{piece.least if whole else 0},{piece.most}}}+".encode()


def _end(piece: bytes | PatternRun, data: bytes, begin: int) -> int:
    """Where a piece that begins at `begin` ends; the end of the data for one that it cuts off; -1 for none."""
    if isinstance(piece, bytes):
        there = data[begin : begin + len(piece)]
        return begin + len(there) if piece.startswith(there) else -1
    end = piece.end(data, begin)
    return end if end - begin >= piece.least or end == len(data) else -1


def _is_whole(piece: bytes | PatternRun, length: int) -> bool:
    return length >= (len(piece) if isinstance(piece, bytes) else piece.least)


def _may_go_on(piece: bytes | PatternRun, data: bytes, begin: int) -> bool:
    """Whether more data could make the piece longer."""
    return len(data) - begin < (len(piece) if isinstance(piece, bytes) else piece.most)


_ALNUM = "A-Za-z0-9"
_WORD = r"A-Za-z0-9_\-"


def _prefixed(name: str, prefix: str, chars: str, least: int, most: int = 255) -> Pattern:
    return Pattern(name, (prefix.encode(), PatternRun(chars, least, most)))


def _credential(name: str, prefix: str, chars: str, least: int) -> Pattern:
    """A credential after a word that is worth keeping."""
    return Pattern(name, (prefix.encode(), PatternRun(chars, least)), masked=1)


def _private_key(kind: str) -> Pattern:
    # Line breaks may have become spaces or escapes, so the body is everything that a PEM file could be written as.
    return Pattern(
        "private-key", (f"-----BEGIN {kind}PRIVATE KEY-----".encode(), PatternRun(r"A-Za-z0-9+/=\s\\:,|", 32))
    )


LOOSE: tuple[Pattern, ...] = (
    Pattern("descript", (b"dx_bearer_", PatternRun(_WORD, 8, 200), b":dx_secret_", PatternRun(_WORD, 8, 200))),
    _prefixed("descript", "dx_bearer_", _WORD, 16, 200),
    _prefixed("descript", "dx_secret_", _WORD, 16, 200),
    _prefixed("autoposting", "sk-social-", _WORD, 16),
    _prefixed("aws", "AKIA", "A-Z0-9", 16, 16),
    _prefixed("aws", "ASIA", "A-Z0-9", 16, 16),
    *(_prefixed("github", f"gh{kind}_", _ALNUM, 36) for kind in "pousr"),
    _prefixed("github", "github_pat_", "A-Za-z0-9_", 60),
    _prefixed("gitlab", "glpat-", _WORD, 20),
    *(_prefixed("slack", f"xox{kind}-", rf"{_ALNUM}\-", 10) for kind in "abeprs"),
    _prefixed("slack", "xapp-", rf"{_ALNUM}\-", 10),
    _prefixed("stripe", "sk_live_", _ALNUM, 24),
    _prefixed("stripe", "rk_live_", _ALNUM, 24),
    _prefixed("google", "AIza", _WORD, 35, 35),
    _prefixed("google", "ya29.", _WORD, 20, 400),
    _prefixed("npm", "npm_", _ALNUM, 36),
    _prefixed("pypi", "pypi-AgE", _WORD, 50, 400),
    Pattern("sendgrid", (b"SG.", PatternRun(_WORD, 16, 64), b".", PatternRun(_WORD, 16, 64))),
    _prefixed("vault", "hvs.", _WORD, 24, 400),
    _prefixed("vault", "hvb.", _WORD, 24, 400),
    _prefixed("doppler", "dp.pt.", _ALNUM, 40),
    _prefixed("digitalocean", "dop_v1_", "a-f0-9", 64, 64),
    _prefixed("shopify", "shpat_", _ALNUM, 32, 32),
    _prefixed("linear", "lin_api_", _ALNUM, 40),
    _prefixed("figma", "figd_", _WORD, 40),
    _prefixed("anthropic", "sk-ant-", _WORD, 80),
    _prefixed("openai", "sk-proj-", _WORD, 40),
    _prefixed("huggingface", "hf_", _ALNUM, 34),
    _prefixed("docker", "dckr_pat_", _WORD, 27),
    Pattern("jwt", (b"eyJ", PatternRun(_WORD, 10), b".eyJ", PatternRun(_WORD, 10), b".", PatternRun(_WORD, 10))),
    *(_credential("bearer", word, r"A-Za-z0-9._~+/=:\-", 16) for word in ("Bearer ", "bearer ", "BEARER ")),
    *(_credential("basic", word, "A-Za-z0-9+/=", 16) for word in ("Basic ", "basic ")),
    Pattern(
        "url-password",
        (b"://", PatternRun(r"^\x00-\x20/:@?#\[\]\"'<>", 0, 64), b":", PatternRun(r"^\x00-\x20/@\"'<>", 3, 128), b"@"),
        masked=3,
    ),
    *map(_private_key, ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ")),
)
"""Looser than what a scan reports: a mask in the wrong place does no harm, a token that is shown does."""
PATTERNS: tuple[Pattern, ...] = (
    *LOOSE,
    *(
        Pattern(name, (first, *(each if type(each) is bytes else PatternRun(*each) for each in rest)))
        for name, beginnings, rest in ROWS
        for first in beginnings
    ),
)
"""What is masked without being known. Each needs enough of a body that ordinary text is left alone."""
