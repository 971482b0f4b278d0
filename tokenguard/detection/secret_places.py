"""Secrets with a name that nothing assigns them to on their line: pairs of a name and a value, settings with a blank.

Manifests of Kubernetes, task definitions, templates, collections of requests and property lists keep the name in one
entry and the value in the next. Each place comes with its name, so that the judge sees an assignment.
"""

import re
import string
from collections.abc import Iterator
from functools import cache

from tokenguard.detection.regex_set import Regex, regex
from tokenguard.detection.secret_names import SCHEME, WORDS, may_be_secret
from tokenguard.frozen import Frozen

_NAME = rf"(?:{WORDS})[\w.-]*"
_SAYS_NAME = r"(?:name|key|env_?var|variable)[\"']?[ \t]*[:=][ \t]*[\"']?"
_KEY = rf"{_SAYS_NAME}[\w./-]*"
_OPENS = r"(?:[|>][+-]?|\x22{3}|'{3}|<<[<~-]?[ \t]?[\"']?\w+[\"']?|\\)?[ \t]*$"
_BEFORE_ENTRY = rf"{_KEY}(?:{WORDS})s?(?:[0-9_.-][\w.-]*)?(?:[\"',]|[ \t]|$)"
_BEFORE_LINE = rf"{_NAME}[\"']?[ \t]*(?:[:=][ \t]*{_OPENS}|:[ \t]*\{{)"
_IN_MARKUP = (
    rf"<(?:[a-z]{{1,12}}-)?(?:name|key)>[ \t]*[\w./-]*{_NAME}[ \t]*</",
    rf"<[\w./-]*{_NAME}>[ \t]*(?:<!\[CDATA\[|<value>|$)",
    rf"\bvariable[ \t]+\"[\w./-]*{_NAME}\"[ \t]*\{{",
    r"\bsend[ \t]+(?:-- )?[\"'][^\"'\n]+\x5c[rn]",
)
BEFORE_LINE_PATTERN = f"(?i:{_BEFORE_LINE})"
"""A name that sounds secret, with its value on the next line or in braces."""
NAMED_PATTERN = f"(?i:{_BEFORE_ENTRY}|{'|'.join(_IN_MARKUP)})"
"""The same with its value in the next entry or element."""
_SETTERS = (
    r"setenv|setx|set(?:[ \t]+-[a-z]+)?|read(?:[ \t]+-r)?|proxy_set_header|fastcgi_param|header_up"
    r"|(?:set|add)[_-]header|requestheader[ \t]+set"
)
"""Commands and directives that give a name a value: of shells, nginx, Caddy, HAProxy and Apache."""
_SPACED = (
    (
        rf"\b(?:{_SETTERS})[ \t]+[\w.:-]*{_NAME}"
        r"[ \t]+(?:<<<[ \t]*)?[\"'{]?[^\s\"'=<]*[0-9]"
    ),
    (
        r"(?:passw(?:or)?d|secret|requirepass|masterauth|bindpw|rootpw|\bpsk|\bcommunity|\bkey)[\"']?[ \t,]+"
        r"(?:[07][ \t]+)?[\"']?[^\s\"'=:<>()]*[0-9]"
    ),
    r"\b(?:bearer|basic)[ \t]{1,4}[A-Za-z0-9+/_.=~-]{16}",
)
SPACED_PATTERN = f"(?i:{'|'.join(_SPACED)})"
"""A setting with a blank before its value, or a header without its name."""
_SAID = r"(?:passw(?:or)?d|passphrase|passcode|secret|token|(?:\b|[_-])key)"
_MARK = r"(?:</(?:b|strong|span|code|label)>|\*{1,2}|__)"
_LABEL_ENDS = rf"(?:[ \t]*:[ \t]*{_MARK}(?:[ \t]*</(?:td|th|dt)>)?|{_MARK}[ \t]*:|:?{_MARK}?[ \t]*</(?:td|th|dt)>)"
"""Of a label in bold letters with a colon, or in a cell of its own."""
_SAYS = rf"{_SAID}[ \t](?:is|was)[ \t]?:?[ \t]{{1,4}}"
WRITTEN_PATTERN = (
    rf"(?i:{_SAID}(?:[ \t]+(?:is|was|to|with)|:)?[ \t]{{1,4}}\x60[^\x60\s]*[0-9][^\x60\s]*\x60"
    rf"|\|[ \t]*[*\x60]{{0,2}}[\w ]*{_SAID}[*\x60]{{0,2}}[ \t]*\|[ \t]*\x60?[^\s|\x60]*[0-9]"
    rf"|(?:[>*]|__)[\w ]{{0,24}}{_SAID}{_LABEL_ENDS}|{_SAYS}[^\s\"'\x60|<>:=(]*[0-9])"
)
"""A sentence, a row of a table or a label in Markdown or HTML that gives a value."""
PATTERNS = BEFORE_LINE_PATTERN, NAMED_PATTERN, SPACED_PATTERN, WRITTEN_PATTERN
OTHER_WORDS = "basic", "community"
"""Of these or of the words of names one is in each match, but for this expression:"""
WITHOUT_WORD = (f"(?i:{_IN_MARKUP[-1]})",)
_STARTS_ENTRY = re.compile(f"(?i){_KEY}")
_VALUE = (
    r"(?:\\?\"(?P<double>[^\"\n\\]{4,400})\\?\"|'(?P<single>[^'\n]{4,400})'"
    r"|(?P<bare>[^\s\"'`<>,;{}\[\]|&*!#][^\s\"'`<>,;{}|]{3,400}))"
)
_VALUE_KEY = r"[\"']?(?!encrypted)(?:\w{1,12}:)?(?:[A-Za-z_]{0,16}value|default|content)[\"']?[ \t]{0,24}[:=][ \t]{0,4}"
_ENTRY = (
    rf"(?!{_VALUE_KEY})[\"']?[A-Za-z][\w-]{{0,40}}[\"']?[ \t]{{0,24}}[:=][ \t]{{0,4}}"
    r"(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|[^\s\"',{}\[\]][^\n,{}]{0,200})[\s,]+"
)
_GAP = r"[\s,]*(?:(?:#|//)[^\n]{0,160}\n[\s,]*){0,3}"
"""Between two entries, with comments on lines of their own or behind the first."""
_AFTER = re.compile(rf"(?is){_GAP}(?:{_ENTRY}){{0,4}}{_VALUE_KEY}{_VALUE}")
_BEFORE = re.compile(rf"(?is){_VALUE_KEY}{_VALUE}[\s,]+(?:{_ENTRY}){{0,2}}[\"']?\Z")
_IN_ELEMENT = re.compile(r"[^<>\n]{0,80}>\s{0,40}(?:<value>\s{0,40})?(?P<bare>[^<\s]{4,400})\s{0,40}<")
_NEXT_ELEMENT = re.compile(
    r"(?i)(?:[a-z]{1,12}-)?(?:name|key)>\s{0,40}<(?:[a-z]{1,12}-)?(?:string|value|defaultValue)>\s{0,40}(?P<bare>[^<\s]{4,400})\s{0,40}</"
)
_INNER = re.compile(r"(?i)\s{0,40}(?:<value>)?\s{0,40}(?P<bare>[^<>\s]{4,400}?)\s{0,40}(?:</|\]\]>)")
_NEXT_LINE = re.compile(
    r"[ \t]*\n(?P<indent>[ \t]*)(?:-[ \t]{1,4})?(?![\"']?[\w.-]+[\"']?[ \t]*:(?:\s|\Z))"
    + _VALUE
    + r"[\"',;]{0,3}[ \t]*(?:\n|\Z)"
)
_WRITTEN = re.compile(
    rf"(?i)(?P<name>[\w-]*{_SAID})[^\x60|\n]*(?:\x60[ \t]*)?(?:\|[ \t]*)?\x60?(?P<bare>[^\s|\x60]{{8,200}})"
)
_AT_LABEL = re.compile(rf"(?i){_SAID}{_LABEL_ENDS}\Z")
_LABELLED = re.compile(
    rf"(?i)(?P<name>(?:\b[a-z]{{2,12}} )?{_SAID}){_LABEL_ENDS}[ \t]*[:=\u2013-]?\s*"
    r"(?:<(?:td|dd|code|span|b)\b[^<>\n]{0,80}>\s*){0,2}"
    r"[\x60\"]?(?P<bare>[^\s<>|\x60\"]{8,200})"
)
_SENT = re.compile(r"(?i)send[ \t]{1,4}(?:-- )?[\"'](?P<bare>[^\"'\s\\]{4,80})")
_ASKED = re.compile(r"(?i)assw(?:or)?d|passphrase")
_IN_SPACED = re.compile(
    rf"(?i)(?:{_SETTERS})[ \t]{{1,4}}(?P<name>[\w.:-]{{1,80}})"
    rf"[ \t]{{1,8}}(?:<<<[ \t]{{0,4}})?{_VALUE}[ \t]*(?:\Z|[;&|#\"])"
    rf"|(?P<setting>[\w-]{{1,40}})[\"']?[ \t,]{{1,8}}(?:[07][ \t]{{1,4}})?{_VALUE.replace('(?P<', '(?P<its_')}"
    r"(?P<rest>[^\n]*)"
)
_CREDENTIALS = re.compile(r"[\w.~+/=-]+")
_ENDS = re.compile(
    r"(?i)[ \t\])]*(?:\Z|[;#}\"]|\b(?:ssl|tls|address|ro|rw|role|privilege|sslproto|fetchall|keep|options|port|uri)\b)"
)
_WINDOW = 400
_LONGEST_NAME = 60
REACH = _WINDOW + _LONGEST_NAME
"""Bytes before and after a match of these patterns, beyond which nothing matters to it but the rest of a line."""
_IN_NAME = (string.ascii_letters + string.digits + "_./-").encode()
_LEAST_SPACED = 8
_LEAST_LETTERS = 16
"""Characters of a value without a digit: fewer are rather words."""


