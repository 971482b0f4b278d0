"""Values that are given to names that sound secret, in the placements that detect-secrets' rules pass over.

On the lines as the file has them: items of lists, text blocks, properties, keyword arguments, headers, command lines,
query strings and logins in addresses. Whether one is a secret is for the judge to say.
"""

import re
from collections.abc import Iterator
from functools import cache

from tokenguard.detection.match import LeftOut, TextMatch, Unscanned
from tokenguard.detection.pins import is_lock_file
from tokenguard.detection.regex_set import Regex, any_of, loosened, regex
from tokenguard.detection.reporting import reported
from tokenguard.detection.secret_arguments import ARGUMENT_PATTERN, secret_arguments
from tokenguard.detection.secret_names import LEAST_BARE, REFERENCE, SCHEME, WORDS, has_alnum, may_be_secret
from tokenguard.detection.secret_places import SecretPlace, secret_places
from tokenguard.detection.table_columns import HEAD_PATTERN, all_columns, is_table
from tokenguard.detection.token_matcher import assigned_format
from tokenguard.domain.finding import FindingKind
from tokenguard.domain.profile import Profile
from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen

ASSIGNED, IN_ADDRESS, ON_COMMAND_LINE = "Assigned Secret", "Login in an Address", "Login on a Command Line"
_CLOSE = r"(?:\x5c{0,2}[\"'\x60]|[\])]|\[\]){0,2}"
_TYPE = (
    r"(?::?[ \t]{0,4}(?:str|string|&str|&'static[ \t]str|option<string>|text|varchar|secretstr|bytes|final\[str\])"
    r"(?:\b|[ \t])"
    r"|[ \t]As[ \t]String\b)?"
)
_BETWEEN = (
    r"(?:(?:,[ \t]{1,4}(?:_|err|ok)[ \t]{1,4})?:=|[?]=|:-|=>|->|<-|[!=]{1,3}|\}\{|:|,[ \t]{0,4}(?:<<)?[\"']"
    r"|\([ \t]{0,4}(?:[\w.]{0,24}(?:decode|from|hex|byte|atob)\w{0,12}\()?[@bruf]{0,2}\x5c?[\"'\x60]|>"
    r"|[\"'][ \t]{1,4}value=|[ \t]@?[\"']|(?:\|\|=?|\?\?=?|\b(?:or|to)\b)[ \t]{0,4}[\"'])"
)
_ASSIGNMENT = (
    rf"(?i:(?:{WORDS})[\w.-]{{0,24}}{_CLOSE}[ \t]{{0,8}}{_TYPE}[ \t]{{0,8}}{_BETWEEN}[ \t]{{0,8}}[^\s,;(){{}}<>&|])"
)
_OPTION = (
    rf"(?i:(?:--[\w-]{{0,24}}|[ \t]-[\w-]{{0,24}}|\b(?:ENV|ARG)[ \t]{{1,4}}\w{{0,24}})"
    rf"(?:{WORDS})[\w-]{{0,24}}[ \t]{{1,4}}[^\s-])"
)
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
_START = re.compile(r"[@bruf]{0,2}(?P<quote>\\{0,2}[\"'`])?")
_OPENING = re.compile(
    r"(?P<call>(?:\[\])?[\w.:]{0,24}(?:\(\)\.)?(?:SecretStr|Secret|Some|new|\b(?:non)?sensitive|\bto_?string|\btrimspace"
    r"|\bchomp|base64encode|\bunquote|\b(?:aws|pointer|proto)\.String|\bptr\.To|\bString\.valueOf|unsafePlainText"
    r"|\b(?:pulumi|Output)\.secret|\bnew[ ]TextEncoder\(\)\.encode|\bData"
    r"|(?:[fF]rom|byte|[dD]ecode|atob|[hH]ex)\w{0,12}!?)\([ \t]{0,4}[@bru]{0,2})?"
    r"(?P<opens>\$?@?\"{3}|'{3}|''|r?\x23{1,3}\"|raw\"|\[=*\[|\[[ \t]{0,4}[\"']?|%?q[qw]?[({\[<|]|%[QW][({\[<|]"
    r"|~[sS][({\[<|/\"']|(?:(?<=\()|(?<=\([@bru]))[\"'\x60])"
)
"""Strings that do not begin with one quote: raw ones, long ones, those in brackets, and the first of a list."""
_UNUSUAL = re.compile(
    r"<-|\}\{|\?=|:-|\|\||\?\?|\b(?:or|to)\b|\[\]"
    r"|(?i:as string|final|secretstr|static)|<<|\w\("
    r"|[=:>,(][ \t]*[$@]*(?:\"{3}|'{2}|r?\x23|raw|\[|%?[qQ]|~)"
)
"""What the judge does not read as what stands between a name and its value."""
_NAME_ENDS, _NAME_GOES_ON = re.compile(r"[\w.-]+\Z"), re.compile(r"[\w.-]+")
_CLOSES = {"(": ")", "{": "}", "[": "]", "<": ">"}
_LINE_END = r"(?!\\[nrt\"'])"
"""What no value goes on behind: a line feed, tab or quote as strings write it."""
_BARE = re.compile(rf"(?:{_LINE_END}[^\s\"'`<>,;(){{}}\[\]|])+")
_IN_QUERY = re.compile(rf"(?:{_LINE_END}[^\s\"'`<>,;(){{}}\[\]|&#])+")
_BETWEEN_TEXT = re.compile(r"[^<\n]+")
_CODE = re.compile(
    r"(?i)\.(?:py|[jt]sx?|[mc]js|go|rs|java|kt|scala|c|h|cc|[ch]pp|cs|swift|m|rb|php|p[lm]|lua|exs?|[eh]rl|hs|clj|dart"
    r"|groovy|vue|vb|r|jl|ml|fs|sol|s?css|less)$"
)
PASSED_OVER = (b'{"bundle":{"format":', b"# tokenguard baseline ")
"""How a bundle of known tokens and a baseline begin, which teams commit; no assignment in them is told."""
_MOST_OF_A_FILE = 10_000
"""A file with more of them was made to keep a scan busy."""
_SOURCE_MAP = re.compile(r"(?i)\.(?:[mc]?js|css)\.map$")
_NAMED_IN_LIST = re.compile(r"[\w.-]*\\*(?P<quote>[\"'])[ \t]*,[ \t]*\\*[\"']")
_LIST_BEFORE = re.compile(r"(?P<sign>[(\[{,:])[ \t]*\\*[\"'](?P<name>[\w./@ -]*)\Z")
_IN_LIST = ",", "]", "}", ":", ""
_LIST_AFTER = {"(": (":",), "{": (":",), "[": (",", ":"), ",": _IN_LIST, ":": _IN_LIST, "": (",", ":")}
"""What follows two words that only stand in a list, or a word and the next key, by what stands before them."""
_WORD_OF_LIST = re.compile(r"(?:(?:[A-Za-z]+[0-9]{0,3})?[^A-Za-z0-9])*(?:[A-Za-z]+[0-9]{0,3})?")
"""Such as `sha256` or `oauth2-token`; a password that was generated has digits between its letters."""
_LEAST_IN_LIST, _LEAST_RANDOM = 16, 9
_QUOTES = "\"'`"
_VARIABLE = re.compile(r"[A-Za-z_]\w*(?:_\w+)+", re.ASCII)
_IN_COMMENT = re.compile(r"[ \t]*(?:#|//|\*|--|<!--)[ \t]*[\w /-]{0,40}\Z")
"""What stands before a name in a comment that says no more than its value."""
_COMPARES = re.compile(r"[!=]=[ \t]*$")


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
    apart: bool
    """Whether the name does not stand right before the value, so that the line was made of both."""


