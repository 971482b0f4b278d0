"""The loopback server that carries both vendors and the settings page."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tokenguard.http.system_clock import SystemClock
from tokenguard.ports.clock import Clock
from tokenguard.sandbox import settings_page
from tokenguard.sandbox.autoposting_api import AutopostingApi
from tokenguard.sandbox.descript_api import DescriptApi
from tokenguard.sandbox.fault_settings import FaultSettings
from tokenguard.sandbox.settings_page import SettingsPage
from tokenguard.sandbox.wire import Call, Reply, page
from tokenguard.sandbox.world import World

HOST = "127.0.0.1"
_MAX_BODY = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxInfo:
    """What a user of the sandbox needs to know."""

    descript_url: str
    autoposting_url: str
    settings_url: str
    drives: tuple[tuple[str, str], ...]
    """Id and name of each Drive."""
    org_id: str
    admin_key: str
    """Makes and revokes keys at the Autoposting-like vendor; a sandbox value."""

    def as_dict(self) -> dict[str, Any]:
        """As it is printed by `tokenguard sandbox`."""
        return {
            "descript_url": self.descript_url,
            "autoposting_url": self.autoposting_url,
            "settings_url": self.settings_url,
            "drives": [{"id": drive_id, "name": name} for drive_id, name in self.drives],
            "org_id": self.org_id,
            "admin_key": self.admin_key,
        }


class Sandbox:
    """Both vendors on one loopback port, from `start` to `stop`; a context manager.

    Args:
        port: 0 takes a free one.
        knobs: the faults; may be changed while it runs.
        clock: what lags and expiry are measured with.
    """

    def __init__(self, port: int = 0, knobs: FaultSettings | None = None, clock: Clock | None = None) -> None:
        self.knobs = knobs or FaultSettings()
        self.world = World(self.knobs, clock or SystemClock())
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Listen on 127.0.0.1 and serve from a thread of its own; OSError if the port is taken."""
        self._server = _Server((HOST, self._port), _Handler)
        self._server.world = self.world
        self._server.apis = (
            DescriptApi(self.world),
            AutopostingApi(self.world),
            SettingsPage(self.world),
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and forget everything; safe to repeat."""
        self.world.callbacks.stop()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None

    @property
    def info(self) -> SandboxInfo:
        """Addresses and ids; only while it serves."""
        if self._server is None:
            raise RuntimeError("the sandbox is not started")
        origin = f"http://{HOST}:{self._server.server_address[1]}"
        return SandboxInfo(
            descript_url=f"{origin}/v1",
            autoposting_url=f"{origin}/api-proxy",
            settings_url=f"{origin}/{'/'.join(settings_page.PATH)}",
            drives=tuple((drive.id, drive.name) for drive in self.world.drives),
            org_id=self.world.org_id,
            admin_key=self.world.admin.secret.reveal(),
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    world: World
    apis: tuple[DescriptApi, AutopostingApi, SettingsPage]
    block_on_close = False
    request_queue_size = 128

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own looks up our name, which can take seconds
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that went away is part of the game."""

    def route(self, call: Call) -> Reply | None:
        """Find who answers."""
        descript, autoposting, settings = self.apis
        match call.path:
            case ("v1", *_):
                return descript.answer(_below(call, 1))
            case ("api-proxy", *_):
                return autoposting.answer(_below(call, 1))
            case settings_page.PATH:
                return settings.answer(call)
            case _:
                return page("<!doctype html><title>Sandbox</title><p>Nothing is here.</p>", HTTPStatus.NOT_FOUND)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "tokenguard-sandbox"
    sys_version = ""
    timeout = 10
    wbufsize = -1  # head and body are sent in one piece: two would wait for each other's acknowledgement, 40 ms
    methods: ClassVar = ("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD")

    def __getattr__(self, name: str) -> Any:
        if name in {f"do_{method}" for method in self.methods}:
            return self._serve
        raise AttributeError(name)

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - the base class calls it so
        """The Date header, by the clock of the vendors."""
        return format_datetime(self.server.world.clock.now().astimezone(UTC), usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Nothing is logged: targets and headers may carry values."""

    def _serve(self) -> None:
        if not self._ours():
            self._write(page("<!doctype html><title>Refused</title>", HTTPStatus.MISDIRECTED_REQUEST))
            return
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _MAX_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._write(page("<!doctype html><title>Too large</title>", HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            return
        time.sleep(self.server.world.knobs.latency)
        parts = urlsplit(self.path)
        answer = self.server.route(
            Call(
                method=self.command,
                path=tuple(unquote(segment) for segment in parts.path.split("/")[1:]),
                query=dict(parse_qsl(parts.query)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(length)),
            )
        )
        if answer is None:
            self.close_connection = True
        else:
            self._write(answer)

    def _ours(self) -> bool:
        # a page elsewhere must reach neither vendor nor form: not by a name that points here, not by a form of its own
        port = self.server.server_port
        hosts = {f"{HOST}:{port}", f"localhost:{port}"}
        origins = self.headers.get_all("Origin") or []
        return self.headers.get_all("Host") in [[host] for host in hosts] and all(
            origin in {f"http://{host}" for host in hosts} for origin in origins
        )

    def _write(self, answer: Reply) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-store")
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)


def _below(call: Call, depth: int) -> Call:
    return Call(method=call.method, path=call.path[depth:], query=call.query, headers=call.headers, body=call.body)
