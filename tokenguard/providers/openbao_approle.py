"""OpenBao and Vault AppRole: secret ids of a role, listed by their accessors.

A class and not a provider file: the list holds accessors alone, so that each is asked for its label, and a login, which
is the only way to see whether a secret id is accepted, makes a token that has to be revoked again.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

from tokenguard.documents import JsonTree
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import TOKEN_FIELD, Secret, Value
from tokenguard.domain.token import CredentialKind
from tokenguard.errors import InputError
from tokenguard.http.address import Address
from tokenguard.http.answer import Answer
from tokenguard.http.client import Credential, Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Capabilities, Guide, Issuer, Method
from tokenguard.providers.connecting import connect
from tokenguard.providers.openbao_approle_issuer import HEADER, ROLE_ID, SCOPE_KIND, SecretIdIssuer
from tokenguard.providers.probe_result import compare, scope_of
from tokenguard.providers.provider_settings import ProviderSettings, patience

BASE_URL = "https://127.0.0.1:8200/v1/auth/approle"
_UNKNOWN_PAIR = "invalid role or secret ID"
"""How the server answers a login with a secret id that it does not have (status 400)."""
_BAD_REQUEST = 400


class OpenBaoAppRole:
    """The AppRole mount at one address, such as https://bao.example:8200/v1/auth/approle."""

    name = "openbao-approle"
    source: ClassVar[Mapping[str, str]] = {
        "documentation": "https://openbao.org/api-docs/auth/approle/",
        "contract": "a real OpenBao server in the tests",
        "checked": "2026-11-29",
        "tried_live": "2026-11-29",
    }
    admin_permissions: ClassVar[Mapping[str, str]] = {
        "read role/ROLE/role-id": "reads the role's id, which is part of each value",
        "update, list role/ROLE/secret-id": "creates secret ids, and lists their accessors",
        "update role/ROLE/secret-id-accessor/lookup": "reads the label of a secret id",
        "update role/ROLE/secret-id-accessor/destroy": "destroys a secret id",
    }

    def __init__(self, settings: ProviderSettings, clock: Clock) -> None:
        given = Address.parse(settings.base_url or BASE_URL)
        root, found, mount = str(given).partition("/v1/auth/")
        if not found or not mount:
            raise InputError(
                "[providers.openbao-approle] base_url does not name an AppRole mount",
                hint="write it with the mount: https://HOST:8200/v1/auth/approle",
            )
        self._given = given
        self._mount = ("auth", *mount.split("/"))
        self._client = connect(replace(settings, base_url=f"{root}/v1"), BASE_URL, clock)
        self._clock = clock
        self._patience = patience(given, settings.death_floor)

    @property
    def base_url(self) -> str:
        """Its address, with the mount."""
        return str(self._given)

    @property
    def capabilities(self) -> Capabilities:
        """Unattended."""
        return Capabilities(
            mint=Method.API,
            revoke=Method.API,
            probe=True,
            lists=True,
            hints=False,
            lists_per_scope=True,
            verifies_scope=True,
            scope_kind=SCOPE_KIND,
            kind=CredentialKind.API_TOKEN,
            revoke_lag=timedelta(0),
            death_floor=self._patience.floor,
            confirm_after=self._patience.confirm_after,
            fields=(ROLE_ID, TOKEN_FIELD),
            list_lag=self._patience.floor,
        )

    def issuer(self, admin: Value, scope: Scope | None) -> Issuer | None:
        """Makes and destroys secret ids of the scope's role with a token of the server."""
        return SecretIdIssuer(self._client, self._clock, self._mount, admin, scope)

    def guide(self) -> Guide:
        """For a runner without an admin credential."""
        mount = "/".join(self._mount)
        return Guide(
            str(self._given),
            create=(
                f"write {mount}/role/ROLE/secret-id, with ROLE of {{scope}}",
                "with metadata that says label: {label}, as JSON, and copy the secret_id",
            ),
            revoke=(f"write {mount}/role/ROLE/secret-id-accessor/destroy with the accessor of {{label}}",),
        )

    def warnings(self, value: Value) -> tuple[str, ...]:
        """Whether the role's id is missing."""
        return () if ROLE_ID in value.names else ("it has no role_id, so it cannot be checked",)

    def probe(self, value: Value, expected: Scope | None) -> Observation:
        """Log in, and revoke the token that this makes; the role's name is in it."""
        at = self._clock.now()
        if ROLE_ID not in value.names:
            return Observation(verdict=Verdict.UNKNOWN, at=at, reason="incomplete-value")
        body = {"role_id": value.field(ROLE_ID).reveal(), "secret_id": value.token.reveal()}
        path = (*self._mount, "login")
        outcome = self._client.send(Request(method="POST", path=path, body=body, secrets=(value.token,)))
        if not isinstance(outcome, Answer):
            return Observation(verdict=Verdict.UNKNOWN, at=at, reason=str(outcome.cause))
        tree = {} if outcome.html else outcome.json_object() or {}
        auth = tree.get("auth") if outcome.ok else None
        scope, verdict = None, Verdict.UNKNOWN
        if isinstance(auth, dict) and isinstance(token := auth.get("client_token"), str):
            verdict, scope = Verdict.ALIVE, scope_of(SCOPE_KIND, _role(auth))
            self._log_out(Secret(token))
        elif outcome.status == _BAD_REQUEST and tree.get("errors") == [_UNKNOWN_PAIR]:
            verdict = Verdict.DEAD
        return Observation(
            verdict=verdict,
            at=at,
            reason=f"http-{outcome.status}",
            scope=scope,
            scope_verdict=compare(scope, expected),
            retry_after=outcome.retry_after,
        )

    def _log_out(self, token: Secret) -> None:
        """End the session of a login; if that fails, it ends by itself after the role's token_ttl."""
        credential = Credential(secret=token, header=HEADER, prefix="")
        self._client.send(Request(method="POST", path=("auth", "token", "revoke-self"), credential=credential))


def _role(auth: dict[str, JsonTree]) -> JsonTree:
    metadata = auth.get("metadata")
    return metadata.get("role_name") if isinstance(metadata, dict) else None
