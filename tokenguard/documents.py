"""Hardened readers of YAML and JSON from outside: size, depth, nodes and duplicates are capped, nothing is quoted.

YAML keeps its layout and its comments, and loses everything that makes it dangerous or surprising: no anchors,
aliases, tags, merge keys or directives, one document, and every scalar is text (`no` is not false, `1.10` is not a
number). JSON keeps its types.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from tokenguard.errors import InputError
from tokenguard.text import safe_text

Tree = dict[str, "Tree"] | list["Tree"] | str | None
"""A YAML document: mappings, sequences, text, and None for `null`, `~` or nothing."""

JsonTree = dict[str, "JsonTree"] | list["JsonTree"] | str | int | float | bool | None
"""A JSON document."""

MAX_BYTES = 65_536
MAX_DEPTH = 32
MAX_NODES = 20_000
_MAX_DIGITS = 18
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_JSON_MARKS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)  # possessive: linear on any input


def load_yaml(data: bytes, *, source: str, max_bytes: int = MAX_BYTES, max_nodes: int = MAX_NODES) -> Tree:
    """Read one YAML document.

    Args:
        data: the file's bytes.
        source: how errors name the file.
        max_bytes: the largest size accepted.
        max_nodes: the most keys, values and collections accepted.

    Raises:
        InputError: the document is not plain YAML within the caps; the message is `source:line:column: reason`.
    """
    import yaml  # only the commands that read YAML pay for it

    text = _decoded(data, source, max_bytes)
    builder = _YamlBuilder(source, max_nodes)
    try:
        take = builder.take
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        slip = _slip(text[mark.index : mark.index + 1] if mark else "", error.problem or "")
        _refuse(source, mark.line + 1 if mark else 1, f"this is not valid YAML{slip}", mark.column + 1 if mark else 1)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        _refuse(source, before.count("\n") + 1, "a character that YAML does not allow", _column(before))
    return builder.tree


def locate_yaml(data: bytes, path: Sequence[str | int]) -> tuple[int, int]:
    """Where in a document that `load_yaml` accepted something stands: line and column, both from 1.

    A path that leads nowhere leads to the last thing on its way. It reads the document again: this is for errors.
    """
    import yaml  # only the commands that read YAML pay for it

    node = yaml.compose(data.decode("utf-8-sig"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    mark = node.start_mark if node is not None else None
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = (node.value[step], node.value[step])
        else:
            found = None
        if found is None:
            break
        mark, node = found[0].start_mark, found[1]
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def load_json(data: bytes, *, source: str, max_bytes: int = MAX_BYTES, max_nodes: int = MAX_NODES) -> JsonTree:
    """Read one JSON document.

    Args:
        data: the file's bytes.
        source: how errors name the file.
        max_bytes: the largest size accepted.
        max_nodes: the most values accepted.

    Raises:
        InputError: the document is not strict JSON within the caps; the message starts with `source:`.
    """
    text = _decoded(data, source, max_bytes)
    _check_json_shape(text, source, max_nodes)
    hooks = _JsonHooks(source)
    try:
        tree: JsonTree = json.loads(
            text,
            object_pairs_hook=hooks.mapping,
            parse_constant=hooks.constant,
            parse_int=hooks.whole,
            parse_float=hooks.real,
        )
    except json.JSONDecodeError as error:
        _refuse(source, error.lineno, "this is not valid JSON", error.colno)
    if "\\u" in text and not all(_encodable(part) for part in _texts(tree)):  # UTF-8 itself has no surrogates
        _refuse(source, None, "half of a surrogate pair")
    return tree


class _YamlBuilder:
    """Builds the tree from parser events, in one pass and without recursion."""

    def __init__(self, source: str, max_nodes: int) -> None:
        self.tree: Tree = None
        self._source = source
        self._max_nodes = max_nodes
        self._open: list[dict[str, Tree] | list[Tree]] = []
        self._keys: list[str | None] = []  # the key that waits for its value, one per open collection
        self._documents = 0
        self._nodes = 0
        self._taken = self._by_event()

    def take(self, event: object) -> None:
        if (taken := self._taken.get(type(event))) is not None:  # not the stream's start and end, a document's end
            taken(event)

    def _by_event(self) -> dict[type, Callable[[object], None]]:
        import yaml  # loaded by the caller already

        return {
            yaml.ScalarEvent: self._scalar,
            yaml.DocumentStartEvent: self._document,
            yaml.AliasEvent: lambda event: self._refuse(event, "aliases are not allowed"),
            yaml.MappingStartEvent: lambda event: self._begin(self._node(event), {}),
            yaml.SequenceStartEvent: lambda event: self._begin(self._node(event), []),
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
        }

    def _end(self, _event: object) -> None:
        self._open.pop()
        self._keys.pop()

    def _document(self, event: object) -> None:
        self._documents += 1
        if self._documents > 1:
            self._refuse(event, "more than one document")
        if getattr(event, "tags", None) or getattr(event, "version", None):
            self._refuse(event, "directives are not allowed")

    def _node(self, event: object) -> object:
        self._nodes += 1
        if self._nodes > self._max_nodes:
            self._refuse(event, f"more than {self._max_nodes:,} values")
        if event.anchor is not None:  # type: ignore[attr-defined]
            self._refuse(event, "anchors are not allowed")
        if event.tag is not None:  # type: ignore[attr-defined]
            self._refuse(event, "tags are not allowed")
        return event

    def _scalar(self, event: object) -> None:
        self._node(event)
        text: str = event.value  # type: ignore[attr-defined]
        plain = not event.style  # type: ignore[attr-defined]
        if self._expects_key():
            self._key(event, text, plain=plain)
        else:
            self._place(None if plain and text in _NULLS else text)

    def _key(self, event: object, text: str, *, plain: bool) -> None:
        if plain and text == "<<":
            self._refuse(event, "merge keys are not allowed")
        if plain and not text:
            self._refuse(event, "a key is empty")
        if text in self._open[-1]:
            self._refuse(event, "a key occurs twice")
        self._keys[-1] = text

    def _begin(self, event: object, collection: dict[str, Tree] | list[Tree]) -> None:
        if self._expects_key():
            self._refuse(event, "a key is not plain text")
        if len(self._open) >= MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        self._place(collection)
        self._open.append(collection)
        self._keys.append(None)

    def _expects_key(self) -> bool:
        return bool(self._open) and self._keys[-1] is None and isinstance(self._open[-1], dict)

    def _place(self, node: Tree) -> None:
        if not self._open:
            self.tree = node
            return
        parent, key = self._open[-1], self._keys[-1]
        if isinstance(parent, list):
            parent.append(node)
        elif key is not None:
            parent[key] = node
            self._keys[-1] = None

    def _refuse(self, event: object, reason: str) -> NoReturn:
        mark = event.start_mark  # type: ignore[attr-defined]
        _refuse(self._source, mark.line + 1, reason, mark.column + 1)


class _JsonHooks:
    """What `json` asks us to make of each part."""

    def __init__(self, source: str) -> None:
        self._source = source

    def mapping(self, pairs: list[tuple[str, JsonTree]]) -> dict[str, JsonTree]:
        found = dict(pairs)
        if len(found) != len(pairs):
            _refuse(self._source, None, "a key occurs twice")
        return found

    def constant(self, _name: str) -> NoReturn:
        _refuse(self._source, None, "NaN and Infinity are not JSON")

    def whole(self, digits: str) -> int:
        if len(digits.lstrip("-")) > _MAX_DIGITS:
            _refuse(self._source, None, f"a number of more than {_MAX_DIGITS} digits")
        return int(digits)

    def real(self, digits: str) -> float:
        number = float(digits)
        if not math.isfinite(number):
            _refuse(self._source, None, "a number that is too large")
        return number


def _check_json_shape(text: str, source: str, max_nodes: int) -> None:
    """Refuse depth and mass before the recursive parser sees them."""
    depth = nodes = 0
    for mark in _JSON_MARKS.finditer(text):
        char = text[mark.start()]
        if char == '"':
            continue
        nodes += char in "[{,"
        depth += (char in "[{") - (char in "]}")
        if depth > MAX_DEPTH:
            _refuse(source, text.count("\n", 0, mark.start()) + 1, f"nested deeper than {MAX_DEPTH} levels")
        if nodes > max_nodes:
            _refuse(source, text.count("\n", 0, mark.start()) + 1, f"more than {max_nodes:,} values")


def _texts(tree: JsonTree) -> Iterator[str]:
    rest = [tree]
    while rest:
        node = rest.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            yield from node
            rest.extend(node.values())
        elif isinstance(node, list):
            rest.extend(node)


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _decoded(data: bytes, source: str, max_bytes: int) -> str:
    if len(data) > max_bytes:
        _refuse(source, None, f"larger than {max_bytes:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        column = error.start - data.rfind(b"\n", 0, error.start)
        _refuse(source, data.count(b"\n", 0, error.start) + 1, "this is not UTF-8 text", column)


def _slip(char: str, problem: str) -> str:
    """The usual reason for an error at a character, in our words: the parser's own may quote the document."""
    if char == "\t":
        return ": indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return ": the indentation is wrong, or text with a colon in it needs quotes"
    if "expected" in problem:
        return ": the indentation is wrong, or a quote or bracket is not closed before"
    return ""


def _column(before: str) -> int:
    return len(before) - before.rfind("\n")


def _refuse(source: str, line: int | None, reason: str, column: int | None = None) -> NoReturn:
    place = safe_text(source, one_line=True, limit=200) + (f":{line}" if line else "")
    place += f":{column}" if column else ""
    raise InputError(f"{place}: {reason}", hint="correct the file; nothing was read from it") from None
