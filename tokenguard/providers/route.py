"""`METHOD /path/{id}` as configuration writes it: checked when it is read, encoded when it is filled."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from tokenguard.errors import InputError

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~-]|\{[a-z_]+\})+", re.ASCII)
_NAME = re.compile(r"\{([a-z_]+)\}", re.ASCII)
_MAX_PATH = 512


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path below a provider's base; `{name}` stands for one value inside one segment."""

    method: str
    segments: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, *, fields: Sequence[str]) -> Self:
        """Read a route that may use the placeholders in `fields`; InputError for anything else."""
        method, _, path = text.partition(" ")
        segments = tuple(path.split("/")[1:])
        plain = method in METHODS and path.startswith("/") and len(path) <= _MAX_PATH
        if not plain or not all(_SEGMENT.fullmatch(part) and part not in {".", ".."} for part in segments):
            if "?" in path:
                raise InputError("a route has no query", hint="write its parameters under `query`")
            raise InputError(
                "a route is not valid",
                hint=f"write METHOD /path, with one of {', '.join(METHODS)} and plain path segments",
            )
        unknown = set(_NAME.findall(path) if "{" in path else ()).difference(fields)
        if unknown:
            raise InputError(
                f"a route uses the unknown placeholder {{{min(unknown)}}}",
                hint=f"known here: {', '.join(f'{{{field}}}' for field in fields) or 'none'}",
            )
        return cls(method, segments)

    def fill(self, fields: Mapping[str, str]) -> tuple[str, ...]:
        """The path's segments with the values in place; the client encodes each as a whole."""
        return tuple(_NAME.sub(lambda match: fields[match[1]], segment) for segment in self.segments)