class SecretPlace(Frozen, frozen=True):
    """`data[start:end]` stands where the value of a secret of this name does."""

    start: int
    end: int
    name: str
    value: str


def secret_places(data: bytes, *, code: bool) -> Iterator[SecretPlace]:
    """Every such place in (UTF-8) bytes, in no order; in code, bare words without a digit are names of variables."""
    for place in _every(data):
        if not code or data[place.start - 1 : place.start] in (b"'", b'"') or any(map(str.isdigit, place.value)):
            yield place


def _every(data: bytes) -> Iterator[SecretPlace]:
    for found in _places().finditer(data):
        if found.group(2) is not None:
            yield from _after_blank(data, found.start())
        elif found.group(1) is not None:
            yield from _written(data, *found.span())
        else:
            yield from _beside(data, *found.span())


def _written(data: bytes, start: int, end: int) -> Iterator[SecretPlace]:
    """What a sentence, a row of a table, a label or the head of a table gives."""
    half, whole = _text(data, start, end), _text(data, start, end + _WINDOW)
    labelled = _AT_LABEL.search(half) is not None
    if not labelled and "|" not in half and "`" not in half:
        yield from _said(_says().match(whole), start)
        return
    written = (_LABELLED if labelled else _WRITTEN).search(whole)
    yield from _placed(written, start, written["name"].replace(" ", "_") if written else "")
    if labelled and half[-5:].lower() == "</th>":
        from tokenguard.detection.html_rows import cells_below  # few files have such a table

        for first, last in cells_below(data, start + 1, end):
            yield from _checked(_text(data, first, last), first, "password")


