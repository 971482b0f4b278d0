"""The hosts that this runner may hand values to, each with its own credential; and how they are asked.

A credential is only ever sent to the host that the configuration names it for. What a host answers is never quoted.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

from tokenguard.domain.secret import Secret
from tokenguard.domain.token import Consumer
from tokenguard.errors import InputError, Unreachable
from tokenguard.http.address import Address
from tokenguard.http.answer import Answer, Failure
from tokenguard.http.client import Client, Credential, Network, Request
from tokenguard.http.pacing import backoff, too_long
from tokenguard.ports.clock import Clock

_ATTEMPTS = 4
_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """`[destinations."HOST"]` of the runner's configuration."""

    credential: Callable[[], Secret]
    """Asked when it is needed; InputError if it is not there."""
    base: Address | None = None
    """Where the API is, if not at its usual place on the host."""
    ca_bundle: Path | None = None


class Hosts:
    """Finds the connection to a host.

    Args:
        known: by `host[:port]`.
        clock: pauses between attempts.
        proxy: for all of them; None for none.
        ca_bundle: for those that name none.
    """

    def __init__(
        self,
        known: Mapping[str, HostSettings],
        clock: Clock,
        *,
        proxy: Address | None = None,
        ca_bundle: Path | None = None,
    ) -> None:
        self._known = known
        self._clock = clock
        self._proxy = proxy
        self._ca_bundle = ca_bundle

    def at(self, host: str, *, path: str = "", subject: Consumer | None = None) -> "Host":
        """The host, its API being below `path` unless configured otherwise; InputError if it is not configured.

        `subject`: of several consumers at one host, the one that errors are about.
        """
        settings = self._known.get(host)
        if settings is None:
            raise InputError(
                f"this machine's configuration has no credential for {host}",
                hint=f'add [destinations."{host}"] with credential = "env:VARIABLE" or "file:PATH"',
            )
        base = settings.base or Address.parse(f"https://{host}{path}", what=f"address of {host}")
        network = Network(proxy=self._proxy, ca_bundle=settings.ca_bundle or self._ca_bundle)
        about = f"{subject}: {host}" if subject is not None else host
        return Host(about, Client(base, self._clock, network), settings.credential(), self._clock)


class Host:
    """One host, with our credential there."""

    def __init__(self, subject: str, client: Client, credential: Secret, clock: Clock) -> None:
        self._subject = subject
        self._client = client
        self._credential = credential
        self._clock = clock

    @property
    def subject(self) -> str:
        """How errors begin: the host, and the target there if one is meant."""
        return self._subject

    def undocumented(self) -> Unreachable:
        """The error of an answer that is not what the vendor's reference says; nothing of it is quoted."""
        return Unreachable(
            f"{self._subject} does not answer as documented",
            hint="check the address in [destinations], and the proxy",
        )

    def ask(self, request: Request, *, expected: Collection[int] = (HTTPStatus.OK,)) -> Answer:
        """The answer, of one of the `expected` statuses. Everything asked here is safe to repeat, and is.

        Raises:
            Unreachable: no such answer; which status it was is said, and what may help.
        """
        request = replace(request, credential=Credential(secret=self._credential))
        attempt = 1
        while True:
            outcome = self._client.send(request)
            if isinstance(outcome, Failure):
                raise Unreachable(
                    f"{self._subject} gave no usable answer ({outcome.cause})",
                    hint="check the network, the proxy and the CA bundle; then try again, or resume",
                )
            if outcome.status in expected and not outcome.html:
                return outcome
            wait = _pause(outcome, attempt)
            if wait is None:
                raise Unreachable(f"{self._subject} answered with http status {outcome.status}", hint=_hint(outcome))
            self._clock.sleep(wait)
            attempt += 1


def _pause(answer: Answer, attempt: int) -> float | None:
    """Seconds until asking again helps; None if it does not."""
    limited = answer.status == HTTPStatus.FORBIDDEN and answer.retry_after is not None  # GitHub's secondary limit
    if attempt == _ATTEMPTS or not (answer.status in _BUSY or limited):
        return None
    if too_long(answer.retry_after):
        return None
    return answer.retry_after if answer.retry_after is not None else backoff(attempt)


def _hint(answer: Answer) -> str:
    if answer.retry_after is not None and too_long(answer.retry_after):
        return f"it asks to wait {answer.retry_after:,.0f} s; try again then, or resume"
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return "its credential in [destinations] is not accepted: it may have expired"
        case HTTPStatus.FORBIDDEN:
            return "its credential in [destinations] may not do this; docs/deliveries.md says what it needs"
        case HTTPStatus.NOT_FOUND:
            return "it does not exist, or the credential may not read it: check the spelling and the permissions"
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY:
            return "the host rejected the value's format"
        case _:
            return "try again later, or resume"
