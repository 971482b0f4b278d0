"""Rebuilds a traceback whose frames show the same places, and local variables that are masked when they are read.

Error reporters print local variables (Sentry, rich, Django's error mail). A frame cannot be copied, so each is made
anew: a code object with the original's file, name and line table is run in a namespace that masks. It stops at the
instruction at which the original stands, and its callers are made too: loguru shows them, and rich marks the place.
"""

import linecache
import opcode
import sys
import weakref
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from reprlib import recursive_repr
from types import CodeType, FrameType, TracebackType
from typing import Any

from tokenguard.masking.current import matcher
from tokenguard.redaction.matcher import Matcher

_NEXT = "tokenguard_next"
_CALLS = compile(f"{_NEXT}()", "", "exec")
_RAISES = compile("raise ''", "", "exec")
_WIDTH = 2
"""Bytes of an instruction."""
_CALL = _CALLS.co_code[::_WIDTH].index(opcode.opmap["CALL"]) * _WIDTH
_RAISE = _RAISES.co_code[::_WIDTH].index(opcode.opmap["RAISE_VARARGS"]) * _WIDTH
_NOP = bytes([opcode.opmap["NOP"], 0])
_GLOBALS = ("__name__", "__file__", "__loader__", "__spec__", "__package__")
_MOST_CALLERS = 100
"""Frames above a traceback that are made: each takes a piece of a thread's stack, which some systems keep small."""
_STACK_OF_CALLER = 10
"""What a frame takes of Python's limit for recursion, at most."""
_AROUND = 12
"""Source lines before and after a frame's own: no reporter shows more."""
_REMEMBERED = 4_096
_CLEAN_PLACES: dict[tuple[str, int], tuple[Matcher, list[str]]] = {}
"""Places around which there is no value: by which engine, and in which lines of their file."""
_MARKER = "sensitive_variables_wrapper"
"""Django hides what a decorator of this name lists from all frames that were called through it."""

Cleaning = Callable[[Any], Any]


class _RaisedError(StopIteration):
    """Ends a frame that was made to be kept, and what called it, up to an iterator."""

    def __init__(self) -> None:
        super().__init__()
        frame = sys._getframe(1)  # noqa: SLF001 - the frame that raises it
        frame.f_globals[_NEXT](frame)


class MaskedLocals(Mapping[str, Any]):
    """Local variables with masks; nothing is looked at before it is read."""

    __slots__ = ("_clean", "_frame")

    def __init__(self, frame: FrameType, clean: Cleaning) -> None:
        self._frame = frame
        self._clean = clean

    def __getitem__(self, name: str) -> Any:
        if name == _NEXT:  # looked for while a frame is made; all locals would be copied to find that it is not there
            raise KeyError(name)
        return self._clean(self._frame.f_locals[name])

    def __iter__(self) -> Iterator[str]:
        return (self._clean(name) for name in self._frame.f_locals)

    def __len__(self) -> int:
        return len(self._frame.f_locals)

    @recursive_repr("{...}")
    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (dict(self),)

    def copy(self) -> dict[str, Any]:
        """As a dictionary, which callers may change."""
        return dict(self)


