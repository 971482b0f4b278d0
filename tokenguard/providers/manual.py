"""A provider without API calls: a person creates and revokes tokens, and confirms it."""

from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.ports.clock import Clock
from tokenguard.ports.provider import Capabilities, Guide, Method


class Manual:
    """Any service without a read-only call; a death here is asserted, never proven."""

    name = "manual"
    base_url = ""
    capabilities = Capabilities(mint=Method.PERSON, revoke=Method.PERSON, probe=False)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def guide(self) -> Guide:
        """As much as can be said without knowing the service."""
        return Guide(
            "the settings of the service that issued the token",
            create=(
                "create a token for {scope_name} with the permissions: {permissions}",
                "enter exactly this name: {label}",
                "copy the value",
            ),
            revoke=("find the token named {label} ({hint}) for {scope_name}", "revoke or delete it"),
        )

    def probe(self, value: Value, expected: Scope | None) -> Observation:  # noqa: ARG002 - the port's signature
        """Always unknown: there is nothing to ask."""
        return Observation(verdict=Verdict.UNKNOWN, at=self._clock.now(), reason="no-probe")

    def warnings(self, value: Value) -> tuple[str, ...]:  # noqa: ARG002 - the port's signature
        """None: no shape is expected."""
        return ()
