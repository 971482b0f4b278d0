"""A service on loopback that behaves as a provider file describes it, and misbehaves as services do.

`tokenguard provider test` and the contract tests play files against it. It shows that a file is complete and that its
requests fit each other. Whether the vendor is like that is shown by `make contracts`, and by `provider test --live`.
"""

import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tokenguard.documents import Tree
from tokenguard.domain.secret import TOKEN_FIELD, Secret, Value
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import Auth, Condition, Description, Probe, Rows
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.paging import PagingKind
from tokenguard.providers.route import Route

SCOPE_NAME = "Practice"
PAGE = 3
"""Rows of a page, for any size that is asked for."""
_MOMENTS = {
    "created": "2026-10-01T08:00:00Z",
    "last_used": "2026-10-20T08:00:00Z",
    "expires": "2027-10-01T08:00:00Z",
}
_PORTAL = b"<!doctype html><title>Sign in</title><p>Accept the terms to continue."


@dataclass(kw_only=True)
class LoopbackToken:
    """A token of the service."""

    id: str
    label: str
    value: Value
    alive: bool = True
    accepted: int = 0
    """How often it is accepted after its end."""
    steps: int = 0
    """How many steps of its revocation were done; after the first of several it is inactive."""

    @property
    def hint(self) -> str:
        """What the service shows of its value."""
        return f"ending in {self.value.token.reveal()[-4:]}"


@dataclass(frozen=True, kw_only=True)
class ReceivedRequest:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any
    status: int = 0
    answer: Any = None


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    tree: Any = None
    link: str = ""


