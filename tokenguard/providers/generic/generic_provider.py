"""A provider that behaves as its file says."""

from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.names import LABEL_LIMIT
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.http.answer import Answer, Outcome
from tokenguard.http.client import Credential, Request
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Capabilities, Guide, Issuer, Method
from tokenguard.providers.connecting import connect
from tokenguard.providers.generic.description import Description, Probe
from tokenguard.providers.generic.issuer import GenericIssuer
from tokenguard.providers.probe_result import Reading, compare, scope_of
from tokenguard.providers.provider_settings import ProviderSettings, patience
from tokenguard.providers.token_listing import identifier, short_text


class Generic:
    """A described provider at one address."""

    def __init__(self, description: Description, settings: ProviderSettings, clock: Clock) -> None:
        self._description = description
        self._client = connect(settings, description.base_url, clock)
        self._clock = clock
        self._patience = patience(self._client.base, settings.death_floor or description.death_floor)

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
            revoke=Method.PERSON if said.revoke is None else Method.API,
            probe=said.probe is not None,
            lists=said.rows is not None,
            verifies_scope=said.probe is not None and said.probe.scope is not None,
            scope_kind=said.scope_kind,
            kind=said.kind,
            overlap=said.overlap,
            revoke_lag=said.revoke_lag,
            activate_lag=said.activate_lag,
            death_floor=self._patience.floor,
            confirm_after=said.confirm_after or self._patience.confirm_after,
            max_active=said.max_active,
            label_limit=said.label_limit or LABEL_LIMIT,
            last_used=said.rows is not None and "last_used" in said.rows.more,
            pause=said.pause,
            list_lag=self._patience.floor if said.list_lag is None else said.list_lag,
        )

    def guide(self) -> Guide:
        """The words of the file."""
        return self._description.guide

    def issuer(self, admin: Value) -> Issuer | None:
        """Bound to the admin credential; None where nothing is revoked by API."""
        if self._description.rows is None or self._description.revoke is None:
            return None
        return GenericIssuer(self._description, self._client, self._clock, admin)

    def warnings(self, value: Value) -> tuple[str, ...]:
        """Whether it differs from the shape in the file."""
        shape = self._description.shape
        if shape is None or shape.fits(value.token.reveal()):
            return ()
        return (f"it does not have the shape that is described for {self.name}; the provider decides",)

    def probe(self, value: Value, expected: Scope | None) -> Observation:
        """The probe of the file, if there is one."""
        at, said = self._clock.now(), self._description.probe
        if said is None:
            return Observation(verdict=Verdict.UNKNOWN, at=at, reason="no-probe")
        auth = self._description.auth
        credential = Credential(secret=value.token, header=auth.header, prefix=auth.prefix)
        request = Request(path=said.route.fill({}), query=said.query, credential=credential)
        reading = read(self._client.send(request), said)
        scope = None
        if said.scope is not None and reading.tree is not None:
            scope = scope_of(self._description.scope_kind, identifier(said.scope.find(reading.tree)))
            if scope is None:
                reading = Reading(verdict=Verdict.UNKNOWN, reason="schema")
        named = said.scope_name.find(reading.tree) if said.scope_name is not None else None
        return Observation(
            verdict=reading.verdict,
            at=at,
            reason=reading.reason,
            scope=scope,
            scope_name=short_text(named),
            scope_verdict=compare(scope, expected),
            retry_after=reading.retry_after,
        )


def read(outcome: Outcome, said: Probe) -> Reading:
    """Apply the statuses of the file; a page for people says nothing, and alive needs a JSON object."""
    if not isinstance(outcome, Answer):
        return Reading(verdict=Verdict.UNKNOWN, reason=str(outcome.cause))
    reason = "html" if outcome.html else f"http-{outcome.status}"
    verdict, tree = Verdict.UNKNOWN, outcome.json_object()
    if not outcome.html and outcome.status in said.dead:
        verdict = Verdict.DEAD
    elif not outcome.html and outcome.status in said.alive:
        verdict, reason = (Verdict.UNKNOWN, "schema") if tree is None else (Verdict.ALIVE, reason)
    return Reading(
        verdict=verdict,
        reason=reason,
        status=outcome.status,
        retry_after=outcome.retry_after,
        tree=tree if verdict is Verdict.ALIVE and outcome.ok else None,
    )
