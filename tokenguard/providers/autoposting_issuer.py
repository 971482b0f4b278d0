"""Making, listing and revoking Autoposting keys with an admin credential."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from http import HTTPStatus
from typing import Any

from tokenguard.documents import JsonTree
from tokenguard.domain.secret import Value
from tokenguard.errors import Unreachable
from tokenguard.http.answer import Answer, Outcome
from tokenguard.http.client import Client, Credential, Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Listed, Minted, Wanted
from tokenguard.providers.effects import answered, new_value, not_understood, settled, when_there_is_room
from tokenguard.providers.listing import check_id, confirm_gone, identifier, live, moment, pages, short_text, unreadable
from tokenguard.providers.route import Route

_KEYS = "api-keys"
# What a service answers where it has no such route, or no such key.
_ABSENT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


class AutopostingIssuer:
    """Keys of the admin credential's organisation."""

    def __init__(self, client: Client, clock: Clock, admin: Value, revoke_route: Route) -> None:
        self._client = client
        self._clock = clock
        self._admin = admin
        self._revoke_route = revoke_route

    def create(self, wanted: Wanted) -> Minted:
        """`POST /api-keys`, once. Anything but a clear answer is Ambiguous: a key of that name may exist."""
        what, body = "creating the key", {"name": wanted.label, "scopes": list(wanted.permissions)}
        data = _data(settled(self._send("POST", (_KEYS,), body), what), what)
        key_id = identifier(data.get("id"))
        if not key_id or data.get("name", wanted.label) != wanted.label:
            raise not_understood(what)
        value = new_value(data.get("key"), self._admin, what)
        return Minted(value=value, provider_id=key_id, hint=short_text(data.get("keyHint")))

    def find(self, label: str) -> Sequence[Listed]:
        """Live keys of exactly that name, over all pages."""
        return [listed for listed in self.listed() if listed.label == label]

    def listed(self) -> Sequence[Listed]:
        """Live keys of the organisation: listed and not expired."""
        return live([_listed(row) for row in self._rows()], self._clock.now())

    def revoke(self, provider_id: str) -> None:
        """The revoke route, or where there is none an expiry of now; then the list must no longer show the key."""
        what = "revoking the key"
        check_id(provider_id, what)
        outcome = self._send(self._revoke_route.method, self._revoke_route.fill({"id": provider_id}))
        if _absent(outcome):
            expiry = self._clock.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            outcome = self._send("PATCH", (_KEYS, provider_id), {"expiresAt": expiry})
        if not _absent(outcome):
            settled(outcome, what)
        confirm_gone(self.listed, provider_id, what)

    def _rows(self) -> Iterator[dict[str, JsonTree]]:
        for tree in pages(self._page, _following):
            rows = tree.get("data")
            if not isinstance(rows, list):
                raise unreadable()
            for row in rows:
                if not isinstance(row, dict) or not identifier(row.get("id")) or not isinstance(row.get("name"), str):
                    raise unreadable()
                yield row

    def _page(self, cursor: str) -> dict[str, JsonTree]:
        query = (("cursor", cursor),) if cursor else ()
        return _tree(answered(self._send("GET", (_KEYS,), query=query), "listing keys"))

    def _send(
        self,
        method: str,
        path: tuple[str, ...],
        body: Mapping[str, Any] | None = None,
        *,
        query: tuple[tuple[str, str], ...] = (),
    ) -> Outcome:
        credential = Credential(secret=self._admin.token)
        request = Request(method=method, path=path, query=query, credential=credential, body=body)
        return when_there_is_room(lambda: self._client.send(request), self._clock)


def _absent(outcome: Outcome) -> bool:
    return isinstance(outcome, Answer) and outcome.status in _ABSENT


def _tree(answer: Answer) -> dict[str, JsonTree]:
    tree = None if answer.html else answer.json_object()
    if tree is None or "error" in tree or tree.get("success", True) is not True:
        raise unreadable()
    return tree


def _data(answer: Answer, what: str) -> dict[str, JsonTree]:
    try:
        data = _tree(answer).get("data")
    except Unreachable:
        raise not_understood(what) from None
    return data if isinstance(data, dict) else {}


def _listed(row: dict[str, JsonTree]) -> Listed:
    scopes = row.get("scopes")
    return Listed(
        provider_id=str(row["id"]),
        label=str(row["name"]),
        hint=short_text(row.get("keyHint")),
        permissions=tuple(scope for scope in scopes if isinstance(scope, str)) if isinstance(scopes, list) else (),
        created_at=moment(row.get("createdAt")),
        last_used_at=moment(row.get("lastUsedAt")),
        expires_at=moment(row.get("expiresAt")),
    )


def _following(tree: dict[str, JsonTree]) -> JsonTree:
    pagination = tree.get("pagination")
    return (pagination if isinstance(pagination, dict) else tree).get("nextCursor")
