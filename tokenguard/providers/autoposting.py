"""Autoposting: scoped keys of one organisation, made and revoked by API with an admin credential."""

import re
from datetime import timedelta

from tokenguard.documents import JsonTree
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import CredentialKind
from tokenguard.errors import InputError
from tokenguard.http.client import Credential, Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Capabilities, Guide, Issuer, Method
from tokenguard.providers.autoposting_issuer import LISTS, SESSION_VARIABLE, AutopostingIssuer, looks_like_session
from tokenguard.providers.connecting import connect
from tokenguard.providers.probe_result import Reading, compare, read, scope_of
from tokenguard.providers.provider_settings import ProviderSettings, patience
from tokenguard.providers.route import Route

BASE_URL = "https://app.autoposting.ai/api-proxy"
SCOPE_KIND = "org"
REVOKE_ROUTE = "DELETE /api-keys/{id}"
_SHAPE = re.compile(r"sk-social-[A-Za-z0-9]{32,128}", re.ASCII)


class Autoposting:
    """The Autoposting API at one address."""

    name = "autoposting"

    def __init__(self, settings: ProviderSettings, clock: Clock) -> None:
        self._client = connect(settings, BASE_URL, clock)
        self._clock = clock
        self._patience = patience(self._client.base, settings.death_floor)
        self._revoke_route = Route.parse(settings.revoke_route or REVOKE_ROUTE, fields=("id",))
        if (paging := settings.paging or "offset") not in LISTS:
            raise InputError(
                f"[providers.autoposting] paging must be one of {', '.join(LISTS)}",
                hint="without this setting, tokenguard uses the documented paging (offset)",
            )
        self._paging = LISTS[paging]

    @property
    def base_url(self) -> str:
        """Its address."""
        return str(self._client.base)

    @property
    def capabilities(self) -> Capabilities:
        """Unattended: everything by API."""
        return Capabilities(
            mint=Method.API,
            revoke=Method.API,
            probe=True,
            lists=True,
            verifies_scope=True,
            scope_kind=SCOPE_KIND,
            kind=CredentialKind.API_KEY,
            revoke_lag=timedelta(0),  # documented: "revocation is instant and permanent"
            death_floor=self._patience.floor,
            confirm_after=self._patience.confirm_after,
            last_used=True,
            list_lag=self._patience.floor,  # documented nowhere: as long as a death is looked at
        )

    def issuer(self, admin: Value, _scope: Scope | None) -> Issuer:
        """Makes and revokes keys with the admin credential; its list holds those of all scopes."""
        return AutopostingIssuer(self._client, self._clock, admin, self._revoke_route, self._paging)

    def guide(self) -> Guide:
        """For a runner without an admin credential."""
        base = self._client.base
        return Guide(
            str(base) if base.loopback else "https://app.autoposting.ai > Settings > API keys",
            create=(
                "open the organisation {scope_name} and create an API key",
                "enter exactly this name: {label}",
                "grant it these scopes and no others: {permissions}",
                "copy the key: it is shown only this once",
            ),
            revoke=("open the organisation {scope_name}", "find the API key named {label} ({hint}) and revoke it"),
        )

    def warnings(self, value: Value) -> tuple[str, ...]:
        """Whether it differs from `sk-social-` and 32 to 128 letters or digits."""
        if _SHAPE.fullmatch(value.token.reveal()):
            return ()
        if looks_like_session(value):
            return (
                f"it looks like a person's session, which expires: use it for one run in {SESSION_VARIABLE} instead",
            )
        return ("it does not look like an Autoposting key (sk-social-...); Autoposting decides whether it is valid",)

    def probe(self, value: Value, expected: Scope | None) -> Observation:
        """Ask `GET /auth/profile`, which names the organisation."""
        at = self._clock.now()
        request = Request(path=("auth", "profile"), credential=Credential(secret=value.token))
        reading = read(self._client.send(request))
        scope = None
        if reading.tree is not None:
            scope = scope_of(SCOPE_KIND, _profile(reading.tree).get("orgId"))
            if scope is None:
                reading = Reading(verdict=Verdict.UNKNOWN, reason="schema")
        return Observation(
            verdict=reading.verdict,
            at=at,
            reason=reading.reason,
            scope=scope,
            scope_verdict=compare(scope, expected),
            retry_after=reading.retry_after,
        )


def _profile(tree: dict[str, JsonTree]) -> dict[str, JsonTree]:
    # seen both with and without the envelope that the documentation describes
    data = tree.get("data")
    return data if isinstance(data, dict) else tree
