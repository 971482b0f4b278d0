"""Stage C: vendors' tokens by their formats, values of known variables, and pre-signed URLs, anywhere on a line."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache

from tokenguard.detection.credential_files import CredentialPlace, credential_places
from tokenguard.detection.disguised_tokens import UnreadRest, disguised_tokens
from tokenguard.detection.encoded_tokens import EncodedToken, encoded_tokens
from tokenguard.detection.escaped_signs import without_escapes
from tokenguard.detection.made_up_tokens import is_made_up
from tokenguard.detection.match import Confidence, TextMatch, Unscanned
from tokenguard.detection.regex_set import RegexSet, regex_set
from tokenguard.detection.secret_forms import FORMS, places_of
from tokenguard.detection.stand_ins import is_continued_by_placeholder, is_encrypted
from tokenguard.detection.text_positions import TextPositions
from tokenguard.detection.token_matcher import TokenSpan, token_spans
from tokenguard.domain.finding import FindingKind
from tokenguard.domain.secret import Secret
from tokenguard.frozen import replace
from tokenguard.token_formats.checksum import CHECKSUMS
from tokenguard.token_formats.token_format import TokenFormat

PRESIGNED_PATTERN = r"(?i:(?:[?&;]|u0026)(?:X-Amz-Signature|X-Goog-Signature|Signature|sig)=)"
_PRESIGNED_URL, _FIRST_FORM = 0, 1
"""The places of their expressions among those that are asked at once."""
ANCHORS = (PRESIGNED_PATTERN, *(form.begins for form in FORMS))
_NEAR_CHARACTERS = 400
_MORE = 120
"""Characters round a shape by which a ciphertext is told that begins like a token, or has one in it by chance."""
_CI = re.compile(
    r"(?:^|/)(?:\.github/workflows/|\.gitlab-ci|\.circleci/|\.buildkite/|azure-pipelines|bitbucket-pipelines"
    r"|Jenkinsfile|\.travis\.yml|\.drone\.yml|\.env)"
)
_ALLOWED = re.compile(r"pragma: ?(?:allow|white)list[ -]secret")
_ALLOWED_NEXT = re.compile(r"pragma: ?allowlist[ -]nextline[ -]secret")
_ALLOWS = re.compile(rb"pragma: ?(?:allow|white)list")


def is_of_ci(path: str) -> bool:
    """Whether a file of this name tells a build what to do, or has its environment."""
    return _CI.search(path) is not None


def scan_extras(text: str, path: str) -> Iterator[TextMatch | Unscanned]:
    """Find tokens by their vendors' formats, values of known variables, and URLs that carry their own access.

    Args:
        text: the content, with every line end as a line feed.
        path: decides only whether it configures a build.
    """
    plain = without_escapes(text)
    present = _anchors().matches(text.encode("utf-8", "surrogatepass"))
    if _PRESIGNED_URL in present:
        from tokenguard.detection.presigned import presigned_urls  # few files hold any

        yield from presigned_urls(text)
    taken = _Taken()
    places = TextPositions(text, "\n")
    for span in _chosen(plain, path, taken):
        value = text[span.start : span.end]
        yield _match(span.kind.type, places.of(span.start), value, confidence(span.kind, value))
    encoded = [*encoded_tokens(plain)]
    yield from _encoded((each for each in encoded if each.is_named), text, places, taken)
    yield from _disguised(text, places, taken)
    for place in (*credential_places(text, path), *_in_manifests(text)):
        if taken.take(place.start, place.end):
            yield _match(place.type, places.of(place.start), text[place.start : place.end])
    yield from _encoded((each for each in encoded if not each.is_named), text, places, taken)
    for number, form in enumerate(FORMS, _FIRST_FORM):
        for start, end in places_of(form, plain) if number in present else ():
            if taken.take(start, end):
                yield _match(form.name, places.of(start), text[start:end])


def _encoded(
    tokens: Iterable[EncodedToken], text: str, places: TextPositions[str], taken: "_Taken"
) -> Iterator[TextMatch]:
    """What stands in base64."""
    for token in tokens:
        if taken.take(token.start, token.end):
            match = _match(token.type, places.of(token.start), token.value)
            yield replace(match, facts={"via": "base64"}, written=Secret(text[token.start : token.end]))


def _disguised(text: str, places: TextPositions[str], taken: "_Taken") -> Iterator[TextMatch | Unscanned]:
    """Vendors' tokens that are written differently."""
    data = text.encode("utf-8", "surrogatepass")
    characters = _Characters(data)
    for each in disguised_tokens(data):
        start = characters.before(each.start)
        if isinstance(each, UnreadRest):
            yield Unscanned(line=places.of(start)[0], reason="nested-disguises")
            return
        end = characters.before(each.end)
        if taken.take(start, end):
            match = _match(each.kind.type, places.of(start), each.value, confidence(each.kind, each.value))
            yield replace(match, facts={"via": each.how}, written=Secret(text[start:end]))


