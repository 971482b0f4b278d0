"""Frozen values: immutable, compared by content, and cheap to define.

Every command pays at its start for every class it imports, and a frozen dataclass with slots costs ten times as much
to define as a `msgspec.Struct` (docs/adr/0006-frozen-values.md). So the rooms that every command loads use `Frozen`; a
room that few commands load may use dataclasses.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

_Value = TypeVar("_Value", bound="Frozen")

field = msgspec.field
"""For defaults that are made afresh: `field(default_factory=…)`."""


class Frozen(msgspec.Struct, frozen=True):
    """The base of immutable values. Subclasses say `frozen=True` again, and `kw_only=True` where order says nothing."""


class Hidden(Frozen, frozen=True):
    """A frozen value that holds keys or the like: its repr says its kind and nothing else, so that no log can."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(****)"


def replace(value: _Value, /, **changes: Any) -> _Value:
    """The same value with some fields changed; its own checks run again."""
    return msgspec.structs.replace(value, **changes)


def field_names(kind: type[Frozen]) -> Iterable[str]:
    """The fields of a kind of value, in their order."""
    return kind.__struct_fields__
