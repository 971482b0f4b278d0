"""Making, listing and revoking Autoposting keys with an admin credential."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from tokenguard.documents import JsonTree
from tokenguard.domain.secret import TOKEN_FIELD, Value
from tokenguard.errors import Unreachable
from tokenguard.http.answer import Answer, Outcome
from tokenguard.http.client import Credential, Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import CreatedToken, CreateRefused, ProviderToken, TokenList, TokenRequest
from tokenguard.providers.paced import PacedClient
from tokenguard.providers.paging import ListPage, Paging, PagingKind, Query, has_more, read_list, total_of
from tokenguard.providers.route import Route
from tokenguard.providers.token_listing import CLOCK_DOUBT, check_id, identifier, live, moment, short_text, unreadable
from tokenguard.providers.write_result import (
    acknowledged,
    answered,
    new_token,
    new_value,
    no_such_token,
    not_understood,
    settled,
)

_KEYS = "api-keys"
LISTS: Mapping[str, Paging] = {
    "offset": Paging(kind=PagingKind.OFFSET, limit="limit", size=100),
    "none": Paging(kind=PagingKind.NONE),
}
"""By what `[providers.autoposting] paging` says; the documentation says the first."""
_SESSION = "session"
SESSION_VARIABLE = "TOKENGUARD_ADMIN_AUTOPOSTING"
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}", re.ASCII)
_OTHER_CREDENTIAL = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
# What a service answers where it has no such route, or no such key; then another way to end the key is tried.
_ABSENT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


class AutopostingIssuer:
    """Keys of the admin credential's organisation."""

    def __init__(self, client: PacedClient, clock: Clock, admin: Value, revoke_route: Route, paging: Paging) -> None:
        self._client = client
        self._clock = clock
        self._admin = admin
        self._revoke_route = revoke_route
        self._paging = paging
        self._used = False

    def create(self, wanted: TokenRequest) -> CreatedToken:
        """`POST /api-keys`, once. Anything but a clear answer is Ambiguous: a key of that name may exist."""
        what, body = "creating the key", {"name": wanted.label, "scopes": list(wanted.permissions)}
        outcome = self._send("POST", (_KEYS,), body)
        if isinstance(outcome, Answer) and outcome.status in _OTHER_CREDENTIAL and not outcome.html:
            raise CreateRefused(
                f"{what}: refused with http status {outcome.status}", hint=self._wanted_credential(outcome)
            )
        data = _data(settled(outcome, what), what)
        key_id = identifier(data.get("id"))
        if not key_id or data.get("name", wanted.label) != wanted.label:
            raise not_understood(what)
        value = new_value({TOKEN_FIELD: data.get("key")}, self._admin, what)
        return new_token(value, key_id, data.get("keyHint"), what)

    def listed(self) -> TokenList:
        """Live keys of the organisation: listed and not expired by the vendor's own clock, which each answer states."""
        dates = list[datetime | None]()
        found = read_list(self._paging, lambda query: self._page(query, dates))
        stated = [each for each in dates if each is not None]
        known = stated and len(stated) == len(dates)
        return live(found, min(stated) if known else self._clock.now() - CLOCK_DOUBT)

    def revoke(self, provider_id: str) -> None:
        """The revoke route, or where there is none an expiry of now."""
        what = "revoking the key"
        check_id(provider_id, what)
        outcome = self._send(self._revoke_route.method, self._revoke_route.fill({"id": provider_id}))
        if _absent(outcome):
            stated = outcome.date if isinstance(outcome, Answer) else None
            expiry = (stated or self._clock.now()).astimezone(UTC).isoformat(timespec="milliseconds")
            outcome = self._send("PATCH", (_KEYS, provider_id), {"expiresAt": expiry.replace("+00:00", "Z")})
        if not no_such_token(outcome):
            acknowledged(outcome, what)

    def end_session(self) -> str | None:
        """Log out; why the session goes on living, or empty. None: the credential is not a session, or was not used."""
        if not self._used or not looks_like_session(self._admin) or self._kind() != _SESSION:
            return None
        outcome = self._send("POST", ("auth", "logout"))
        if isinstance(outcome, Answer) and (outcome.ok or outcome.status == HTTPStatus.UNAUTHORIZED):
            return ""
        return "the session of this run could not be ended (the provider documents no call for it): log out by hand"

    def _kind(self) -> str:
        """What the vendor takes the credential for: `session`, `api_key`, or empty if it does not say."""
        outcome = self._send("GET", ("auth", "profile"))
        tree = outcome.json_object() if isinstance(outcome, Answer) and outcome.ok else None
        data = (tree or {}).get("data")
        kind = (data if isinstance(data, dict) else tree or {}).get("authType")
        return kind if isinstance(kind, str) else ""

    def _wanted_credential(self, refused: Answer) -> str:
        """The vendor's pages differ on what a create needs, so whichever was refused, the other one is named."""
        if (refused.json_object() or {}).get("error") == "billing_suspended":
            return "the provider has suspended the organisation: tokens cannot be created or changed until that ends"
        match self._kind():
            case "session":
                return (
                    "the admin credential is a session; the provider's reference uses an API key for this, so try one"
                )
            case "api_key":
                return (
                    "it was an API key: the provider's authentication page asks for a session for this; "
                    f"put one into {SESSION_VARIABLE} for one run"
                )
            case _:
                return (
                    "the admin credential is not accepted: it may have expired; check `[providers.autoposting] admin`"
                )

    def _page(self, query: Query, dates: list[datetime | None]) -> ListPage:
        answer = answered(self._send("GET", (_KEYS,), query=query), "listing keys")
        tree = _tree(answer)
        dates.append(answer.date)
        data = tree.get("data")
        rows = data.get("items") if isinstance(data, dict) else data
        if not isinstance(rows, list):
            raise unreadable()
        return ListPage(rows=tuple(map(_listed, rows)), total=_total(tree, data), more=has_more(tree))

    def _send(
        self,
        method: str,
        path: tuple[str, ...],
        body: Mapping[str, Any] | None = None,
        *,
        query: Query = (),
    ) -> Outcome:
        credential = Credential(secret=self._admin.token)
        request = Request(method=method, path=path, query=query, credential=credential, body=body)
        self._used = True
        return self._client.send(request)


def looks_like_session(admin: Value) -> bool:
    """Whether a credential has the form of a session (a JSON Web Token) and not of a key."""
    return _JWT.fullmatch(admin.token.reveal()) is not None


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


def _listed(row: JsonTree) -> ProviderToken:
    if not isinstance(row, dict) or not identifier(row.get("id")) or not isinstance(row.get("name"), str):
        raise unreadable()
    scopes = row.get("scopes")
    return ProviderToken(
        provider_id=str(row["id"]),
        label=str(row["name"]),
        hint=short_text(row.get("keyHint")),
        permissions=tuple(scope for scope in scopes if isinstance(scope, str)) if isinstance(scopes, list) else (),
        created_at=moment(row.get("createdAt")),
        last_used_at=moment(row.get("lastUsedAt")),
        expires_at=moment(row.get("expiresAt")),
    )


def _total(tree: dict[str, JsonTree], data: JsonTree) -> int | None:
    """The documentation promises a count of all and does not show where it stands."""
    parts = (data, tree, tree.get("pagination"), tree.get("meta"))
    counts = (total_of(part.get("total")) for part in parts if isinstance(part, dict))
    return next((count for count in counts if count is not None), None)
