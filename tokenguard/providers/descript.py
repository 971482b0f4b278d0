"""Descript: one token, one Drive; made and revoked by hand in Settings; probed with GET requests only.

There is no API for tokens. `GET /projects?limit=1` decides whether a token is alive, since its answer is documented
and cannot be had without one; `GET /status` is documented as not available yet and only used for what it may add.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tokenguard.domain.liveness import Observation, ScopeVerdict, Verdict
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import CredentialKind
from tokenguard.http.client import Credential, Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Capabilities, Guide, Method
from tokenguard.providers.connecting import connect
from tokenguard.providers.probe_result import Reading, compare, read, scope_of
from tokenguard.providers.provider_settings import ProviderSettings, patience

BASE_URL = "https://descriptapi.com/v1"
SCOPE_KIND = "drive"
_JOB_AGE = timedelta(days=29)  # the API lists jobs of the last 30 days at most
_NOT_FOUND = "http-404"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SHAPE = re.compile(rf"dx_bearer_{_UUID}:dx_secret_{_UUID}", re.ASCII)
_SETTINGS = "https://web.descript.com > Settings > API tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a token leads, as far as it could be learned."""

    scope: Scope | None = None
    name: str = ""
    doubt: Reading | None = None
    """What kept us from learning it, if asking again may help."""


class Descript:
    """The Descript API at one address."""

    name = "descript"

    def __init__(self, settings: ProviderSettings, clock: Clock) -> None:
        self._client = connect(settings, BASE_URL, clock)
        self._clock = clock
        self._patience = patience(self._client.base, settings.death_floor)

    @property
    def base_url(self) -> str:
        """Its address."""
        return str(self._client.base)

    @property
    def capabilities(self) -> Capabilities:
        """Guided both ways; probed and located by API."""
        return Capabilities(
            mint=Method.PERSON,
            revoke=Method.PERSON,
            probe=True,
            verifies_scope=True,
            scope_kind=SCOPE_KIND,
            kind=CredentialKind.API_TOKEN,
            death_floor=self._patience.floor,
            confirm_after=self._patience.confirm_after,
        )

    def guide(self) -> Guide:
        """The clicks in Descript's settings, or on the sandbox's page."""
        base = self._client.base
        return Guide(
            f"{base.origin}/settings/api-tokens" if base.loopback else _SETTINGS,
            create=(
                "sign in to the account that will own the token",
                "open Settings > API tokens and choose Create token",
                "enter exactly this name: {label}",
                "choose the Drive {scope_name} ({scope}), and create the token",
                "copy the whole value, both parts and the colon between them: it is shown only this once",
            ),
            revoke=(
                "sign in to the account that owns the token",
                "open Settings > API tokens and find the token named {label} (Drive {scope_name})",
                "choose Revoke for that token and confirm",
            ),
        )

    def warnings(self, value: Value) -> tuple[str, ...]:
        """Whether it differs from `dx_bearer_UUID:dx_secret_UUID`, which is observed rather than documented."""
        if _SHAPE.fullmatch(value.token.reveal()):
            return ()
        return (
            (
                "it does not look like a Descript token (dx_bearer_UUID:dx_secret_UUID); Descript decides "
                "whether it is valid"
            ),
        )

    def probe(self, value: Value, expected: Scope | None) -> Observation:
        """Ask `GET /projects?limit=1`; if that is answered, learn the Drive from a project or a job."""
        at = self._clock.now()
        first = self._get(value, "projects", limit="1")
        place = _Place()
        if first.tree is not None:
            rows = _rows(first, "id")
            place = _Place(doubt=_unknown("schema")) if rows is None else self._locate(value, rows)
        doubt = place.doubt
        # A storm between two calls must not turn a wrong Drive into an unverified one.
        if doubt is not None and (expected is not None or not doubt.status):
            first = doubt
        return Observation(
            verdict=first.verdict,
            at=at,
            reason=first.reason,
            scope=place.scope,
            scope_name=place.name,
            scope_verdict=_judged(first, place.scope, expected),
            retry_after=first.retry_after,
        )

    def _locate(self, value: Value, projects: list[dict[str, Any]]) -> _Place:
        doubt: Reading | None = None
        for reading, row in self._witnesses(value, projects):
            if reading.verdict is Verdict.DEAD:
                return _Place(doubt=_unknown("contradiction"))  # accepted a moment ago: neither answer counts
            if scope := scope_of(SCOPE_KIND, row.get("drive_id")):
                name = row.get("drive_name")
                return _Place(scope=scope, name=name if isinstance(name, str) else "")
            if reading.verdict is Verdict.UNKNOWN and reading.reason != _NOT_FOUND:
                doubt = doubt or reading
        return _Place(doubt=doubt)

    def _witnesses(self, value: Value, projects: list[dict[str, Any]]) -> Iterator[tuple[Reading, dict[str, Any]]]:
        # `scope_of` for the grammar: an id that could leave its path segment is not asked for
        if projects and (project := scope_of("project", projects[0]["id"])) is not None:
            reading = self._get(value, "projects", project.id)
            yield reading, reading.tree or {}
        since = (self._clock.now() - _JOB_AGE).strftime("%Y-%m-%dT%H:%M:%SZ")
        reading = self._get(value, "jobs", limit="1", created_after=since)
        yield reading, next(iter(_rows(reading, "drive_id") or ()), {})
        reading = self._get(value, "status")
        if reading.tree is not None:  # documented as not available yet: only what it adds counts
            yield reading, reading.tree

    def _get(self, value: Value, *path: str, **query: str) -> Reading:
        credential = Credential(secret=value.token)
        return read(self._client.send(Request(path=path, query=tuple(query.items()), credential=credential)))


def _unknown(reason: str) -> Reading:
    return Reading(verdict=Verdict.UNKNOWN, reason=reason)


def _rows(reading: Reading, key: str) -> list[dict[str, Any]] | None:
    """The rows of a listing if every one is an object with text under `key`, otherwise None."""
    rows = (reading.tree or {}).get("data")
    if not isinstance(rows, list):
        return None
    kept = [row for row in rows if isinstance(row, dict) and isinstance(row.get(key), str)]
    return kept if len(kept) == len(rows) else None


def _judged(reading: Reading, scope: Scope | None, expected: Scope | None) -> ScopeVerdict:
    if reading.reason == "http-403" and expected is not None:
        return ScopeVerdict.WRONG  # documented as "wrong Drive": it does not give access to this one
    return compare(scope, expected)
