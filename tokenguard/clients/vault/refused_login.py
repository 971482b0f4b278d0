"""Explains a refused login: the role, the claim and the job's identity. Never shows a token."""

import base64
import json
import re
from typing import Any

from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.clients.vault.vault_settings import Login, LoginMethod
from tokenguard.domain.secret import Secret
from tokenguard.text import safe_text

_SECRET_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
"""A plain secret_id; no wrapping token has that form."""
_NOT_OURS = frozenset({VaultFailure.DENIED, VaultFailure.REFUSED, VaultFailure.ABSENT, VaultFailure.EXPIRED})
"""What servers say of a login method that is not there, or of a credential, without saying which."""
_TIMES = {"exp": "it has expired", "nbf": "it is not valid yet", "iat": "it was issued in the future"}
_BOUND = {"aud": "bound_audiences", "sub": "bound_subject", "iss": "bound_issuer of the method's config"}
_MOST = 100
"""Characters of a claim that are shown."""


def refused(login: Login, credential: Secret, error: VaultError) -> VaultError:
    """Return a specific error for a refused login; the original one if it is not about the login."""
    if error.reason is VaultFailure.CLAIM:
        return _claimed(login, credential, error.claim)
    if error.reason is VaultFailure.NO_ROLE:
        return _about(login, VaultFailure.NO_ROLE, "has no such role", "check `role` and `auth_mount` of [vault]")
    if error.reason is VaultFailure.WRAPPING:
        plain = _SECRET_ID.fullmatch(credential.reveal())
        return VaultError.because(VaultFailure.UNWRAPPED if plain else VaultFailure.WRAPPING)
    if error.reason in _NOT_OURS:
        hint = "check `auth_mount`, `role` and `credential` of [vault], and a path in its address"
        if login.method in {LoginMethod.JWT, LoginMethod.KUBERNETES}:
            hint += f"; `bao read auth/{login.path}/role/{_shown(login.role)}` shows what the role is bound to"
        return _about(login, VaultFailure.LOGIN, "does not accept this login, or does not exist", hint)
    return error


def _claimed(login: Login, credential: Secret, claim: str) -> VaultError:
    found = _claims(credential)
    role = f"the role {_shown(login.role)} of auth/{login.path}"
    if claim in _TIMES:
        return VaultError(
            f"{role} refuses the job's identity: {_TIMES[claim]} (claim {claim})",
            hint="check both machines' clocks; an identity is valid for minutes only: use one that was issued to "
            "this job just now",
            reason=VaultFailure.CLAIM,
        )
    seen = f"this job has {_value(found[claim])}" if claim in found else "the job's identity has no such claim"
    bound = _BOUND.get(claim, f"bound_claims.{claim}")
    where = f"auth/{login.path}/config" if claim == "iss" else f"auth/{login.path}/role/{_shown(login.role)}"
    return VaultError(
        f"{role} expects another value of the claim {claim}: {seen}",
        hint=f"`bao read {where}` shows what it expects: {bound}; start the right job, or change the role",
        reason=VaultFailure.CLAIM,
        claim=claim,
    )


def _about(login: Login, reason: VaultFailure, what: str, hint: str) -> VaultError:
    role = f" with the role {_shown(login.role)}" if login.method in {LoginMethod.JWT, LoginMethod.KUBERNETES} else ""
    return VaultError(f"the vault's login method auth/{login.path}{role} {what}", hint=hint, reason=reason)


def _claims(identity: Secret) -> dict[str, Any]:
    """Return a JWT's claims, empty if it is not a JWT. The server verifies the signature."""
    try:
        middle = identity.reveal().split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _value(found: Any) -> str:
    texts = found if isinstance(found, list) else [found]
    return _shown(", ".join(str(each) for each in texts if isinstance(each, (str, int, bool))) or "something else")


def _shown(text: str) -> str:
    return safe_text(text, one_line=True, limit=_MOST)
