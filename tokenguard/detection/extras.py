"""Stage C: vendor-shaped tokens and pre-signed URLs, wherever they stand on a line."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache

from tokenguard.detection.extra_rules import RULES, ExtraRule
from tokenguard.detection.match import Match
from tokenguard.detection.places import Places
from tokenguard.detection.regex_set import RegexSet, regex_set
from tokenguard.domain.finding import Kind
from tokenguard.domain.secret import Secret

_PRESIGNED = r"(?i:(?:[?&;]|u0026)(?:X-Amz-Signature|X-Goog-Signature|Signature|sig)=)"
_NEAR_CHARACTERS = 400
_CI = re.compile(
    r"(?:^|/)(?:\.github/workflows/|\.gitlab-ci|\.circleci/|\.buildkite/|azure-pipelines|bitbucket-pipelines"
    r"|Jenkinsfile|\.travis\.yml|\.drone\.yml|\.env)"
)
_STAND_IN = re.compile(
    r"(?i)example|your[-_]?|placeholder|change[-_]?me|replace|dummy|x{6}|0{8}|12345678|insert|todo|secrets\.|environ"
)
_VARIABLE = "Token in a known variable"
_LEAST_DISTINCT = 8
_WHITE = re.compile(r"\\[nrt]")
"""White space as JSON and programs write it, which ends in a letter."""
_ALLOWED = re.compile(r"pragma: ?(?:allow|white)list[ -]secret")
_ALLOWED_NEXT = re.compile(r"pragma: ?allowlist[ -]nextline[ -]secret")


def scan_extras(text: str, path: str) -> Iterator[Match]:
    """Find tokens by their vendors' shapes, and URLs that carry their own access.

    Args:
        text: the content, with every line end as a line feed.
        path: decides only whether it configures a build.
    """
    plain = _WHITE.sub("\f\f", text) if "\\" in text else text  # of the same length: a token may follow one
    present = sorted(_anchors().matches(text.encode("utf-8", "surrogatepass")))
    taken = _Taken()
    places = Places(text, "\n")
    for number in present:
        if number == len(RULES):
            from tokenguard.detection.presigned import presigned_urls  # noqa: PLC0415 - few files hold any

            yield from presigned_urls(text)
            continue
        rule = RULES[number]
        if rule.only_ci and not _CI.search(path):
            continue
        pattern = re.compile(rule.pattern)
        for match in pattern.finditer(plain):
            start, end = match.span("value" if "value" in pattern.groupindex else 0)
            if not taken.free(start, end):
                continue  # the half of a token that was found whole
            if not _stands_for_itself(rule, text, match, start, end):
                continue
            taken.add(start, end)
            yield _match(rule, places.of(start), text[start:end])


def may_hold_shapes(data: bytes) -> bool:
    """Whether any shape could be found in these (UTF-8) bytes."""
    return bool(_anchors().matches(data))


def allowed(lines: list[str], line: int) -> bool:
    """Whether a comment on line number `line`, or on the one before it, says that what stands there is no secret."""
    here = lines[line - 1] if line <= len(lines) else ""
    before = lines[line - 2] if 1 < line <= len(lines) + 1 else ""
    return bool(_ALLOWED.search(here) or _ALLOWED_NEXT.search(before))


@cache
def _anchors() -> RegexSet:
    return regex_set([*(rule.anchor for rule in RULES), _PRESIGNED])


def _stands_for_itself(rule: ExtraRule, text: str, match: re.Match[str], start: int, end: int) -> bool:
    """Whether it is a token and not a word that stands for one."""
    value = text[start:end]
    if len(set(value)) < _LEAST_DISTINCT or _STAND_IN.search(value):
        return False
    if rule.type == _VARIABLE and not _looks_random(value):
        return False
    if rule.near:
        around = text[max(match.start() - _NEAR_CHARACTERS, 0) : match.end() + _NEAR_CHARACTERS]
        return rule.near in around.lower()
    return True


def _looks_random(value: str) -> bool:
    """Digits among letters: what a generator writes and a person does not."""
    digits = sum(char.isdigit() for char in value)
    return digits >= 2 and any(char.isalpha() for char in value)  # noqa: PLR2004 - one may be a version


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


def _match(rule: ExtraRule, place: tuple[int, int], value: str) -> Match:
    line, column = place
    return Match(
        kind=Kind.EXTRA,
        type=rule.type,
        line=line,
        column=column,
        value=Secret(value),
        whole=Secret(value),
    )
