"""The texts of an event: found in JSON of any depth, also in JSON that stands in a text, and put back masked."""

import json
from collections.abc import Callable, Iterator

from tokenguard.agents.contract import Event
from tokenguard.documents import JsonTree

_EVERY = "*"
_NESTED = 3
"""How often JSON may stand in the text of JSON."""
_SHORTEST = 12
"""Bytes of the shortest token."""


def selected(event: Event, path: str) -> Iterator[JsonTree]:
    """What is at a path of an event: `a`, or `a.*.b` for field `b` of every entry of `a`."""
    nodes: list[JsonTree] = [dict(event)]
    for key in path.split("."):
        nodes = [each for node in nodes for each in _below(node, key)]
    yield from nodes


def _below(node: JsonTree, key: str) -> Iterator[JsonTree]:
    if key == _EVERY:
        yield from node if isinstance(node, list) else ()
    elif isinstance(node, dict) and key in node:
        yield node[key]


def texts_in(tree: JsonTree, *, nested: int = _NESTED) -> tuple[list[str], list[str], list[list[str]]]:
    """Every text in a tree, without recursion into the sender's depth.

    Returns:
        The texts in their order, the names of fields, and the texts of each field that has several, such as `text` in
        the blocks of an answer: a model reads them as one.
    """
    texts: list[str] = []
    names: list[str] = []
    fields: dict[str, list[str]] = {}
    rows: list[list[str]] = []
    open_: list[tuple[str, JsonTree]] = [("", tree)]
    while open_:
        field, node = open_.pop()
        if isinstance(node, str):
            texts.append(node)
            fields.setdefault(field, []).append(node)
            inner = _json_in(node) if nested else None
            if inner is not None:
                more, named, inside = texts_in(inner, nested=nested - 1)
                texts += more
                names += named
                rows += inside
        elif isinstance(node, list):
            texts += _bytes_in(node)
            open_.extend((field, each) for each in reversed(node))
        elif isinstance(node, dict):
            names += node
            open_.extend(reversed(node.items()))
    return texts, names, [*(row for row in fields.values() if 1 < len(row) < len(texts)), *rows]


def with_texts(tree: JsonTree, change: Callable[[str], str], *, nested: int = _NESTED) -> JsonTree:
    """The tree with every text changed, names of fields too, and the texts of JSON in a text."""
    if isinstance(tree, str):
        inner = _json_in(tree) if nested else None
        if inner is not None:
            changed = with_texts(inner, change, nested=nested - 1)
            tree = tree if changed == inner else json.dumps(changed, ensure_ascii=False)
        return change(tree)
    if isinstance(tree, list):
        return [with_texts(each, change, nested=nested) for each in tree]
    if isinstance(tree, dict):
        return {change(name): with_texts(value, change, nested=nested) for name, value in tree.items()}
    return tree


def _bytes_in(numbers: list[JsonTree]) -> list[str]:
    """The text that a list of numbers is, if it is one of bytes, as programs write a buffer."""
    if len(numbers) < _SHORTEST or not all(isinstance(each, int) and 0 <= each < 256 for each in numbers):  # noqa: PLR2004
        return []
    return [bytes(each for each in numbers if isinstance(each, int)).decode("latin-1")]


def _json_in(text: str) -> JsonTree:
    """The list or object that a text is, if it is one."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        tree: JsonTree = json.loads(text)
    except (ValueError, RecursionError):  # not JSON, or too deep to hold anything for a model
        return None
    return tree
