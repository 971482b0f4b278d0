"""Secrets in files that say by their content what they hold: manifests of Kubernetes Secrets, and logins of registries.

A Secret's `data` is base64 and its `stringData` is plain (Kubernetes' API reference); `auths` maps registries to logins
(Docker's config.json), wherever such a document is embedded.
"""

import base64
import binascii
import re
from collections.abc import Iterator

from tokenguard.detection.credential_files import CredentialPlace, is_reference
from tokenguard.detection.stand_ins import is_placeholder

_KIND = re.compile(r"""(?mi)^[ \t-]*["']?kind["']?[ \t]*:[ \t]*["']?secret["']?[ \t,]*$""")
_DOCUMENTS = re.compile(r"(?m)^---.*$")
_BLOCK = re.compile(r"""(?m)^(?P<indent>[ \t-]*)["']?(?P<kind>data|stringData)["']?[ \t]*:[ \t]*$""")
_ENTRY = re.compile(
    r"""(?P<indent>[ \t]*)["']?(?P<key>[\w.-]{1,100})["']?[ \t]*:[ \t]*"""
    r"""(?:(?P<block>[|>][+-]?)|"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|"""
    r"""(?P<bare>[^\s#'"{](?:[^\n#]|(?<![ \t])#)*))?"""
    r"[ \t]*(?:#.*)?"
)
_HARMLESS = re.compile(
    r"(?i)(?:user|host|port|database|region|bucket|namespace|endpoint|url|type|provider|\.crt|\.pub|_?id)(?:name)?$"
)
_AUTHS = re.compile(r"""\\*"auths\\*"\s*:""")
_AUTH = re.compile(r"""\\*"auth\\*"\s*:\s*\\*"(?P<value>[A-Za-z0-9+/=_-]{20,})\\*\"""")
_IN_DATA, _IN_REGISTRY = "Value of a Kubernetes Secret", "Registry login"
_PUBLIC = re.compile(r"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE|-----BEGIN [A-Z0-9 ]+-----\s*-----END")
"""A certificate, or the header of a key that has nothing behind it."""
_WORDS = re.compile(r"(?i)(?:[a-z]+[-_ ])*(?:password|passwd|secret|token|key|value)")
_LEAST = 8
_LONG = 48
"""Bytes of a value that is more than a placeholder, even with a word for one in it."""
_LARGEST = 1 << 20


def manifest_places(text: str) -> Iterator[CredentialPlace]:
    """Every secret in such a document; references, placeholders and short values are none."""
    if "ecret" in text and len(text) < _LARGEST:
        start = 0
        for end in [*(found.start() for found in _DOCUMENTS.finditer(text)), len(text)]:
            if _KIND.search(text, start, end):
                yield from _of_manifest(text, start, end)
            start = end
    if "auths" in text and _AUTHS.search(text):
        for found in _AUTH.finditer(text):
            if not is_placeholder(found.group("value")):
                yield CredentialPlace(found.start("value"), found.end("value"), _IN_REGISTRY)


def _of_manifest(text: str, start: int, end: int) -> Iterator[CredentialPlace]:
    for block in _BLOCK.finditer(text, start, end):
        encoded, at = block["kind"] == "data", block.end() + 1
        while at < end:
            line_end = _end_of_line(text, at, end)
            entry = _ENTRY.fullmatch(text, at, line_end)
            if entry is None and text[at:line_end].strip() and text[at:line_end].lstrip()[0] != "#":
                break
            if entry is not None and len(entry["indent"]) <= len(block["indent"]):
                break
            at = line_end + 1
            if entry is None or _HARMLESS.search(entry["key"]):
                continue
            if entry["block"]:
                first, at = at, _end_of_block(text, at, end, len(entry["indent"]))
                place = _stripped(text, first, at)
            else:
                group = next((each for each in ("double", "single", "bare") if entry[each]), None)
                place = _stripped(text, *entry.span(group)) if group else (at, at)
            if _is_secret(text[place[0] : place[1]], encoded=encoded):
                yield CredentialPlace(*place, _IN_DATA)


def _is_secret(value: str, *, encoded: bool) -> bool:
    if is_reference(value):
        return False
    if not encoded:
        return len(value) >= _LEAST and not _is_public(value)
    try:
        plain = base64.b64decode("".join(value.split()), validate=True)
    except binascii.Error:
        return False
    text = plain.decode("latin-1").strip()
    return len(plain) >= _LEAST and (len(plain) >= _LONG or not is_reference(text)) and not _is_public(text)


def _is_public(value: str) -> bool:
    """Whether a value opens nothing: a certificate, an empty key, a word for a secret."""
    return _PUBLIC.match(value) is not None or _WORDS.fullmatch(value) is not None or is_placeholder(value)


def _end_of_line(text: str, at: int, end: int) -> int:
    found = text.find("\n", at, end)
    return end if found < 0 else found


def _end_of_block(text: str, at: int, end: int, indent: int) -> int:
    while at < end:
        line_end = _end_of_line(text, at, end)
        line = text[at:line_end]
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        at = line_end + 1
    return min(at, end)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    value = text[start:end]
    return start + len(value) - len(value.lstrip()), start + len(value.rstrip())
