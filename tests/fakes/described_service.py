"""A service on loopback that behaves as a provider file describes it: one engine for all files.

It shows that a file is whole and that the requests fit each other; whether the vendor is like that, `tests.fakes.vendors` asks
the vendor's own description. Its pages hold three rows, whatever size is asked for.
"""

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tokenguard.domain.secret import Secret, Value
from tokenguard.providers.generic.description import Auth, Condition, Description, Rows
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.paging import PagingKind

PAGE = 3


@dataclass
class Issued:
    """A token of the service."""

    id: str
    label: str
    value: Value
    alive: bool = True


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class DescribedService:
    """Start it with `with`; `refuses_all` is an outage of its login, `cuts` drops the replies of that many effects."""

    described: Description
    scope: str = "scope-1"
    refuses_all: bool = False
    cuts: int = 0
    reuses_ids: bool = False
    """A new token gets the id of the first one that was ended."""
    longest_label: int = 0
    """Labels are shortened to so many characters; 0: kept."""
    tokens: dict[str, Issued] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts = {name for part in self.described.admin_auth.parts for name in _names(part.text)} | {"token"}
        self.admin = Value({name: Secret(f"tgcanary-admin-{name}-{secrets.token_hex(8)}") for name in parts})
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service._handle(self)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names of http.server

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def issue(self, label: str) -> Issued:
        """A token that a person made there."""
        fields = self.described.create.value if self.described.create else {"token": JsonPointer(())}
        freed = [each.id for each in self.tokens.values() if not each.alive] if self.reuses_ids else []
        number = freed[0] if freed else str(len(self.tokens) + 1)
        label = label[: self.longest_label or None]
        named = self.described.create is not None and self.described.create.id.keys[-1:] == ("name",)
        value = {name: Secret(f"tgcanary-{name.replace('_', '-')}-{secrets.token_hex(16)}") for name in fields}
        made = Issued(label if named else number, label, Value(value))
        self.tokens[made.id] = made
        return made

    def _handle(self, http: BaseHTTPRequestHandler) -> None:
        with self._lock:
            parts = urlsplit(http.path)
            raw = http.rfile.read(int(http.headers.get("Content-Length") or 0))
            form = "form" in (http.headers.get("Content-Type") or "")
            body = dict(parse_qsl(raw.decode())) if form else json.loads(raw or b"null")
            query = {name: texts[-1] for name, texts in parse_qs(parts.query).items()}
            asked = Asked(http.command, parts.path, query, dict(http.headers), body)
            self.asked.append(asked)
            before = [(each.id, each.alive) for each in self.tokens.values()]
            status, tree, link = self._answer(asked)
            changed = before != [(each.id, each.alive) for each in self.tokens.values()]
            if changed and self.cuts:
                self.cuts -= 1
                http.close_connection = True
                return
        data = b"" if tree is None else json.dumps(tree).encode()
        http.send_response(status)
        http.send_header("Content-Type", "application/json")
        http.send_header("Content-Length", str(len(data)))
        if link:
            http.send_header("Link", f'<{self.url}{link}>; rel="next"')
        http.end_headers()
        http.wfile.write(data)

    def _answer(self, asked: Asked) -> tuple[int, Any, str]:
        said = self.described
        if said.probe is not None and self._is(said.probe.route, asked, {}) and not self._admins(asked):
            return (*self._probed(asked), "")
        if self.refuses_all or not self._admins(asked):
            return 401, {"error": "unauthorized"}, ""
        if said.rows is not None and self._is(said.rows.route, asked, {"scope": self.scope}):
            return self._listed(said.rows, asked)
        return self._changed(asked) or (404, {"error": "no such route"}, "")

    def _changed(self, asked: Asked) -> tuple[int, Any, str] | None:
        """The answer of a create or a revoke; None if it is neither."""
        said = self.described
        if said.create is not None and (found := self._match(said.create.route, asked)) is not None:
            body = asked.body or {}
            label = found.get("label") or next(
                str(body[key]) for key, text in said.create.body.items() if text == "{label}"
            )
            return 201, self._created(self.issue(label)), ""
        for step in said.revoke:
            found = self._match(step.route, asked)
            if found is not None:
                token = self.tokens.get(found.get("id", ""))
                if token is None or not token.alive:
                    return 404, {"error": "not found"}, ""
                if step is said.revoke[-1]:
                    token.alive = False
                return 200, {}, ""
        return None

    def _created(self, made: Issued) -> Any:
        create = self.described.create
        assert create is not None
        tree: Any = {}
        for name, pointer in create.value.items():
            tree = _put(tree, pointer.keys, made.value.field(name).reveal())
        if create.id not in create.value.values():
            tree = _put(tree, create.id.keys, made.id)
        else:  # the id is a field of the value
            made.id = made.value.field(next(n for n, p in create.value.items() if p == create.id)).reveal()
            self.tokens = {each.id: each for each in self.tokens.values()}
        return tree

    def _probed(self, asked: Asked) -> tuple[int, Any]:
        probe = self.described.probe
        assert probe is not None
        known = any(
            each.alive and self._carries(self.described.auth, each.value, asked) for each in self.tokens.values()
        )
        condition = (probe.alive if known and not self.refuses_all else probe.dead)[0]
        tree = _stated(condition)
        if known:
            for pointer in (probe.scope, probe.scope_name):
                tree = tree if pointer is None else _put(tree, pointer.keys, self.scope)
        return condition.status, tree

    def _listed(self, rows: Rows, asked: Asked) -> tuple[int, Any, str]:
        held = [each for each in self.tokens.values() if each.alive or rows.status is not None]
        start, link, following = 0, "", None
        paging, query = rows.paging, asked.query
        match paging.kind:
            case PagingKind.NONE:
                page = held
            case PagingKind.OFFSET:
                start = int(query.get(paging.offset, 0))
                page = held[start : start + PAGE]
            case PagingKind.PAGE:
                start = (int(query.get(paging.page, paging.first)) - paging.first) * PAGE
                page = held[start : start + PAGE]
            case _:
                after = query.get(paging.cursor) or query.get("after")
                start = next((n + 1 for n, each in enumerate(held) if each.id == after), 0)
                page = held[start : start + PAGE]
                if page and start + PAGE < len(held):
                    following = page[-1].id
        tree: Any = (
            _put({}, rows.items.keys, [self._row(rows, each) for each in page])
            if rows.items.keys
            else [self._row(rows, each) for each in page]
        )
        if paging.kind is PagingKind.LINK and following is not None:
            link = f"{asked.path}?{'&'.join(f'{k}={v}' for k, v in query.items() if k != 'after')}&after={following}"
        if rows.following is not None and "-1" not in rows.following.keys:
            last = following if paging.kind is PagingKind.CURSOR else (self.url + link if link else None)
            tree = _put(tree, rows.following.keys, last)
            link = ""
        if rows.total is not None:
            tree = _put(tree, rows.total.keys, len(held))
        return 200, tree, link

    def _row(self, rows: Rows, token: Issued) -> Any:
        tree = _put(_put({}, rows.id.keys, token.id), rows.label.keys, token.label)
        if rows.status is not None:
            text = next(iter(rows.status.alive if token.alive else rows.status.ended))
            tree = _put(tree, rows.status.field.keys, {"true": True, "false": False}.get(text, text))
        return tree

    def _admins(self, asked: Asked) -> bool:
        return self._carries(self.described.admin_auth, self.admin, asked)

    def _carries(self, auth: Auth, value: Value, asked: Asked) -> bool:
        parts = auth.credentials(value) or ()
        headers = {name.lower(): text for name, text in asked.headers.items()}
        return bool(parts) and all(
            (asked.query.get(each.parameter) if each.parameter else headers.get(each.header.lower()))
            == each.prefix + each.secret.reveal()
            for each in parts
        )

    def _is(self, route: Any, asked: Asked, fields: Mapping[str, str]) -> bool:
        return route.method == asked.method and asked.path == "/" + "/".join(route.fill(fields))

    def _match(self, route: Any, asked: Asked) -> dict[str, str] | None:
        parts = asked.path.strip("/").split("/")
        if route.method != asked.method or len(parts) != len(route.segments):
            return None
        found = {}
        for want, part in zip(route.segments, parts, strict=True):
            if want.startswith("{"):
                found[want.strip("{}")] = part
            elif want != part:
                return None
        return found if found.get("scope", self.scope) == self.scope else None


def _names(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


def _stated(condition: Condition) -> Any:
    tree: Any = {}
    if condition.at is None:
        return tree
    text = min(condition.texts)
    return _put(tree, condition.at.keys, {"true": True, "false": False}.get(text, text))


def _put(tree: Any, keys: tuple[str, ...], value: Any) -> Any:
    if not keys:
        return value
    tree = {} if tree is None else tree
    tree[keys[0]] = _put(tree.get(keys[0]), keys[1:], value)
    return tree
