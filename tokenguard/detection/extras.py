"""Stage C: vendors' tokens by their formats, values of known variables, and pre-signed URLs, anywhere on a line."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache

from tokenguard.detection.credential_files import CredentialPlace, credential_places
from tokenguard.detection.encoded_tokens import encoded_tokens
from tokenguard.detection.made_up_tokens import is_made_up
from tokenguard.detection.match import Confidence, TextMatch
from tokenguard.detection.regex_set import RegexSet, regex_set
from tokenguard.detection.stand_ins import goes_on_filled_up, stands_for_another
from tokenguard.detection.text_positions import TextPositions
from tokenguard.detection.token_matcher import TokenSpan, token_spans
from tokenguard.domain.finding import FindingKind
from tokenguard.domain.secret import Secret
from tokenguard.frozen import replace
from tokenguard.token_formats.checksum import CHECKSUMS
from tokenguard.token_formats.token_format import TokenFormat

KNOWN_VARIABLE = "Token in a known variable"
VARIABLES_PATTERN = (
    "DESCRIPT_API_TOKEN|DESCRIPT_API_KEY|DESCRIPT_TOKEN|AUTOPOSTING_API_KEY|"
    "AUTOPOSTING_TOKEN|OP_SERVICE_ACCOUNT_TOKEN|OP_CONNECT_TOKEN|DOPPLER_TOKEN|"
    "CLOUDFLARE_API_TOKEN|VAULT_TOKEN|GITLAB_TOKEN|SENDGRID_API_KEY"
)
KNOWN_VARIABLE_PATTERN = (
    rf"(?<![A-Za-z0-9])(?:{VARIABLES_PATTERN})(?![A-Za-z0-9_])[\"']?[ \t]{{0,8}}(?:[:=][ \t]{{0,8}}|[ \t])[\"']?"
    r"(?P<value>[A-Za-z0-9+/=_:.~%-]{20,512})(?![A-Za-z0-9({$])"
)
PRESIGNED_PATTERN = r"(?i:(?:[?&;]|u0026)(?:X-Amz-Signature|X-Goog-Signature|Signature|sig)=)"
_PRESIGNED_URL, _VARIABLE, _ENCRYPTED_KEY, _PUTTY_KEY, _STATIC_KEY, _KEY_VALUE = range(6)
ENCRYPTED_KEY_BEGINS = "-----BEGIN ENCRYPTED PRIVATE KEY-----"
_ENCRYPTED_KEY_PATTERN = rf"(?P<value>{ENCRYPTED_KEY_BEGINS}\s{{1,8}}[A-Za-z0-9+/=\s]{{64}})"
KEY_BEGINS = "PuTTY-User-Key-File-3:", "-----BEGIN OpenVPN Static key V1-----", "<D>"
"""How private keys begin that detect-secrets does not know: of PuTTY since 0.75, of OpenVPN, and of .NET in XML."""
_PUTTY, _STATIC, _IN_XML = (
    rf"(?P<value>{KEY_BEGINS[0]}[^\n]{{4,60}}\n(?:[^\n]{{0,200}}\n){{4,200}}?Private-MAC:[ ][0-9a-f]{{64}})",
    rf"(?P<value>{KEY_BEGINS[1]}\s[0-9a-f\s]{{200,1200}})",
    rf"{KEY_BEGINS[2]}(?P<value>[A-Za-z0-9+/]{{80,1400}}={{0,2}})</D>",
)
_BY_EXPRESSION = (
    (_VARIABLE, KNOWN_VARIABLE, KNOWN_VARIABLE_PATTERN),
    (_ENCRYPTED_KEY, "Encrypted Private Key", _ENCRYPTED_KEY_PATTERN),
    (_PUTTY_KEY, "Private Key", _PUTTY),
    (_STATIC_KEY, "Private Key", _STATIC),
    (_KEY_VALUE, "Private Key", _IN_XML),
)
_NEAR_CHARACTERS = 400
_CI = re.compile(
    r"(?:^|/)(?:\.github/workflows/|\.gitlab-ci|\.circleci/|\.buildkite/|azure-pipelines|bitbucket-pipelines"
    r"|Jenkinsfile|\.travis\.yml|\.drone\.yml|\.env)"
)
_WHITE = re.compile(r"\\[nrt]")
"""White space as JSON and programs write it, which ends in a letter."""
_ALLOWED = re.compile(r"pragma: ?(?:allow|white)list[ -]secret")
_ALLOWED_NEXT = re.compile(r"pragma: ?allowlist[ -]nextline[ -]secret")
_ALLOWS = re.compile(rb"pragma: ?(?:allow|white)list")


def scan_extras(text: str, path: str) -> Iterator[TextMatch]:
    """Find tokens by their vendors' formats, values of known variables, and URLs that carry their own access.

    Args:
        text: the content, with every line end as a line feed.
        path: decides only whether it configures a build.
    """
    plain = _unescaped(text)
    present = _anchors().matches(text.encode("utf-8", "surrogatepass"))
    if _PRESIGNED_URL in present:
        from tokenguard.detection.presigned import presigned_urls  # few files hold any

        yield from presigned_urls(text)
    taken = _Taken()
    places = TextPositions(text, "\n")
    for span in _chosen(plain, path, taken):
        value = text[span.start : span.end]
        yield _match(span.kind.type, places.of(span.start), value, confidence(span.kind, value))
    for place in (*credential_places(text, path), *_in_manifests(text)):
        if taken.take(place.start, place.end):
            yield _match(place.type, places.of(place.start), text[place.start : place.end])
    for token in encoded_tokens(plain):
        if taken.take(token.start, token.end):
            match = _match(token.type, places.of(token.start), token.value)
            yield replace(match, facts={"via": "base64"}, written=Secret(text[token.start : token.end]))
    for number, name, pattern in _BY_EXPRESSION:
        for found in re.finditer(pattern, plain) if number in present else ():
            start, end = found.span("value")
            if _may_be_value(name, text[start:end]) and taken.take(start, end):
                yield _match(name, places.of(start), text[start:end])


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


def _unescaped(text: str) -> str:
    """Of the same length, without the letters of escaped white space: a token may follow one."""
    return _WHITE.sub("\f\f", text) if "\\" in text else text


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
        if kind.only_ci and not _CI.search(path):
            continue
        if kind.near and not _has_word_near(kind.near, text, span):
            continue
        if is_made_up(kind, value) or goes_on_filled_up(text[span.end : span.end + 5]):
            continue
        yield span


def _has_word_near(words: tuple[str, ...], text: str, span: TokenSpan) -> bool:
    around = text[max(span.start - _NEAR_CHARACTERS, 0) : span.end + _NEAR_CHARACTERS].lower()
    return any(word in around for word in words)


def _may_be_value(name: str, value: str) -> bool:
    return name != KNOWN_VARIABLE or (not stands_for_another(value) and _looks_random(value))


def _looks_random(value: str) -> bool:
    """Digits among letters: what a generator writes and a person does not."""
    digits = sum(char.isdigit() for char in value)
    return digits >= 2 and any(char.isalpha() for char in value)  # noqa: PLR2004 - one may be a version


@cache
def _anchors() -> RegexSet:
    return regex_set([PRESIGNED_PATTERN, VARIABLES_PATTERN, _ENCRYPTED_KEY_PATTERN, *KEY_BEGINS])


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
