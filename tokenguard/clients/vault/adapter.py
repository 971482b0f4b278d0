"""hvac's adapter on our session: an answer is a JSON object of a successful status, or it is an error of ours."""

import json
from typing import Any

from hvac.adapters import Adapter

from tokenguard.clients.vault.http_session import Answered, HardenedSession
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure, claim_in, is_by_policy, reason_of
from tokenguard.domain.secret import Secret

Json = dict[str, Any]
_OF_THE_SERVER = frozenset({"/v1/sys/health"})
"""Answered outside every namespace only."""
_ONLY_OF_A_VAULT = frozenset(
    {
        VaultFailure.ABSENT, VaultFailure.DENIED, VaultFailure.REFUSED, VaultFailure.UNSUPPORTED, VaultFailure.SEALED,
        VaultFailure.UNINITIALISED, VaultFailure.SERVER,
    }
)  # fmt: skip
"""What an answer means only if it has the JSON body that a vault gives it."""
_READS = frozenset({"GET", "LIST"})


class HardenedAdapter(Adapter):  # type: ignore[misc]  # hvac carries no types
    """Sends what hvac's API classes ask for. The login token stays in a Secret until the header is written.

    A read carries the index of the last write: a standby that lags behind it refuses the read (429, 412), so that a
    client always reads its own writes, from any node.
    """

    session: HardenedSession

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.credential: Secret | None = None
        self._index = ""

    def get_login_token(self, response: Json) -> str:  # noqa: ARG002 - hvac's signature
        """Unused: logins keep their token in a Secret (`login.py`)."""
        return ""

    def request(self, method: str, url: str, headers: Any = None, raise_exception: bool = True, **options: Any) -> Json:  # noqa: ARG002, FBT001, FBT002 - hvac's signature
        """One request; VaultError unless the server answered it with success."""
        sent = {**(headers or {}), "X-Vault-Request": "true"}
        if self.credential is not None:
            sent["X-Vault-Token"] = self.credential.reveal()
        if self.namespace and url not in _OF_THE_SERVER:
            sent["X-Vault-Namespace"] = self.namespace
        if self._index and method.upper() in _READS and url not in _OF_THE_SERVER:
            sent["X-Vault-Index"] = self._index
        given = {name: options[name] for name in ("json", "params") if options.get(name) is not None}
        answer = self.session.ask(method.upper(), self.urljoin(self.base_uri, url), headers=sent, **given)
        self._index = answer.index or self._index
        return _object(answer)


def _object(answer: Answered) -> Json:
    errors = _errors(answer)
    reason = reason_of(answer.status, errors)
    if reason in _ONLY_OF_A_VAULT and _json(answer) is None:  # a portal's or a proxy's: it says nothing of the vault
        reason = VaultFailure.GATEWAY if answer.status >= 500 else VaultFailure.MALFORMED  # noqa: PLR2004 - HTTP
    gone = _version_that_is_gone(answer) if reason is VaultFailure.ABSENT else None
    if gone is not None:
        raise VaultError.because(VaultFailure.DELETED, version=gone)
    if reason is not None:
        raise VaultError.because(
            reason, retry_after=answer.retry_after, claim=claim_in(errors), by_policy=is_by_policy(errors)
        )
    if answer.status == 204:  # noqa: PLR2004 - HTTP
        return {}
    found = _json(answer)
    if found is None or found.get("errors"):
        raise VaultError.because(VaultFailure.MALFORMED)  # an error inside a success is not a success
    return found


def _json(answer: Answered) -> Json | None:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _errors(answer: Answered) -> str:
    if answer.status < 400:  # noqa: PLR2004 - HTTP
        return ""
    errors = (_json(answer) or {}).get("errors")
    return " ".join(map(str, errors)) if isinstance(errors, list) else ""


def _version_that_is_gone(answer: Answered) -> int | None:
    """The number of the deleted version that an answer is about (0: it does not say); None: it is about none."""
    data = (_json(answer) or {}).get("data")
    about = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(about, dict):
        return None
    version = about.get("version")
    return version if isinstance(version, int) else 0
