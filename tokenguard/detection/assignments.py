"""Values that are given to names that sound secret, in the placements that detect-secrets' rules pass over.

On the lines as the file has them: items of lists, text blocks, properties, keyword arguments, headers, command lines,
query strings and logins in addresses. Whether one is a secret is for the judge to say.
"""

import re
from collections.abc import Iterator
from functools import cache

from tokenguard.detection.match import LeftOut, TextMatch, Unscanned
from tokenguard.detection.pins import is_lock_file
from tokenguard.detection.regex_set import Regex, regex
from tokenguard.detection.reporting import reported
from tokenguard.domain.finding import FindingKind
from tokenguard.domain.profile import Profile
from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen

ASSIGNED, IN_ADDRESS, ON_COMMAND_LINE = "Assigned Secret", "Login in an Address", "Login on a Command Line"
_KEYS = (
    "api|access|private|secret|encryption|encrypt|auth|signing|sign|master|account|storage|session|cookie|app"
    "|application|consumer|client|service|license|admin|hmac|jwt|deploy|shared|subscription|web|host|server"
)
_WORDS = (
    r"passw(?:or)?d|passwort|passphrase|passcode|(?:[_.-]|\b|db)pass|pwd|secret|token|credential|authorization|bearer"
    rf"|(?:{_KEYS})[_.-]?key|\bkey\b|[_-]key\b|api[_.-]?auth|\bauth\b|salt|otp|connection[_-]?string|webhook"
)
_CLOSE = r"(?:\x5c{0,2}[\"'\x60]|[\])]){0,2}"
_TYPE = r"(?::?[ \t]{0,4}(?:str|string|&str|text|varchar)\b)?"
_BETWEEN = (
    r"(?::=|=>|->|[!=]{1,3}|:|,[ \t]{0,4}[\"']|\([ \t]{0,4}[@bruf]{0,2}\x5c?[\"'\x60]|>|[\"'][ \t]{1,4}value="
    r"|[ \t][\"'])"
)
_ASSIGNMENT = (
    rf"(?i:(?:{_WORDS})[\w.-]{{0,24}}{_CLOSE}[ \t]{{0,8}}{_TYPE}[ \t]{{0,8}}{_BETWEEN}[ \t]{{0,8}}[^\s,;(){{}}<>&|])"
)
_OPTION = rf"(?i:(?:--[\w-]{{0,24}}|\b(?:ENV|ARG)[ \t]{{1,4}}\w{{0,24}})(?:{_WORDS})[\w-]{{0,24}}[ \t]{{1,4}}[^\s-])"
ASSIGNED_PATTERN = f"(?:{_ASSIGNMENT}|{_OPTION})"
ADDRESS_PATTERN = r"[a-z]://[^\s:/@\"'\x60<>]{0,80}:[^\s/@\"'\x60<>]{3,160}@"
COMMAND_PATTERN = (
    r"(?m:(?:\bcurl\b[^\n]{0,400}[ \t]|^[ \t#]{0,40})(?:-[a-zA-Z]{0,5}u|--(?:proxy-)?user)"
    r"(?:[ \t]{1,4}|=)[\"'{]{0,2}[^\s\"'$]{1,160})"
)
_LOGIN = re.compile(
    r"(?:-\w*u|--(?:proxy-)?user)[ \t=]{1,4}(?:\"(?P<double>[^\":\n]*:[^\"\n]*)\"|'(?P<single>[^':\n]*:[^'\n]*)'"
    r"|(?P<bare>[^\s\"':]*:[^\s\"']+)|[\"']?[^\s\"':]*[\"']?:[\"'](?P<password>[^\s\"']+)[\"'])"
)
"""As curl(1) takes them: `-u USER:PASSWORD`, with quotes round both or one; a token may stand for either."""
_AROUND = 400
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|apikey)(?::|[ \t]+|%20)")
_START = re.compile(r"[@bruf]{0,2}(?P<quote>\\{0,2}[\"'`])?")
_BARE = re.compile(r"[^\s\"'`<>,;(){}\[\]|]+")
_IN_QUERY = re.compile(r"[^\s\"'`<>,;(){}\[\]|&#]+")
_BETWEEN_TEXT = re.compile(r"[^<\n]+")
_CODE = re.compile(
    r"(?i)\.(?:py|[jt]sx?|[mc]js|go|rs|java|kt|scala|c|h|cc|[ch]pp|cs|swift|m|rb|php|p[lm]|lua|exs?|[eh]rl|hs|clj|dart"
    r"|groovy|vue|vb|r|jl|ml|fs|sol|s?css|less)$"
)
_REFERENCE = re.compile(
    r"[$%]?[({\[<*&]|\$|%[(s]|!|https?:|/dev/|null\b|none\b|true\b|false\b|undefined\b|(?i:x+|\.+|\*+)$"
)
_LEAST_QUOTED, _LEAST_BARE, _MOST = 4, 6, 400
_LEAST_PLAIN_KEY = 16
_OURS = (b'{"bundle":{"format":', b"# tokenguard baseline ")
"""How a bundle of own tokens and a baseline begin, which teams commit."""
_MOST_OF_A_FILE = 10_000
"""A file with more of them was made to keep a scan busy."""
_VARIABLE = re.compile(r"[A-Za-z_]\w*(?:_\w+)+", re.ASCII)
_COMPARES = re.compile(r"[!=]=[ \t]*$")
_OTHER_WORD = re.compile(r"(?i)(?:key(?:ing|board|stone|note|word|frame|code|pad|ed)|token(?:iz|is)|secretar)")
_PLAIN = re.compile(r"(?i)^[_-]?(?:key|auth|salt|otp|webhook)\W*$")