@dataclass(kw_only=True)
class LoopbackService:
    """The service of a description, at a free port of 127.0.0.1 while the `with` block runs.

    The other fields are faults: an outage of the login, replies that get lost after their effect, refusals because of
    a rate limit, a captive portal, a revocation that takes its time or is only said, and a list that changes while
    it is read.
    """

    described: Description
    scope: str = "scope-1"
    value_prefix: str = "practice-"
    refuses_all: bool = False
    cuts: int = 0
    """The replies of so many effects get lost."""
    limited: int = 0
    """So many requests are answered with 429."""
    portal: bool = False
    """A web page is the answer to everything."""
    revoke_lag: int = 0
    """A revoked token is accepted so many times more."""
    ignores_revoke: bool = False
    appears: int = 0
    """So many tokens are created while the list is read, one for each answer."""
    reuses_ids: bool = False
    """A new token gets the id of the first one that was ended."""
    longest_label: int = 0
    """Labels are shortened to so many characters; 0: kept."""
    tokens: dict[str, LoopbackToken] = field(default_factory=dict)
    asked: list[ReceivedRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Create the admin credential and take a port."""
        used = self.described.admin_auth.fields
        self.admin = Value({name: self._secret(f"admin-{name}") for name in used})
        self._lock = threading.Lock()
        handler = type("Handler", (_LoopbackHandler,), {"service": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def issue(self, label: str) -> LoopbackToken:
        """A token that a person created there."""
        create = self.described.create
        fields = create.value if create else {TOKEN_FIELD: JsonPointer(())}
        freed = [each.id for each in self.tokens.values() if not each.alive] if self.reuses_ids else []
        number = freed[0] if freed else str(len(self.tokens) + 1)
        label = label[: self.longest_label or None]
        named = create is not None and create.id.keys[-1:] == ("name",)
        value = Value({name: self._secret(name.replace("_", "-")) for name in fields})
        made = LoopbackToken(id=label if named else number, label=label, value=value)
        self.tokens[made.id] = made
        return made

    def _secret(self, name: str) -> Secret:
        return Secret(f"{self.value_prefix}{name}-{secrets.token_hex(16)}")

    def receive(self, http: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        with self._lock:
            asked = _received(http)
            before = [(each.id, each.alive) for each in self.tokens.values()]
            answer = self._disturbed() or self._answer(asked)
            self.asked.append(_answered(asked, answer))
            changed = before != [(each.id, each.alive) for each in self.tokens.values()]
            if changed and self.cuts:
                self.cuts -= 1
                http.close_connection = True
                return
        self._reply(http, answer)

    def _reply(self, http: BaseHTTPRequestHandler, answer: _Answer) -> None:
        data = b"" if answer.tree is None else json.dumps(answer.tree).encode()
        http.send_response(answer.status)
        if self.portal:
            data = _PORTAL
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            http.send_header("Retry-After", "2")
        if answer.link:
            http.send_header("Link", f'<{self.url}{answer.link}>; rel="next"')
        http.send_header("Content-Type", "text/html" if self.portal else "application/json")
        http.send_header("Content-Length", str(len(data)))
        http.end_headers()
        http.wfile.write(data)

    def _disturbed(self) -> _Answer | None:
        if self.portal:
            return _Answer(status=HTTPStatus.OK)
        if self.limited:
            self.limited -= 1
            return _Answer(status=HTTPStatus.TOO_MANY_REQUESTS, tree={"error": "rate limited"})
        return None

    def _answer(self, asked: ReceivedRequest) -> _Answer:
        said, admin = self.described, self._carries(self.described.admin_auth, self.admin, asked)
        if said.probe is not None and _is(said.probe, asked, {}) and not admin:
            return self._probed(asked)
        if self.refuses_all or not admin:
            return _Answer(status=HTTPStatus.UNAUTHORIZED, tree={"error": "unauthorized"})
        if said.rows is not None and _is(said.rows, asked, {"scope": self.scope}):
            return self._listed(said.rows, asked)
        changed = self._created(asked) or self._revoked(asked)
        return changed or _Answer(status=HTTPStatus.NOT_FOUND, tree={"error": "no such route"})

    def _created(self, asked: ReceivedRequest) -> _Answer | None:
        create = self.described.create
        if create is None or (found := self._match(create.route, asked)) is None:
            return None
        label = found.get("label") or _sent(create.body, "label", asked.body)
        if not label:
            return _Answer(status=HTTPStatus.BAD_REQUEST, tree={"error": "a token needs a name"})
        made = self.issue(label)
        tree: Any = {}
        for name, pointer in create.value.items():
            tree = _put(tree, pointer.keys, made.value.field(name).reveal())
        tree = tree if create.hint is None else _put(tree, create.hint.keys, made.hint)
        named = next((name for name, pointer in create.value.items() if pointer == create.id), None)
        if named is None:
            tree = _put(tree, create.id.keys, made.id)
        else:  # the id is a field of the value
            made.id = made.value.field(named).reveal()
            self.tokens = {each.id: each for each in self.tokens.values()}
        return _Answer(status=HTTPStatus.CREATED, tree=tree)

    def _revoked(self, asked: ReceivedRequest) -> _Answer | None:
        for number, step in enumerate(self.described.revoke):
            found = self._match(step.route, asked)
            if found is None:
                continue
            token = self.tokens.get(found.get("id") or _sent(step.body, "id", asked.body))
            if token is None or not token.alive:
                return _Answer(status=HTTPStatus.NOT_FOUND, tree={"error": "not found"})
            if self.ignores_revoke:
                return _Answer(status=HTTPStatus.OK, tree={})
            if token.steps < number:
                return _Answer(status=HTTPStatus.CONFLICT, tree={"error": "it is active"})
            if not token.steps:
                token.accepted = self.revoke_lag
            token.steps = number + 1
            token.alive = step is not self.described.revoke[-1]
            return _Answer(status=HTTPStatus.OK, tree={})
        return None

    def _probed(self, asked: ReceivedRequest) -> _Answer:
        probe = self.described.probe
        assert probe is not None  # noqa: S101 - asked by `_answer`
        known = next((each for each in self.tokens.values() if self._accepts(each, asked)), None)
        alive = known is not None and not self.refuses_all
        if known is not None and (known.steps or not known.alive):
            known.accepted -= 1
        condition = (probe.alive if alive else probe.dead)[0]
        tree = _stated(condition)
        for pointer, text in ((probe.scope, self.scope), (probe.scope_name, SCOPE_NAME)):
            tree = tree if pointer is None or not alive else _put(tree, pointer.keys, text)
        return _Answer(status=condition.status, tree=tree)

    def _accepts(self, token: LoopbackToken, asked: ReceivedRequest) -> bool:
        probe = self.described.probe
        introspected = probe is not None and probe.body is not None
        return (
            ((token.alive and not token.steps) or token.accepted > 0)
            and self._carries(self.described.auth, token.value, asked)
            and (not introspected or (asked.body or {}).get("token") == token.value.token.reveal())
        )

    def _listed(self, rows: Rows, asked: ReceivedRequest) -> _Answer:
        if self.appears:
            self.appears -= 1
            self.issue(f"appeared-{self.appears}")
        held = [each for each in self.tokens.values() if each.alive or rows.status is not None]
        page, following = _page(rows, held, asked.query)
        tree = _put({}, rows.items.keys, [_row(rows, each) for each in page])
        link = ""
        if rows.paging.kind is PagingKind.LINK and following is not None:
            kept = "&".join(f"{name}={text}" for name, text in asked.query.items() if name != "after")
            link = f"{asked.path}?{kept}&after={following}"
        if rows.following is not None and "-1" not in rows.following.keys:
            last = following if rows.paging.kind is PagingKind.CURSOR else (self.url + link if link else None)
            tree = _put(tree, rows.following.keys, last)
            link = ""
        if rows.total is not None:
            tree = _put(tree, rows.total.keys, len(held))
        return _Answer(status=HTTPStatus.OK, tree=tree, link=link)

    @staticmethod
    def _carries(auth: Auth, value: Value, asked: ReceivedRequest) -> bool:
        parts = auth.credentials(value) or ()
        headers = {name.lower(): text for name, text in asked.headers.items()}
        return bool(parts) and all(
            (asked.query.get(each.parameter) if each.parameter else headers.get(each.header.lower()))
            == each.prefix + each.secret.reveal()
            for each in parts
        )

    def _match(self, route: Route, asked: ReceivedRequest) -> dict[str, str] | None:
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


class _LoopbackHandler(BaseHTTPRequestHandler):
    service: ClassVar[LoopbackService]

    def do_GET(self) -> None:
        self.service.receive(self)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names of http.server

    def log_message(self, *_: object) -> None:
        """Say nothing on standard error."""


def _received(http: BaseHTTPRequestHandler) -> ReceivedRequest:
    parts = urlsplit(http.path)
    raw = http.rfile.read(int(http.headers.get("Content-Length") or 0))
    form = "form" in (http.headers.get("Content-Type") or "")
    return ReceivedRequest(
        method=http.command,
        path=parts.path,
        query={name: texts[-1] for name, texts in parse_qs(parts.query).items()},
        headers=dict(http.headers),
        body=dict(parse_qsl(raw.decode())) if form else json.loads(raw or b"null"),
    )


def _answered(asked: ReceivedRequest, answer: _Answer) -> ReceivedRequest:
    return ReceivedRequest(
        method=asked.method,
        path=asked.path,
        query=asked.query,
        headers=asked.headers,
        body=asked.body,
        status=answer.status,
        answer=answer.tree,
    )


def _page(rows: Rows, held: list[LoopbackToken], query: Mapping[str, str]) -> tuple[list[LoopbackToken], str | None]:
    """The tokens of one answer, and after which one the next goes on."""
    paging = rows.paging
    match paging.kind:
        case PagingKind.NONE:
            return held, None
        case PagingKind.OFFSET:
            start = int(query.get(paging.offset, 0))
        case PagingKind.PAGE:
            start = (int(query.get(paging.page, paging.first)) - paging.first) * PAGE
        case _:
            after = query.get(paging.cursor) or query.get("after")
            start = next((number + 1 for number, each in enumerate(held) if each.id == after), 0)
    page = held[start : start + PAGE]
    return page, page[-1].id if page and start + PAGE < len(held) else None


def _row(rows: Rows, token: LoopbackToken) -> Any:
    tree = _put(_put({}, rows.id.keys, token.id), rows.label.keys, token.label)
    for name, pointer in rows.more.items():
        tree = _put(tree, pointer.keys, token.hint if name == "hint" else _MOMENTS[name])
    if rows.status is not None:
        text = min(rows.status.alive if token.alive else rows.status.ended)
        tree = _put(tree, rows.status.field.keys, _constant(text))
    return tree


def _is(said: Probe | Rows, asked: ReceivedRequest, fields: Mapping[str, str]) -> bool:
    """Whether it is the request of a section, with its fixed parameters; paging may replace them."""
    route, paged = said.route, said.paging.start if isinstance(said, Rows) else ()
    fixed = {name: request_template.filled(text, fields) for name, text in said.query}
    return (
        route.method == asked.method
        and asked.path == "/" + "/".join(route.fill(fields))
        and all(asked.query.get(name) == text for name, text in fixed.items() if name not in dict(paged))
    )


def _stated(condition: Condition) -> Any:
    """The body that fulfils a condition."""
    return {} if condition.at is None else _put({}, condition.at.keys, _constant(min(condition.texts)))


def _constant(text: str) -> str | bool:
    return {"true": True, "false": False}.get(text, text)


def _put(tree: Any, keys: tuple[str, ...], value: Any) -> Any:
    """`tree` with a value at the place to which the keys lead; a number stands for the first of an array."""
    if not keys:
        return value
    if keys[0].isdecimal():
        return [_put(tree[0] if tree else None, keys[1:], value)]
    tree = {} if tree is None else tree
    tree[keys[0]] = _put(tree.get(keys[0]), keys[1:], value)
    return tree


def _sent(template: Tree, name: str, body: Any) -> str:
    """What a body holds where the template has a placeholder; empty if that is nothing."""
    return next((text for text in _placed(template, f"{{{name}}}", body) if text), "")


def _placed(template: Tree, placeholder: str, body: Any) -> Iterator[str]:
    if template == placeholder and isinstance(body, str | int):
        yield str(body)
    elif isinstance(template, dict) and isinstance(body, dict):
        for key, part in template.items():
            yield from _placed(part, placeholder, body.get(key))
    elif isinstance(template, list) and isinstance(body, list):
        for part, found in zip(template, body, strict=False):
            yield from _placed(part, placeholder, found)
