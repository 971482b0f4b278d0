"""Vault logins: a given token, AppRole, a CI JWT or a Kubernetes service account."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tokenguard.clients.vault.adapter import Json
from tokenguard.clients.vault.refused_login import refused
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.clients.vault.vault_settings import Login, LoginMethod
from tokenguard.domain.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The login token's lease, as reported by the server."""

    identity: str
    """`entity:ID` where there is one, else `token:DISPLAY-NAME`."""
    ends: float | None
    """On the monotonic clock; None: it does not expire."""
    length: float
    """Seconds it was given for, at the last look."""
    renewable: bool
    repeatable: bool
    """Whether another login of the same kind can be made."""
    granted: float = 0.0
    """Seconds it was made for; with a limit to renewals, those until then."""
    renewed_until: float | None = None
    """On the monotonic clock: when it ends although it is renewed; None: the token itself has no such limit."""


def log_in(client: Any, login: Login) -> tuple[Secret, bool]:
    """Obtain a token; the second is whether that could be done again.

    Raises:
        VaultError: the credential is not accepted, or the server does not answer.
    """
    credential = login.given()
    if login.method is LoginMethod.TOKEN:
        return credential, False
    try:
        return _token(_asked(client, login, credential)), not login.wrapped
    except VaultError as error:
        raise refused(login, credential, error) from None


def _asked(client: Any, login: Login, credential: Secret) -> Json:
    answer: Json
    if login.method is LoginMethod.APPROLE:
        secret_id = _unwrapped(client, credential) if login.wrapped else credential
        answer = client.auth.approle.login(
            role_id=login.role, secret_id=secret_id.reveal(), use_token=False, mount_point=login.path
        )
    elif login.method is LoginMethod.JWT:
        answer = client.auth.jwt.jwt_login(role=login.role, jwt=credential.reveal(), use_token=False, path=login.path)
    else:
        answer = client.auth.kubernetes.login(
            role=login.role, jwt=credential.reveal(), use_token=False, mount_point=login.path
        )
    return answer


def look_up(client: Any, now: float, *, repeatable: bool) -> Lease:
    """Look up the identity and lifetime of the token in use; `now` is the monotonic time."""
    data = client.auth.token.lookup_self().get("data")
    if not isinstance(data, dict):
        raise VaultError.because(VaultFailure.MALFORMED)
    ttl = _seconds(data.get("ttl"))
    entity, shown = data.get("entity_id"), data.get("display_name")
    limit = _seconds(data.get("explicit_max_ttl"))
    left = _left_of(limit, data) if limit and ttl else None
    return Lease(
        identity=f"entity:{entity}" if entity else f"token:{shown}",
        ends=now + ttl if ttl else None,
        length=ttl,
        renewable=bool(data.get("renewable")),
        repeatable=repeatable,
        granted=limit or _seconds(data.get("creation_ttl")),
        renewed_until=None if left is None else now + ttl + left,
    )


def renew(client: Any, lease: Lease, now: float) -> Lease:
    """Renew the token in use."""
    auth = client.auth.token.renew_self().get("auth")
    if not isinstance(auth, dict):
        raise VaultError.because(VaultFailure.MALFORMED)
    ttl = _seconds(auth.get("lease_duration"))
    return Lease(
        identity=lease.identity,
        ends=now + ttl if ttl else None,
        length=ttl,  # shorter each time, where the token nears the end it cannot pass
        renewable=bool(auth.get("renewable")),
        repeatable=lease.repeatable,
        granted=lease.granted,
        renewed_until=lease.renewed_until,
    )


def _unwrapped(client: Any, wrapping: Secret) -> Secret:
    """Return the secret_id inside a single-use wrapping token; an earlier use by another party is an error."""
    client.adapter.credential = wrapping
    try:
        data = client.adapter.request("post", "/v1/sys/wrapping/unwrap").get("data")
    finally:
        client.adapter.credential = None
    secret_id = data.get("secret_id") if isinstance(data, dict) else None
    if not isinstance(secret_id, str):
        raise VaultError.because(VaultFailure.MALFORMED)
    return Secret(secret_id)


def _seconds(found: Any) -> float:
    """How long a token lasts; 0: it does not expire."""
    if found is not None and not isinstance(found, (int, float)):
        raise VaultError.because(VaultFailure.MALFORMED)
    return float(found or 0)


def _left_of(limit: float, data: Json) -> float | None:
    """Seconds from the token's present end to the last one that renewals reach; both are on the server's clock."""
    try:
        ends = datetime.fromisoformat(str(data.get("expire_time"))).timestamp()
    except ValueError:
        return None
    return _seconds(data.get("creation_time")) + limit - ends


def _token(answer: Json) -> Secret:
    auth = answer.get("auth")
    token = auth.get("client_token") if isinstance(auth, dict) else None
    if not isinstance(token, str) or not token:
        raise VaultError.because(VaultFailure.MALFORMED)
    return Secret(token)
