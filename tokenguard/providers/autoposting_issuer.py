"""Making, listing and revoking Autoposting keys with an admin credential."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from tokenguard.documents import JsonTree
from tokenguard.domain.secret import Value
from tokenguard.domain.shape import check_value
from tokenguard.errors import InputError, Unreachable
from tokenguard.http.answer import Answer, Outcome
from tokenguard.http.client import Client, Credential, Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Ambiguous, Listed, Minted, Refused, Wanted
from tokenguard.providers.effects import answered, settled
from tokenguard.providers.route import Route

_KEYS = "api-keys"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_MAX_PAGES = 200
_MAX_TEXT = 200
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
        body = {"name": wanted.label, "scopes": list(wanted.permissions)}
        made = settled(self._send("POST", (_KEYS,), body), "creating the key")
        data = _data(made)
        value, identifier = data.get("key"), data.get("id")
        if not isinstance(value, str) or not _is_id(identifier) or data.get("name", wanted.label) != wanted.label:
            raise _odd("creating the key")
        try:
            minted = Value.of(check_value(value))
        except InputError:
            raise _odd("creating the key") from None
        if minted.token == self._admin.token:
            raise _odd("creating the key")
        return Minted(value=minted, provider_id=str(identifier), hint=_text(data.get("keyHint")))

    def find(self, label: str) -> Sequence[Listed]:
        """Live keys of exactly that name, over all pages."""
        return [listed for listed in self.listed() if listed.label == label]

    def listed(self) -> Sequence[Listed]:
        """Live keys of the organisation: listed and not expired."""
        now = self._clock.now()
        rows = [_listed(row) for row in self._rows()]
        return [row for row in rows if row.expires_at is None or row.expires_at > now]

    def revoke(self, provider_id: str) -> None:
        """The revoke route, or where there is none an expiry of now; then the list must no longer show the key."""
        what = "revoking the key"
        if not _is_id(provider_id):
            raise Refused(f"{what}: not an id this provider gives out", hint="`tokenguard show` prints the record")
        outcome = self._send(self._revoke_route.method, self._revoke_route.fill({"id": provider_id}))
        if _absent(outcome):
            expiry = self._clock.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            outcome = self._send("PATCH", (_KEYS, provider_id), {"expiresAt": expiry})
        if not _absent(outcome):
            settled(outcome, what)
        try:
            still = any(listed.provider_id == provider_id for listed in self.listed())
        except Unreachable:
            raise Ambiguous(f"{what}: the list that would confirm it cannot be read", hint="try again") from None
        if still:
            raise Ambiguous(
                f"{what}: the provider still lists it",
                hint="try again; if it stays, set `revoke_route` for this provider or revoke it by hand",
            )

    def _rows(self) -> Iterator[dict[str, JsonTree]]:
        cursor, seen = "", set[str]()
        for _ in range(_MAX_PAGES):
            query = (("cursor", cursor),) if cursor else ()
            answer = answered(self._send("GET", (_KEYS,), query=query), "listing keys")
            tree = _tree(answer)
            rows = tree.get("data")
            if not isinstance(rows, list):
                raise _unreadable()
            for row in rows:
                if not isinstance(row, dict) or not _is_id(row.get("id")) or not isinstance(row.get("name"), str):
                    raise _unreadable()
                yield row
            pages = tree.get("pagination")
            following = (pages if isinstance(pages, dict) else tree).get("nextCursor")
            if following is None or following == "":
                return
            if not isinstance(following, str) or following in seen:
                raise _unreadable()
            seen.add(following)
            cursor = following
        raise _unreadable()

    def _send(
        self,
        method: str,
        path: tuple[str, ...],
        body: Mapping[str, Any] | None = None,
        *,
        query: tuple[tuple[str, str], ...] = (),
    ) -> Outcome:
        credential = Credential(secret=self._admin.token)
        return self._client.send(Request(method=method, path=path, query=query, credential=credential, body=body))


def _absent(outcome: Outcome) -> bool:
    return isinstance(outcome, Answer) and outcome.status in _ABSENT


def _tree(answer: Answer) -> dict[str, JsonTree]:
    tree = None if answer.html else answer.json_object()
    if tree is None or "error" in tree or tree.get("success", True) is not True:
        raise _unreadable()
    return tree


def _data(answer: Answer) -> dict[str, JsonTree]:
    try:
        data = _tree(answer).get("data")
    except Unreachable:
        raise _odd("creating the key") from None
    return data if isinstance(data, dict) else {}


def _listed(row: dict[str, JsonTree]) -> Listed:
    scopes = row.get("scopes")
    return Listed(
        provider_id=str(row["id"]),
        label=str(row["name"]),
        hint=_text(row.get("keyHint")),
        permissions=tuple(scope for scope in scopes if isinstance(scope, str)) if isinstance(scopes, list) else (),
        created_at=_moment(row.get("createdAt")),
        last_used_at=_moment(row.get("lastUsedAt")),
        expires_at=_moment(row.get("expiresAt")),
    )


def _is_id(text: object) -> bool:
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def _text(text: JsonTree) -> str:
    return text[:_MAX_TEXT] if isinstance(text, str) else ""


def _moment(text: JsonTree) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _odd(what: str) -> Ambiguous:
    return Ambiguous(f"{what}: the answer is not one this provider gives", hint="it may have taken effect")


def _unreadable() -> Unreachable:
    return Unreachable(
        "listing keys: the answer is not one this provider gives",
        hint="check the provider's address: a portal or another service may be answering",
    )
