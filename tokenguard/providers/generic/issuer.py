"""Making, listing and revoking tokens with the requests of a provider file."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from tokenguard.documents import JsonTree
from tokenguard.domain.secret import Value
from tokenguard.http.answer import Answer, Outcome
from tokenguard.http.client import Client, Credential, Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Listed, Minted, Refused, Wanted
from tokenguard.providers.effects import answered, new_value, not_understood, settled, when_there_is_room
from tokenguard.providers.generic import template
from tokenguard.providers.generic.description import Create, Description, Revoke, Rows
from tokenguard.providers.listing import check_id, confirm_gone, identifier, live, moment, pages, short_text, unreadable
from tokenguard.providers.route import Route

_Section = TypeVar("_Section", Create, Rows, Revoke)
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class GenericIssuer:
    """Tokens of the admin credential's account at a described provider."""

    def __init__(self, description: Description, client: Client, clock: Clock, admin: Value) -> None:
        self._description = description
        self._client = client
        self._clock = clock
        self._admin = admin

    def create(self, wanted: Wanted) -> Minted:
        """The create request, once. Anything but a clear answer is Ambiguous."""
        what, said = "creating the token", self._section(self._description.create, "create")
        fields = {"label": str(wanted.label), "permissions": " ".join(wanted.permissions)}
        if wanted.scope is not None:
            fields["scope"] = wanted.scope.id
        elif "scope" in template.names(said.body) | template.names(list(said.route.segments)):
            raise Refused(f"{what}: the provider needs to know the scope", hint="give the record a scope")
        answer = settled(self._send(said.route, fields, said.body, wanted.permissions), what)
        tree = None if answer.html else answer.json()
        value, token_id = new_value(said.value.find(tree), self._admin, what), identifier(said.id.find(tree))
        if not token_id:
            raise not_understood(what)
        return Minted(value=value, provider_id=token_id, hint=short_text(said.hint.find(tree) if said.hint else None))

    def find(self, label: str) -> Sequence[Listed]:
        """Live tokens of exactly that name, over all pages."""
        return [listed for listed in self.listed() if listed.label == label]

    def listed(self) -> Sequence[Listed]:
        """Live tokens: listed and not expired."""
        return live(list(self._rows(self._section(self._description.rows, "list"))), self._clock.now())

    def revoke(self, provider_id: str) -> None:
        """The revoke request; then the list must no longer show the token."""
        what, said = "revoking the token", self._section(self._description.revoke, "revoke")
        check_id(provider_id, what)
        outcome = self._send(said.route, {"id": provider_id}, said.body)
        if not (isinstance(outcome, Answer) and outcome.status in _GONE):
            settled(outcome, what)
        confirm_gone(self.listed, provider_id, what)

    def _rows(self, said: Rows) -> Iterator[Listed]:
        def fetch(cursor: str) -> JsonTree:
            query = (*said.query, *(((said.cursor, cursor),) if cursor else ()))
            answer = answered(self._send(said.route, {}, None, query=query), "listing tokens")
            return None if answer.html else answer.json()

        for page in pages(fetch, lambda page: said.following.find(page) if said.following else None):
            rows = said.items.find(page)
            if not isinstance(rows, list):
                raise unreadable()
            for row in rows:
                token_id, label = identifier(said.id.find(row)), said.label.find(row)
                if not token_id or not isinstance(label, str):
                    raise unreadable()
                more = {key: pointer.find(row) for key, pointer in said.more.items()}
                yield Listed(
                    provider_id=token_id,
                    label=label,
                    hint=short_text(more.get("hint")),
                    created_at=moment(more.get("created")),
                    last_used_at=moment(more.get("last_used")),
                    expires_at=moment(more.get("expires")),
                )

    def _send(
        self,
        route: Route,
        fields: dict[str, str],
        body: Any,
        permissions: Sequence[str] = (),
        *,
        query: tuple[tuple[str, str], ...] = (),
    ) -> Outcome:
        auth = self._description.auth
        request = Request(
            method=route.method,
            path=route.fill(fields),
            query=query,
            credential=Credential(secret=self._admin.token, header=auth.header, prefix=auth.prefix),
            body=None if body is None else template.fill(body, fields, permissions),
        )
        return when_there_is_room(lambda: self._client.send(request), self._clock)

    def _section(self, said: _Section | None, key: str) -> _Section:
        if said is None:
            raise Refused(f"{self._description.name} describes no `{key}`", hint="complete the provider file")
        return said
