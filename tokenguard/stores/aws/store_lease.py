"""The runner lease of a store, kept in a tag of the store's own secret.

Advisory lease only. Correctness rests on moving the staging label; the lease avoids concurrent label moves, whose
linearizability AWS does not document.
"""

import contextlib

from tokenguard.clients.aws.secrets import Secrets, tags_in
from tokenguard.errors import Conflict, Unreachable
from tokenguard.rotation.lease import PATIENCE, is_runner_dead_or_earlier

_RUNNER = "tg:runner"
_RENEWED_AFTER = 40.0
"""Seconds of the machine's own count, as the end of a lease is: a wall clock set back meanwhile lets none end early."""


class StoreLease:
    """The lease of one runner on a store.

    Args:
        secrets: client for the store.
        header: the store's own secret.
    """

    def __init__(self, secrets: Secrets, header: str) -> None:
        self._secrets = secrets
        self._header = header
        self._holder = ""
        self._since: float | None = None
        self._ahead = 0.0
        """By how many seconds the wall clock is ahead of the machine's own count, as at its latest."""

    def acquire(self, holder: str) -> None:
        """Acquire the lease as `host/pid/nonce`; Conflict if another runner holds it."""
        other = self._other(holder)
        if other:
            raise Conflict(
                f"another runner is working on this store ({other})",
                hint="run this again when it has finished, or use `tokenguard rotate --concurrent`",
            )
        self._holder = holder
        self._write_lease()

    def renew(self) -> None:
        """Renew the lease if it is due."""
        if self._since is not None and self._secrets.clock.monotonic() - self._since > _RENEWED_AFTER:
            self._write_lease()

    def release(self) -> None:
        """Release the lease."""
        if self._since is not None:
            self._since = None
            # otherwise the lease expires
            with contextlib.suppress(Unreachable):
                self._secrets.untag(self._header, [_RUNNER])

    def _write_lease(self) -> None:
        clock = self._secrets.clock
        self._ahead = max(self._ahead, clock.now().timestamp() - clock.monotonic())
        until = int(clock.monotonic() + self._ahead + PATIENCE.total_seconds())
        self._since = clock.monotonic()  # set first: a tag whose reply is lost must be removed, too
        self._secrets.tag(self._header, {_RUNNER: f"{until}:{self._holder}"[:256]})

    def _other(self, holder: str) -> str:
        """Return the id of another active runner; empty if there is none."""
        written = tags_in(self._secrets.describe(self._header) or {}).get(_RUNNER, "")
        until, _, other = written.partition(":")
        if not until.isdecimal() or int(until) < self._secrets.clock.now().timestamp() or other == holder:
            return ""
        return "" if is_runner_dead_or_earlier(other) else other
