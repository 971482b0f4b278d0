"""Is a token alive? Three answers, and what each of them rests on.

Unknown is neither dead nor alive: only an explicit 401 is a sample of death, 402 and 403 prove that the token
still authenticates, and everything else (429, 5xx, 404, a redirect, HTML, a timeout) says nothing.
"""

from datetime import datetime, timedelta
from enum import StrEnum, unique

from tokenguard.domain.scope import Scope
from tokenguard.frozen import Frozen


@unique
class Verdict(StrEnum):
    """What one probe says of a token."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


@unique
class ScopeVerdict(StrEnum):
    """What one probe says of where the token leads, against what the record expects."""

    RIGHT = "right"
    WRONG = "wrong"
    UNVERIFIED = "unverified"


class Observation(Frozen, frozen=True, kw_only=True):
    """One look at a token through its provider."""

    verdict: Verdict
    at: datetime
    reason: str
    """A short code from a closed list of the provider's own making (`http-200`, `timeout`, `html`); no foreign text."""
    scope: Scope | None = None
    """Where the token leads, when the provider said so."""
    scope_name: str = ""
    """Display name of that scope, as the provider wrote it (outside text)."""
    scope_verdict: ScopeVerdict = ScopeVerdict.UNVERIFIED
    retry_after: float | None = None
    """Seconds the provider asked us to wait and was not waited for: it refused too often, or asks for too long."""


@unique
class DeathGrade(StrEnum):
    """How strong a proof of death is."""

    PROVISIONAL = "provisional"
    """Dead over the provider's whole death window; later probes are still due."""
    CONFIRMED = "confirmed"
    """Still dead at the later probes."""
    ASSERTED = "asserted"
    """A person said so and the provider offers no probe: never proven."""


class DeathProof(Frozen, frozen=True, kw_only=True):
    """Why a token is held to be dead."""

    grade: DeathGrade
    first_at: datetime
    last_at: datetime
    samples: int
    control: bool
    """Another live token of the same provider was accepted in the same window, so it was not an outage."""
    said_by: str = ""
    """Who asserted it, for `asserted`."""


class DeathWindow(Frozen, frozen=True, kw_only=True):
    """What a provider demands before dead means dead."""

    length: timedelta
    samples: int = 3
    confirm_after: timedelta = timedelta(hours=24)
    """After this long a last probe turns a provisional proof into a confirmed one."""

    @classmethod
    def of(cls, revoke_lag: timedelta, floor: timedelta, confirm_after: timedelta) -> "DeathWindow":
        """The window of design: the longer of twice the provider's revoke lag and the floor."""
        return cls(length=max(2 * revoke_lag, floor), confirm_after=confirm_after)