class Assignment(Frozen, frozen=True):
    """`line[column:]` begins with the value; both count from 0."""

    line: int
    column: int
    value: str
    type: str
    text: str
    """The line, as much of it as is looked at."""
    at: int
    """Where in it the value begins."""


def assignments(data: bytes, path: str) -> Iterator[Assignment]:
    """Every assignment in the (UTF-8) bytes of a file of this name, line by line."""
    if is_lock_file(path) or data.startswith(_OURS):
        return
    code = _CODE.search(path) is not None
    columns = _Columns(data)
    for kind, (start, end) in sorted(_found(data), key=lambda each: each[1]):
        begin = max(data.rfind(b"\n", 0, start) + 1, start - _AROUND)
        stop = data.find(b"\n", end)
        text = data[begin : min(stop if stop >= 0 else len(data), end + _AROUND)].decode("utf-8", "replace")
        head = len(data[begin:start].decode("utf-8", "replace"))
        tail = len(data[begin:end].decode("utf-8", "replace"))
        place = _place(kind, text, head, tail, code=code)
        line, column = columns.of(start)
        if place is not None:
            yield Assignment(line, column + place[0] - head, text[place[0] : place[1]], kind, text, place[0])


class _Columns:
    """Lines and columns, both from 0 and in characters, of offsets that are asked for from left to right."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = self._line = self._column = 0

    def of(self, offset: int) -> tuple[int, int]:
        passed = self._data[self._offset : offset]
        feeds = passed.count(b"\n")
        if feeds:
            self._line += feeds
            self._column = 0
        self._column += len(passed[passed.rfind(b"\n") + 1 :].decode("utf-8", "replace"))
        self._offset = offset
        return self._line, self._column


def scan_assignments(text: str, path: str, profile: Profile) -> Iterator[TextMatch | LeftOut | Unscanned]:
    """What of them a run reports; nothing in the profile that tells what detect-secrets tells.

    Args:
        text: the content, with every line end as a line feed.
        path: of the file.
        profile: what the run was asked to report.
    """
    if profile is Profile.DETECT_SECRETS:
        return
    for number, each in enumerate(assignments(text.encode("utf-8", "surrogatepass"), path)):
        if number >= _MOST_OF_A_FILE:
            yield Unscanned(line=each.line + 1, reason="hostile-structure")
            return
        value = Secret(each.value)
        match = TextMatch(
            kind=FindingKind.EXTRA,
            type=each.type,
            line=each.line + 1,
            column=each.column + 1,
            value=value,
            whole=value,
        )
        yield reported(profile, match, each.text, path, each.at)


def may_hold_assignments(data: bytes, path: str) -> bool:
    """Whether any could be found in these bytes of a file of this name, alone or among other lines."""
    return any(True for _ in assignments(data, path))


def _found(data: bytes) -> Iterator[tuple[str, tuple[int, int]]]:
    for kind, expression in ((ASSIGNED, _assigned()), (IN_ADDRESS, _address()), (ON_COMMAND_LINE, _command())):
        for match in expression.finditer(data):
            yield kind, match.span()


def _place(kind: str, text: str, head: int, tail: int, *, code: bool) -> tuple[int, int] | None:
    if kind is ASSIGNED:
        return _value(text, head, tail, code=code)
    return _in_address(text, head, tail) if kind is IN_ADDRESS else _of_login(text, head)


def _of_login(text: str, head: int) -> tuple[int, int] | None:
    found = _LOGIN.search(text, head)
    if found is None:
        return None
    kind = found.lastgroup or ""
    start, end = found.span(kind)
    if kind != "password":
        colon = text.index(":", start)
        start, end = (colon + 1, end) if end > colon + 1 else (start, colon)
    value = text[start:end].strip("{}")
    start = text.index(value, start) if value else start
    end = start + len(value)
    if any(char.isspace() or char in "<>" for char in value) or end - start < _LEAST_BARE:
        return None
    return (start, end) if not _REFERENCE.match(value) and _has_alnum(value) else None


def _in_address(text: str, head: int, tail: int) -> tuple[int, int] | None:
    start = text.index(":", head + 4) + 1
    value = text[start : tail - 1]
    return None if _REFERENCE.match(value) or not _has_alnum(value) else (start, tail - 1)


def _value(text: str, head: int, tail: int, *, code: bool) -> tuple[int, int] | None:
    """Where the value stands that begins before `tail`, or None if what stands there is none."""
    start = tail - 1
    quote = text[start - 1 : start] if text[start - 1 : start] in ("'", '"', "`") else ""
    opening = _START.match(text, start)
    if not quote and opening is not None and opening.group("quote"):
        quote, start = opening.group("quote"), opening.end()
    scheme = _SCHEME.match(text, start)
    if scheme:
        start = scheme.end()
    if quote:
        end = text.find(quote, start)
        if end < 0:
            return None
    elif text[start - 1 : start] == ">":
        end = _end(_BETWEEN_TEXT, text, start)
    else:
        before = text[:head]
        query = "://" in before or "?" in before or "&" in before
        end = _end(_IN_QUERY if query else _BARE, text, start)
        inside = before.count('"') % 2 or before.count("'") % 2 or before.count("`") % 2
        if (code and not (inside or query)) or text[end : end + 1] in ("(", "["):
            return None
        if _VARIABLE.fullmatch(text, start, end) and (
            _COMPARES.search(text, head, start) or _is_argument(text, start, end)
        ):
            return None
    return (start, end) if _may_be(text[start:end], text[head:start], quoted=bool(quote)) else None


def _is_argument(text: str, start: int, end: int) -> bool:
    """Whether an unquoted word stands between the brackets of a call, where a word names a variable."""
    before = text[:start]
    return text[end : end + 1] in (",", ")") and before.count("(") > before.count(")")


def _may_be(value: str, name: str, *, quoted: bool) -> bool:
    if _OTHER_WORD.search(name):
        return False
    least = _LEAST_QUOTED if quoted else _LEAST_BARE
    if _PLAIN.search(name.rstrip("\"'`:= \t")):
        least = _LEAST_PLAIN_KEY
        if value.isalpha():
            return False
    if not least <= len(value) <= _MOST or any(char.isspace() for char in value):
        return False
    return _has_alnum(value) and _REFERENCE.match(value) is None


def _has_alnum(value: str) -> bool:
    return any(char.isalnum() for char in value)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


@cache
def _assigned() -> Regex:
    return regex(ASSIGNED_PATTERN)


@cache
def _command() -> Regex:
    return regex(COMMAND_PATTERN)


@cache
def _address() -> Regex:
    return regex(ADDRESS_PATTERN)
