"""Makes, lists and destroys secret ids of one AppRole; each has its label in its metadata."""

import json
from typing import Any

from tokenguard.documents import JsonTree
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import TOKEN_FIELD, Value
from tokenguard.errors import Unreachable
from tokenguard.http.answer import Answer, Outcome
from tokenguard.http.client import Credential, Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import CreatedToken, CreateRefused, ProviderToken, TokenList, TokenRequest
from tokenguard.providers.paced import PacedClient
from tokenguard.providers.token_listing import CLOCK_DOUBT, check_id, identifier, live, moment, unreadable
from tokenguard.providers.write_result import acknowledged, answered, new_token, new_value, settled

SCOPE_KIND = "approle"
ROLE_ID = "role_id"
"""The field of a value that names the role; `token` is the secret id."""
HEADER = "X-Vault-Token"
_LABEL = "label"
_NOT_FOUND = 404


class SecretIdIssuer:
    """Secret ids of the scope's role.

    Args:
        client: asks the server's /v1.
        clock: dates what is listed.
        mount: the path of the mount.
        admin: a token of the server.
        scope: the role.
    """

    def __init__(
        self, client: PacedClient, clock: Clock, mount: tuple[str, ...], admin: Value, scope: Scope | None
    ) -> None:
        self._client = client
        self._clock = clock
        self._mount = mount
        self._admin = admin
        self._scope = scope

    def create(self, wanted: TokenRequest) -> CreatedToken:
        """Make one secret id whose metadata says its label."""
        what = "creating the secret id"
        role_id = answered(self._send("GET", "role-id"), "reading the role's id").json()
        body = {"metadata": json.dumps({_LABEL: str(wanted.label)})}
        data = _data(settled(self._send("POST", "secret-id", body=body), what))
        found = {TOKEN_FIELD: data.get("secret_id"), ROLE_ID: _tree(role_id).get("role_id")}
        value = new_value(found, self._admin, what)
        return new_token(value, identifier(data.get("secret_id_accessor")), None, what)

    def listed(self) -> TokenList:
        """All accessors of the role, each with its label. A server without any says 404, which is not an empty list."""
        outcome = self._send("GET", "secret-id", query=(("list", "true"),))
        if isinstance(outcome, Answer) and outcome.status == _NOT_FOUND and outcome.json() == {"errors": []}:
            return TokenList()
        keys = _data(answered(outcome, "listing secret ids")).get("keys")
        if not isinstance(keys, list) or not all(isinstance(each, str) for each in keys):
            raise unreadable()
        rows = [row for each in keys if (row := self._row(str(each))) is not None]
        return live(TokenList(rows=tuple(rows)), self._clock.now() - CLOCK_DOUBT)

    def revoke(self, provider_id: str) -> None:
        """Destroy a secret id by its accessor; one that is not there was destroyed before."""
        what = "destroying the secret id"
        check_id(provider_id, what)
        if self._row(provider_id) is None:
            return
        acknowledged(self._send("POST", "secret-id-accessor", "destroy", body=_accessor(provider_id)), what)

    def _row(self, accessor: str) -> ProviderToken | None:
        """What the server says of an accessor; None if there is none, or not any more."""
        what = "looking up a secret id"
        outcome = self._send("POST", "secret-id-accessor", "lookup", body=_accessor(accessor))
        if isinstance(outcome, Answer) and outcome.status == _NOT_FOUND and outcome.json_object() is not None:
            return None
        data = _data(answered(outcome, what))
        metadata = data.get("metadata")
        label = metadata.get(_LABEL, "") if isinstance(metadata, dict) else ""
        if identifier(data.get("secret_id_accessor")) != accessor or not isinstance(label, str):
            raise unreadable()
        return ProviderToken(
            provider_id=accessor,
            label=label,
            created_at=moment(data.get("creation_time")),
            expires_at=moment(data.get("expiration_time")),
        )

    def _send(self, method: str, *path: str, body: dict[str, Any] | None = None, query: Any = ()) -> Outcome:
        if self._scope is None:
            raise CreateRefused("the role is not known", hint=f"give the record a scope: --scope {SCOPE_KIND}:NAME")
        return self._client.send(
            Request(
                method=method,
                path=(*self._mount, "role", self._scope.id, *path),
                query=query,
                credential=Credential(secret=self._admin.token, header=HEADER, prefix=""),
                body=body,
            )
        )


def _accessor(provider_id: str) -> dict[str, str]:
    return {"secret_id_accessor": provider_id}


def _tree(tree: JsonTree) -> dict[str, JsonTree]:
    data = tree.get("data") if isinstance(tree, dict) else None
    if not isinstance(data, dict):
        raise Unreachable("the answer differs from OpenBao's documentation", hint="check the configured address")
    return data


def _data(answer: Answer) -> dict[str, JsonTree]:
    return _tree(None if answer.html else answer.json())
