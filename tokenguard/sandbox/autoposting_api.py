"""The Autoposting-like API below `/api-proxy`: profile, API keys, and scoped resources."""

import math
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from tokenguard.domain.moment import moment_of
from tokenguard.sandbox.cited_routes import AUTOPOSTING, is_cited
from tokenguard.sandbox.fault_injection import injected_fault
from tokenguard.sandbox.fault_settings import ListStyle, Operation
from tokenguard.sandbox.key_list import key_list
from tokenguard.sandbox.limits import RemainingLimit
from tokenguard.sandbox.wire import Call, Headers, Reply, reply
from tokenguard.sandbox.world import Issued, World

_ERRORS = {
    400: ("invalid_input", "The request is not valid"),
    401: ("unauthorized", "Missing, invalid, or expired credentials"),
    402: ("insufficient_credits", "Insufficient credits"),
    403: ("insufficient_scope", "Valid credentials but insufficient scope"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "Method not allowed"),
    429: ("rate_limited", "Rate limit exceeded"),
}
_RESOURCES = frozenset({"posts", "brands", "clips", "carousels", "kb", "kbs", "usage", "agents", "webhooks"})
_MAX_NAME = 100


class AutopostingApi:
    """Answers calls to the Autoposting-like vendor. `None` means: drop the connection without a reply."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, call: Call) -> Reply | None:
        """One call, one reply, or none where a knob loses it after the effect."""
        self._world.count(f"{call.method} /api-proxy/{_route(call.path)}")
        if (storm := injected_fault(self._world.knobs, error)) is not None:
            return storm
        key = self._world.key_of(call.bearer() or call.headers.get("x-api-key", ""))
        if key is None:
            health = call.path == ("health",) and is_cited(AUTOPOSTING, call.method, call.path)  # of no credential
            return reply(HTTPStatus.OK, {"status": "ok"}) if health else error(HTTPStatus.UNAUTHORIZED)
        key.used_at = self._world.clock.now()
        if key.id in self._world.knobs.forced:
            return error(self._world.knobs.forced[key.id])
        allowed = self._world.knobs.per_minute
        room = self._world.limiter.take(f"{key.id} key", allowed, 60, self._world.clock.monotonic())
        if not room.allowed:
            return error(HTTPStatus.TOO_MANY_REQUESTS, self._limits(room))
        cited = is_cited(AUTOPOSTING, call.method, call.path)
        answered = self._routed(call, key) if cited else self._unknown(call, key)
        return answered and Reply(
            status=answered.status, body=answered.body, headers=(*answered.headers, *self._limits(room))
        )

    @staticmethod
    def _unknown(call: Call, key: Issued) -> Reply:
        """A route that no document describes."""
        if call.path[:1] != ("api-keys",):
            return error(HTTPStatus.NOT_FOUND)
        return error(HTTPStatus.METHOD_NOT_ALLOWED if "*" in key.scopes else HTTPStatus.FORBIDDEN)

    def _routed(self, call: Call, key: Issued) -> Reply | None:
        match call.method, call.path:
            case "GET" | "POST", ("auth", *rest):
                return self._auth(call.method, rest, key)
            case method, ("api-keys", *rest):
                wrong = method == "POST" and self._world.knobs.create_with not in {"", _kind(key)}
                if "*" not in key.scopes or wrong:
                    return error(HTTPStatus.FORBIDDEN)
                return self._keys(call, rest)
            case method, (resource,) if resource in _RESOURCES:
                needed = f"{resource}:{'read' if method == 'GET' else 'write'}"
                if not {needed, "*"} & set(key.scopes):
                    return error(HTTPStatus.FORBIDDEN)
                return self._resource(call, resource)
            case _:
                return error(HTTPStatus.NOT_FOUND)

    def _auth(self, method: str, rest: list[str], key: Issued) -> Reply:
        if (method, rest) == ("GET", ["profile"]):
            return _data(self._profile(key))
        if (method, rest) == ("POST", ["logout"]) and self._world.knobs.logout_route and key.session:
            self._world.log_out(key)
            return reply(HTTPStatus.OK, {"success": True})
        return error(HTTPStatus.NOT_FOUND)

    def _resource(self, call: Call, resource: str) -> Reply:
        """Webhooks can be registered and posts told of; everything else is an empty list."""
        match call.method, resource:
            case "POST", "webhooks":
                return self._register(call.json() or {})
            case "POST", "posts":
                self._world.emit("post.published", {"postId": f"post_{self._world.calls.total()}"})
                return _data([])
            case _:
                return _data([])

    def _register(self, fields: dict[str, Any]) -> Reply:
        url, events = fields.get("url"), fields.get("events")
        if not self._world.callbacks.accepts(url) or not events or not _strings(events):
            return error(HTTPStatus.BAD_REQUEST)
        hook = self._world.create_hook(str(url), events)
        shown = {"id": hook.id, "url": hook.url, "events": list(hook.events), "secret": hook.secret.reveal()}
        return _data({"webhook": shown}, HTTPStatus.CREATED)

    def _profile(self, key: Issued) -> dict[str, str]:
        return {
            "id": "user_sandbox",
            "orgId": self._world.org_id,
            "name": "Sandbox",
            "email": "sandbox@sandbox.invalid",
            "authType": _kind(key),
        }

    def _keys(self, call: Call, rest: list[str]) -> Reply | None:
        match call.method, rest:
            case "POST", []:
                return self._create(call.json())
            case "GET", []:
                return self._list(call)
            case "PATCH", [key_id]:
                return self._update(key_id, call.json())
            case "DELETE", [key_id] if self._world.knobs.delete_route:
                if not (self._world.knobs.idle_delete or self._world.revoke_key(key_id)):
                    return error(HTTPStatus.NOT_FOUND)
                return self._unless_lost(Operation.KEY_DELETE, reply(HTTPStatus.OK, {"success": True}))
            case _:
                return error(HTTPStatus.METHOD_NOT_ALLOWED)

    def _create(self, body: dict[str, Any] | None) -> Reply | None:
        fields = body or {}
        name, scopes = fields.get("name"), fields.get("scopes")
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or not _strings(scopes):
            return error(HTTPStatus.BAD_REQUEST)
        try:
            expires_at = _moment(fields.get("expiresAt"))
        except ValueError:
            return error(HTTPStatus.BAD_REQUEST)
        key = self._world.create_key(name, scopes or [], expires_at)
        shown = {**_row(key), "key": key.secret.reveal()}
        del shown["keyHint"], shown["lastUsedAt"]
        return self._unless_lost(Operation.KEY_CREATE, _data(shown, HTTPStatus.CREATED))

    def _list(self, call: Call) -> Reply:
        style = self._world.knobs.list_style
        if style.before_answer is not None:
            style.before_answer(self._world.calls["GET /api-proxy/api-keys"])
        address = f"http://{call.headers.get('host', '')}/api-proxy/api-keys"
        answer = key_list(call, self._world.listed_keys(), style, lambda key: _row_with_status(key, style), address)
        return error(HTTPStatus.BAD_REQUEST) if answer is None else answer

    def _update(self, key_id: str, body: dict[str, Any] | None) -> Reply | None:
        fields = body or {}
        try:
            expires_at = _moment(fields.get("expiresAt"))
        except ValueError:
            return error(HTTPStatus.BAD_REQUEST)
        name = fields.get("name")
        key = self._world.update_key(
            key_id,
            name=name if isinstance(name, str) else None,
            expiry=(expires_at,) if "expiresAt" in fields else None,
        )
        if key is None:
            return error(HTTPStatus.NOT_FOUND)
        shown = {"id": key.id, "name": key.name, "scopes": list(key.scopes), "expiresAt": _iso(key.expires_at)}
        return self._unless_lost(Operation.KEY_UPDATE, _data(shown | {"updatedAt": _iso(self._world.clock.now())}))

    def _limits(self, room: RemainingLimit) -> Headers:
        counts = (("X-RateLimit-Limit", str(room.limit)), ("X-RateLimit-Remaining", str(room.remaining)))
        reset = ("X-RateLimit-Reset", str(math.ceil(self._world.clock.now().timestamp() + room.reset_in)))
        wait = () if room.allowed else (("Retry-After", str(max(round(room.reset_in), 1))),)
        return (*counts, reset, *wait)

    def _unless_lost(self, operation: Operation, answer: Reply) -> Reply | None:
        return None if self._world.knobs.drops(operation) else answer


def error(status: int, headers: Headers = ()) -> Reply:
    """The vendor's error envelope for a status."""
    code, message = _ERRORS.get(status, ("internal_error", "Something went wrong"))
    return reply(status, {"success": False, "error": code, "message": message}, headers)


def _data(data: object, status: int = HTTPStatus.OK) -> Reply:
    return reply(status, {"success": True, "data": data})


def _kind(key: Issued) -> str:
    return "session" if key.session else "api_key"


def _route(path: tuple[str, ...]) -> str:
    return "api-keys/{id}" if path[:1] == ("api-keys",) and len(path) > 1 else "/".join(path)


def _row(key: Issued) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "keyHint": key.hint,
        "scopes": list(key.scopes),
        "lastUsedAt": _iso(key.used_at),
        "expiresAt": _iso(key.expires_at),
        "createdAt": _iso(key.created_at),
    }


def _row_with_status(key: Issued, style: ListStyle) -> dict[str, Any]:
    status = style.statuses[key.revoked]
    return {**_row(key), "status": status} if status else _row(key)


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    found = moment_of(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("not a time")
    return found


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
