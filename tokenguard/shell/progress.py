"""Progress on stderr: one live line while waiting on a terminal, plain lines otherwise."""

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from tokenguard.shell.colour import paint, wants_colour
from tokenguard.text import safe_text

_ERASE = "\r\x1b[K"
_WIDTH = 110
_MARGIN = 3
"""Columns that a live line leaves free: one that is wrapped cannot be erased."""


class StderrProgress:
    """Implements the Progress port; a person can follow it, a log file stays readable."""

    def __init__(
        self, stream: TextIO | None = None, *, live: bool | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._stream = stream or sys.stderr
        self.live = self._stream.isatty() and environ.get("TERM", "") != "dumb" if live is None else live
        self._waiting = ""
        self._colour = wants_colour(self._stream, environ)
        self._tick = "✓" if (getattr(self._stream, "encoding", "") or "").lower().startswith("utf") else "*"

    def step(self, text: str) -> None:
        """A step is durably done."""
        self._line(self._tick, "green", text)

    def note(self, text: str) -> None:
        """A warning to the user."""
        self._line("!", "yellow", text)

    def waiting(self, text: str) -> None:
        """Replace the live line; without a terminal, print it if it is new."""
        shown = safe_text(text, one_line=True, limit=self._room())
        if self.live:
            self._stream.write(f"{_ERASE}… {shown}")
            self._stream.flush()
        elif shown != self._waiting:
            self._stream.write(f"  {shown}\n")
        self._waiting = shown

    def clear(self) -> None:
        """Erase the live line before other output to the terminal."""
        if self.live and self._waiting:
            self._stream.write(_ERASE)
            self._stream.flush()
        self._waiting = ""

    def _room(self) -> int:
        """The characters that a line may have."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns if self.live else 0
        except (OSError, ValueError):
            columns = 0
        return min(_WIDTH, columns - _MARGIN) if columns > _MARGIN else _WIDTH

    def _line(self, mark: str, colour: str, text: str) -> None:
        self.clear()
        shown = paint(mark, colour) if self._colour else mark
        self._stream.write(f"{shown} {safe_text(text, one_line=True)}\n")
        self._stream.flush()


class HeldNotes(StderrProgress):
    """Keeps the notices of a command back until it is known whether they are to be shown."""

    def __init__(self) -> None:
        super().__init__(live=False)
        self._notes: list[str] = []

    def step(self, text: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Keep it."""
        self._notes.append(text)

    def waiting(self, text: str) -> None:
        """Nothing."""

    def tell(self, progress: StderrProgress) -> None:
        """Show what was kept."""
        for each in self._notes:
            progress.note(each)