def is_code(path: str) -> bool:
    """Whether a file of this name is a program's source."""
    return _CODE.search(path) is not None


def is_source_map(path: str) -> bool:
    """Whether a file of this name leads from a program that was made to its sources."""
    return _SOURCE_MAP.search(path) is not None


def assignments(data: bytes, path: str) -> Iterator[Assignment]:
    """Every assignment in the (UTF-8) bytes of a file of this name, line by line."""
    if is_lock_file(path) or data.startswith(PASSED_OVER):
        return
    source_map = is_source_map(path)
    code = source_map or is_code(path)
    columns = _Columns(data)
    for kind, (start, end), place in sorted(_found(data, code=code, table=is_table(path)), key=lambda each: each[1]):
        if place is not None:
            line, column = columns.of(start)
            text = f'{place.name} = "{place.value}"'
            yield Assignment(line, column, place.value, kind, text, len(place.name) + 4, apart=True)
            continue
        begin = max(data.rfind(b"\n", 0, start) + 1, start - _AROUND)
        stop = data.find(b"\n", end)
        text = data[begin : min(stop if stop >= 0 else len(data), end + _AROUND)].decode("utf-8", "replace")
        head = len(data[begin:start].decode("utf-8", "replace"))
        tail = len(data[begin:end].decode("utf-8", "replace"))
        found = _place(kind, text, head, tail, code=code)
        line, column = columns.of(start)
        if found is not None and not (source_map and text[found[0] - 1] not in _QUOTES):
            value = text[found[0] : found[1]]
            shown, at = (text, found[0]) if kind is not ASSIGNED else _as_assignment(text, head, found[0], value)
            yield Assignment(line, column + found[0] - head, value, kind, shown, at, apart=shown is not text)


