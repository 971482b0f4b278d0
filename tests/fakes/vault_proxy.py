"""A loopback proxy before a Vault: remembers every request, and does to chosen ones what a network or a server may do."""

import contextlib
import http.client
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Asked:
    method: str
    path: str


@dataclass(frozen=True)
class Answer:
    """Say this instead of asking the server."""

    status: int
    body: object = field(default_factory=lambda: {"errors": []})
    headers: tuple[tuple[str, str], ...] = ()


class Cut:
    """Break the connection off; `after` the server has done what was asked, or before it hears of it."""

    def __init__(self, *, after: bool) -> None:
        self.after = after


Fault = Callable[[int, Asked], "Answer | Cut | None"]
"""Called with the number of the request, from 1; None lets it pass."""


class VaultProxy:
    """Forwards to `port` of this machine."""

    def __init__(self, port: int, *, context: ssl.SSLContext | None = None) -> None:
        self._port = port
        self.asked: list[Asked] = []
        self.fault: Fault = lambda _number, _asked: None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._secure = context is not None
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"{'https' if self._secure else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def clear(self) -> None:
        self.asked.clear()
        self.fault = lambda _number, _asked: None

    def _meet(self, asked: Asked) -> "Answer | Cut | None":
        with self._lock:
            self.asked.append(asked)
            number = len(self.asked)
        return self.fault(number, asked)  # which may ask through us again

    def _handler(proxy) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                self.upstream = http.client.HTTPConnection("127.0.0.1", proxy._port, timeout=10)

            def finish(self) -> None:
                self.upstream.close()
                super().finish()

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                met = proxy._meet(Asked(self.command, self.path.removeprefix("/v1/")))
                if isinstance(met, Answer):
                    self._say(met.status, json.dumps(met.body).encode(), "application/json", met.headers)
                    return
                if isinstance(met, Cut) and not met.after:
                    self._cut()
                    return
                headers = {name: text for name, text in self.headers.items() if name.lower() != "host"}
                self.upstream.request(self.command, self.path, body or None, headers)
                answer = self.upstream.getresponse()
                text, kind = answer.read(), answer.getheader("Content-Type", "application/json")
                if isinstance(met, Cut):
                    self._cut()
                    return
                self._say(answer.status, text, kind, ())

            def _say(self, status: int, body: bytes, kind: str, headers: tuple[tuple[str, str], ...]) -> None:
                lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
                lines += [f"{name}: {text}" for name, text in headers]
                # in one piece: two would wait for each other's acknowledgement
                self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

            def _cut(self) -> None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()

            def log_message(self, *_: object) -> None:
                pass

            do_GET = do_POST = do_PUT = do_DELETE = do_LIST = do_PATCH = _serve  # noqa: N815 - names of the base class

        return Handler
