"""Finds secrets that stand in base64, as Kubernetes and CI variables hold them: tokens, private keys, assignments."""

import base64
import binascii
import re
from collections.abc import Iterator
from functools import cache

from ahocorasick_rs import AhoCorasick, MatchKind

from tokenguard.detection.match import Confidence
from tokenguard.detection.regex_set import Regex, regex
from tokenguard.detection.token_matcher import TokenSpan, token_spans
from tokenguard.domain.encodings import base64_cores
from tokenguard.frozen import Frozen
from tokenguard.token_formats.table import FORMATS
from tokenguard.token_formats.template import opening

_LEAST_LITERAL = 4
"""Bytes: what base64 makes of fewer is in too many texts."""
_RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_LONGEST_RUN = 1 << 16
_PRIVATE_KEY = b"-----BEGIN "
_EMPTY_KEY = re.compile(rb"PRIVATE KEY-----\s*-----END")
_SOURCE_MAP = b'{"version":3,'
"""How what a bundler appends to a program begins: its names, and the sources that are scanned themselves."""
_WORDS = (
    b"secret",
    b"password",
    b"passwd",
    b"token",
    b"api_key",
    b"apikey",
    b"SECRET",
    b"PASSWORD",
    b"TOKEN",
    b"API_KEY",
    b'"auths"',
)
"""Words of the names that secrets are given to, and the one of logins of registries."""
_DEPTH = 3
ASSIGNED_IN_BASE64 = "Secret in base64"


class EncodedToken(Frozen, frozen=True):
    """`text[start:end]` is base64 of something that holds a token or a private key."""

    start: int
    end: int
    type: str
    value: str
    is_named: bool = False
    """Whether the type says what it opens, or that it is a private key."""


def encoded_tokens(text: str, depth: int = 1) -> Iterator[EncodedToken]:
    """Runs of base64 with a vendor's token, a private key or an assigned secret in them, from left to right."""
    if not _in_bytes().search(text.encode("utf-8", "surrogatepass")):  # a third of the time of the automaton
        return
    at = 0
    for _, begin, _ in _gate().find_matches_as_indexes(text):
        if begin < at:
            continue
        run = _run_at(text, begin)
        if run is None:
            continue
        at = run.end()
        yield from _within(run, depth)


def _run_at(text: str, begin: int) -> re.Match[str] | None:
    """The whole run of base64 that holds the character at `begin`."""
    start = begin
    while start > max(begin - _LONGEST_RUN, 0) and _is_digit(text[start - 1]):
        start -= 1
    return _RUN.match(text, start)


def _is_digit(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "+/_-")


def _within(run: re.Match[str], depth: int) -> Iterator[EncodedToken]:
    plain = _decoded(run.group()[:_LONGEST_RUN])
    if plain is None:
        return
    if _PRIVATE_KEY in plain and b"PRIVATE KEY-----" in plain and not _EMPTY_KEY.search(plain):
        yield EncodedToken(run.start(), run.end(), "Private Key", plain.decode("latin-1"), is_named=True)
        return
    text = plain.decode("latin-1")
    best = min((span for span in token_spans(text) if span.kind.stands_alone), key=_most_telling, default=None)
    if best is not None:
        yield EncodedToken(run.start(), run.end(), best.kind.type, text[best.start : best.end], is_named=True)
    elif not plain.startswith(_SOURCE_MAP) and text.isascii() and "".join(text.split()).isprintable():
        found = next(_nameless(text, depth), None)
        if found is not None:
            yield EncodedToken(run.start(), run.end(), *found)


def _nameless(text: str, depth: int) -> Iterator[tuple[str, str, bool]]:
    """Type and value of what is assigned in a decoded text, or is in base64 once more, and whether it is named."""
    # Most commits have nothing to judge; and assignments are reported by what this module finds.
    from tokenguard.detection.assignments import assignments
    from tokenguard.detection.judging.candidate import JudgedValue
    from tokenguard.detection.judging.judge import judged
    from tokenguard.detection.secret_manifests import manifest_places

    if depth < _DEPTH:
        yield from ((each.type, each.value, each.is_named) for each in encoded_tokens(text, depth + 1))
    for place in manifest_places(text):
        yield place.type, text[place.start : place.end], False
    for each in assignments(text.encode(), ""):
        candidate = JudgedValue(value=each.value, line=each.text, path="", source=each.type, at=each.at)
        if judged(candidate).confidence is not Confidence.LOW:
            yield ASSIGNED_IN_BASE64, each.value, False


def _most_telling(span: TokenSpan) -> tuple[int, int]:
    return (span.start, span.start - span.end)


def _decoded(run: str) -> bytes | None:
    digits = run.rstrip("=").translate(_STANDARD)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except binascii.Error:
        return None


_STANDARD = str.maketrans("-_", "+/")


@cache
def _gate() -> AhoCorasick:
    return AhoCorasick(sorted(literals()), matchkind=MatchKind.Standard)


@cache
def _in_bytes() -> Regex:
    return regex("|".join(map(re.escape, sorted(literals()))))


def literals() -> set[str]:
    """What base64 makes of the literals with which tokens and private keys begin, at each of three offsets."""
    plain = {_PRIVATE_KEY}
    for kind in FORMATS:
        for template in kind.shapes if kind.stands_alone else ():
            first = opening(template)
            if len(first) >= _LEAST_LITERAL:
                plain.add(first.encode())
    cores = {core for literal in (*plain, *_WORDS) for core in base64_cores(literal)}
    cores |= {twice for word in (*_WORDS, _PRIVATE_KEY) for core in base64_cores(word) for twice in base64_cores(core)}
    return {core.decode() for core in cores}
