"""Checksums that vendors put into their tokens: a value without the right one was never issued."""

import zlib
from collections.abc import Callable

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def _in_base(number: int, digits: str, width: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, len(digits))
        text = digits[digit] + text
    return text.rjust(width, digits[0])


def _github(value: str) -> bool:
    """The last six characters are the CRC-32 of the thirty before them, in base62 (GitHub's blog, 2021-04-05)."""
    body = value.rpartition("_")[2]
    return len(body) != 36 or body[30:] == _in_base(zlib.crc32(body[:30].encode()), _BASE62, 6)  # noqa: PLR2004


def _gitlab_routable(value: str) -> bool:
    """The last seven characters are the CRC-32 of all before them, in base36 (GitLab's docs of routable tokens)."""
    if value.count(".") != 2:  # noqa: PLR2004 - the form with two dots has a checksum
        return True
    return value[-7:] == _in_base(zlib.crc32(value[:-7].encode()), _BASE36, 7)


CHECKSUMS: dict[str, Callable[[str], bool]] = {"github": _github, "npm": _github, "gitlab-routable": _gitlab_routable}
"""By name: whether a whole token has the checksum that its vendor would have given it."""


def with_github_checksum(prefix: str, body: str) -> str:
    """A token of GitHub's form, made of 30 characters of base62: for examples."""
    return f"{prefix}{body}{_in_base(zlib.crc32(body.encode()), _BASE62, 6)}"


def with_routable_checksum(head: str) -> str:
    """A routable token of GitLab's, made of all but its last seven characters: for examples."""
    return f"{head}{_in_base(zlib.crc32(head.encode()), _BASE36, 7)}"
