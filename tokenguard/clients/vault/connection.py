"""A connection to one Vault: hvac's API with safe retries, lease renewal, and a new login when needed."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import hvac

from tokenguard.clients.vault.adapter import HardenedAdapter, Json
from tokenguard.clients.vault.http_session import HardenedSession
from tokenguard.clients.vault.login import Lease, log_in, look_up, renew
from tokenguard.clients.vault.nodes import Nodes
from tokenguard.clients.vault.vault_errors import VaultError, VaultFailure
from tokenguard.clients.vault.vault_settings import VaultSettings
from tokenguard.ports.clock import Clock

_Result = TypeVar("_Result")
_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each retry: nearly eight in total for a transient failure."""
_ELECTION_PAUSES = (*_PAUSES, *(4.0,) * 6)
"""Seconds before each retry with several nodes: half a minute in total to elect a leader."""
_MADE_TO_LAST = 2 * 86_400
"""Seconds; a shorter login is made for one job."""
_RENEW_BELOW = 0.5
"""The fraction of a lease below which it is renewed."""


class VaultConnection:
    """Sends all requests to one Vault, through `call`."""

    def __init__(self, settings: VaultSettings, clock: Clock, told: Callable[[str], None] = lambda _text: None) -> None:
        self._settings = settings
        self._clock = clock
        self._told = told
        self._said = ""
        self._session = HardenedSession(settings, told)
        self._nodes = Nodes(self._session, settings.addresses)
        self._pauses = _ELECTION_PAUSES if self._nodes.several else _PAUSES
        self._client = hvac.Client(
            url=str(settings.address),
            token="",  # not None: then hvac would look for one in the environment and in the home directory
            verify=True,
            session=self._session,
            adapter=HardenedAdapter,
            namespace=settings.namespace or None,
            allow_redirects=False,
        )
        self._lease: Lease | None = None
        self._logging_in = threading.RLock()

    @property
    def settings(self) -> VaultSettings:
        """The settings of the connection."""
        return self._settings

    @property
    def asked(self) -> int:
        """The number of requests sent so far."""
        return self._session.asked

    @property
    def lease(self) -> Lease:
        """Return the current login; logs in first if there is none.

        Raises:
            VaultError: the server cannot be asked, or does not accept the credential.
        """
        with self._logging_in:
            if self._lease is None:
                self._turn_to_leader()
                self._lease = self._log_in()
            return self._lease

    @property
    def ends_in(self) -> float | None:
        """Seconds until a login that was made to last ends.

        None: it is renewed without a limit of its own, repeated, for one job, or endless.
        """
        lease = self.lease
        ends = lease.renewed_until if lease.renewable else lease.ends
        if ends is None or lease.repeatable or lease.granted < _MADE_TO_LAST:
            return None
        return ends - self._clock.monotonic()

    def call(self, work: Callable[[Any], _Result]) -> _Result:
        """Run `work` with hvac's client and retry transient failures; only for idempotent requests.

        Raises:
            VaultError: no use asking again.
        """
        self._keep_alive()
        for pause in self._pauses:
            try:
                return self._once(work)
            except VaultError as error:
                if not error.passing:
                    raise
                self._let_pass(error, pause)
        return self._once(work)

    def once(self, work: Callable[[Any], _Result]) -> _Result:
        """Run `work` without retries; for writes, whose caller checks the outcome before a retry."""
        self._keep_alive()
        return self._once(work)

    def pause(self, attempt: int, error: VaultError) -> bool:
        """Wait before attempt `attempt` (from 1) of a write; False if all attempts are used."""
        if not error.passing or attempt > len(self._pauses):
            return False
        self._let_pass(error, self._pauses[attempt - 1])
        return True

    def request(self, method: str, path: str, **options: Any) -> Json:
        """What hvac has no method for; asked again like `call`."""
        return self.call(lambda client: client.adapter.request(method, path, **options))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _once(self, work: Callable[[Any], _Result]) -> _Result:
        try:
            return work(self._client)
        except VaultError as error:
            if not self._login_is_over(error):
                raise
            if not self.lease.repeatable:
                raise VaultError.because(VaultFailure.EXPIRED) from None
        with self._logging_in:
            self._lease = self._log_in()
        return work(self._client)

    def _login_is_over(self, error: VaultError) -> bool:
        """Whether the login itself has ended: OpenBao answers a denied request and a revoked login alike."""
        if error.reason is VaultFailure.EXPIRED:
            return True
        if error.reason is not VaultFailure.DENIED:
            return False
        return self._is_refused()

    def _is_refused(self) -> bool:
        """Whether the server no longer knows the login: what it answers to any that it knows needs no policy."""
        try:
            self._client.adapter.request("get", "/v1/sys/internal/ui/mounts")
        except VaultError as other:
            return other.reason in {VaultFailure.DENIED, VaultFailure.EXPIRED}
        return False

    def _let_pass(self, error: VaultError, pause: float) -> None:
        if error.message != self._said:
            self._said = error.message
            self._told(f"{error.message}; asking again for up to {sum(self._pauses):.0f} s")
        self._clock.sleep(error.retry_after if error.retry_after is not None else pause)
        self._turn_to_leader()

    def _turn_to_leader(self) -> None:
        self._client.adapter.base_uri = str(self._nodes.find_leader())

    def _keep_alive(self) -> None:
        with self._logging_in:
            self._prolong()

    def _prolong(self) -> None:
        lease, now = self.lease, self._clock.monotonic()
        if lease.ends is None or lease.ends - now > lease.length * _RENEW_BELOW:
            return
        try:
            self._lease = renew(self._client, lease, now) if lease.renewable else self._again(lease)
        except VaultError as error:
            if error.reason not in {
                VaultFailure.DENIED,
                VaultFailure.EXPIRED,
                VaultFailure.REFUSED,
                VaultFailure.UNSEEN,
            }:
                return  # the lease still has half its life: the next call tries again
            self._lease = self._again(replace(lease, renewable=False))

    def _again(self, lease: Lease) -> Lease:
        return self._log_in() if lease.repeatable else lease

    def _log_in(self) -> Lease:
        token, repeatable = log_in(self._client, self._settings.login)
        self._client.adapter.credential = token
        try:
            return self._look_up(repeatable=repeatable)
        except VaultError as error:
            if error.reason is VaultFailure.DENIED:
                raise VaultError.because(self._why_unseen(error)) from None
            if error.reason in {VaultFailure.REFUSED, VaultFailure.ABSENT}:
                raise VaultError.because(VaultFailure.NO_ROUTE) from None
            raise

    def _why_unseen(self, denied: VaultError) -> VaultFailure:
        """Why a login may not look itself up: it never could, or it is over; if it was known then, it had one use."""
        if not self._is_refused():
            return VaultFailure.UNSEEN
        return VaultFailure.SPENT if denied.by_policy else VaultFailure.EXPIRED

    def _look_up(self, *, repeatable: bool) -> Lease:
        for _ in range(2):
            try:
                return look_up(self._client, self._clock.monotonic(), repeatable=repeatable)
            except VaultError as error:
                if error.reason is not VaultFailure.RESET:
                    raise  # a server that is down at the start is not waited for
        raise VaultError.because(VaultFailure.RESET)
