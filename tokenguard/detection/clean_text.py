"""Tells small texts in which no scan could find anything from those that have to be scanned.

The hook asks here first, before it loads rules, formats or an engine for expressions: most commits hold nothing, and
loading takes longer than all that this module does. It may only err to one side: all that `scanner.matches_of` tells
of, counts or leaves out in a content makes the answer no (`tests/property/test_clean_text.py`).
"""

from tokenguard.detection.clean_text_disguises import holds_short, may_be_disguised
from tokenguard.detection.clean_text_names import ASSIGNED, FILES, WORDS
from tokenguard.detection.clean_text_rows import ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenguard.detection.clean_text_rows import Literals

    _Part = tuple[int, int, int, int, bytes, bytes]
    """A text or a word of it: its longest runs, its length, itself, and itself in small letters."""

MOST_BYTES = 1 << 15
"""In a longer content each literal would be looked for longer than it takes to load what looks for all at once."""
_TEXT = bytes([*b"\t\n\r", *range(32, 127)])
_ALNUM = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _only(kept: bytes) -> bytes:
    """A table that makes a space of every other byte."""
    table = bytearray(b" " * 256)
    for each in kept:
        table[each] = each
    return bytes(table)


_IN_ALNUM, _IN_NAMES, _IN_RUNS = _only(_ALNUM), _only(_ALNUM + b"_-"), _only(_ALNUM + b"_-+/\\=")
_IN_BASE64, _IN_HEX = _only(_ALNUM + b"_-+/"), _only(b"0123456789abcdefABCDEF")
_ALWAYS = 2
_LEAST_BASE64 = 20
_DISTINCT, _DISTINCT_HEX = 22, 9
"""So many different characters has what is told by its entropy, one less where a line may be rebuilt from YAML."""
_BEGINNINGS = (b"BZh", b"%PDF-", b"!<arch>", b"x^", b"# v2 git", b"# v3 git", b"version https://git-lfs")
"""Of archives, and of what stands for a large file, in plain text."""
_REBUILT_OTHERWISE = (b"%", b"\\", b"!", b"<<", b"[DEFAULT]")
"""What makes a rebuilt line of more than stands in the file, or reading the file take as long as it likes: merged parts
of YAML, and the section of INI that is in every other one."""
_SAID = (b"pragma", b"allback", b"ALLBACK", b"ecret", b"auths")
"""Comments that silence, and what is looked at more closely: callbacks and manifests."""
_WATCHED = (
    ".env", "mcp", "claude", "cursor", "copilot", "settings", "workflows", "action.", "gitlab", "circleci",
    "azure-pipelines", "bitbucket-pipelines", "travis", "drone", "woodpecker", "buildkite",
)  # fmt: skip
"""In the paths of files that the policy's rules about repositories look at for their names."""
_ASSIGNS = b"=!:>,;|\t(\"'`</0123456789"
"""Signs of which one is on each line that names a secret, a digit of its value, or what parts the heads of columns."""


def is_clean(data: bytes, path: str) -> bool:
    """Whether a scan of this content certainly finds nothing; False does not mean that it finds something."""
    if len(data) > MOST_BYTES or data.translate(None, _TEXT):
        return False
    if data.startswith(_BEGINNINGS) or data[257:262] == b"ustar":
        return False
    name = path.lower()
    if any(each in name for each in (*FILES, *_WATCHED)) or any(each in data for each in _SAID):
        return False
    rebuilt = _may_be_rebuilt(data, path)
    repeated = b"&" in data and b"*" in data  # anchors and aliases of YAML
    if rebuilt and (repeated or any(each in data for each in _REBUILT_OTHERWISE)):
        return False
    return not (
        _has_row(data, rebuilt=rebuilt)
        or _is_random(data)
        or _has_base64(data)
        or _is_assigned(data)
        or _has_login(data)
        or may_be_disguised(data)
    )


def _longest(data: bytes, kept: bytes) -> int:
    return max(map(len, data.translate(kept).split()), default=0)


def _measured(data: bytes) -> "_Part":
    return _longest(data, _IN_ALNUM), _longest(data, _IN_NAMES), _longest(data, _IN_RUNS), len(data), data, data.lower()