class _Characters:
    """Counts those before an offset of UTF-8, from the offset that was asked for last."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = self._count = 0

    def before(self, offset: int) -> int:
        """How many there are."""
        first, last = sorted((self._offset, offset))
        between = len(self._data[first:last].decode("utf-8", "replace"))
        self._count += between if offset >= self._offset else -between
        self._offset = offset
        return self._count


def _in_manifests(text: str) -> Iterable[CredentialPlace]:
    if "ecret" not in text and "auths" not in text:
        return ()
    from tokenguard.detection.secret_manifests import manifest_places  # few files are one

    return manifest_places(text)


def confidence(kind: TokenFormat, value: str) -> Confidence:
    """LOW for a value without the checksum that its vendor puts into every token."""
    holds = CHECKSUMS.get(kind.checksum)
    return Confidence.LOW if holds is not None and not holds(value) else Confidence.HIGH


def allowed(lines: list[str], line: int) -> bool:
    """Whether a comment on line number `line`, or on the one before it, says that what stands there is no secret."""
    here = lines[line - 1] if line <= len(lines) else ""
    before = lines[line - 2] if 1 < line <= len(lines) + 1 else ""
    return bool(_ALLOWED.search(here) or _ALLOWED_NEXT.search(before))


def may_silence(data: bytes) -> bool:
    """Whether a comment in these bytes may say that what stands there is no secret."""
    return b"pragma:" in data and _ALLOWS.search(data) is not None


def _chosen(text: str, path: str, taken: "_Taken") -> list[TokenSpan]:
    """The places that are tokens, in the order of the text; of two that overlap, the more telling one."""
    telling = sorted(_genuine(token_spans(text), text, path), key=_least_telling)
    chosen = [span for span in telling if taken.take(span.start, span.end)]
    return sorted(chosen, key=lambda span: span.start)


def _least_telling(span: TokenSpan) -> tuple[bool, int, int]:
    return (not span.kind.stands_alone, span.start - span.end, span.start)


def _genuine(spans: Iterable[TokenSpan], text: str, path: str) -> Iterator[TokenSpan]:
    for span in spans:
        kind, value = span.kind, text[span.start : span.end]
        if kind.only_ci and not is_of_ci(path):
            continue
        if kind.near and not _has_word_near(kind.near, text, span):
            continue
        if is_made_up(kind, value) or is_continued_by_placeholder(text[span.end : span.end + 5]):
            continue
        if not is_encrypted(text[span.start : span.end + _MORE], text[max(span.start - _MORE, 0) : span.start]):
            yield span


def _has_word_near(words: tuple[str, ...], text: str, span: TokenSpan) -> bool:
    around = text[max(span.start - _NEAR_CHARACTERS, 0) : span.end + _NEAR_CHARACTERS].lower()
    return any(word in around for word in words)


@cache
def _anchors() -> RegexSet:
    return regex_set(ANCHORS)


class _Taken:
    """Parts of a text, none of which has some of another."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def take(self, start: int, end: int) -> bool:
        """Take this part, unless some of it is taken."""
        at = bisect_left(self._starts, end)
        if at and self._ends[at - 1] > start:
            return False
        self._starts.insert(at, start)
        self._ends.insert(at, end)
        return True


def _match(name: str, place: tuple[int, int], value: str, sure: Confidence = Confidence.HIGH) -> TextMatch:
    line, column = place
    return TextMatch(
        kind=FindingKind.EXTRA,
        type=name,
        line=line,
        column=column,
        value=Secret(value),
        whole=Secret(value),
        confidence=sure,
    )
