"""A loopback host with an API for secrets: strict about credentials and content types, with faults to order."""

import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.loopback import Loopback
from tokenguard.sandbox.cited_routes import CitedRoute, is_cited


@dataclass
class Asked:
    """One request."""

    method: str
    path: list[str]
    query: dict[str, str]
    body: Any
    content_type: str
    target: str
    """As it was sent: what an access log would hold."""


class Refused(Exception):
    """Answer with a status and what the vendor says with it."""

    def __init__(self, status: int) -> None:
        self.status = status


@dataclass
class Fault:
    """`status` instead of acting; with `after`, the reply is lost after acting."""

    status: int = 0
    retry_after: str = ""
    location: str = ""
    after: bool = False
    method: str = ""


@dataclass
class SecretHost(Loopback):
    """Subclasses answer in `act`."""

    credential: str = field(default_factory=lambda: f"tgcanary_{secrets.token_hex(12)}")
    """What the runner has."""
    accepted: str = ""
    """What is accepted instead."""
    asked: list[Asked] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    forbidden: bool = False

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _handler(self)

    routes: ClassVar[tuple[CitedRoute, ...]] = ()
    """What it answers: a request for anything else is not found."""

    def act(self, asked: Asked) -> tuple[int, Any]:
        raise Refused(404)

    def refusal(self, status: int) -> Any:
        """What the vendor says with a status that is no success."""
        return {"message": "refused"}

    def answer(self, asked: Asked, authorization: str) -> tuple[int, Any]:
        self.asked.append(asked)
        if authorization != f"Bearer {self.accepted or self.credential}":
            return 401, self.refusal(401)
        if self.forbidden:
            return 403, self.refusal(403)
        if not is_cited(self.routes, asked.method, asked.path):
            return 404, self.refusal(404)
        try:
            return self.act(asked)
        except Refused as refused:
            return refused.status, self.refusal(refused.status)


def _handler(host: SecretHost) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(
                method=self.command,
                path=[unquote(each) for each in parts.path.strip("/").split("/")],
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                body=json.loads(raw) if raw else None,
                content_type=self.headers.get("Content-Type", ""),
                target=self.path,
            )
            fault = None
            if host.faults and host.faults[0].method in {"", self.command}:
                fault = host.faults.popleft()
            if fault is None or fault.after:
                status, body = host.answer(asked, self.headers.get("Authorization", ""))
            else:
                host.asked.append(asked)
                status, body = fault.status, {"message": "ordered"}
            if fault is not None and fault.after:
                self.close_connection = True
                return
            data = b"" if status == 204 else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if fault is not None and fault.retry_after:
                self.send_header("Retry-After", fault.retry_after)
            if fault is not None and fault.location:
                self.send_header("Location", fault.location)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None:
            pass

    return Handler
