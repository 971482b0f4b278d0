"""Masking of nested objects: a copy is made only on the way to a leak, and the caller's objects never change."""

from collections.abc import Mapping
from typing import Any

from tokenguard.masking.current import clean

_DEPTH = 12
_ITEMS = 10_000
_HARMLESS = (int, float, complex, bool, type(None))
WITHHELD = "[tokenguard: withheld, too deep]"


def clean_object(value: Any, channel: str, depth: int = 0) -> Any:
    """`value` with masks in all its texts, keys included; the same object if there is nothing to mask.

    Objects of other kinds are judged by the text they would be written as, and replaced by it on a hit.
    """
    if type(value) in _HARMLESS:
        return value
    if depth > _DEPTH:
        return WITHHELD
    if isinstance(value, str):
        return clean(value, channel)
    if isinstance(value, Mapping):
        return _mapping(value, channel, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return _sequence(value, channel, depth)
    return _bytes(value, channel) if isinstance(value, bytes | bytearray) else _other(value, channel)


def _bytes(value: bytes | bytearray, channel: str) -> Any:
    text = bytes(value).decode("utf-8", "surrogateescape")
    masked = clean(text, channel)
    return value if masked is text else masked.encode("utf-8", "surrogateescape")


def _mapping(value: Mapping[Any, Any], channel: str, depth: int) -> Any:
    if len(value) > _ITEMS:
        return WITHHELD
    pairs = [
        (clean_object(key, channel, depth + 1), key, clean_object(item, channel, depth + 1), item)
        for key, item in value.items()
    ]
    if all(new_key is key and new is item for new_key, key, new, item in pairs):
        return value
    return {new_key: new for new_key, _, new, _ in pairs}


def _sequence(value: Any, channel: str, depth: int) -> Any:
    if len(value) > _ITEMS:
        return WITHHELD
    items = list(value)
    cleaned = [clean_object(item, channel, depth + 1) for item in items]
    if all(new is old for new, old in zip(cleaned, items, strict=True)):
        return value
    return tuple(cleaned) if isinstance(value, tuple) else cleaned


def _other(value: Any, channel: str) -> Any:
    """Clean an object of any kind: both str and repr are checked, since either may be written."""
    for show in (str, repr):
        text = show(value)
        masked = clean(text, channel)
        if masked is not text:
            return masked
    return value
