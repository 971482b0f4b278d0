"""Masked copies of exceptions: type, traceback, notes, cause, context and group are kept, the original unchanged."""

import builtins
import contextlib
import types
from collections.abc import Callable, Iterator
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, MethodDescriptorType, TracebackType
from typing import Any, Protocol

from tokenguard.masking.frames import rebuilt, shows_source

_MOST = 500
"""Exceptions of one chain or group; a longer one is withheld."""
_LINKS = frozenset(
    {"__class__", "__cause__", "__context__", "__suppress_context__", "__traceback__", "__dict__", "__weakref__"}
)
_CONSTRUCTED = frozenset({"args", "exceptions", "message"})
_PYTHONS_OWN = frozenset(kind for kind in vars(builtins).values() if isinstance(kind, type))
_NEVER_SET = object()
_Texts = tuple[str | None, str | None]
"""`str` and `repr` of an exception; None for one that fails."""


class Cleaner(Protocol):
    """Masks what an exception consists of; each method returns the same object if there is nothing to mask."""

    def text(self, text: str) -> str:
        """A text."""
        ...

    def fields(self, value: Any) -> Any:
        """Texts in containers; other objects are left as they are."""
        ...

    def held(self, value: Any) -> Any:
        """Texts in containers, and other objects by what they show."""
        ...

    def value(self, value: Any) -> Any:
        """An object of any kind."""
        ...

    def local(self, value: Any) -> Any:
        """A local variable, judged by its `repr` alone."""
        ...

    def is_harmless(self, value: Any) -> bool:
        """Whether there is surely nothing in a local variable; says so without running code of its type."""
        ...


class MaskedTexts:
    """The first base of a class whose instances show other texts than its second base would."""

    __slots__ = ()

    def __init_subclass__(cls, **_: Any) -> None:
        """Tell no base of it: those of a program may keep a register."""


def clean_exception(error: BaseException, cleaner: Cleaner) -> BaseException:
    """A masked copy with everything that it leads to; the same object if there is nothing to mask."""
    members = _collect(error)
    plain = {id(each): _texts_of(each) for each in members}
    texts = {key: (_masked(text, cleaner), _masked(shown, cleaner)) for key, (text, shown) in plain.items()}
    if texts == plain and not any(_is_dirty(each, cleaner) for each in members):
        return error
    return _Copies(cleaner, texts).of(members)


def clean_triple(triple: tuple[Any, Any, Any], cleaner: Cleaner) -> tuple[Any, Any, Any]:
    """An `exc_info` with a masked exception and the traceback that belongs to it; the same one if it is clean."""
    kind, error, trace = triple
    if isinstance(error, BaseException):
        copy = clean_exception(error, cleaner)
        same_trace = trace is error.__traceback__
        shown = copy.__traceback__ if same_trace else clean_traceback(trace, cleaner)
        return triple if copy is error and shown is trace else (type(copy), copy, shown)
    shown = clean_traceback(trace, cleaner)
    masked = cleaner.value(error)
    return triple if masked is error and shown is trace else (kind, masked, shown)


def clean_traceback(trace: TracebackType | None, cleaner: Cleaner) -> TracebackType | None:
    """A traceback whose local variables are masked when they are read; the same one if they are surely harmless."""
    if trace is None or _has_harmless_frames(trace, cleaner):
        return trace
    return rebuilt(trace, cleaner.local, cleaner.text)


def _collect(error: BaseException) -> list[BaseException]:
    """The exception and those that it leads to or was made with, each once."""
    found, waiting = dict[int, BaseException](), [error]
    while waiting:
        each = waiting.pop()
        if id(each) in found:
            continue
        found[id(each)] = each
        if len(found) > _MOST:
            raise ValueError("too many exceptions in one chain")
        members = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        linked = (each.__cause__, each.__context__, *members, *each.args, *_dictionary(each).values())
        waiting += [other for other in linked if isinstance(other, BaseException)]
    return list(found.values())


