"""A TOML file from outside as the tree that policies are read from, and the line on which a part of it begins."""

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from tokenguard.documents import Tree
from tokenguard.errors import InputError

_MAX_DEPTH = 8
_POSITION = "(at line "


def load_toml(data: bytes, *, source: str, max_bytes: int) -> tuple[str, Tree]:
    """Read TOML into text, lists and tables: whole numbers and `true` become text, other types are refused.

    Raises:
        InputError: it is not TOML of that kind within the caps; the message is `source:line: reason`.
    """
    import tomllib  # few repositories have such a file

    if len(data) > max_bytes:
        _refuse(source, 1, f"larger than {max_bytes:,} bytes")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        _refuse(source, data.count(b"\n", 0, error.start) + 1, "this is not UTF-8 text")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = str(error).rpartition(_POSITION)[2].partition(",")[0]
        _refuse(source, int(line) if line.isdigit() else text.count("\n") + 1, "this is not valid TOML")
    except RecursionError:
        _refuse(source, 1, "nested too deeply")
    return text, _converted(tree, source, text, ())


def line_of(text: str, path: Sequence[str | int]) -> int:
    """The line on which what a path leads to is defined; the nearest thing above it, if it is not."""
    wanted, best, line = tuple(path), 0, 1
    for number, defined in _statements(text):
        common = next((at for at, pair in enumerate(zip(wanted, defined, strict=False)) if pair[0] != pair[1]), None)
        common = min(len(wanted), len(defined)) if common is None else common
        if common > best:
            best, line = common, number
    return line


def _converted(node: Any, source: str, text: str, path: tuple[str | int, ...]) -> Tree:
    if len(path) > _MAX_DEPTH:
        _refuse(source, line_of(text, path), "nested too deeply")
    if isinstance(node, dict):
        return {name: _converted(each, source, text, (*path, name)) for name, each in node.items()}
    if isinstance(node, list):
        return [_converted(each, source, text, (*path, at)) for at, each in enumerate(node)]
    if isinstance(node, bool):
        return "true" if node else "false"
    if not isinstance(node, int | str) or (isinstance(node, int) and abs(node) >= 1 << 63):
        _refuse(source, line_of(text, path), "only text, whole numbers, `true`, lists and tables are supported here")
    return str(node)


def _statements(text: str) -> Iterator[tuple[int, tuple[str | int, ...]]]:
    """For each key and each table header: its line, and the path that it defines."""
    import tomllib  # only errors ask for lines

    header: tuple[str | int, ...] = ()
    waiting: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        waiting.append(line)
        try:
            found = tomllib.loads("\n".join(waiting))
        except (tomllib.TOMLDecodeError, RecursionError):
            continue  # a list or a text that goes on in the next line
        begun = number - len(waiting) + 1
        path = tuple(_chain(found))
        if waiting[0].lstrip().startswith("["):
            header = path
            yield begun, header
        elif path:
            yield begun, (*header, *path)
        waiting = []


def _chain(tree: Any) -> Iterator[str | int]:
    while isinstance(tree, dict) and len(tree) == 1:
        (name, tree), *_ = tree.items()
        yield name


def _refuse(source: str, line: int, reason: str) -> NoReturn:
    raise InputError(f"{source}:{line}: {reason}", hint="correct the file; nothing was read from it") from None