def _as_assignment(text: str, head: int, start: int, value: str) -> tuple[str, int]:
    """A line for the judge, and where on it the value begins: in most cases the file's own."""
    in_element = text[start - 1 : start] == ">" and text.startswith("</", start + len(value))
    if not in_element and _UNUSUAL.search(text, head, start) is None:
        return text, start
    name = _NAME_ENDS.search(text[:head] + (_NAME_GOES_ON.match(text, head) or [""])[0])
    given = name[0] if name else "password"
    return f'{given} = "{value}"', len(given) + 4


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
        vendor = assigned_format(each.text, each.at, each.value) if each.apart else None
        match = TextMatch(
            kind=FindingKind.EXTRA,
            type=vendor.type if vendor else each.type,
            line=each.line + 1,
            column=each.column + 1,
            value=value,
            whole=value,
        )
        yield match if vendor else reported(profile, match, each.text, path, each.at)


def _found(data: bytes, *, code: bool, table: bool) -> Iterator[tuple[str, tuple[int, int], SecretPlace | None]]:
    for match in _assigned().finditer(data):
        yield ASSIGNED, match.span(), None
    heads = list[tuple[int, int]]()
    for match in _others().finditer(data) if any(each.search(data) for each in any_others()) else ():
        start, end = match.span()
        if match.group(4) is not None:
            heads.append((start, end))
            continue
        if match.group(3) is not None:
            for place in secret_arguments(data, start, end):
                yield ON_COMMAND_LINE, (place.start, place.end), place
            continue
        yield IN_ADDRESS if match.group(2) is None else ON_COMMAND_LINE, (start, end), None
        if match.group(2) is not None:
            for within in _address().finditer(data[start:end]):
                yield IN_ADDRESS, (start + within.start(), start + within.end()), None
    for place in (*all_columns(data, heads, table=table), *secret_places(data, code=code)):
        yield ASSIGNED, (place.start, place.end), place


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
    if any(char.isspace() or char in "<>" for char in value) or end - start < LEAST_BARE:
        return None
    return (start, end) if not REFERENCE.match(value) and has_alnum(value) else None


def _in_address(text: str, head: int, tail: int) -> tuple[int, int] | None:
    start = text.index(":", head + 4) + 1
    value = text[start : tail - 1]
    return None if REFERENCE.match(value) or not has_alnum(value) else (start, tail - 1)


