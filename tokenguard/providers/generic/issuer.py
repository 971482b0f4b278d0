"""Making, listing and revoking tokens with the requests of a provider file."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from tokenguard.documents import JsonTree
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.errors import Unreachable
from tokenguard.frozen import replace
from tokenguard.http.answer import Answer, Outcome
from tokenguard.http.client import Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import CreatedToken, CreateRefused, ProviderToken, TokenList, TokenRequest
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import (
    FORM,
    Create,
    Description,
    Replace,
    Revoke,
    Rows,
    RowStatus,
    Update,
    placeholders,
)
from tokenguard.providers.paced import PacedClient
from tokenguard.providers.paging import ListPage, PagingKind, Query, has_more, read_list, total_of
from tokenguard.providers.token_listing import (
    CLOCK_DOUBT,
    check_id,
    identifier,
    live,
    moment,
    permissions_of,
    short_text,
    unreadable,
)
from tokenguard.providers.write_result import acknowledged, answered, new_token, new_value, no_such_token, settled

_Section = TypeVar("_Section", Create, Replace, Rows, Update, tuple[Revoke, ...])
_UNKNOWN_STATUS = "a token in it has a status that `list.status` in the provider file does not name"
_LINK = re.compile(r'<([^<>]*)>[^<>]*?;\s*rel="?([^";,]*)"?', re.ASCII)


class GenericIssuer:
    """Tokens of the admin credential's account at a described provider; of one scope, where its routes name it."""

    def __init__(
        self, description: Description, client: PacedClient, clock: Clock, admin: Value, scope: Scope | None
    ) -> None:
        self._description = description
        self._client = client
        self._clock = clock
        self._admin = admin
        self._scope = scope

    def create(self, wanted: TokenRequest) -> CreatedToken:
        """The create request, once. Anything but a clear answer is Ambiguous."""
        what, said = "creating the token", self._section(self._description.create, "create")
        self._check_permissions(wanted.permissions)
        fields = {**_granted(wanted), **self._expiry(), **_scope_field(wanted.scope)}
        return self._new_token(what, said, self._send(what, said, fields, wanted.permissions))

    def replace(self, provider_id: str, wanted: TokenRequest) -> CreatedToken:
        """The request for a new value, once. Anything but a clear answer is Ambiguous."""
        what, said = "giving the token a new value", self._section(self._description.replace, "replace")
        check_id(provider_id, what)
        fields = {"id": provider_id, **self._expiry(), **_scope_field(wanted.scope)}
        return self._new_token(what, said, self._send(what, said, fields), kept=provider_id)

    def _new_token(self, what: str, said: Create | Replace, outcome: Outcome, kept: str = "") -> CreatedToken:
        """What an answer says of a new value; its id is `kept` where the section has none."""
        answer = settled(outcome, what)
        tree = None if answer.html else answer.json()
        value = new_value({name: pointer.find(tree) for name, pointer in said.value.items()}, self._admin, what)
        named = kept if said.id is None else identifier(said.id.find(tree))
        return new_token(value, named, said.hint.find(tree) if said.hint else None, what)

    def listed(self) -> TokenList:
        """Live tokens: listed, not expired for a day and with no status that means ended."""
        said, statuses = self._section(self._description.rows, "list"), dict[str, RowStatus]()
        found = read_list(said.paging, lambda query: self._page(said, query, statuses))
        rows = tuple(row for row in found.rows if statuses.get(row.provider_id) is not RowStatus.ENDED)
        unknown = any(statuses.get(row.provider_id) is RowStatus.UNKNOWN for row in rows)
        gap = found.gap or (_UNKNOWN_STATUS if unknown else "")
        return live(TokenList(rows=rows, gap=gap), self._clock.now() - CLOCK_DOUBT)

    def revoke(self, provider_id: str) -> None:
        """The revoke requests in their order, until one says that there is no such token."""
        what, steps = "revoking the token", self._section(self._description.revoke or None, "revoke")
        check_id(provider_id, what)
        for said in steps:
            outcome = self._send(what, said, {"id": provider_id, **_scope_field(self._scope)})
            if no_such_token(outcome):
                return
            acknowledged(outcome, what)

    def update(self, provider_id: str, wanted: TokenRequest) -> None:
        """The request for another label or other permissions."""
        what, said = "changing the token", self._section(self._description.update, "update")
        check_id(provider_id, what)
        self._check_permissions(wanted.permissions if "permissions" in said.fields else ())
        fields = {"id": provider_id, **_granted(wanted), **_scope_field(wanted.scope)}
        outcome = self._send(what, said, fields, wanted.permissions)
        if no_such_token(outcome):
            raise CreateRefused(f"{what}: the provider has no token with this id", hint="`tokenguard verify` looks")
        acknowledged(outcome, what)

    def _check_permissions(self, permissions: Sequence[str]) -> None:
        """Refuse, before anything is sent, a permission that is not among those of the file."""
        known = self._description.permissions
        if known and any(each not in known for each in permissions):
            raise CreateRefused(
                f"{self._description.name} does not offer every permission of the record",
                hint=f"`tokenguard provider show {self._description.name}` lists them; use `edit --permission`",
            )

    def _expiry(self) -> dict[str, str | int]:
        """When a token that is made now is to end, as services want to be told."""
        lifetime = self._description.lifetime
        if lifetime is None:
            return {}
        ends = self._clock.now() + lifetime
        return {
            "expires_date": ends.date().isoformat(),
            "expires_time": ends.replace(microsecond=0, tzinfo=None).isoformat() + "Z",
            "expires_unix": int(ends.timestamp()),
            "expires_seconds": int(lifetime.total_seconds()),
        }

    def _page(self, said: Rows, query: Query, statuses: dict[str, RowStatus]) -> ListPage:
        what = "listing tokens"
        answer = answered(self._send(what, said, _scope_field(self._scope), query=query), what)
        tree = None if answer.html else answer.json()
        rows = said.items.find(tree)
        if not isinstance(rows, list):
            raise unreadable()
        following = said.following.find(tree) if said.following else None
        linked = said.paging.kind is PagingKind.LINK
        total = total_of(said.total.find(tree)) if said.total else None
        address = (following if said.following else _next_link(answer)) if linked else None
        listed = tuple(self._without_values(_listed(said, row)) for row in rows)
        if said.status is not None:
            for token, row in zip(listed, rows, strict=True):
                known = statuses.get(token.provider_id, RowStatus.ENDED)
                statuses[token.provider_id] = max(known, said.status.of(row))
        return ListPage(
            rows=listed,
            following=following,
            link=self._linked(said, address),
            total=total,
            flaw="its total is not a number" if said.total and total is None else "",
            more=has_more(tree) or (not linked and bool(_next_link(answer))),
        )

    def _without_values(self, row: ProviderToken) -> ProviderToken:
        """The row without a hint that is a value; Unreachable if its id or label is one, as far as its form tells."""
        if self._is_value(row.provider_id) or self._is_value(row.label):
            raise Unreachable(
                "listing tokens: the field that the provider file uses as id or label contains a value",
                hint="name other fields under `list.id` and `list.label`, or remove `list`",
            )
        shown = replace(row, hint="") if self._is_value(row.hint) else row
        return replace(shown, permissions=()) if any(map(self._is_value, row.permissions)) else shown

    def _is_value(self, text: str) -> bool:
        """Whether it has the file's shape, or is the credential that asks."""
        shape = self._description.shape
        fits = shape is not None and bool(shape.prefix) and shape.fits(text)
        return fits or text == self._admin.token.reveal()

    def _linked(self, said: Rows, address: JsonTree) -> Query | None:
        """What a next address asks for. Only that may differ: the credential is sent to the place in the file alone."""
        if address is None or address == "":
            return None
        here = str(self._client.base) + "/" + "/".join(said.route.fill(_scope_field(self._scope)))
        try:
            found = urlsplit(urljoin(here, address)) if isinstance(address, str) else None
        except ValueError:
            found = None
        if found is None or found._replace(query="", fragment="").geturl() != here:
            raise unreadable()
        return tuple(parse_qsl(found.query, keep_blank_values=True))

    def _send(
        self,
        what: str,
        said: Create | Replace | Rows | Revoke | Update,
        fields: Mapping[str, str | int],
        permissions: Sequence[str] = (),
        *,
        query: Query = (),
    ) -> Outcome:
        body = None if isinstance(said, Rows) else said.body
        if "scope" in placeholders(said) and "scope" not in fields:
            raise CreateRefused(
                f"{what}: the provider needs to know the scope", hint="give the record a scope: --scope KIND:ID"
            )
        credentials = self._description.admin_auth.credentials(self._admin)
        if credentials is None:
            raise CreateRefused(
                f"{what}: the admin credential lacks a field that {self._description.name} asks for",
                hint="store all its fields in one record; `tokenguard provider show` names them",
            )
        again = dict(query)
        filled = None if body is None else request_template.fill(body, fields, permissions)
        form = None if filled is None or not self._description.form else urlencode(filled, doseq=True).encode()
        request = Request(
            method=said.route.method,
            path=said.route.fill({name: str(text) for name, text in fields.items()}),
            query=(
                *((name, request_template.filled(text, fields)) for name, text in said.query if name not in again),
                *query,
            ),
            further=credentials,
            headers=self._description.headers,
            body=filled if form is None else None,
            content=form,
            content_type=self._description.media_type if form is None else FORM,
            secrets=(self._admin.token,),
        )
        return self._client.send(request)

    def _section(self, said: _Section | None, key: str) -> _Section:
        if said is None:
            raise CreateRefused(f"{self._description.name} describes no `{key}`", hint="complete the provider file")
        return said


def _scope_field(scope: Scope | None) -> dict[str, str]:
    return {} if scope is None else {"scope": scope.id}


def _granted(wanted: TokenRequest) -> dict[str, str]:
    """What placeholders of a token's name and permissions stand for."""
    permissions = " ".join(wanted.permissions)
    return {"label": str(wanted.label), "permissions": permissions, "permission": permissions}


def _listed(said: Rows, row: JsonTree) -> ProviderToken:
    token_id, label = identifier(said.id.find(row)), said.label.find(row)
    if not token_id or not isinstance(label, str):
        raise unreadable()
    more = {key: pointer.find(row) for key, pointer in said.more.items()}
    return ProviderToken(
        provider_id=token_id,
        label=label,
        hint=short_text(more.get("hint")),
        permissions=() if said.permissions is None else permissions_of(said.permissions.find(row)),
        created_at=moment(more.get("created")),
        last_used_at=moment(more.get("last_used")),
        expires_at=moment(more.get("expires")),
    )


def _next_link(answer: Answer) -> str:
    """The address that a `Link` header calls the next one."""
    for match in _LINK.finditer(answer.headers.get("link", "")):
        if "next" in match[2].lower().split():
            return match[1]
    return ""
