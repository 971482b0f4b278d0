"""Placeholders in words, queries and JSON bodies: checked when a file is read, filled without any evaluation."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tokenguard.documents import Tree

_NAME = re.compile(r"\{([^{}]*)\}")
_WHOLE_LIST = "{permissions}"
_EACH = "each_permission"
_CONSTANTS: Mapping[str, Any] = {"{true}": True, "{false}": False, "{null}": None}
_NUMBER = re.compile(r"\{(-?(?:0|[1-9][0-9]{0,14}))\}", re.ASCII)
_IN_KEYS = frozenset({"scope"})


def problem(tree: Tree, allowed: Sequence[str]) -> str:
    """What is wrong with the placeholders anywhere in `tree`, given the allowed ones; empty if nothing is."""
    if isinstance(tree, str) and not _has_brace(tree):
        return ""
    for text in _texts(tree):
        if not _has_brace(text) or _is_constant(text):
            continue
        for name in _NAME.findall(text):
            if name not in allowed:
                return f"unknown placeholder; known here: {', '.join(f'{{{known}}}' for known in allowed) or 'none'}"
        if "{" in _NAME.sub("", text) or "}" in _NAME.sub("", text):
            return "a brace that belongs to no placeholder"
    for key in filter(_has_brace, _keys(tree)):
        if {"{", "}"} & set(_NAME.sub("", key)) or not set(_NAME.findall(key)) <= _IN_KEYS & set(allowed):
            return "a placeholder in a key: only {scope} is allowed there"
    return ""


def names(tree: Tree) -> frozenset[str]:
    """The placeholders used anywhere in `tree`."""
    if isinstance(tree, str):
        return frozenset(_NAME.findall(tree) if "{" in tree and not _is_constant(tree) else ())
    texts = [*(text for text in _texts(tree) if "{" in text and not _is_constant(text)), *_keys(tree)]
    return frozenset(name for text in texts if "{" in text for name in _NAME.findall(text))


def fill(tree: Tree, fields: Mapping[str, str | int], permissions: Sequence[str] = ()) -> Any:
    """`tree` with the values in place.

    A text that is nothing but `{permissions}` becomes a list, one that is nothing but the placeholder of a number
    becomes that number, an element of a list with `{each_permission}` stands there once for each permission, and
    `{true}`, `{false}`, `{null}` and `{90}` become what JSON calls so.
    """
    if isinstance(tree, dict):
        return {filled(key, fields): fill(value, fields, permissions) for key, value in tree.items()}
    if isinstance(tree, list):
        return [
            fill(value, {**fields, _EACH: each}, permissions)
            for value in tree
            for each in (permissions if _EACH in names(value) else ("",))
        ]
    return None if tree is None else _filled_whole(tree, fields, permissions)


def filled(text: str, fields: Mapping[str, str | int]) -> str:
    """A text with the values in place."""
    return _NAME.sub(lambda match: str(fields[match[1]]), text)


def read_back(text: str, filled_text: str) -> dict[str, str] | None:
    """What placeholders of a text stand for in a filled one; None if it is not that text filled."""
    names = _NAME.findall(text)
    pattern = "(.+)".join(re.escape(part) for part in _NAME.split(text)[::2])
    match = re.fullmatch(pattern, filled_text)
    return None if match is None else dict(zip(names, match.groups(), strict=True))


def _filled_whole(text: str, fields: Mapping[str, str | int], permissions: Sequence[str]) -> Any:
    """A text with the values in place, or what stands for the whole of it."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text == _WHOLE_LIST:
        return list(permissions)
    if number := _NUMBER.fullmatch(text):
        return int(number[1])
    name = _NAME.fullmatch(text)
    return fields[name[1]] if name else filled(text, fields)


def _has_brace(text: str) -> bool:
    return "{" in text or "}" in text


def _is_constant(text: str) -> bool:
    return text in _CONSTANTS or _NUMBER.fullmatch(text) is not None


def _texts(tree: Tree) -> list[str]:
    if isinstance(tree, (dict, list)):
        return [text for value in (tree.values() if isinstance(tree, dict) else tree) for text in _texts(value)]
    return [] if tree is None else [tree]


def _keys(tree: Tree) -> list[str]:
    if isinstance(tree, dict):
        return [key for name, value in tree.items() for key in (name, *_keys(value))]
    return [key for value in tree for key in _keys(value)] if isinstance(tree, list) else []