def _value(text: str, head: int, tail: int, *, code: bool) -> tuple[int, int] | None:
    """Where the value stands that begins before `tail`, or None if what stands there is none."""
    start = tail - 1
    opened = _OPENING.match(text, start)
    if opened is not None:
        return _in_brackets(text, head, opened)
    quote = text[start - 1 : start] if text[start - 1 : start] in ("'", '"', "`") else ""
    opening = _START.match(text, start)
    if not quote and opening is not None and opening.group("quote"):
        quote, start = opening.group("quote"), opening.end()
    scheme = SCHEME.match(text, start)
    if scheme:
        start = scheme.end()
    if quote:
        if text.startswith('\\"', start):
            quote, start = '\\"', start + 2
        end = text.find(quote, start)
        if end < 0 or (scheme is None and _is_in_list(text, head, start, end)):
            return None
    elif text[start - 1 : start] == ">":
        end = _end(_BETWEEN_TEXT, text, start)
    else:
        before = text[:head]
        query = "://" in before or "?" in before or "&" in before
        end = _end(_IN_QUERY if query else _BARE, text, start)
        inside = before.count('"') % 2 or before.count("'") % 2 or before.count("`") % 2 or _IN_COMMENT.match(before)
        if (code and not (inside or query)) or text[end : end + 1] in ("(", "["):
            return None
        if _VARIABLE.fullmatch(text, start, end) and (
            _COMPARES.search(text, head, start) or _is_argument(text, start, end)
        ):
            return None
    return (start, end) if may_be_secret(text[start:end], text[head:start], quoted=bool(quote)) else None


def _is_in_list(text: str, head: int, start: int, end: int) -> bool:
    """Whether the name and what follows it are two words of a list, and not a name and its value."""
    found = _NAMED_IN_LIST.match(text, head)
    value = text[start:end]
    random = len(value) >= _LEAST_IN_LIST or (len(value) >= _LEAST_RANDOM and _WORD_OF_LIST.fullmatch(value) is None)
    if found is None or (random and any(map(str.isdigit, value))):
        return False
    before = _LIST_BEFORE.search(text[:head])
    sign = before["sign"] if before else ""
    option = before is not None and before["name"].startswith("-")
    after = text[end:].lstrip("\\").removeprefix(found["quote"]).lstrip()[:1]
    return not option and after in _LIST_AFTER[sign]


def _in_brackets(text: str, head: int, opened: re.Match[str]) -> tuple[int, int] | None:
    """Where the value stands that such an opening begins."""
    start, opening = opened.end(), opened.group("opens")
    end = _end(_BARE, text, start) if opening.rstrip(" \t") == "[" else text.find(_closing(opening), start)
    name = text[head : opened.start()]
    return (start, end) if end >= 0 and may_be_secret(text[start:end], name, quoted=True) else None


def _closing(opening: str) -> str:
    if opening.endswith(("''", '"""')):
        return opening.lstrip("$@")
    if "#" in opening:
        return '"' + opening[:-1].lstrip("r")
    if opening.startswith("[") and opening.endswith("["):
        return opening.replace("[", "]")
    return _CLOSES.get(opening[-1], opening[-1])


def _is_argument(text: str, start: int, end: int) -> bool:
    """Whether an unquoted word stands between the brackets of a call, where a word names a variable."""
    before = text[:start]
    return text[end : end + 1] in (",", ")") and before.count("(") > before.count(")")


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


@cache
def _assigned() -> Regex:
    return regex(loosened(ASSIGNED_PATTERN))


@cache
def any_others() -> tuple[Regex, ...]:
    """One of these is in all bytes that hold an assignment of another kind: few do. Two have less states than one."""
    together = (ADDRESS_PATTERN, HEAD_PATTERN), (COMMAND_PATTERN, ARGUMENT_PATTERN)
    return tuple(regex(any_of(map(loosened, each))) for each in together)


@cache
def _others() -> Regex:
    return regex(loosened(f"({ADDRESS_PATTERN})|({COMMAND_PATTERN})|({ARGUMENT_PATTERN})|({HEAD_PATTERN})"))


@cache
def _address() -> Regex:
    return regex(ADDRESS_PATTERN)
