"""One runner at a time, as long as nobody says otherwise: who is at work stands in a tag of the store's own secret.

This is courtesy, not the fence: the fence is the label. It keeps two runners from leaning on moves of labels whose
linearizability AWS does not document.
"""

import contextlib
from datetime import datetime, timedelta

from tokenguard.clients.aws.secrets import Secrets, tags_in
from tokenguard.errors import Conflict, Unreachable
from tokenguard.rotation.lease import PATIENCE, is_runner_dead_or_earlier

_RUNNER = "tg:runner"
_RENEWED_AFTER = timedelta(seconds=40)


class StoreLease:
    """This process's turn on a store.

    Args:
        secrets: reaches the store.
        header: the store's own secret.
    """

    def __init__(self, secrets: Secrets, header: str) -> None:
        self._secrets = secrets
        self._header = header
        self._holder = ""
        self._since: datetime | None = None

    def acquire(self, holder: str) -> None:
        """Begin, as `host/pid/nonce`; Conflict if another runner is at work."""
        other = self._other(holder)
        if other:
            raise Conflict(
                f"another runner is at work on this store ({other})",
                hint="run this again when it has ended; `tokenguard rotate --concurrent` works beside it",
            )
        self._holder = holder
        self._write_lease()

    def renew(self) -> None:
        """Say that we are still at work, if it is time to."""
        if self._since is not None and self._secrets.clock.now() - self._since > _RENEWED_AFTER:
            self._write_lease()

    def release(self) -> None:
        """Let the next one in."""
        if self._since is not None:
            self._since = None
            # otherwise the lease ends by itself
            with contextlib.suppress(Unreachable):
                self._secrets.untag(self._header, [_RUNNER])

    def _write_lease(self) -> None:
        now = self._secrets.clock.now()
        until = int((now + PATIENCE).timestamp())
        self._since = now  # before: a signature whose reply is lost has to be taken back, too
        self._secrets.tag(self._header, {_RUNNER: f"{until}:{self._holder}"[:256]})

    def _other(self, holder: str) -> str:
        """Who else is at work; empty if nobody."""
        written = tags_in(self._secrets.describe(self._header) or {}).get(_RUNNER, "")
        until, _, other = written.partition(":")
        if not until.isdecimal() or int(until) < self._secrets.clock.now().timestamp() or other == holder:
            return ""
        return "" if is_runner_dead_or_earlier(other) else other
