"""JSON pointers (RFC 6901): where in an answer something is."""

import re
from dataclasses import dataclass

from tokenguard.documents import JsonTree

_TEXT = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_LAST = "-1"
"""Not of the RFC: for services whose next page begins after the last row."""
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class JsonPointer:
    """A path of keys and indexes; the empty one is the whole answer, and `-1` the last element of an array."""

    keys: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "JsonPointer | None":
        """Read `/a/0/b`; None if it is not a pointer."""
        if "~" not in text:
            return cls(tuple(text.split("/")[1:])) if text.startswith("/") or not text else None
        if not _TEXT.fullmatch(text):
            return None
        return cls(tuple(key.replace("~1", "/").replace("~0", "~") for key in text.split("/")[1:]))

    def find(self, tree: JsonTree) -> JsonTree:
        """What it points at; None where there is nothing."""
        for key in self.keys:
            if isinstance(tree, dict):
                tree = tree.get(key)
            elif isinstance(tree, list) and tree and key == _LAST:
                tree = tree[-1]
            elif isinstance(tree, list) and _INDEX.fullmatch(key) and int(key) < len(tree):
                tree = tree[int(key)]
            else:
                return None
        return tree
