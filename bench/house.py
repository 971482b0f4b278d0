"""The shape of the package in numbers, each beside its limit: rooms, names, doubles. `python -m bench house`."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tokenguard"
_PRONOUNS = re.compile(r"\b(nobody|somebody|whoever|whatever)\b", re.IGNORECASE)
_STORES = {"local", "vault", "aws"}


class HouseNumber(NamedTuple):
    """One line of the table."""

    what: str
    measure: Callable[[], float]
    limit: float | None
    """None: printed, and held to nothing."""
    at_least: bool = False
    """Whether the limit is the lowest value, not the highest."""

    @property
    def measured(self) -> float:
        """The number itself: counted when it is asked for."""
        return self.measure()

    @property
    def holds(self) -> bool:
        """Whether it is within its limit."""
        if self.limit is None:
            return True
        measured = self.measured
        return measured >= self.limit if self.at_least else measured <= self.limit


@cache
def sources() -> dict[Path, str]:
    """Every file of the package, by its path in it."""
    return {path.relative_to(PACKAGE): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}


def imports(room: str) -> Iterator[tuple[Path, str]]:
    """What each file of a room imports of the package, wherever in the file."""
    for path, text in sources().items():
        if path.parts[0] == room:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ImportFrom) and node.module:
                    yield path, node.module
                if isinstance(node, ast.Import):
                    yield from ((path, each.name) for each in node.names)


def _classes() -> Counter[str]:
    trees = map(ast.parse, sources().values())
    return Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _repeated() -> int:
    """File names that occur twice, the parallel rooms of the three stores aside."""
    names = Counter(
        path.name
        for path in sources()
        if path.name != "__init__.py" and not (path.parts[0] in {"stores", "clients"} and path.parts[1] in _STORES)
    )
    return sum(times > 1 for times in names.values())


def _layers() -> list[list[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["type"] == "layers")
    return [layer.split(" | ") for layer in layers]


def _adapters() -> int:
    """Imports of adapters where only ports are known."""
    forbidden = ("tokenguard.stores", "tokenguard.clients", "tokenguard.providers")
    rooms = ("cli", "views", "usecases")
    return sum(module.startswith(forbidden) for room in rooms for _, module in imports(room))


def _above_shell() -> int:
    layers = _layers()
    floor = {package: number for number, layer in enumerate(layers) for package in layer}
    return int(floor["usecases"] < floor["shell"])


def numbers() -> list[HouseNumber]:
    """The table."""
    shell = ("tokenguard.shell", "tokenguard.cli")
    return [
        HouseNumber("use cases above the shell (1: yes)", _above_shell, 0),
        HouseNumber("imports of the shell or the command line in `usecases`", lambda: _imported("usecases", *shell), 0),
        HouseNumber("imports of click or rich in `usecases`", lambda: _imported("usecases", "click", "rich"), 0),
        HouseNumber("imports of stores, clients and providers in `cli`, `views` and `usecases`", _adapters, 0),
        HouseNumber("`is_on_vault`, `is_on_aws`, `is_local` in `cli` and `usecases`", _kinds, 0),
        HouseNumber("class names used once, percent", _classes_used_once, 99, at_least=True),
        HouseNumber("file names used twice, `__init__` and the rooms of stores aside", _repeated, 10),
        HouseNumber("indefinite pronouns: nobody, somebody, whoever, whatever", _pronouns, 15),
        HouseNumber("files that name a record's field by hand (`deputy`)", lambda: _files_with(r"\bdeputy\b"), 4),
        HouseNumber("hand-written readers of mappings with line and column", _readers, 1),
        HouseNumber("`noqa` per 1,000 lines", _waived, 2),
        HouseNumber("files", lambda: len(sources()), None),
        HouseNumber("lines", _lines, None),
    ]  # fmt: skip


def _imported(room: str, *packages: str) -> int:
    """Imports of these, or of what is in them, in a room."""
    above = tuple(f"{each}." for each in packages)
    return sum(module in packages or module.startswith(above) for _, module in imports(room))


def _classes_used_once() -> float:
    classes = _classes()
    return round(100 * sum(times == 1 for times in classes.values()) / len(classes), 1)


def _files_with(*expressions: str) -> int:
    """Files in which each of them is found."""
    return sum(all(re.search(each, text, re.MULTILINE) for each in expressions) for text in sources().values())


def _readers() -> int:
    return _files_with(r"^class \w+", r"must be a mapping|a mapping is needed")


def _pronouns() -> int:
    return sum(len(_PRONOUNS.findall(text)) for text in sources().values())


def _waived() -> float:
    return round(1000 * sum(text.count("# noqa") for text in sources().values()) / _lines(), 1)


def _lines() -> int:
    return sum(text.count("\n") for text in sources().values())


def _kinds() -> int:
    asked = re.compile(r"\bis_on_vault\(|\bis_on_aws\(|\bis_local\(")
    return sum(len(asked.findall(text)) for path, text in sources().items() if path.parts[0] in {"cli", "usecases"})


def main() -> None:
    """Print the table, then files and lines of each room."""
    for each in numbers():
        limit = "" if each.limit is None else f"  ({'at least' if each.at_least else 'at most'} {each.limit:g})"
        print(f"{each.measured:>9,}  {each.what}{limit}{'' if each.holds else '  MISSED'}")
    rooms = Counter(path.parts[0] for path in sources())
    for room, files in rooms.most_common():
        lines = sum(text.count("\n") for path, text in sources().items() if path.parts[0] == room)
        print(f"{files:>5} files {lines:>7,} lines  {room}")


if __name__ == "__main__":
    main()
