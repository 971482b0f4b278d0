"""JSON as editors write it for people: comments and trailing commas are passed over, nothing else is forgiven."""

import json
import re
from collections.abc import Sequence

from tokenguard.documents import JsonTree, load_json
from tokenguard.errors import InputError

MAX_BYTES = 524_288
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*+"?|//[^\n]*+|/\*(?:.*?\*/|.*\Z)', re.DOTALL)
_COMMA = re.compile(r'"(?:[^"\\]|\\.)*+"?|,(?=\s*+[}\]])', re.DOTALL)


def read_json(text: str) -> JsonTree | None:
    """The document; None if it is not JSON, or beyond the caps of `load_json`."""
    plain = _COMMENT.sub(lambda found: found[0] if found[0].startswith('"') else _blank(found[0]), text)
    plain = _COMMA.sub(lambda found: " " if found[0] == "," else found[0], plain)
    try:
        return load_json(plain.encode("utf-8", "replace"), source="", max_bytes=MAX_BYTES)
    except InputError:
        return None


def line_of(text: str, path: Sequence[str]) -> int:
    """The line of what a path of keys leads to, found by the keys in their order; as near as can be told."""
    at = 0
    for key in path:
        spellings = (json.dumps(key), json.dumps(key, ensure_ascii=False))
        found = min((place for word in spellings if (place := text.find(word, at)) >= 0), default=-1)
        at = found if found >= 0 else at
    return text.count("\n", 0, at) + 1


def _blank(comment: str) -> str:
    return re.sub(r"[^\n]", " ", comment)
