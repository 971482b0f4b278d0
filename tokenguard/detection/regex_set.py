"""Many byte regexes asked at once: which of them occur? RE2 in one pass, or Python's `re` one after another."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

RUN = r"[A-Za-z0-9+/\x5c\x2d_=\x80-\xff]"
"""The bytes of which base64, hex and most tokens are made, as a class; letters beyond ASCII included."""

_BOUNDED = re.compile(r"\{([01]),\d+\}")
_MAX_MEMORY = 256 << 20  # bytes an RE2 set may use before it would fall back to its slow path


class RegexSet(Protocol):
    """Finds which expressions match somewhere in some bytes; `^` and `$` mean a line's start and end."""

    def matches(self, data: bytes) -> Sequence[int]:
        """The positions, in the order given at construction, of the expressions that match."""
        ...


def regex_set(expressions: Sequence[str]) -> RegexSet:
    """The fastest set this installation has. Both give the same answers; expressions are ASCII."""
    try:
        return _Re2Set(expressions)
    except ImportError:
        return _PythonSet(expressions)


class Regex(Protocol):
    """One byte regex."""

    def finditer(self, string: bytes, /) -> Iterator[Any]:
        """Matches from left to right, as `re` gives them."""
        ...

    def search(self, string: bytes, pos: int = 0, /) -> Any:
        """The first match that begins at `pos` or later, or None."""
        ...

    def sub(self, repl: bytes, string: bytes, /) -> bytes:
        """The text with `repl` for every match."""
        ...


def regex(expression: str) -> Regex:
    """One expression, compiled by the fastest engine of this installation. Both give the same matches.

    The engines keep what they compiled: who asks for the same expression once more shares its automaton.
    """
    try:
        import re2  # absent where there is no wheel for the platform
    except ImportError:
        return re.compile(expression.encode("ascii"), re.MULTILINE)
    compiled: Regex = re2.compile(f"(?m){expression}".encode("ascii"), _options())
    return compiled


def any_of(expressions: Iterable[str]) -> str:
    """One that matches wherever one of these does."""
    return "|".join(f"(?:{each})" for each in expressions)


def loosened(expression: str) -> str:
    """One that matches at least as much, with fewer states; the same for Python's engine, which bounds keep fast."""
    try:
        import re2  # noqa: F401 - whether it is there
    except ImportError:
        return expression
    return _BOUNDED.sub(lambda found: "*" if found[1] == "0" else "+", expression)


def _options() -> Any:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes are bytes
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    return options


class _Re2Set:
    def __init__(self, expressions: Sequence[str]) -> None:
        import re2  # absent where there is no wheel for the platform

        self._set = re2.Set.SearchSet(_options())
        for expression in expressions:
            self._set.Add(f"(?m){expression}")
        self._set.Compile()

    def matches(self, data: bytes) -> Sequence[int]:
        found: Sequence[int] = self._set.Match(data) or ()
        return found


class _PythonSet:
    def __init__(self, expressions: Sequence[str]) -> None:
        self._regexes = [re.compile(expression.encode("ascii"), re.MULTILINE) for expression in expressions]

    def matches(self, data: bytes) -> Sequence[int]:
        return [number for number, regex in enumerate(self._regexes) if regex.search(data)]
