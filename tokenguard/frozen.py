"""Frozen values: immutable, compared by content, and cheap to define.

Every command pays at its start for every class it imports, and a frozen dataclass with slots costs ten times as much
to define as a `msgspec.Struct` (docs/adr/0006-frozen-values.md). So the packages that every command loads use
`Frozen`; a package that few commands load may use dataclasses.
"""

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

_UNWANTED = "typing_extensions"
_wanted_by_others = sys.modules.get(_UNWANTED)
if _wanted_by_others is None:  # msgspec makes do with `typing`, and this one takes longer to import than all of msgspec
    sys.modules[_UNWANTED] = None  # type: ignore[assignment]  # which is how an import is told that there is none
import msgspec  # noqa: E402

if _wanted_by_others is None:
    del sys.modules[_UNWANTED]

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
