"""Stage C: vendors' tokens by their formats, values of known variables, and pre-signed URLs, anywhere on a line."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from math import log2

from tokenguard.detection.match import Confidence, Match
from tokenguard.detection.places import Places
from tokenguard.detection.regex_set import RegexSet, regex_set
from tokenguard.detection.token_matcher import TokenSpan, token_spans
from tokenguard.domain.finding import Kind
from tokenguard.domain.secret import Secret
from tokenguard.token_formats.checksum import CHECKSUMS
from tokenguard.token_formats.token_format import TokenFormat, random_part

KNOWN_VARIABLE = "Token in a known variable"
_VARIABLES = (
    "DESCRIPT_API_TOKEN|DESCRIPT_API_KEY|DESCRIPT_TOKEN|AUTOPOSTING_API_KEY|"
    "AUTOPOSTING_TOKEN|OP_SERVICE_ACCOUNT_TOKEN|OP_CONNECT_TOKEN|DOPPLER_TOKEN|"
    "CLOUDFLARE_API_TOKEN|VAULT_TOKEN|GITLAB_TOKEN|SENDGRID_API_KEY"
)
KNOWN_VARIABLE_PATTERN = (
    rf"(?<![A-Za-z0-9])(?:{_VARIABLES})(?![A-Za-z0-9_])[\"']?[ \t]{{0,8}}(?:[:=][ \t]{{0,8}}|[ \t])[\"']?"
    r"(?P<value>[A-Za-z0-9+/=_:.~%-]{20,512})(?![A-Za-z0-9({$])"
)
_PRESIGNED = r"(?i:(?:[?&;]|u0026)(?:X-Amz-Signature|X-Goog-Signature|Signature|sig)=)"
_NEAR_CHARACTERS = 400
_CI = re.compile(
    r"(?:^|/)(?:\.github/workflows/|\.gitlab-ci|\.circleci/|\.buildkite/|azure-pipelines|bitbucket-pipelines"
    r"|Jenkinsfile|\.travis\.yml|\.drone\.yml|\.env)"
)
_STAND_IN = re.compile(
    r"(?i)example|your[-_]?|placeholder|change[-_]?me|replace|dummy|x{6}|0{8}|12345678|insert|todo|secrets\.|environ"
)
_LEAST_DISTINCT = 8
_WHITE = re.compile(r"\\[nrt]")
"""White space as JSON and programs write it, which ends in a letter."""
_ALLOWED = re.compile(r"pragma: ?(?:allow|white)list[ -]secret")
_ALLOWED_NEXT = re.compile(r"pragma: ?allowlist[ -]nextline[ -]secret")


def scan_extras(text: str, path: str) -> Iterator[Match]:
    """Find tokens by their vendors' formats, values of known variables, and URLs that carry their own access.

    Args:
        text: the content, with every line end as a line feed.
        path: decides only whether it configures a build.
    """
    plain = _unescaped(text)
    present = _anchors().matches(text.encode("utf-8", "surrogatepass"))
    if 0 in present:
        from tokenguard.detection.presigned import presigned_urls  # noqa: PLC0415 - few files hold any

        yield from presigned_urls(text)
    taken = _Taken()
    places = Places(text, "\n")
    for span in _chosen(plain, path, taken):
        yield _match(
            span.kind.type,
            places.of(span.start),
            text[span.start : span.end],
            confidence(span.kind, text[span.start : span.end]),
        )
    if 1 in present:
        for found in re.finditer(KNOWN_VARIABLE_PATTERN, plain):
            start, end = found.span("value")
            value = text[start:end]
            if taken.free(start, end) and not _stands_for_another(value) and _looks_random(value):
                taken.add(start, end)
                yield _match(KNOWN_VARIABLE, places.of(start), value)


def may_hold_shapes(data: bytes) -> bool:
    """Whether any format could be found in these (UTF-8) bytes."""
    if _anchors().matches(data):
        return True
    return any(True for _ in token_spans(_unescaped(data.decode("latin-1"))))


def confidence(kind: TokenFormat, value: str) -> Confidence:
    """LOW for a value without the checksum that its vendor puts into every token."""
    holds = CHECKSUMS.get(kind.checksum)
    return Confidence.LOW if holds is not None and not holds(value) else Confidence.HIGH


def allowed(lines: list[str], line: int) -> bool:
    """Whether a comment on line number `line`, or on the one before it, says that what stands there is no secret."""
    here = lines[line - 1] if line <= len(lines) else ""
    before = lines[line - 2] if 1 < line <= len(lines) + 1 else ""
    return bool(_ALLOWED.search(here) or _ALLOWED_NEXT.search(before))


def _unescaped(text: str) -> str:
    """Of the same length, without the letters of escaped white space: a token may follow one."""
    return _WHITE.sub("\f\f", text) if "\\" in text else text


def _chosen(text: str, path: str, taken: "_Taken") -> list[TokenSpan]:
    """The places that are tokens, in the order of the text; of two that overlap, the more telling one."""
    chosen: list[TokenSpan] = []
    for span in sorted(_genuine(token_spans(text), text, path), key=_least_telling):
        if taken.free(span.start, span.end):
            taken.add(span.start, span.end)
            chosen.append(span)
    return sorted(chosen, key=lambda span: span.start)


def _least_telling(span: TokenSpan) -> tuple[bool, int, int]:
    return (not span.kind.stands_alone, span.start - span.end, span.start)


def _genuine(spans: Iterable[TokenSpan], text: str, path: str) -> Iterator[TokenSpan]:
    for span in spans:
        kind, value = span.kind, text[span.start : span.end]
        if kind.only_ci and not _CI.search(path):
            continue
        if kind.near and not _has_word_near(kind.near, text, span):
            continue
        if _stands_for_another(value) or _entropy(random_part(kind, value)) < kind.entropy:
            continue
        yield span


def _has_word_near(words: tuple[str, ...], text: str, span: TokenSpan) -> bool:
    around = text[max(span.start - _NEAR_CHARACTERS, 0) : span.end + _NEAR_CHARACTERS].lower()
    return any(word in around for word in words)


def _stands_for_another(value: str) -> bool:
    """Whether it is a word that stands for a token."""
    return len(set(value)) < _LEAST_DISTINCT or _STAND_IN.search(value) is not None


def _entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    size = len(text) or 1
    return -sum(count / size * log2(count / size) for count in Counter(text).values())


def _looks_random(value: str) -> bool:
    """Digits among letters: what a generator writes and a person does not."""
    digits = sum(char.isdigit() for char in value)
    return digits >= 2 and any(char.isalpha() for char in value)  # noqa: PLR2004 - one may be a version


@cache
def _anchors() -> RegexSet:
    return regex_set([_PRESIGNED, _VARIABLES])


class _Taken:
    """Parts of a text, none of which has some of another."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def free(self, start: int, end: int) -> bool:
        """Whether nothing of this part is taken."""
        before = bisect_left(self._starts, end)
        return before == 0 or self._ends[before - 1] <= start

    def add(self, start: int, end: int) -> None:
        """Take this part, which is free."""
        at = bisect_left(self._starts, start)
        self._starts.insert(at, start)
        self._ends.insert(at, end)


def _match(name: str, place: tuple[int, int], value: str, sure: Confidence = Confidence.HIGH) -> Match:
    line, column = place
    return Match(
        kind=Kind.EXTRA, type=name, line=line, column=column, value=Secret(value), whole=Secret(value), confidence=sure
    )