def _is_dirty(error: BaseException, cleaner: Cleaner) -> bool:
    """Whether a value is in what it holds beside its texts, or in its frames."""
    if any(_cleaning(place, cleaner)(value) is not value for place, value in _attributes(error)):
        return True
    if any(cleaner.value(part) is not part for part in _kept_outside(error)[1:]):
        return True
    trace = error.__traceback__
    return trace is not None and not _has_harmless_frames(trace, cleaner)


def _has_harmless_frames(trace: TracebackType, cleaner: Cleaner) -> bool:
    at: TracebackType | None = trace
    while at is not None:
        frame = at.tb_frame
        if not cleaner.is_harmless(dict(frame.f_locals)) or shows_source(frame, at.tb_lineno, cleaner.text):
            return False
        at = at.tb_next
    return True


def _attributes(error: BaseException) -> Iterator[tuple[Any, Any]]:
    """What an exception holds, with what sets it on another one: a name, or a descriptor of its class."""
    for kind in type(error).__mro__:
        for name, descriptor in vars(kind).items():
            if isinstance(descriptor, MemberDescriptorType | GetSetDescriptorType) and name not in _LINKS:
                try:
                    yield descriptor, descriptor.__get__(error)
                except AttributeError:  # it was never set
                    continue
    yield from list(_dictionary(error).items())


def _kept_outside(error: BaseException) -> tuple[Any, ...]:
    """What a class of another language keeps out of reach, as `pickle` is given it; nothing of other classes."""
    method = type(error).__reduce__
    if not isinstance(method, MethodDescriptorType) or method.__objclass__ in _PYTHONS_OWN:
        return ()
    try:
        reduced = error.__reduce__()
    except Exception:  # noqa: BLE001 - code of another class
        return ()
    return reduced if isinstance(reduced, tuple) else ()


def _cleaning(place: Any, cleaner: Cleaner) -> Callable[[Any], Any]:
    """How an attribute is masked: what Python itself puts there, such as `obj`, shows itself only when it is asked."""
    return cleaner.fields if getattr(place, "__objclass__", None) in _PYTHONS_OWN else cleaner.held


def _dictionary(error: BaseException) -> dict[str, Any]:
    own: dict[str, Any] = BaseException.__dict__["__dict__"].__get__(error)
    return own