def _has_row(data: bytes, *, rebuilt: bool) -> bool:
    """Whether a rule or a format could match."""
    whole = _measured(data)
    words = data.split()
    longest = max(map(len, words), default=0)
    measured: list[_Part] = []
    for alnum, name, run, length, held, inside, around in ROWS:
        if alnum > whole[0]:
            return False  # they are sorted
        if name > whole[1] or run > whole[2] or not _has_all(inside, whole) or not _has_all(around, whole):
            continue
        if held != _ALWAYS and (rebuilt or not held):
            return True
        if length > longest:
            continue
        measured = measured or [_measured(each) for each in words]
        if any(
            alnum <= part[0] and name <= part[1] and run <= part[2] and length <= part[3] and _has_all(inside, part)
            for part in measured
        ):
            return True
    return False


def _has_all(needed: "tuple[Literals, ...]", part: "_Part") -> bool:
    for same, any_case in needed:
        if not (any(each in part[4] for each in same) or any(each in part[5] for each in any_case)):
            return False
    return True


def _is_random(data: bytes) -> bool:
    """Whether there is a run of as many different characters as entropy asks for."""
    return any(
        len(each) >= distinct and len(set(each)) >= distinct
        for table, distinct in ((_IN_RUNS, _DISTINCT), (_IN_HEX, _DISTINCT_HEX))
        for each in data.translate(table).split()
    )


def _has_base64(data: bytes) -> bool:
    long = b" ".join(each for each in data.translate(_IN_BASE64).split() if len(each) >= _LEAST_BASE64)
    if not long:
        return False
    from tokenguard.detection.clean_text_base64 import IN_BASE64  # not where no run is so long

    return any(each in long for each in IN_BASE64) or holds_short(long)


def _is_assigned(data: bytes) -> bool:
    """Whether something may be given to a name that sounds secret."""
    small = data.lower()
    words = [word for word in WORDS if word in small]
    signs = _may_be_option(small) or _lists_columns(small)
    if not words or not (signs or any(_goes_on(small, word) for word in words)):
        return False
    try:
        import re2  # few small files have such a name and such a sign; absent where there is no wheel for the platform
    except ImportError:
        return True
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    feeds = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return re2.compile(f"(?m){ASSIGNED}".encode("ascii"), options).search(feeds) is not None


def _may_be_option(small: bytes) -> bool:
    return b"--" in small or b"env" in small or b"arg" in small


def _lists_columns(small: bytes) -> bool:
    """Whether SQL may have the name of a column on a line of its own."""
    return (b"into" in small and b"values" in small) or (b"copy" in small and b"stdin" in small)


def _goes_on(small: bytes, word: bytes) -> bool:
    """Whether what assigns stands on a line with the word of a name."""
    at = small.find(word)
    while at >= 0:
        end = small.find(b"\n", at)
        line = small[small.rfind(b"\n", 0, at) + 1 : end if end >= 0 else len(small)]
        if any(each in _ASSIGNS for each in line):
            return True
        at = small.find(word, end) if end >= 0 else -1
    return False


def _has_login(data: bytes) -> bool:
    """Whether there may be an option of curl(1) that takes a login."""
    if b"curl" in data or b"--user" in data or b"--proxy-user" in data:
        return True
    lines = (line.lstrip(b" \t#") for line in data.replace(b"\r", b"\n").split(b"\n"))
    return any(line[:1] == b"-" and line[1:2].isalpha() for line in lines)


def _may_be_rebuilt(data: bytes, path: str) -> bool:
    """Whether detect-secrets may read it as YAML or INI."""
    return path.endswith((".yaml", ".yml", ".eyaml")) or not _has_plain_line(data) or _begins_with_section(data)


def _has_plain_line(data: bytes) -> bool:
    """Whether a line is none of an INI file, so that it cannot be read as one."""
    lines = data.replace(b"\r", b"\n").split(b"\n")
    return any(line[:1].isalnum() and b"=" not in line and b":" not in line for line in lines)


def _begins_with_section(data: bytes) -> bool:
    for line in data.replace(b"\r", b"\n").split(b"\n"):
        first = line.strip()
        if first and not first.startswith((b"#", b";")):
            return first.startswith(b"[")
    return False
