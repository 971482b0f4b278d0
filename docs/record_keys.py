"""Writes the tables of docs/spec/record.md from the classes of stored documents: `make docs`."""

import ast
import inspect
import re
import textwrap
import typing
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from tokenguard.domain.document import Document

PAGE = Path(__file__).with_name("spec") / "record.md"
_TABLES = re.compile(r"(?<=<!-- keys -->\n).*?(?=<!-- /keys -->)", re.DOTALL)
_PLAIN = {str: "text", bool: "true or false", int: "number", float: "number", datetime: "time"}


def classes() -> list[type[msgspec.Struct]]:
    """Every class that is part of a document, in the order in which it is met."""
    found: list[type[msgspec.Struct]] = [Document]
    for each in found:  # grows meanwhile
        for hint in typing.get_type_hints(each).values():
            found += [kind for kind in _structs(hint) if kind not in found]
    return found


def render() -> str:
    """The tables."""
    return "\n".join(_table(each) for each in classes())


def _structs(hint: Any) -> list[type[msgspec.Struct]]:
    if inspect.isclass(hint) and issubclass(hint, msgspec.Struct):
        return [hint]
    return [kind for part in typing.get_args(hint) for kind in _structs(part)]


def _table(kind: type[msgspec.Struct]) -> str:
    meanings, hints = _meanings(kind), typing.get_type_hints(kind)
    head = f"### {kind.__name__}\n\n{(inspect.getdoc(kind) or '').splitlines()[0]}\n\n"
    head += "| Key | Type | Absent | Meaning |\n|---|---|---|---|\n"
    for each in msgspec.structs.fields(kind):
        meaning = meanings.get(each.name, "")
        head += f"| `{each.encode_name}` | {_type(hints[each.name])} | {_absent(kind, each)} | {meaning} |\n"
    return head


def _meanings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The first sentence of the text behind each field."""
    found, last = {}, ""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            last = node.target.id
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and last:
            text = " ".join(str(node.value.value).split())
            found[last] = text.split(". ")[0].rstrip(".").replace("|", "or").replace("None", "null")
            last = ""
    return found


def _type(hint: Any) -> str:
    hint = getattr(hint, "__supertype__", hint)
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return f"list of {_type(parts[0])}"
    if type(None) in parts:
        return f"{_type(next(part for part in parts if part is not type(None)))} or null"
    if inspect.isclass(hint) and issubclass(hint, Enum):
        return "one of " + ", ".join(f"`{each.value}`" for each in hint)
    return _PLAIN.get(hint) or f"`{hint.__name__}`"


def _absent(kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> str:
    if (kind, field.name) == (Document, "revision"):
        return "`0`"
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return "optional" if isinstance(value, msgspec.Struct) else f"`{msgspec.json.encode(value).decode()}`"


if __name__ == "__main__":
    PAGE.write_text(_TABLES.sub(lambda _: "\n" + render() + "\n", PAGE.read_text()))
