"""Descriptors 1 and 2 through a helper process: also C code, `os.write` and child processes are masked."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Sequence

from tokenguard.errors import Unreachable
from tokenguard.redaction.known import MaskedValue
from tokenguard.streams.helper import encode_known

_START = 10.0
"""Seconds that the helper has to take the values."""


class Helper:
    """A running helper process."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        pipes = [os.pipe(), os.pipe()]
        self._saved = [os.dup(1), os.dup(2)]
        try:
            inherited = [theirs.fileno(), pipes[0][0], pipes[1][0]]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tokenguard.streams.helper", *map(str, inherited)],
                pass_fds=inherited,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            theirs.close()
            for reading, _ in pipes:
                os.close(reading)
        self._pipes = [writing for _, writing in pipes]

    def start(self, known: Sequence[MaskedValue]) -> None:
        """Send the values and put the helper in front of both descriptors."""
        self.update(known)
        for target, writing in zip((1, 2), self._pipes, strict=True):
            _flush()
            os.dup2(writing, target)
            os.close(writing)
        self._pipes = []

    def update(self, known: Sequence[MaskedValue]) -> None:
        """Send all values; returns when they are masked. Unreachable if the helper is gone."""
        ours, theirs = socket.socketpair()
        answer = b""
        with ours, contextlib.suppress(OSError):
            ours.settimeout(_START)
            with theirs:
                socket.send_fds(self._control, [b"."], [theirs.fileno()])
            ours.sendall(encode_known(known))
            ours.shutdown(socket.SHUT_WR)
            answer = ours.recv(1)
        if not answer:
            raise Unreachable(
                "the masking helper process has ended", hint="nothing more is written; restart the program"
            )

    def stop(self) -> None:
        """Put the descriptors back and let the helper finish what it has."""
        _flush()
        for target, saved in zip((1, 2), self._saved, strict=True):
            os.dup2(saved, target)
            os.close(saved)
        self._control.close()
        self._process.wait()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
