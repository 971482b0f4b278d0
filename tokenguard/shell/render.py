"""What is printed on stdout: tables and lines for people, one JSON document for programs.

Everything passes `safe_text` here, and nothing else in the package writes to stdout.
"""

import io
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO

from tokenguard.shell.colour import wants_colour
from tokenguard.shell.table_layout import GAP, block, least_widths, width_of
from tokenguard.text import inert_json, safe_text

_LONGEST_CELL = 2000
"""Characters: every hint is whole, so that its commands and paths can be copied; a flood of text is not."""


class Screen:
    """Standard output, plain or with colour, or as JSON.

    Args:
        as_json: print documents only.
        stream: where to print; stdout if None.
        environ: NO_COLOR and TERM are honoured.
        beside: what each JSON document holds beside its own content, asked when it is printed.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        stream: TextIO | None = None,
        environ: Mapping[str, str] = os.environ,
        beside: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self.as_json = as_json
        self._beside = beside
        self._stream = stream or sys.stdout
        self.to_terminal = self._stream.isatty()
        self.wrote = False
        """Whether anything was printed."""
        self.rich = not as_json and wants_colour(self._stream, environ)

    def muted(self) -> "Screen":
        """A screen of the same format that prints nothing."""
        return Screen(as_json=self.as_json, stream=io.StringIO())

    def document(self, content: Any) -> None:
        """Print one JSON document; ASCII, so that nothing in it can act on a terminal."""
        beside = self._beside()
        self._write(_ascii({**content, **beside} if beside and isinstance(content, dict) else content, indent=2))

    def documents(self, key: str, items: Iterable[Any]) -> None:
        """Print one JSON document that holds many items under `key`, one a line.

        Each is encoded as it comes, so that the items need not be in memory together; nothing is printed unless
        all of them came.
        """
        lines = [_ascii(item) for item in items]
        beside = "".join(f", {_ascii(name)}: {_ascii(facts)}" for name, facts in self._beside().items())
        self._write(
            f'{{"{key}": [' + ",".join(f"\n{line}" for line in lines) + ("\n]" if lines else "]") + beside + "}"
        )

    def line(self, text: str = "") -> None:
        """Print one line for people."""
        if not self.as_json:
            self._write(safe_text(text, one_line=True))

    def text(self, text: str, *, commands: bool = False) -> None:
        """Print a document that has a form of its own, such as CSV, line by line; also where `as_json` was said.

        A carriage return before a line feed stays: iCalendar has both. `commands`: it consists of commands to the
        runner that reads a build's log, in which everything foreign is escaped.
        """
        for line in text.rstrip("\n").split("\n"):
            plain = line.removesuffix("\r")
            self._write(safe_text(plain, one_line=True, commands=commands) + line[len(plain) :])

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, tones: Sequence[str] = ()) -> None:
        """Print a table. `tones` gives each row a colour's name, on a terminal that has colours."""
        safe = [[safe_text(cell, one_line=True, limit=_LONGEST_CELL) for cell in row] for row in rows]
        if self.rich:
            self._rich_table(columns, safe, tones)
        else:
            self._plain_table(columns, safe)

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Print labelled facts, one a line; empty ones are left out."""
        shown = [(label, text) for label, text in pairs if text]
        width = max((len(label) for label, _ in shown), default=0)
        for label, text in shown:
            self.line(f"{label:<{width}}{GAP}{text}")

    def _plain_table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        if self.to_terminal and width_of(columns, rows) > (width := _terminal_width()):
            for row in rows:
                about, lines = block(columns, row, width)
                self._write("\n".join((about, *(_line_of(facts) for facts in lines))))
            return
        everything = [[column.upper() for column in columns], *rows]
        widths = [max(map(len, column)) for column in zip(*everything, strict=True)]
        for row in everything:
            self._write(GAP.join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())

    def _rich_table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], tones: Sequence[str]) -> None:
        from rich.console import Console  # only a terminal with colours pays for it
        from rich.table import Table
        from rich.text import Text

        console = Console(file=self._stream, highlight=False)
        styles = tones or [""] * len(rows)
        folds = least_widths(columns, rows)
        if width_of(columns, rows, folds) > console.width:
            for row, style in zip(rows, styles, strict=True):
                about, lines = block(columns, row, console.width)
                console.print(Text(about, style=f"bold {style}".strip()), soft_wrap=True)
                for facts in lines:
                    parts = [part for label, cell in facts for part in ((f"{GAP}{label} ", "dim"), (cell, style))]
                    console.print(Text.assemble(*parts), soft_wrap=True)
            return
        table = Table(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), header_style="bold")
        for column, fold in zip(columns, folds, strict=True):
            table.add_column(column.upper(), no_wrap=not fold, overflow="fold", min_width=fold or None)
        for row, style in zip(rows, styles, strict=True):
            table.add_row(*(Text(cell, style=style) for cell in row))  # Text: cells are never markup
        console.print(table)

    def _write(self, text: str) -> None:
        self.wrote = True
        self._stream.write(text + "\n")


def _ascii(content: Any, indent: int | None = None) -> str:
    import json  # only documents need it

    import msgspec

    text = json.dumps(content, ensure_ascii=True, default=str)
    if indent is not None:
        try:
            text = msgspec.json.format(text, indent=indent)  # ten times as fast as json, which indents in Python
        except msgspec.DecodeError:  # half of a surrogate pair, as names of files may hold
            text = json.dumps(content, ensure_ascii=True, indent=indent, default=str)
    return inert_json(text)


def _terminal_width() -> int:
    from shutil import get_terminal_size  # a pipe has no width

    return get_terminal_size().columns


def _line_of(facts: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{GAP}{label} {cell}" for label, cell in facts)
