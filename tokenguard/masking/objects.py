"""Masking of objects in kind: a copy is made only on the way to a leak, and the caller's objects never change."""

from collections.abc import Callable, Iterator, Mapping
from types import (
    BuiltinFunctionType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
    TracebackType,
)
from typing import Any

from tokenguard.masking.current import clean, is_clean, reported_once
from tokenguard.masking.exceptions import clean_exception, clean_traceback, clean_triple, text_by
from tokenguard.masking.frames import MaskedLocals

_DEPTH = 12
_ITEMS = 10_000
_SEEN = 2_000
"""Items of local variables that are looked at; of more, frames are made anew, whose variables are masked when read."""
_ITEM_OF_TEXT = 64
"""Bytes of a text that take as long."""
_HARMLESS = (int, float, complex, bool, type(None))
_CLEAN = (*_HARMLESS, MaskedLocals)
_NAMED = (ModuleType, FunctionType, BuiltinFunctionType, MethodType, type)
_SIMPLE = (dict, list, tuple, set, frozenset)
_IMPORTING = frozenset({"_frozen_importlib", "_frozen_importlib_external"})
_MADE_IN_PYTHON = 1 << 9
"""The flag of a class that has a `class` statement somewhere."""
_TRIPLE = 3
_PLAIN_REPR: Any = object.__repr__
"""Shows the name of a class and an address."""
WITHHELD = "[tokenguard: withheld, too deep]"


class MaskedObject:
    """Stands for an object that could not be copied: its texts with masks."""

    __slots__ = ("_repr", "_text")

    def __init__(self, text: str, representation: str) -> None:
        self._text = text
        self._repr = representation

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._repr

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return str, (self._text,)  # a process that reads the pickle may lack tokenguard


def clean_object(value: Any, channel: str) -> Any:
    """`value` with masks in all its texts, keys included; the same object if there is nothing to mask.

    Containers, exceptions and tracebacks are copied in kind. Other objects are judged by the texts they would be
    written as; on a hit they are copied with masked attributes, or replaced with something that shows masked texts.
    """
    return value if type(value) in _HARMLESS else ObjectCleaner(channel).value(value)


def clean_exc_info(triple: tuple[Any, Any, Any], channel: str) -> tuple[Any, Any, Any]:
    """An `exc_info` with a masked exception and traceback; the same one if it is clean."""
    with reported_once(channel):
        return clean_triple(triple, ObjectCleaner(channel))


