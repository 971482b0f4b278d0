"""What is printed on stdout: tables and lines for people, one JSON document for programs.

Everything passes `safe_text` here, and nothing else in the package writes to stdout.
"""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from tokenguard.text import safe_text

_GAP = "  "


class Screen:
    """Standard output, plain or with colour, or as JSON.

    Args:
        as_json: print documents only.
        stream: where to print; stdout if None.
        environ: NO_COLOR and TERM are honoured.
    """

    def __init__(
        self, *, as_json: bool = False, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.as_json = as_json
        self._stream = stream or sys.stdout
        dumb = environ.get("TERM", "") == "dumb" or bool(environ.get("NO_COLOR"))
        self.to_terminal = self._stream.isatty()
        self.rich = not as_json and not dumb and self.to_terminal

    def document(self, content: Any) -> None:
        """Print one JSON document; ASCII, so that nothing in it can act on a terminal."""
        self._write(_ascii(content, indent=2))

    def documents(self, key: str, items: Iterable[Any]) -> None:
        """Print one JSON document that holds many items under `key`, one a line.

        Each is encoded as it comes, so that the items need not be in memory together; nothing is printed unless
        all of them came.
        """
        lines = [_ascii(item) for item in items]
        self._write(f'{{"{key}": [' + ",".join(f"\n{line}" for line in lines) + ("\n]}" if lines else "]}"))

    def line(self, text: str = "") -> None:
        """Print one line for people."""
        if not self.as_json:
            self._write(safe_text(text, one_line=True))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, tones: Sequence[str] = ()) -> None:
        """Print a table. `tones` gives each row a colour's name, on a terminal that has colours."""
        safe = [[safe_text(cell, one_line=True, limit=120) for cell in row] for row in rows]
        if self.rich:
            self._rich_table(columns, safe, tones)
        else:
            self._plain_table([[column.upper() for column in columns], *safe])

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Print labelled facts, one a line; empty ones are left out."""
        shown = [(label, text) for label, text in pairs if text]
        width = max((len(label) for label, _ in shown), default=0)
        for label, text in shown:
            self.line(f"{label:<{width}}{_GAP}{text}")

    def _plain_table(self, rows: Sequence[Sequence[str]]) -> None:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            self._write(_GAP.join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())

    def _rich_table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], tones: Sequence[str]) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal with colours pays for it
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column)
        for number, row in enumerate(rows):
            style = tones[number] if tones else ""
            table.add_row(*(Text(cell, style=style) for cell in row))  # Text: cells are never markup
        Console(file=self._stream, highlight=False).print(table)

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")


def _ascii(content: Any, indent: int | None = None) -> str:
    import json  # noqa: PLC0415 - only documents need it

    return json.dumps(content, ensure_ascii=True, indent=indent, default=str).replace("\x7f", "\\u007f")
