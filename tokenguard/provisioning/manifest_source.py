"""One file of a manifest as it was read: its tree, and where in it everything stands."""

import re
from collections.abc import Callable
from typing import NoReturn

from tokenguard.documents import Tree, load_yaml, locate_yaml
from tokenguard.domain.lookalikes import holds_issued
from tokenguard.errors import InputError
from tokenguard.frozen import Frozen
from tokenguard.provisioning.folder import MAX_FILE
from tokenguard.text import safe_text

MAX_NODES = 200_000
GENERAL_HINT = "correct the manifest; nothing was written"
VALUE_HINT = "remove it and rotate that token: every reader of the repository has it"
_WORD = re.compile(r"[^\s\"'\[\]{},]{16,}")
_LOOKUP = re.compile(r"\$[({]|\{\{|\{%|<%|%\{")


class SourceFile(Frozen, frozen=True):
    """A file that was read; `locate` reads it again, which only an error needs."""

    name: str
    tree: Tree
    where: Callable[[tuple[str | int, ...]], tuple[int, int]]

    def locate(self, path: tuple[str | int, ...]) -> str:
        """The place of something, as `file:line:column`."""
        line, column = self.where(path)
        return f"{safe_text(self.name, one_line=True, limit=200)}:{line}:{column}"

    def refuse(self, path: tuple[str | int, ...], reason: str, hint: str = GENERAL_HINT) -> NoReturn:
        """The one error of a manifest that is not acceptable: InputError (exit 2)."""
        raise InputError(f"{self.locate(path)}: {reason}", hint=hint) from None


def read_source(name: str, data: bytes) -> SourceFile:
    """Read a file's YAML; InputError if it is none within the caps, or holds what looks like a value or a lookup."""
    source = SourceFile(name, _tree(name, data), lambda path: locate_yaml(data, path))
    text = data.decode("utf-8-sig")
    for word in _WORD.finditer(text):
        if holds_issued(word[0]):
            _refuse_at(source, text, word.start(), "this looks like the value of a token", VALUE_HINT)
    if (found := _LOOKUP.search(text)) is not None:
        hint = "write the value itself; environments change fields through `environments`"
        _refuse_at(source, text, found.start(), "a manifest looks nothing up and fills nothing in", hint)
    return source


def _tree(name: str, data: bytes) -> Tree:
    try:
        return load_yaml(data, source=name, max_bytes=MAX_FILE, max_nodes=MAX_NODES)
    except InputError as error:
        shown = safe_text(name, one_line=True, limit=200)
        rest = error.message.removeprefix(shown)
        exact = rest if not rest.startswith(": ") else f":1:1{rest}"  # what the whole file is refused for
        raise InputError(f"{shown}{exact}", hint=GENERAL_HINT) from None


def _refuse_at(source: SourceFile, text: str, offset: int, reason: str, hint: str) -> NoReturn:
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    place = f"{safe_text(source.name, one_line=True, limit=200)}:{line}:{column}"
    raise InputError(f"{place}: {reason}", hint=hint)
