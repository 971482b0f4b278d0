"""Reads the table of flaws: for each attack of the threat model and each promise, what is planted and which test must see it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Mutant:
    """One flaw: in `file`, the only occurrence of `old` becomes `new`, and `test` must fail on an assertion."""

    flaw: str
    file: str
    old: str
    new: str
    test: str
    table: str = ""
    sample: bool = False
    """Whether `make test` plants it too."""

    def planted(self, text: str) -> str:
        """The file's text with the flaw in it."""
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.flaw}: its old text is {found} times in {self.file}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Threat:
    """One attack, or one promise: what is required, the tests, and the flaws that they must detect."""

    attack: str
    behaviour: str
    tests: tuple[str, ...]
    mutants: tuple[Mutant, ...]
    unplanted: str = ""
    """Why there is no protection of tokenguard's own that a flaw could take away; empty: there is one."""


@cache
def sections() -> dict[str, tuple[Threat, ...]]:
    """The rows of each table on the page, by the name of their file."""
    return {path.stem: _read(path) for path in sorted((HERE / "threats").glob("*.toml"))}


def mutants() -> list[Mutant]:
    """Every flaw there is."""
    return [mutant for rows in sections().values() for row in rows for mutant in row.mutants]


def _read(path: Path) -> tuple[Threat, ...]:
    return tuple(_threat(dict(row), path.stem) for row in tomllib.loads(path.read_text())["threat"])


def _threat(row: dict, table: str) -> Threat:
    planted = tuple(Mutant(**each, table=table) for each in row.pop("mutant", ()))
    return Threat(tests=tuple(row.pop("tests")), mutants=planted, **row)