def _said(found: re.Match[str] | None, start: int) -> Iterator[SecretPlace]:
    """A password that a sentence gives: words around it have no capitals and digits within."""
    value = found["bare"].rstrip(".,;)") if found else ""
    if found is not None and not value.islower() and not value.isupper():
        yield from _checked(value, start + found.start("bare"), "password")


def _beside(data: bytes, start: int, end: int) -> Iterator[SecretPlace]:
    """What the entry or the line after a name has, or the entry before it."""
    start = _word_start(data, start)
    half, after = _text(data, start, end), _text(data, end, end + _WINDOW)
    name = _name_of(half)
    if half[:4].lower() == "send":
        if _ASKED.search(_text(data, max(start - _WINDOW // 2, 0), start)):
            yield from _placed(_SENT.match(half), start, "password")
    elif half.startswith("<"):
        yield from _placed((_NEXT_ELEMENT if half.endswith("</") else _INNER).match(after), end, name)
    else:
        found = _AFTER.match(after) or (_NEXT_LINE if _goes_on(half) else _IN_ELEMENT).match(after)
        if found is not None and _is_within(data, start, after, found):
            yield from _placed(found, end, name)
        elif _STARTS_ENTRY.match(half):
            begin = max(start - _WINDOW // 2, 0)
            before = _text(data, begin, start).rstrip(string.ascii_letters)
            yield from _placed(_BEFORE.search(before), begin, name)


def _goes_on(half: str) -> bool:
    """Whether a value may stand on the line after this one."""
    return "<<" in half or half.rstrip(" \t").endswith((":", "=", "|", ">", "-", "+", '"""', "'''", "\\"))


def _is_within(data: bytes, start: int, after: str, found: re.Match[str]) -> bool:
    """Whether a value on another line than its name is further in than a name that begins its line."""
    place = found.start(found.lastgroup or 0)
    line_end = after.rfind("\n", 0, place)
    if line_end < 0:
        return True
    before = _text(data, data.rfind(b"\n", 0, start) + 1, start)
    if before.strip(" \t") or not _text(data, start, start + 1).strip("\"'").isalpha():
        return True
    line = after[line_end + 1 : place]
    return len(line) - len(line.lstrip(" \t")) >= len(before)


def _word_start(data: bytes, start: int) -> int:
    """Where the word begins that has a part at `start`."""
    first = max(start - _LONGEST_NAME, 0)
    return first + len(data[first:start].rstrip(_IN_NAME))


def _after_blank(data: bytes, start: int) -> Iterator[SecretPlace]:
    stop = data.find(b"\n", start)
    text = _text(data, start, min(stop if stop >= 0 else len(data), start + _WINDOW))
    scheme = SCHEME.match(text)
    if scheme:
        found = _CREDENTIALS.match(text, scheme.end())
        if found is not None and any(char.isdigit() for char in found.group()):
            yield from _checked(found.group(), start + found.start(), scheme.group().strip())
        return
    found = _IN_SPACED.match(text)
    if found is None:
        return
    kind = next(each for each in ("double", "single", "bare", "its_double", "its_single", "its_bare") if found[each])
    value = found[kind].rstrip("}])") if kind.endswith("bare") else found[kind]
    if kind.startswith("its_") and not _is_setting(data, start, found, value):
        return
    if len(value) >= _LEAST_SPACED and any(char.isdigit() for char in value) and any(char.isalpha() for char in value):
        yield from _checked(value, start + found.start(kind), found["name"] or "password")


def _is_setting(data: bytes, start: int, found: re.Match[str], value: str) -> bool:
    """Whether a word and what follows it are a setting, and not two words of a sentence."""
    word = _word_start(data, start)
    before = _text(data, max(data.rfind(b"\n", 0, start) + 1, word - _WINDOW), word)  # a line may be a whole file
    begins = (
        not before.strip(" \t;-\"'[")
        or re.search(r"(?i)(?:login|user(?:name)?|account|server|isakmp|enable|:)[ \t]", before) is not None
    )
    return begins and _ENDS.match(found["rest"]) is not None and "/" not in value[:1]


def _placed(found: re.Match[str] | None, offset: int, name: str) -> Iterator[SecretPlace]:
    if found is None:
        return
    kind = next(each for each in ("double", "single", "bare") if found.groupdict().get(each))
    value, start = found[kind], found.start(kind)
    scheme = SCHEME.match(value)
    if scheme:
        value, start = value[scheme.end() :], start + scheme.end()
    yield from _checked(value, offset + start, name)


def _checked(value: str, start: int, name: str) -> Iterator[SecretPlace]:
    read = value.encode("latin-1").decode("utf-8", "replace")
    if not any(map(str.isdigit, read)) and (read.islower() or read.isupper() or len(read) < _LEAST_LETTERS):
        return
    if may_be_secret(read, name, quoted=False):
        yield SecretPlace(start, start + len(value), name, read)


def _name_of(half: str) -> str:
    """The word with which a value is rated."""
    found = re.findall(r"[\w.-]+", re.sub(f"(?i)^(?:{_SAYS_NAME}|<(?:name|key)>)", "", half))
    words = [each for each in found if re.search(f"(?i){WORDS}", each)]
    return words[-1] if words else "password"


def _text(data: bytes, start: int, end: int) -> str:
    """Characters that are as many as the bytes."""
    return data[start:end].decode("latin-1")


@cache
def _places() -> Regex:
    return regex(f"{BEFORE_LINE_PATTERN}|{NAMED_PATTERN}|({WRITTEN_PATTERN})|({SPACED_PATTERN})")


@cache
def _says() -> re.Pattern[str]:
    return re.compile(rf"(?i){_SAYS}(?P<bare>[^\s\"'\x60|<>]{{10,80}})")
