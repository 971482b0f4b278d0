"""Compares an answer with AWS's own description of it: the SDK passes on what has another type."""

from datetime import datetime
from typing import Any

_SCALARS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "character": str,
    "blob": bytes,
    "timestamp": datetime,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
}


def has_types(answer: Any, shape: Any) -> bool:
    """Whether each field that a shape of botocore describes has its type."""
    if shape.type_name == "structure":
        return isinstance(answer, dict) and all(
            has_types(answer[name], member) for name, member in shape.members.items() if name in answer
        )
    if shape.type_name == "list":
        return isinstance(answer, list) and all(has_types(each, shape.member) for each in answer)
    if shape.type_name == "map":
        return isinstance(answer, dict) and all(
            has_types(name, shape.key) and has_types(each, shape.value) for name, each in answer.items()
        )
    return isinstance(answer, _SCALARS.get(shape.type_name, object))
