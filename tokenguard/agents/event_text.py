"""The texts of an event: found in JSON of any depth, and put back masked."""

from collections.abc import Callable, Iterator

from tokenguard.agents.contract import Event
from tokenguard.documents import JsonTree

_EVERY = "*"


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


def texts_in(tree: JsonTree) -> Iterator[str]:
    """Every text in a tree in its order, names of fields too; without recursion, since its depth is the sender's."""
    open_: list[JsonTree] = [tree]
    while open_:
        node = open_.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, list):
            open_.extend(reversed(node))
        elif isinstance(node, dict):
            for name, value in reversed(node.items()):
                open_ += (value, name)


def with_texts(tree: JsonTree, change: Callable[[str], str]) -> JsonTree:
    """The tree with every text changed, names of fields too."""
    if isinstance(tree, str):
        return change(tree)
    if isinstance(tree, list):
        return [with_texts(each, change) for each in tree]
    if isinstance(tree, dict):
        return {change(name): with_texts(value, change) for name, value in tree.items()}
    return tree
