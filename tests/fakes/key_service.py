"""A provider in a process of its own, for tests that kill tokenguard: only the standard library, nothing of tokenguard.

Written from the vendor's pages (docs.autoposting.ai, api-reference/overview, api-keys/* and authentication, November 2026):
`/api-proxy`, envelopes, keys as bearer or `x-api-key`, lists by `limit` (50, at most 100) and `offset` with a total. The
pages name no route for a revoke; DELETE is what tokenguard assumes. Each request waits a little before its effect and
before its reply, so that a client may die before, between and after them; what was asked happens all the same.

Run as a program: prints one JSON line and serves until its standard input ends. `Judge` starts it, and reads what is alive
at a door that the API does not have.
"""

import json
import random
import secrets
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

ORG = "org_kept_by_the_service"
_LONGEST_WAIT = 0.03
"""Seconds before an effect and before its reply; the sum is far below the lag that tokenguard allows a list."""
SETTLES = 2 * _LONGEST_WAIT
"""Seconds after which what a killed client asked for has happened."""


@dataclass
class Key:
    """One key, dead or alive."""

    id: str
    name: str
    value: str
    scopes: list[str]
    alive: bool = True


class Judge:
    """The process, from outside: what it says is what counts."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        self.url, self.admin, self._door = said["url"], said["admin"], said["door"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def made(self) -> list[Key]:
        """All that it ever made but the admin credential."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self._door, timeout=10) as answer:
            return [Key(**each) for each in json.load(answer)]

    def restore(self, keys: list[Key]) -> None:
        """Bring back what it had made, dead and alive, at another time."""
        self._tell([asdict(key) for key in keys])

    def _tell(self, tree: Any) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(self._door, json.dumps(tree).encode(), timeout=10).close()

    def hold(self, *, replies: bool) -> None:
        """Let clients wait for the reply to a request that made a key, or no longer."""
        self._tell({"holds": replies})

    def living(self) -> list[Key]:
        """What it accepts now."""
        return [key for key in self.made() if key.alive]


class _Service:
    def __init__(self) -> None:
        self.admin = f"sk-social-{secrets.token_hex(32)}"
        self.keys: list[Key] = []
        self.holds = False
        """Whether a reply with a new key waits."""
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, query: dict[str, list[str]], given: str, body: Any) -> tuple[int, Any]:
        time.sleep(random.uniform(0, _LONGEST_WAIT))
        with self._lock:
            answered = self._answer(method, path.split("/")[2:], query, given, body)
        time.sleep(random.uniform(0, _LONGEST_WAIT))
        while self.holds and method == "POST":
            time.sleep(0.01)
        return answered

    def _answer(self, method: str, path: list[str], query: Any, given: str, body: Any) -> tuple[int, Any]:
        if given != self.admin and not any(key.alive and key.value == given for key in self.keys):
            return _refused(401, "unauthorized")
        if (method, path) == ("GET", ["auth", "profile"]):
            return _data({"orgId": ORG, "name": "Kept", "authType": "api_key"})
        if path[:1] == ["api-keys"]:
            return (
                self._keys(method, path[1:], query, body)
                if given == self.admin
                else _refused(403, "insufficient_scope")
            )
        return _refused(404, "not_found")

    def _keys(self, method: str, path: list[str], query: Any, body: Any) -> tuple[int, Any]:
        match method, path:
            case "POST", []:
                return self._create(body)
            case "GET", []:
                return self._list(query)
            case "DELETE", [which]:
                for key in self.keys:
                    if key.alive and key.id == which:
                        key.alive = False
                        return 200, {"success": True}
        return _refused(404, "not_found")

    def _create(self, body: Any) -> tuple[int, Any]:
        if not isinstance(body, dict) or not isinstance(body.get("name"), str):
            return _refused(400, "invalid_input")
        value = f"sk-social-{secrets.token_hex(32)}"
        key = Key(f"key_{secrets.token_hex(8)}", body["name"], value, list(body.get("scopes") or []))
        self.keys.append(key)
        return _data({"id": key.id, "name": key.name, "key": key.value, "scopes": key.scopes}, 201)

    def _list(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        limit = min(int(query.get("limit", ["50"])[0]), 100)
        start = int(query.get("offset", ["0"])[0])
        held = [key for key in self.keys if key.alive]
        rows = [{"id": key.id, "name": key.name, "keyHint": key.value[-4:], "scopes": key.scopes} for key in held]
        return 200, {"success": True, "data": rows[start : start + limit], "total": len(held)}


def _data(data: Any, status: int = 200) -> tuple[int, Any]:
    return status, {"success": True, "data": data}


def _refused(status: int, error: str) -> tuple[int, Any]:
    return status, {"success": False, "error": error, "message": error}


class _Api(BaseHTTPRequestHandler):
    service: _Service

    def do_GET(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = self.headers.get("Authorization", "").removeprefix("Bearer ") or self.headers.get("x-api-key", "")
        parts = urlsplit(self.path)
        self.reply(
            *self.service.answer(self.command, parts.path, parse_qs(parts.query), given, json.loads(raw or "null"))
        )

    do_POST = do_DELETE = do_PATCH = do_GET  # noqa: N815 - the names of http.server

    def reply(self, status: int, tree: Any) -> None:
        body = json.dumps(tree).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # the client was killed
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class _Door(_Api):
    def do_GET(self) -> None:
        self.reply(200, [asdict(key) for key in self.service.keys])

    def do_POST(self) -> None:
        tree = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if isinstance(tree, dict):
            self.service.holds = tree["holds"]
        else:
            self.service.keys = [Key(**each) for each in tree]
        self.reply(200, {})


def main() -> None:
    """Serve until standard input ends."""
    service = _Service()
    urls = []
    for kind in (_Api, _Door):
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (kind,), {"service": service}))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        urls.append(f"http://127.0.0.1:{server.server_port}")
    print(json.dumps({"url": f"{urls[0]}/api-proxy", "door": urls[1], "admin": service.admin}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
