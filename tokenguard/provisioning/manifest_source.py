"""Reads one file of a manifest, and refuses what looks like a value or a lookup anywhere in it."""

import re
from typing import NoReturn

from tokenguard.documents import Tree, load_yaml
from tokenguard.domain.lookalikes import holds_issued
from tokenguard.errors import InputError
from tokenguard.mapping_reader import DocumentPositions, MappingReader, yaml_positions
from tokenguard.provisioning.folder import MAX_FILE
from tokenguard.text import safe_text

MAX_NODES = 200_000
GENERAL_HINT = "correct the manifest; nothing was written"
VALUE_HINT = "remove it and rotate that token: everyone who can read the repository has it"
_WORD = re.compile(r"[^\s\"'\[\]{},]{16,}")
_LOOKUP = re.compile(r"\$[({]|\{\{|\{%|<%|%\{")


def read_source(name: str, data: bytes) -> MappingReader:
    """Read a file's YAML; InputError if it is none within the caps, or holds what looks like a value or a lookup."""
    tree = _tree(name, data)
    text = data.decode("utf-8-sig")
    for word in _WORD.finditer(text):
        if holds_issued(word[0]):
            _refuse_at(name, text, word.start(), "this looks like the value of a token", VALUE_HINT)
    if (found := _LOOKUP.search(text)) is not None:
        hint = "write literal text; to change a field for one environment, use the section `environments`"
        _refuse_at(name, text, found.start(), "a manifest cannot contain variables or references", hint)
    return MappingReader(tree, DocumentPositions(yaml_positions(data, name), GENERAL_HINT))


def _tree(name: str, data: bytes) -> Tree:
    try:
        return load_yaml(data, source=name, max_bytes=MAX_FILE, max_nodes=MAX_NODES)
    except InputError as error:
        shown = safe_text(name, one_line=True, limit=200)
        rest = error.message.removeprefix(shown)
        exact = rest if not rest.startswith(": ") else f":1:1{rest}"  # what the whole file is refused for
        raise InputError(f"{shown}{exact}", hint=GENERAL_HINT) from None


def _refuse_at(name: str, text: str, offset: int, reason: str, hint: str) -> NoReturn:
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    place = f"{safe_text(name, one_line=True, limit=200)}:{line}:{column}"
    raise InputError(f"{place}: {reason}", hint=hint)
