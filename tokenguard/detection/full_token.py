"""The whole token where detect-secrets keeps only a part of it: `ghp` of a GitHub token, a private key's header.

A baseline that knows only the part lets a replaced token through.
"""

import re
from collections.abc import Sequence

# For each type, what surrounds the part. Every repeat is of one class, so each search is linear.
_WHOLE = {
    "GitHub Token": re.compile(r"gh[pousr]_\w{36,255}", re.ASCII),
    "GitLab Token": re.compile(r"(?:gl[a-z]{2,6}-|GR1348941)[\w-]{20,1024}", re.ASCII),
    "NPM tokens": re.compile(r"_authToken=\s{0,8}\S{1,1024}", re.ASCII),
}
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,40}-----|^Private-MAC:", re.ASCII)
_PEM_END_IN_BYTES = re.compile(_PEM_END.pattern.encode())
_PEM_LINES = 400


def whole_token(kind: str, value: str, line: str, lines: Sequence[str], index: int) -> str:
    """The token that `value` is a part of, or `value` itself.

    Args:
        kind: detect-secrets' name of the rule.
        value: what the rule took for the secret.
        line: the line as the rule saw it.
        lines: the file's own lines.
        index: which of them it is.
    """
    if kind == "Private Key":
        return _pem(lines, index) or value
    pattern = _WHOLE.get(kind)
    if pattern is None:
        return value
    for match in pattern.finditer(line):
        if value in match.group():
            return match.group()
    return value


def _pem(lines: Sequence[str], index: int) -> str:
    """A private key from its header to its end, without white space, so that indenting it does not change it."""
    body: list[str] = []
    for line in lines[index : index + _PEM_LINES]:
        body.append("".join(line.split()))
        if _PEM_END.search(line):
            break
    return "".join(body)


def end_of_key(data: bytes, start: int) -> int:
    """Where the last line ends that belongs to the private key whose header's line begins at `start`."""
    end = start - 1
    for _ in range(_PEM_LINES):
        start, end = end + 1, data.find(b"\n", end + 1)
        if end < 0:
            return len(data)
        if _PEM_END_IN_BYTES.search(data[start:end]):
            break
    return end