def rebuilt(trace: TracebackType, clean: Cleaning, clean_text: Callable[[str], str]) -> TracebackType:
    """The same traceback over new frames."""
    entries = [trace]
    while (following := entries[-1].tb_next) is not None:
        entries.append(following)
    callers = [*_callers(trace.tb_frame)]
    markers = [frame for frame in callers if frame.f_code.co_name == _MARKER]
    del callers[min(_MOST_CALLERS, sys.getrecursionlimit() // _STACK_OF_CALLER) :]
    frames = []
    for entry in entries:
        path = [(frame, frame.f_lineno) for frame in reversed(callers or markers)] + [(entry.tb_frame, entry.tb_lineno)]
        frames.append(_made([_program(frame, line, clean, clean_text) for frame, line in path]))
        callers = []  # only the first leads on to all
        if entry.tb_frame.f_code.co_name == _MARKER:
            markers.insert(0, entry.tb_frame)
    made: TracebackType | None = None
    for entry, frame in zip(reversed(entries), reversed(frames), strict=True):
        made = TracebackType(made, frame, entry.tb_lasti, entry.tb_lineno)
    return made  # type: ignore[return-value]  # there is one entry at least


def shows_source(frame: FrameType, line: int, clean_text: Callable[[str], str]) -> bool:
    """Whether the source that a reporter would show of a frame holds a value."""
    return _shown_file(frame, line, clean_text) != frame.f_code.co_filename


def _callers(frame: FrameType) -> Iterator[FrameType]:
    above = frame.f_back
    while above is not None:
        yield above
        above = above.f_back


_Program = tuple[FrameType, str, dict[str, Any], MaskedLocals]


def _program(frame: FrameType, line: int | None, clean: Cleaning, clean_text: Callable[[str], str]) -> _Program:
    """What is run in place of a frame, in which file, and the namespaces it is run in."""
    known = {name: frame.f_globals[name] for name in _GLOBALS if name in frame.f_globals}
    name = _shown_file(frame, line or 0, clean_text)
    if name != frame.f_code.co_filename:
        known.pop("__loader__", None)  # it would show the file as it is
        known.pop("__spec__", None)
    return frame, name, {"__builtins__": {}, **known}, MaskedLocals(frame, clean)


def _shown_file(frame: FrameType, line: int, clean_text: Callable[[str], str]) -> str:
    """The frame's file, or a copy that only `linecache` has if a value is in the lines that a reporter would show."""
    file = frame.f_code.co_filename
    lines = linecache.getlines(file, frame.f_globals)
    engine = matcher()
    if (seen := _CLEAN_PLACES.get((file, line))) is not None and seen[0] is engine and seen[1] is lines:
        return file
    start = max(0, line - 1 - _AROUND)
    around = "".join(lines[start : line + _AROUND])
    masked = clean_text(around)
    if masked is around:
        if len(_CLEAN_PLACES) >= _REMEMBERED:
            _CLEAN_PLACES.clear()
        _CLEAN_PLACES[file, line] = engine, lines
        return file
    name = f"{file} [masked]"
    known = linecache.getlines(name)  # other lines of it, for another frame
    shown = known + ["\n"] * (start + around.count("\n") - len(known))
    shown[start : start + around.count("\n")] = masked.splitlines(keepends=True)
    linecache.cache[name] = (len(masked), None, shown, name)
    return name


def _made(path: list[_Program]) -> FrameType:
    """Run frames that call one another; the innermost. No frame of ours, and none of a caller, leads on from them.

    They are run in a thread of their own, whose first function is none of Python's: below it there is no frame.
    """
    found: list[FrameType] = []
    run: Callable[[], object] = found.append  # type: ignore[assignment]  # the innermost frame gives itself
    for number, (frame, name, known, local) in enumerate(reversed(path)):
        known[_NEXT] = run
        run = partial(exec, _code(frame, name, raises=number == 0), known, local)
    ended = allocate_lock()
    ended.acquire()
    end = _End()
    watched = weakref.ref(end, lambda _: ended.release())
    calls = [iter(run, end)]
    del end
    try:
        start_new_thread(list, (calls.pop(),))
        ended.acquire()
    except RuntimeError:  # no thread can be started any more: the interpreter ends
        list(iter(run, None))
    del watched
    for _, _, known, _ in path:
        del known[_NEXT]
    return found[0]


class _End:
    """Goes with what is run in a thread, however that ends."""


def _code(like: FrameType, name: str, *, raises: bool) -> CodeType:
    """A short program that looks like a frame's, and is left at the same place of it.

    It is as long as the original, since the table of lines has to fit; if it cannot be, it has the frame's line only.
    """
    code, (template, leaving) = like.f_code, (_RAISES, _RAISE) if raises else (_CALLS, _CALL)
    before = max(0, like.f_lasti - leaving)
    after = len(code.co_code) - before - len(template.co_code)
    fits = after >= 0
    body = template.co_code[:_WIDTH] + _NOP * (before // _WIDTH) + template.co_code[_WIDTH:] + _NOP * (after // _WIDTH)
    return template.replace(
        co_code=body if fits else template.co_code,
        co_consts=tuple(_RaisedError if each == "" else each for each in template.co_consts),
        co_filename=name,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno if fits else like.f_lineno,
        co_linetable=code.co_linetable if fits else template.co_linetable,
    )
