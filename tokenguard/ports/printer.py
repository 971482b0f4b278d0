"""The printer port: what a command prints on standard output."""

from collections.abc import Sequence
from typing import Any, Protocol


class Printer(Protocol):
    """Prints lines and tables for people, or documents for programs."""

    @property
    def as_json(self) -> bool:
        """Whether a program reads it: only documents are printed then."""
        ...

    @property
    def to_terminal(self) -> bool:
        """Whether standard output is a terminal."""
        ...

    def document(self, content: Any) -> None:
        """Print one JSON document."""
        ...

    def line(self, text: str = "") -> None:
        """Print one line for people."""
        ...

    def text(self, text: str) -> None:
        """Print a document that has a form of its own, such as CSV."""
        ...

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, tones: Sequence[str] = ()) -> None:
        """Print a table."""
        ...
