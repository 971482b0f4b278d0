"""A loopback server that says exactly what a test wants, byte by byte, and remembers what it was asked."""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Self

Script = Callable[[socket.socket], None]


def reply(status: int, body: bytes = b"", *headers: str, kind: str = "application/json") -> Script:
    """A whole, well-formed answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", ""]
    return raw("\r\n".join(lines).encode() + body)


def raw(data: bytes) -> Script:
    """These bytes, then the end."""
    return lambda connection: connection.sendall(data)


def stream(head: bytes, chunk: bytes, pause: float = 0.0) -> Script:
    """`head`, then `chunk` without end."""

    def run(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(chunk)
            time.sleep(pause)

    return run


class ScriptedServer:
    """Answers each connection with the next script, the last one for ever after."""

    def __init__(self, *scripts: Script, context: ssl.SSLContext | None = None) -> None:
        self._scripts = list(scripts)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.connections = 0

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(2)

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                self.connections += 1
                self._open.append(connection)
                self._start(self._serve, connection, script)

    def _serve(self, connection: socket.socket, script: Script) -> None:
        with contextlib.suppress(OSError), connection:
            if self._context is not None:
                with self._context.wrap_socket(connection, server_side=True) as secured:
                    self._talk(secured, script)
            else:
                self._talk(connection, script)

    def _talk(self, connection: socket.socket, script: Script) -> None:
        asked = b""
        tls_hello = b"\x16"
        while b"\r\n\r\n" not in asked and not asked.startswith(tls_hello) and (more := connection.recv(65536)):
            asked += more
        head, _, body = asked.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        while length and len(body) < int(length[1]) and (more := connection.recv(65536)):
            body, asked = body + more, asked + more
        self.requests.append(asked)
        if asked:
            script(connection)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)  # let the client read to the end before the socket goes