class ObjectCleaner:
    """Masks one object."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._left = _ITEMS
        self._unseen = _SEEN
        self._errors = 0

    def text(self, text: str) -> str:
        """A text with masks."""
        return clean(text, self._channel)

    def value(self, value: Any) -> Any:
        """An object of any kind with masks."""
        return self._clean(value, 0, self._object)

    def fields(self, value: Any) -> Any:
        """Texts in containers with masks; other objects stay as they are."""
        return self._clean(value, 0, lambda other: other)

    def held(self, value: Any) -> Any:
        """What an exception holds with masks: texts in containers, and other objects by what they show."""
        return self._clean(value, 0, self._by_texts)

    def local(self, value: Any) -> Any:
        """A local variable with masks; something that says so if it cannot be masked."""
        fresh = ObjectCleaner(self._channel)
        try:
            return fresh._clean(value, 0, fresh._represented)
        except Exception as error:  # noqa: BLE001 - `repr` of a broken object; other variables are shown
            return self._not_shown(value, error)

    def is_harmless(self, value: Any, depth: int = 0) -> bool:
        """Whether there is surely nothing in a value; says so without running code of its type, or looking at much."""
        kind = type(value)
        is_text = kind is str or kind is bytes
        self._unseen -= 1 + len(value) // _ITEM_OF_TEXT if is_text else 1
        if self._unseen < 0 or depth > _DEPTH:
            return False
        if kind in _HARMLESS or kind in _NAMED or kind.__module__ in _IMPORTING:
            return True
        if is_text:
            return is_clean(value if kind is str else value.decode("latin-1"))
        if kind in _SIMPLE:
            if len(value) > self._unseen:
                return False
            pieces = [*value, *value.values()] if kind is dict else value
            return all(self.is_harmless(each, depth + 1) for each in pieces)
        return kind.__repr__ is _PLAIN_REPR and not hasattr(kind, "__rich_repr__")

    def _clean(self, value: Any, depth: int, other: Callable[[Any], Any]) -> Any:
        if type(value) in _CLEAN:
            return value
        self._left -= 1
        if isinstance(value, str | bytes | bytearray | memoryview):
            return _kept(value, self.text(value)) if isinstance(value, str) else self._bytes(value)
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            if self._left < 0 or depth > _DEPTH or len(value) > _ITEMS:
                return self._represented(value)
            return (
                self._mapping(value, depth, other) if isinstance(value, Mapping) else self._items(value, depth, other)
            )
        if isinstance(value, BaseException) and other == self._object:
            return self._exception(value)
        return clean_traceback(value, self) if isinstance(value, TracebackType) else other(value)

    def _exception(self, error: BaseException) -> Any:
        """One that is held in a container, in an exception, and so on, is judged by its text at some point."""
        self._errors += 1
        try:
            return clean_exception(error, self) if self._errors <= _DEPTH else self._represented(error)
        finally:
            self._errors -= 1

    def _bytes(self, value: bytes | bytearray | memoryview) -> Any:
        text = bytes(value).decode("utf-8", "surrogateescape")
        masked = self.text(text)
        if masked is text:
            return value
        data = masked.encode("utf-8", "surrogateescape")
        return memoryview(data) if isinstance(value, memoryview) else type(value)(data)

    def _mapping(self, value: Mapping[Any, Any], depth: int, other: Callable[[Any], Any]) -> Any:
        pairs = [
            (self._clean(key, depth + 1, other), key, self._clean(item, depth + 1, other), item)
            for key, item in value.items()
        ]
        if all(new_key is key and new is item for new_key, key, new, item in pairs):
            return value
        masked = {new_key: new for new_key, _, new, _ in pairs}
        if isinstance(value, dict):
            return masked if type(value) is dict else self._filled(value, masked, dict)
        if isinstance(value, MappingProxyType):
            return MappingProxyType(masked)
        copy = self._copied(value, None, self.text(repr(value)))
        return masked if copy is None else copy

    def _items(self, value: Any, depth: int, other: Callable[[Any], Any]) -> Any:
        if _is_exc_info(value):
            return clean_triple(value, self)
        items = list(value)
        cleaned = [self._clean(item, depth + 1, other) for item in items]
        if all(new is old for new, old in zip(cleaned, items, strict=True)):
            return value
        kind = type(value)
        if kind in _SIMPLE or isinstance(value, frozenset):
            return kind(cleaned)
        if isinstance(value, tuple):
            return _tuple(kind, cleaned)
        return self._filled(value, cleaned, set if isinstance(value, set) else list)

    def _filled(self, value: Any, masked: Any, plain: type) -> Any:
        """A container of the same kind with other contents; a plain one if it cannot be had, or shows a value still."""
        kind = type(value)
        try:
            base: Any = next(each for each in kind.__mro__ if not each.__flags__ & _MADE_IN_PYTHON)
            new = base.__new__(kind)
            self._set_held(value, new)
            getattr(base, "extend" if plain is list else "update")(new, masked)
            if self.text(text := repr(new)) is text:
                return new
        except Exception:  # noqa: BLE001, S110 - code of another class
            pass
        return plain(masked)

    def _object(self, value: Any) -> Any:
        """Both texts are looked at, since either may be written; a text that fails is written by nothing."""
        text, representation = text_by(str, value), text_by(repr, value)
        if isinstance(text, Exception) and isinstance(representation, Exception):
            return self._not_shown(value, representation)
        return self._shown(value, *(None if isinstance(each, Exception) else each for each in (text, representation)))

    def _by_texts(self, value: Any) -> Any:
        """Any object, also an exception: one that holds itself would be copied without an end."""
        return self._object(value)

    def _represented(self, value: Any) -> Any:
        try:
            shown = repr(value)
        except RecursionError:
            return WITHHELD
        return self._shown(value, None, shown)

    def _shown(self, value: Any, text: str | None, representation: str | None) -> Any:
        """What shows these texts with masks, the same object if there is nothing to mask; None stands for no text."""
        masked = None if text is None else self.text(text)
        masked_repr = None if representation is None else self.text(representation)
        if masked == text and masked_repr == representation:
            return value
        shows_address = type(value).__repr__ is _PLAIN_REPR and masked_repr == representation
        copy = self._copied(value, masked, None if shows_address else masked_repr)
        if copy is not None:
            return copy
        return MaskedObject(
            masked_repr or "" if masked is None else masked, masked or "" if masked_repr is None else masked_repr
        )

    def _not_shown(self, value: Any, error: Exception) -> MaskedObject:
        text = self.text(f"<{type(value).__name__}: not shown, {type(error).__name__}>")
        return MaskedObject(text, text)

    def _copied(self, value: Any, text: str | None, representation: str | None) -> Any:
        """A copy with masked attributes that shows the masked texts, or None; a text that is None is not compared."""
        kind = type(value)
        if hasattr(kind, "__del__"):  # it would end what the original still uses
            return None
        try:
            new = (SimpleNamespace if issubclass(kind, SimpleNamespace) else object).__new__(kind)
            self._set_held(value, new)
            same = representation is None or repr(new) == representation
            if same and (text is None or str(new) == text):
                return new
        except Exception:  # noqa: BLE001, S110 - code of another class, or one that Python itself makes
            pass
        return None

    def _set_held(self, value: Any, new: Any) -> None:
        for name, held in _held(value):
            object.__setattr__(new, name, self._clean(held, 1, lambda other: other))


def _held(value: Any) -> Iterator[tuple[str, Any]]:
    """The attributes that an object has itself, in slots and in its dictionary."""
    for kind in type(value).__mro__:
        for name, descriptor in vars(kind).items():
            if isinstance(descriptor, MemberDescriptorType) and name != "__dict__":
                try:
                    yield name, descriptor.__get__(value)
                except AttributeError:  # it was never set
                    continue
    yield from list(getattr(value, "__dict__", {}).items())


def _is_exc_info(value: Any) -> bool:
    """Whether it is one of `sys.exc_info()`, and not any three objects with an exception among them."""
    if type(value) is not tuple or len(value) != _TRIPLE:
        return False
    kind, error, trace = value
    return isinstance(kind, type) and isinstance(error, BaseException) and isinstance(trace, TracebackType | None)


def _tuple(kind: type[tuple[Any, ...]], items: list[Any]) -> tuple[Any, ...]:
    try:
        return tuple.__new__(kind, items)
    except TypeError:  # of a kind that Python itself makes
        return tuple(items)


def _kept(value: str, masked: str) -> str:
    """A masked text of the same kind of text, such as one that is marked as safe HTML."""
    if masked is value or type(value) is str:
        return masked
    try:
        new = str.__new__(type(value), masked)
        new.__dict__.update(vars(value))
    except (AttributeError, TypeError):
        return masked
    return new
