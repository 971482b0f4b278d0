"""Rebuilds a traceback whose frames show the same places, and local variables that are masked when they are read.

Error reporters print local variables (Sentry, rich, Django's error mail). A frame cannot be copied, so each is made
anew: a code object with the original's file, name and line table is run in a namespace that masks.
"""

import linecache
import opcode
import time
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import CodeType, FrameType, TracebackType
from typing import Any

_NEXT = "tokenguard_next"
_CALLS = compile(f"{_NEXT}()", "", "exec")
_RAISES = compile("raise ''", "", "exec")
_NOP = bytes([opcode.opmap["NOP"], 0])
_GLOBALS = ("__name__", "__file__", "__loader__", "__spec__", "__package__")
_PATIENCE = 10_000
"""How often a function that is about to return is asked for."""
_AROUND = 12
"""Source lines before and after a frame's own: no reporter shows more."""
_MARKER = "sensitive_variables_wrapper"
"""Django hides what a decorator of this name lists from all frames that were called through it."""

Cleaning = Callable[[Any], Any]


class _RaisedError(Exception):
    """Ends a frame that was made to be kept."""


class MaskedLocals(Mapping[str, Any]):
    """Local variables with masks; nothing is looked at before it is read."""

    __slots__ = ("_clean", "_raw")

    def __init__(self, raw: Mapping[str, Any], clean: Cleaning) -> None:
        self._raw = raw
        self._clean = clean

    def __getitem__(self, name: str) -> Any:
        return self._clean(self._raw[name])

    def __iter__(self) -> Iterator[str]:
        return (self._clean(name) for name in self._raw)

    def __len__(self) -> int:
        return len(self._raw)

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
    markers = [frame for frame in _callers(trace.tb_frame) if frame.f_code.co_name == _MARKER]
    frames = []
    for entry in entries:
        path = [(frame, frame.f_lineno) for frame in reversed(markers)] + [(entry.tb_frame, entry.tb_lineno)]
        frames.append(_made([_program(frame, line, clean, clean_text) for frame, line in path]))
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
    return frame, name, {"__builtins__": {}, **known}, MaskedLocals(frame.f_locals, clean)


def _shown_file(frame: FrameType, line: int, clean_text: Callable[[str], str]) -> str:
    """The frame's file, or a copy that only `linecache` has if a value is in the lines that a reporter would show."""
    file = frame.f_code.co_filename
    lines = linecache.getlines(file, frame.f_globals)
    start = max(0, line - 1 - _AROUND)
    around = "".join(lines[start : line + _AROUND])
    masked = clean_text(around)
    if masked is around:
        return file
    name = f"{file} [masked]"
    linecache.cache[name] = (len(masked), None, ["\n"] * start + masked.splitlines(keepends=True), name)
    return name


def _made(path: list[_Program]) -> FrameType:
    """Run frames that call one another; the innermost. No frame of ours, and none of a caller, leads on from them.

    They are run in a thread of their own: below its first function there is no frame.
    """
    found: list[FrameType] = []
    ended = allocate_lock()
    ended.acquire()
    try:
        start_new_thread(_run, (path, found, ended.release))
        ended.acquire()
    except RuntimeError:  # no thread can be started any more: the interpreter ends
        _run(path, found, lambda: None)
    for _, _, known, _ in path:
        del known[_NEXT]
    _forget(found[1])
    return found[0]


def _run(path: list[_Program], found: list[FrameType], done: Callable[[], None]) -> None:
    """Put the innermost frame, and the one that called the outermost, into `found`."""
    call: Callable[[], object] | None = None
    for frame, name, known, local in reversed(path):
        code = _code(frame.f_code, name, raises=call is None)
        known[_NEXT] = call
        call = partial(exec, code, known, local)
    try:
        call()  # type: ignore[misc]  # there is one frame at least
    except _RaisedError as caught:
        trace = caught.__traceback__
        frames = []
        while trace is not None:
            frames.append(trace.tb_frame)
            trace = trace.tb_next
        found += [frames[-1], frames[0]]
    finally:
        done()


def _forget(ours: FrameType) -> None:
    """Drop what the first function of the thread held, as soon as it has returned."""
    for _ in range(_PATIENCE):
        try:
            ours.clear()
        except RuntimeError:  # it is about to return
            time.sleep(0)
        else:
            return


def _code(like: CodeType, name: str, *, raises: bool) -> CodeType:
    """A short program that looks like another one: as long as it, since the table of lines has to fit."""
    template = _RAISES if raises else _CALLS
    padding = len(like.co_code) - len(template.co_code)
    fits = padding >= 0
    return template.replace(
        co_code=template.co_code + _NOP * (padding // len(_NOP)),
        co_consts=tuple(_RaisedError if each == "" else each for each in template.co_consts),
        co_filename=name,
        co_name=like.co_name,
        co_qualname=like.co_qualname,
        co_firstlineno=like.co_firstlineno if fits else template.co_firstlineno,
        co_linetable=like.co_linetable if fits else template.co_linetable,
    )
