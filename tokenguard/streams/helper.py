"""The helper process of `tokenguard.install(fds="helper")`: masks descriptors 1 and 2 of who started it.

A process and not a thread: a C extension that writes more than a pipe holds while it keeps the interpreter's lock
would wait for a thread for ever. Values come over a socket, never in argv or the environment, and each is
acknowledged, so that a value is masked before it can be written.
"""

import base64
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence

from tokenguard.domain.secret import Secret
from tokenguard.redaction.known import Known
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor
from tokenguard.streams.pump import Channel, Pump

_ACKNOWLEDGED = b"\n"
_CHUNK = 65_536


def encode_known(known: Sequence[Known]) -> bytes:
    """One line that `_Control` understands."""
    rows = [
        [each.id, each.name, base64.b64encode(each.secret.reveal().encode("utf-8", "surrogatepass")).decode()]
        for each in known
    ]
    return json.dumps(rows).encode() + b"\n"


def _decode_known(line: bytes) -> list[Known]:
    return [
        Known(id=mask, name=name, secret=Secret(base64.b64decode(value).decode("utf-8", "surrogatepass")))
        for mask, name, value in json.loads(line)
    ]


class _Control:
    """The socket on which the values come, all of them each time."""

    def __init__(self, control: socket.socket, streams: Sequence[StreamRedactor]) -> None:
        self._control = control
        self._streams = streams
        self._pending = b""

    def read(self) -> bool:
        """Take what is there; False when the other side is gone."""
        data = self._control.recv(_CHUNK)
        self._pending += data
        while b"\n" in self._pending:
            line, _, self._pending = self._pending.partition(b"\n")
            matcher = Matcher.of(_decode_known(line))
            for stream in self._streams:
                stream.matcher = matcher
            self._control.sendall(_ACKNOWLEDGED)
        return bool(data)


def main(arguments: Sequence[str]) -> int:
    """Run with the numbers of the control socket and of the two pipes."""
    control_fd, out, err = map(int, arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)  # it lives as long as anybody writes
    os.set_inheritable(control_fd, False)
    with socket.socket(fileno=control_fd) as control:
        streams = StreamRedactor(Matcher()), StreamRedactor(Matcher())
        reader = _Control(control, streams)
        reader.read()  # nothing is passed on before the first values are here
        pump = Pump([Channel("stdout", out, 1, streams[0]), Channel("stderr", err, 2, streams[1])])

        def update() -> None:
            alive = False
            with contextlib.suppress(OSError, ValueError):
                alive = reader.read()
            if not alive:
                pump.forget(control_fd)

        pump.wait_for(control_fd, update)
        pump.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
