"""The scalars of a foreign YAML file, each with its path and line.

Files of CI systems use anchors and tags, which our own loader refuses. So nothing is built here: the parser's events
are walked once, an alias is never followed, and size, depth and number are capped.
"""

from collections.abc import Iterator, Mapping

from tokenguard.frozen import Frozen

MAX_BYTES = 524_288
_MAX_SCALARS = 50_000
_MAX_DEPTH = 40

Path = tuple[str | int, ...]


class Scalar(Frozen, frozen=True):
    """One value that is text."""

    path: Path
    text: str
    line: int
    """Where it begins, counted from 1."""
    block: bool = False
    """Written as a block: its first line of text is the one after `line`."""

    def lines(self) -> Iterator[tuple[int, str]]:
        """Each line of its text with its line in the file, as near as can be told."""
        for offset, text in enumerate(self.text.split("\n")):
            yield self.line + (offset + 1 if self.block else 0), text


def read_scalars(text: str) -> Mapping[Path, Scalar] | None:
    """Every scalar value by its path; None if the text is not YAML within the caps."""
    import yaml  # only where there is such a file

    if len(text) > MAX_BYTES:
        return None
    walk = _Walk()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if not walk.take(event):
                return None
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return walk.found


class _Walk:
    def __init__(self) -> None:
        self.found: dict[Path, Scalar] = {}
        self._path: list[str | int | None] = []  # of each open collection: the key that waits, or the next index
        self._is_key: list[bool] = []  # of each open collection: whether it stands where a key should
        self._documents = 0

    def take(self, event: object) -> bool:
        """Go one event further; False when it is too much."""
        import yaml  # loaded by the caller already

        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
            case yaml.ScalarEvent():
                if self._awaits_key:
                    self._path[-1] = event.value
                else:
                    block = event.style in {"|", ">"}
                    line = event.start_mark.line + 1 if event.start_mark is not None else 1
                    scalar = Scalar(self._place(), event.value, line, block)
                    self.found.setdefault(scalar.path, scalar)
                    self._next()
            case yaml.AliasEvent():
                self._other()
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._is_key.append(self._awaits_key)
                self._path.append(None if isinstance(event, yaml.MappingStartEvent) else 0)
            case yaml.CollectionEndEvent():
                self._path.pop()
                if self._is_key.pop():
                    self._path[-1] = ""
                else:
                    self._next()
        return len(self.found) <= _MAX_SCALARS and len(self._path) <= _MAX_DEPTH

    @property
    def _awaits_key(self) -> bool:
        return bool(self._path) and self._path[-1] is None

    def _other(self) -> None:
        if self._awaits_key:
            self._path[-1] = ""
        else:
            self._next()

    def _place(self) -> Path:
        return (*((self._documents,) if self._documents > 1 else ()), *(step or 0 for step in self._path))

    def _next(self) -> None:
        if self._path:
            last = self._path[-1]
            self._path[-1] = last + 1 if isinstance(last, int) else None
