"""The controlling terminal: used for questions, independent of stdin and stdout."""

import os
import sys
from typing import Self

from tokenguard.domain.secret import Secret
from tokenguard.errors import InputError
from tokenguard.posix import IS_POSIX
from tokenguard.shell.typed_line import TypedLine
from tokenguard.text import safe_text

if IS_POSIX:  # without it no Tty is made
    import termios

_PATH = "/dev/tty"
_ECHO_FLAGS = 3  # index of the local modes in what tcgetattr returns
_LONGEST = 8_192
_CUT = 4_095
"""A terminal silently drops what a line has beyond this many bytes."""


def read_unseen(limit: int) -> bytes:
    """Standard input, at most so many bytes; on a terminal, what is typed or pasted there is not shown.

    What a value is read from, or a text that may hold one.
    """
    stream = sys.stdin.buffer
    if not (IS_POSIX and stream.isatty()):
        return stream.read(limit)
    before = termios.tcgetattr(stream.fileno())
    hidden = [*before]
    hidden[_ECHO_FLAGS] = before[_ECHO_FLAGS] & ~termios.ECHO
    try:
        # not flushed: a program that feeds a terminal may have written already
        termios.tcsetattr(stream.fileno(), termios.TCSADRAIN, hidden)
        if (tty := Tty.controlling()) is not None:
            tty.show("reading until Ctrl-D; what you type or paste is not shown")
            tty.close()
        return stream.read(limit)
    finally:
        termios.tcsetattr(stream.fileno(), termios.TCSADRAIN, before)


class Tty:
    """An interactive terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._ahead = b""
        """What was pasted beyond the last line: the next lines of a list."""

    @classmethod
    def controlling(cls) -> Self | None:
        """The terminal of this process, or None if it has none, as on Windows."""
        if not IS_POSIX:
            return None
        try:
            descriptor = os.open(_PATH, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return None
        return cls(descriptor)

    def show(self, text: str = "") -> None:
        """Print lines to the person; control characters become visible."""
        self._put(safe_text(text) + "\n")

    def ask(self, prompt: str, *, public: bool = False) -> str:
        """Ask for one line. KeyboardInterrupt at Ctrl-C and at the end of input.

        Typed text is shown. Pasted text is not, since it may be a value, at any question but a `public` one: for an
        address or a name. There it is shown if it consists of words, short numbers and punctuation.
        """
        before = termios.tcgetattr(self._descriptor)
        by_key = [*before]
        by_key[_ECHO_FLAGS] = before[_ECHO_FLAGS] & ~(termios.ECHO | termios.ICANON)
        line = TypedLine(public=public)
        try:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, by_key)
            self._put(safe_text(prompt, one_line=True))
            while not line.ended and len(line.text) < _LONGEST:
                data, self._ahead = self._ahead or os.read(self._descriptor, _LONGEST), b""
                if not data:  # the terminal is gone
                    raise KeyboardInterrupt
                self._put(line.take(data))
                self._ahead = line.left_over
        finally:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)
            self._put("\n")
        return line.text.strip()

    def ask_hidden(self, prompt: str) -> Secret:
        """Ask for one line without showing it. What is pasted beyond the line is thrown away, never shown.

        Raises:
            InputError: the line is longer than a terminal hands over whole.
        """
        before = termios.tcgetattr(self._descriptor)
        hidden, self._ahead = [*before], b""
        hidden[_ECHO_FLAGS] = before[_ECHO_FLAGS] & ~termios.ECHO
        try:
            # Deaf first, then the prompt: a paste that is quicker than we are would be shown.
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, hidden)
            self._put(safe_text(prompt, one_line=True))
            line = self._line()
        finally:
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, before)
            self._put("\n")
        if len(line) >= _CUT:
            raise InputError(
                "the pasted text is longer than a terminal accepts in one line",
                hint="use --stdin or --from-file for it",
            )
        return Secret(line.decode("utf-8", "surrogateescape").strip())

    def close(self) -> None:
        """Let the terminal go."""
        os.close(self._descriptor)

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n") and len(line) < _LONGEST:
            part = os.read(self._descriptor, _LONGEST)
            if not part:  # Ctrl-D: the person has left
                raise KeyboardInterrupt
            line += part
        return line.partition(b"\n")[0]

    def _put(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._descriptor, data) :]
