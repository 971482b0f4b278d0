"""Placeholders in words, queries and JSON bodies: checked when a file is read, filled without any evaluation."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tokenguard.documents import Tree

_NAME = re.compile(r"\{([^{}]*)\}")
_WHOLE_LIST = "{permissions}"


def problem(tree: Tree, allowed: Sequence[str]) -> str:
    """What is wrong with the placeholders anywhere in `tree`, given the allowed ones; empty if nothing is."""
    for text in _texts(tree):
        for name in _NAME.findall(text):
            if name not in allowed:
                return f"unknown placeholder; known here: {', '.join(f'{{{known}}}' for known in allowed) or 'none'}"
        if "{" in _NAME.sub("", text) or "}" in _NAME.sub("", text):
            return "a brace that belongs to no placeholder"
    if any("{" in key or "}" in key for key in _keys(tree)):
        return "a placeholder in a key"
    return ""


def names(tree: Tree) -> frozenset[str]:
    """The placeholders used anywhere in `tree`."""
    return frozenset(name for text in _texts(tree) for name in _NAME.findall(text))


def fill(tree: Tree, fields: Mapping[str, str], permissions: Sequence[str] = ()) -> Any:
    """`tree` with the values in place; the whole text `{permissions}` becomes a list."""
    if isinstance(tree, dict):
        return {key: fill(value, fields, permissions) for key, value in tree.items()}
    if isinstance(tree, list):
        return [fill(value, fields, permissions) for value in tree]
    if tree == _WHOLE_LIST:
        return list(permissions)
    return None if tree is None else _NAME.sub(lambda match: fields[match[1]], tree)


def _texts(tree: Tree) -> list[str]:
    if isinstance(tree, (dict, list)):
        return [text for value in (tree.values() if isinstance(tree, dict) else tree) for text in _texts(value)]
    return [] if tree is None else [tree]


def _keys(tree: Tree) -> list[str]:
    if isinstance(tree, dict):
        return [key for name, value in tree.items() for key in (name, *_keys(value))]
    return [key for value in tree for key in _keys(value)] if isinstance(tree, list) else []
