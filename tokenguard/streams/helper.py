"""The helper process of `tokenguard.install(fds="helper")`: masks descriptors 1 and 2 of who started it.

A process and not a thread: a C extension that writes more than a pipe holds while it keeps the interpreter's lock
would wait for a thread for ever. Values come over a socket, never in argv or the environment, and each is
acknowledged, so that a value is masked before it can be written. Who forks after the start shares the helper with its
children: each process that has values of its own tells them on a connection of its own, and all of them are masked.
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
from tokenguard.process import harden
from tokenguard.redaction.known import MaskedValue
from tokenguard.redaction.matcher import Matcher
from tokenguard.redaction.stream import StreamRedactor
from tokenguard.streams.pump import Channel, Pump

_ACKNOWLEDGED = b"\n"
_CHUNK = 65_536
_PATIENCE = 5.0
"""Seconds that who tells values may stop for."""


def encode_known(known: Sequence[MaskedValue]) -> bytes:
    """What a process tells the helper: who it is, and all its values."""
    rows = [
        [each.id, each.name, base64.b64encode(each.secret.reveal().encode("utf-8", "surrogatepass")).decode()]
        for each in known
    ]
    return json.dumps({"process": os.getpid(), "values": rows}).encode()


def _decode_known(data: bytes) -> tuple[int, dict[str, MaskedValue]]:
    told = json.loads(data)
    values = [
        (mask, name, base64.b64decode(value).decode("utf-8", "surrogatepass")) for mask, name, value in told["values"]
    ]
    return told["process"], {
        value: MaskedValue(id=mask, name=name, secret=Secret(value)) for mask, name, value in values
    }


class _Control:
    """The socket on which connections come, each with all the values of one process."""

    def __init__(self, control: socket.socket, streams: Sequence[StreamRedactor]) -> None:
        self._control = control
        self._streams = streams
        self._told: dict[int, dict[str, MaskedValue]] = {}

    def read(self) -> bool:
        """Read the pending data; False if the other side has closed."""
        data, connections, _, _ = socket.recv_fds(self._control, 1, 1)
        for descriptor in connections:
            with socket.socket(fileno=descriptor) as connection, contextlib.suppress(OSError, ValueError):
                self._listen(connection)
        return bool(data)

    def _listen(self, connection: socket.socket) -> None:
        connection.settimeout(_PATIENCE)
        process, values = _decode_known(b"".join(iter(lambda: connection.recv(_CHUNK), b"")))
        self._told[process] = values
        everybodys = {value: known for each in self._told.values() for value, known in each.items()}
        matcher = Matcher.of(everybodys.values())
        for stream in self._streams:
            stream.matcher = matcher
        connection.sendall(_ACKNOWLEDGED)


def main(arguments: Sequence[str]) -> int:
    """Run with the numbers of the control socket and of the two pipes."""
    harden()  # it is told every value
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
            with contextlib.suppress(OSError):
                alive = reader.read()
            if not alive:
                pump.forget(control_fd)

        pump.wait_for(control_fd, update)
        pump.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
