"""A service on loopback that behaves as a provider file describes it, and misbehaves as services do.

`tokenguard provider test` and the contract tests play files against it. It shows that a file is complete and that its
requests fit each other. Whether the vendor is like that is shown by `make contracts`, and by `provider test --live`.
"""

import json
import secrets
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tokenguard.domain.secret import TOKEN_FIELD, Secret, Value
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import (
    FORM,
    Auth,
    Create,
    Description,
    Replace,
    Revoke,
    RevokerLogin,
    RevokeValue,
    Rows,
    Update,
)
from tokenguard.providers.generic.loopback_answers import (
    LoopbackToken,
    ReceivedRequest,
    is_request_of,
    page_of,
    permissions_sent,
    put,
    row_of,
    sent_as,
    stated,
    told,
)
from tokenguard.providers.generic.pointer import JsonPointer
from tokenguard.providers.generic.revoke_value_section import ADMIN_PREFIX, admin_names
from tokenguard.providers.generic.value_revoker import admin_fields
from tokenguard.providers.paging import PagingKind

SCOPE_NAME = "Practice"
_STOPS_WITHIN = 0.001
"""Seconds. Each check has a service of its own, so that a longer wait for its end is most of a check's time."""
_PORTAL = b"<!doctype html><title>Sign in</title><p>Accept the terms to continue."


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
    ignores_update: bool = False
    """Another name and other permissions are agreed to, and not taken."""
    refuses_reports: bool = False
    """Values that are shown are refused."""
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
        used = admin_fields(self.described)
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
        threading.Thread(target=self._server.serve_forever, args=(_STOPS_WITHIN,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def issue(self, label: str) -> LoopbackToken:
        """A token that a person created there."""
        create, replacing = self.described.create, self.described.replace
        made_by = create or replacing
        fields = made_by.value if made_by else {TOKEN_FIELD: JsonPointer(())}
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
            before = self._state()
            answer = self._disturbed(asked) or self._answer(asked)
            self.asked.append(_answered(asked, answer))
            if before != self._state() and self.cuts:
                self.cuts -= 1
                http.close_connection = True
                return
        self._reply(http, answer)

    def _state(self) -> list[tuple[str, bool, str, tuple[str, ...]]]:
        return [(each.id, each.alive, each.label, each.permissions) for each in self.tokens.values()]

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

    def _disturbed(self, asked: ReceivedRequest) -> _Answer | None:
        if self.portal:
            return _Answer(status=HTTPStatus.OK)
        if self.limited:
            self.limited -= 1
            return _Answer(status=HTTPStatus.TOO_MANY_REQUESTS, tree={"error": "rate limited"})
        kind = asked.headers.get("Content-Type", FORM)
        if asked.body is not None and kind not in {FORM, self.described.media_type}:
            return _Answer(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, tree={"error": "another kind of body"})
        return None

    def _answer(self, asked: ReceivedRequest) -> _Answer:
        said, admin = self.described, self._carries(self.described.admin_auth, self.admin, asked)
        if said.probe is not None and is_request_of(said.probe, asked, {}) and not admin:
            return self._probed(asked)
        if said.revoke_value is not None and is_request_of(said.revoke_value, asked, {}):
            return self._value_revoked(said.revoke_value, asked, admin=admin)
        if self.refuses_all or not admin:
            return _Answer(status=HTTPStatus.UNAUTHORIZED, tree={"error": "unauthorized"})
        if said.rows is not None and is_request_of(said.rows, asked, {"scope": self.scope}):
            return self._listed(said.rows, asked)
        changed = self._created(asked) or self._replaced(asked) or self._updated(asked) or self._revoked(asked)
        return changed or _Answer(status=HTTPStatus.NOT_FOUND, tree={"error": "no such route"})

    def _created(self, asked: ReceivedRequest) -> _Answer | None:
        create = self.described.create
        if create is None or (found := self._match(create, asked)) is None:
            return None
        label = found.get("label") or sent_as(create.body, "label", asked.body)
        if not label:
            return _Answer(status=HTTPStatus.BAD_REQUEST, tree={"error": "a token needs a name"})
        made = self.issue(label)
        made.permissions = permissions_sent(create.body, asked.body) or made.permissions
        tree = told(create, made)
        named = next((name for name, pointer in create.value.items() if pointer == create.id), None)
        if named is None:
            tree = put(tree, create.id.keys, made.id)
        else:  # the id is a field of the value
            made.id = made.value.field(named).reveal()
            self.tokens = {each.id: each for each in self.tokens.values()}
        return _Answer(status=HTTPStatus.CREATED, tree=tree)

    def _replaced(self, asked: ReceivedRequest) -> _Answer | None:
        """A new value; the id of a token that was replaced ends all of its name, as GitLab does."""
        said = self.described.replace
        if said is None or (found := self._match(said, asked)) is None:
            return None
        old = self.tokens.get(found.get("id") or sent_as(said.body, "id", asked.body))
        if old is None or not old.alive:
            for each in self.tokens.values():
                each.alive = each.alive and (old is None or each.label != old.label)
            return _Answer(status=HTTPStatus.UNAUTHORIZED, tree={"error": "the token was replaced"})
        made = self.issue(old.label)
        made.permissions = old.permissions
        old.alive, old.accepted = self.ignores_revoke, self.revoke_lag
        if said.id is None:  # the new value has the old id; the old one is not listed any more
            self.tokens[f"{old.id}-before-{made.id}"] = old
            del self.tokens[made.id]
            old.id, made.id = f"{old.id}-before-{made.id}", old.id
            old.listed, self.tokens[made.id] = False, made
        tree = told(said, made)
        return _Answer(status=HTTPStatus.OK, tree=tree if said.id is None else put(tree, said.id.keys, made.id))

    def _updated(self, asked: ReceivedRequest) -> _Answer | None:
        """Another name or other permissions; a body with neither may be a step of the revocation."""
        said = self.described.update
        if said is None or (found := self._match(said, asked)) is None:
            return None
        label, permissions = sent_as(said.body, "label", asked.body), permissions_sent(said.body, asked.body)
        if not label and not permissions:
            return None
        token = self.tokens.get(found.get("id") or sent_as(said.body, "id", asked.body))
        if token is None or not token.alive:
            return _Answer(status=HTTPStatus.NOT_FOUND, tree={"error": "not found"})
        if not self.ignores_update:
            token.label = (label or token.label)[: self.longest_label or None]
            token.permissions = permissions or token.permissions
        return _Answer(status=HTTPStatus.OK, tree={})

    def _revoked(self, asked: ReceivedRequest) -> _Answer | None:
        for number, step in enumerate(self.described.revoke):
            found = self._match(step, asked)
            if found is None:
                continue
            token = self.tokens.get(found.get("id") or sent_as(step.body, "id", asked.body))
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

    def _value_revoked(self, said: RevokeValue, asked: ReceivedRequest, *, admin: bool) -> _Answer:
        """The same answer for a value that it does not know, as RFC 7009 demands."""
        value = sent_as(said.body, TOKEN_FIELD, asked.body)
        token = next(
            (each for each in self.tokens.values() if each.alive and self._shown(said, each, value, asked)), None
        )
        allowed = {
            RevokerLogin.ADMIN: admin,
            RevokerLogin.BODY: self._named_in_body(said, asked),
            RevokerLogin.ITSELF: token is not None,
            RevokerLogin.NONE: "Authorization" not in asked.headers,
        }[said.login]
        if self.refuses_all or self.refuses_reports or not allowed:
            return _Answer(status=HTTPStatus.UNAUTHORIZED, tree={"error": "invalid_client"})
        if token is not None and not self.ignores_revoke:
            token.alive, token.accepted = False, self.revoke_lag
        return _Answer(status=HTTPStatus.ACCEPTED if said.login is RevokerLogin.NONE else HTTPStatus.OK, tree={})

    def _named_in_body(self, said: RevokeValue, asked: ReceivedRequest) -> bool:
        """Whether the body holds each field of the admin credential that the file puts there."""
        return all(
            sent_as(said.body, ADMIN_PREFIX + name, asked.body) == self.admin.field(name).reveal()
            for name in admin_names(said.body)
        )

    def _shown(self, said: RevokeValue, token: LoopbackToken, value: str, asked: ReceivedRequest) -> bool:
        if said.login is RevokerLogin.ITSELF:
            return self._carries(self.described.auth, token.value, asked)
        return token.value.token.reveal() == value

    def _probed(self, asked: ReceivedRequest) -> _Answer:
        probe = self.described.probe
        assert probe is not None  # noqa: S101 - asked by `_answer`
        known = next((each for each in self.tokens.values() if self._accepts(each, asked)), None)
        alive = known is not None and not self.refuses_all
        if known is not None and (known.steps or not known.alive):
            known.accepted -= 1
        condition = (probe.alive if alive else probe.dead)[0]
        tree = stated(condition)
        for pointer, text in ((probe.scope, self.scope), (probe.scope_name, SCOPE_NAME)):
            tree = tree if pointer is None or not alive else put(tree, pointer.keys, text)
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
        held = [each for each in self.tokens.values() if each.listed and (each.alive or rows.status is not None)]
        page, following = page_of(rows, held, asked.query)
        create = self.described.create
        as_text = create is not None and "permission" in request_template.names(create.body)
        tree = put({}, rows.items.keys, [row_of(rows, each, as_text=as_text) for each in page])
        link = ""
        if rows.paging.kind is PagingKind.LINK and following is not None:
            kept = "&".join(f"{name}={text}" for name, text in asked.query.items() if name != "after")
            link = f"{asked.path}?{kept}&after={following}"
        if rows.following is not None and "-1" not in rows.following.keys:
            last = following if rows.paging.kind is PagingKind.CURSOR else (self.url + link if link else None)
            tree = put(tree, rows.following.keys, last)
            link = ""
        if rows.total is not None:
            tree = put(tree, rows.total.keys, len(held))
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

    def _match(self, said: Create | Replace | Revoke | Update, asked: ReceivedRequest) -> dict[str, str] | None:
        parts, route = asked.path.strip("/").split("/"), said.route
        if route.method != asked.method or len(parts) != len(route.segments):
            return None
        pairs = [
            *zip(route.segments, parts, strict=True),
            *((text, asked.query.get(name, "")) for name, text in said.query),
        ]
        found = dict[str, str]()
        for text, part in pairs:
            if (read := request_template.read_back(text, part)) is None:
                return None
            found |= read
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