class _Copies:
    """Copies of exceptions that lead to each other."""

    def __init__(self, cleaner: Cleaner, texts: dict[int, _Texts]) -> None:
        self._cleaner = cleaner
        self._texts = texts
        self._made: dict[int, BaseException] = {}
        self._begun = set[int]()

    def of(self, errors: list[BaseException]) -> BaseException:
        """Copy all, and link the copies as the originals are; returns the first."""
        for error in errors:
            self._copy(error)
        for error in errors:
            copy = self._made[id(error)]
            trace = error.__traceback__
            _set(copy, "__context__", self._linked(error.__context__))
            _set(copy, "__cause__", self._linked(error.__cause__))
            _set(copy, "__suppress_context__", error.__suppress_context__)
            _set(copy, "__traceback__", trace and rebuilt(trace, self._cleaner.local, self._cleaner.text))
        return self._made[id(errors[0])]

    def _linked(self, error: BaseException | None) -> BaseException | None:
        return None if error is None else self._made[id(error)]

    def _copy(self, error: BaseException) -> BaseException:
        """Copy one; RecursionError for a group that is made of itself."""
        if id(error) not in self._made:
            self._begun.add(id(error))
            try:
                copy = self._filled(error, self._new(error, type(error)))
            except TypeError:  # of a class of another language
                copy = self._remade(error) or self._filled(
                    error, self._new(error, self._masked_type(error, _builtin(type(error))))
                )
            if _texts_of(copy) != self._texts[id(error)]:
                copy = self._filled(error, self._new(error, self._masked_type(error, type(error))))
            self._made[id(error)] = copy
        return self._made[id(error)]

    def _new(self, error: BaseException, kind: type[BaseException]) -> BaseException:
        """An empty one, made by the constructors of Python's own class: others may do anything."""
        base = _builtin(kind)
        if isinstance(error, BaseExceptionGroup):
            members = [self._copy(each) for each in error.exceptions]
            return base.__new__(kind, self._cleaner.text(error.message), members)
        arguments = tuple(self._part(each, self._cleaner.value) for each in error.args)
        copy = base.__new__(kind, *arguments)
        with contextlib.suppress(TypeError, ValueError):  # another constructor's: the attributes are set one by one
            base.__init__(copy, *arguments)
        _set(copy, "args", arguments)
        return copy

    def _remade(self, error: BaseException) -> BaseException | None:
        """A copy that is made as `pickle` would, of masked parts; None if there is none, or it shows a value still."""
        kind = type(error)
        if any(isinstance(each, FunctionType) for each in (kind.__new__, kind.__init__)):  # it may do anything
            return None
        with contextlib.suppress(Exception):  # code of another class
            make, *parts = _kept_outside(error) or (kind, error.args)
            arguments, *state = (self._cleaner.value(part) for part in parts)
            copy = make(*arguments)
            if state and state[0] is not None:
                copy.__setstate__(state[0])
            texts = _texts_of(copy)
            if type(copy) is kind and tuple(_masked(each, self._cleaner) for each in texts) == texts:
                self._texts[id(error)] = texts  # it may shorten what it shows of a mask otherwise than of a value
                return self._filled(error, copy)
        return None

    def _filled(self, error: BaseException, copy: BaseException) -> BaseException:
        for place, value in _attributes(error):
            masked = self._part(value, _cleaning(place, self._cleaner))
            if isinstance(place, str):
                _dictionary(copy)[self._cleaner.text(place)] = masked
            elif place.__name__ not in _CONSTRUCTED:
                with contextlib.suppress(AttributeError, TypeError):  # read-only, and set by the constructor
                    if _value_at(place, copy) is not masked:
                        place.__set__(copy, masked)
        return copy

    def _part(self, value: Any, clean: Callable[[Any], Any]) -> Any:
        """What an exception holds; another exception is the copy that it is linked to."""
        if not isinstance(value, BaseException):
            return clean(value)
        if id(value) in self._begun and id(value) not in self._made:
            return self._texts[id(value)][0] or ""  # it is made of itself
        return self._copy(value)

    def _masked_type(self, error: BaseException, base: type[BaseException]) -> type[BaseException]:
        """A subclass of the same name whose instances show the masked texts."""
        kind = type(error)
        text, representation = self._texts[id(error)]
        body = {
            "__module__": kind.__module__,
            "__qualname__": kind.__qualname__,
            "__str__": _failing if text is None else lambda _: text,
            "__repr__": _failing if representation is None else lambda _: representation,
        }
        made: type[BaseException] = types.new_class(
            kind.__name__, (MaskedTexts, base), exec_body=lambda space: space.update(body)
        )
        return made


def _value_at(place: Any, error: BaseException) -> Any:
    """What an attribute is; one that was never set is not the same as None."""
    try:
        return place.__get__(error)
    except AttributeError:  # of `__slots__`
        return _NEVER_SET


def _set(error: BaseException, name: str, value: Any) -> None:
    """Set what every exception has; classes may refuse assignments, such as frozen dataclasses."""
    BaseException.__dict__[name].__set__(error, value)


def _builtin(kind: type[BaseException]) -> type[BaseException]:
    """The class of Python itself that it derives from first."""
    return next(each for each in kind.__mro__ if each.__module__ == "builtins" and issubclass(each, BaseException))


def text_by(call: Callable[[Any], str], value: Any) -> str | Exception:
    """The text that `str` or `repr` gives of an object, or what it fails with."""
    try:
        return call(value)
    except Exception as error:  # noqa: BLE001 - code of another class; a sink would meet it too
        return error


def _texts_of(error: BaseException) -> _Texts:
    text, representation = text_by(str, error), text_by(repr, error)
    return (
        None if isinstance(text, Exception) else text,
        None if isinstance(representation, Exception) else representation,
    )


def _masked(text: str | None, cleaner: Cleaner) -> str | None:
    return None if text is None else cleaner.text(text)


def _failing(_: BaseException) -> str:
    raise TypeError
