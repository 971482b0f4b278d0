"""A provider that behaves as its file says."""

from urllib.parse import urlencode

from tokenguard.documents import JsonTree
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.names import LABEL_LIMIT
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import TOKEN_FIELD, Value
from tokenguard.http.answer import Answer, Outcome
from tokenguard.http.client import Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import ByValue, Capabilities, Guide, Issuer, Method, ValueRevoker
from tokenguard.providers.connecting import connect
from tokenguard.providers.generic import request_template
from tokenguard.providers.generic.description import FORM, Description, Probe, expires
from tokenguard.providers.generic.issuer import GenericIssuer
from tokenguard.providers.generic.value_revoker import DescribedValueRevoker, admin_fields
from tokenguard.providers.probe_result import Reading, compare, scope_of
from tokenguard.providers.provider_settings import ProviderSettings, patience
from tokenguard.providers.token_listing import identifier, short_text


class Generic:
    """A described provider at one address."""

    def __init__(self, description: Description, settings: ProviderSettings, clock: Clock) -> None:
        self._description = description
        self._client = connect(settings, description.base_url, clock, description.rate)
        self._clock = clock
        self._patience = patience(self._client.base, settings.death_floor or description.delays.death_floor)

    @property
    def name(self) -> str:
        """As the file names it."""
        return self._description.name

    @property
    def base_url(self) -> str:
        """Its address."""
        return str(self._client.base)

    @property
    def capabilities(self) -> Capabilities:
        """What the file describes."""
        said = self._description
        return Capabilities(
            mint=Method.PERSON if said.create is None else Method.API,
            revoke=Method.API if said.revoke or self._by_value() is ByValue.ALWAYS else Method.PERSON,
            by_value=self._by_value(),
            replaces=said.replace is not None,
            updates=frozenset() if said.update is None else said.update.fields,
            probe=said.probe is not None,
            probes_admin=said.admin_auth == said.auth,
            lists=said.rows is not None,
            hints=said.rows is not None and "hint" in said.rows.more,
            lists_per_scope=said.lists_per_scope,
            creates_per_scope=said.creates_per_scope,
            verifies_scope=said.probe is not None and said.probe.scope is not None,
            scope_kind=said.scope_kind,
            kind=said.kind,
            overlap=said.overlap,
            revoke_lag=said.delays.revoke_lag,
            activate_lag=said.delays.activate_lag,
            death_floor=self._patience.floor,
            confirm_after=said.delays.confirm_after or self._patience.confirm_after,
            max_active=said.max_active,
            label_limit=said.label_limit or LABEL_LIMIT,
            label_punctuation=said.label_punctuation,
            label_letter_first=said.label_letter_first,
            last_used=said.rows is not None and "last_used" in said.rows.more,
            pause=said.delays.pause,
            lifetime=said.lifetime if said.create is not None else None,
            lifetime_in_place=said.lifetime if said.replace is not None and expires(said.replace) else None,
            fields=tuple(sorted(said.auth.fields | (said.create.value.keys() if said.create else set()))),
            admin_fields=tuple(sorted(admin_fields(said))),
            list_lag=self._patience.floor if said.delays.list_lag is None else said.delays.list_lag,
        )

    def guide(self) -> Guide:
        """The words of the file."""
        return self._description.guide

    def issuer(self, admin: Value, scope: Scope | None) -> Issuer | None:
        """Bound to the admin credential and a scope; None where nothing is revoked, replaced or changed by API."""
        if self._description.rows is None or not self._description.changes_by_id:
            return None
        return GenericIssuer(self._description, self._client, self._clock, admin, scope)

    def value_revoker(self, admin: Value | None) -> ValueRevoker | None:
        """Bound to the admin credential; None if the file does not describe it, or the credential is needed."""
        said = self._description.revoke_value
        needed = said is not None and said.login.uses_admin
        if said is None or (needed and admin is None):
            return None
        return DescribedValueRevoker(self._description, said, self._client, admin if needed else None)

    def _by_value(self) -> ByValue:
        said = self._description.revoke_value
        if said is None:
            return ByValue.NEVER
        return ByValue.LEAKED if said.leaked_only else ByValue.ALWAYS

    def warnings(self, value: Value) -> tuple[str, ...]:
        """Whether it differs from the shape in the file."""
        shape = self._description.shape
        if shape is None or shape.fits(value.token.reveal()):
            return ()
        return (
            f"it does not have the shape that is described for {self.name}; the provider decides whether it is valid",
        )

    def probe(self, value: Value, expected: Scope | None) -> Observation:
        """The probe of the file, if there is one."""
        at, said = self._clock.now(), self._description.probe
        if said is None:
            return Observation(verdict=Verdict.UNKNOWN, at=at, reason="no-probe")
        credentials = self._description.auth.credentials(value)
        if credentials is None:
            return Observation(verdict=Verdict.UNKNOWN, at=at, reason="incomplete-value")
        form = None
        if said.body is not None:
            form = urlencode(request_template.fill(said.body, {TOKEN_FIELD: value.token.reveal()})).encode()
        request = Request(
            method=said.route.method,
            path=said.route.fill({}),
            query=said.query,
            further=credentials,
            headers=self._description.headers,
            content=form,
            content_type=FORM,
            secrets=(value.token,),
        )
        reading, tree = read(self._client.send(request), said)
        scope = None
        if said.scope is not None and tree is not None:
            scope = scope_of(self._description.scope_kind, identifier(said.scope.find(tree)))
            if scope is None:
                reading = Reading(verdict=Verdict.UNKNOWN, reason="schema")
        named = said.scope_name.find(tree) if said.scope_name is not None else None
        return Observation(
            verdict=reading.verdict,
            at=at,
            reason=reading.reason,
            scope=scope,
            scope_name=short_text(named),
            scope_verdict=compare(scope, expected),
            retry_after=reading.retry_after,
        )


def read(outcome: Outcome, said: Probe) -> tuple[Reading, JsonTree]:
    """Apply the conditions of the file, and return the JSON of a success that says alive.

    A page for people says nothing, nor does an answer at a limit, and alive needs a JSON object or array.
    """
    if not isinstance(outcome, Answer):
        return Reading(verdict=Verdict.UNKNOWN, reason=str(outcome.cause)), None
    reason = "html" if outcome.html else f"http-{outcome.status}"
    tree = None if outcome.html else outcome.json()
    verdict = Verdict.UNKNOWN if outcome.html or outcome.limited else said.verdict(outcome.status, tree)
    if verdict is Verdict.ALIVE and not isinstance(tree, dict | list):
        verdict, reason = Verdict.UNKNOWN, "schema"
    reading = Reading(verdict=verdict, reason=reason, status=outcome.status, retry_after=outcome.retry_after)
    return reading, tree if verdict is Verdict.ALIVE and outcome.ok else None
