"""Verdicts on a token's liveness, and proofs of its death.

Unknown is neither dead nor alive: only an explicit 401 is a sample of death, 402 and 403 prove that the token
still authenticates, and everything else (429, 5xx, 404, a redirect, HTML, a timeout) says nothing.
"""

from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from tokenguard.domain.scope import Scope
from tokenguard.frozen import Frozen


@unique
class Verdict(StrEnum):
    """The result of one probe."""

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
    """One observation of a token through its provider."""

    verdict: Verdict
    at: datetime
    reason: str
    """A short code from a fixed list in the adapter (`http-200`, `timeout`, `html`); never text from outside."""
    scope: Scope | None = None
    """The scope of the token, if the provider reported it."""
    scope_name: str = ""
    """Display name of that scope, as the provider wrote it (outside text)."""
    scope_verdict: ScopeVerdict = ScopeVerdict.UNVERIFIED
    retry_after: float | None = None
    """Seconds that the provider asked to wait, if tokenguard did not wait: too many refusals, or too long a wait."""

    @property
    def explained(self) -> str:
        """The reason, and how long the provider asks to wait."""
        wait = round(self.retry_after or 0)  # 0: also of a date that has passed
        return f"{self.reason}; it asks to wait {wait:,} s" if wait else self.reason


@unique
class DeathGrade(StrEnum):
    """How strong a proof of death is."""

    PROVISIONAL = "provisional"
    """Refused over the provider's whole death window, with a control; a later look is still due."""
    CONFIRMED = "confirmed"
    """Refused over a whole window again, later, with a control."""
    UNPROVEN = "unproven"
    """Refused, but with no control: an outage that refuses every credential looks the same."""
    ASSERTED = "asserted"
    """Stated by a person or by the provider's answer to the revoke, but not proven."""


@unique
class DeathControl(StrEnum):
    """The evidence that a refusal is not an outage that refuses every credential."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105 - a word, not a value
    """Another token was accepted by the same host in the same window."""
    ADMIN = "admin"
    """The admin credential was accepted by the same host in the same window."""
    LIST = "list"
    """The provider's own list, read to its end, holds what is known to live and lacks this id."""


class DeathProof(Frozen, frozen=True, kw_only=True):
    """The evidence for a token's death."""

    grade: DeathGrade
    first_at: datetime
    last_at: datetime
    samples: int
    control: bool
    """Whether there was a control in the same window, so that it was not an outage."""
    controlled_by: DeathControl = DeathControl.NONE
    """Which control; versions that supported only another token left it out."""
    said_by: str = ""
    """Who asserted it, for `asserted`."""
    accepted: bool = False
    """Whether the policy accepts an assertion here."""

    def __post_init__(self) -> None:
        """Read what earlier versions wrote: a death that they recorded without a control is unproven."""
        if self.grade in {DeathGrade.PROVISIONAL, DeathGrade.CONFIRMED} and not self.control:
            msgspec.structs.force_setattr(self, "grade", DeathGrade.UNPROVEN)
        if self.control and self.controlled_by is DeathControl.NONE:
            msgspec.structs.force_setattr(self, "controlled_by", DeathControl.TOKEN)

    @property
    def proven(self) -> bool:
        """Whether the proof rests on refusals with a control, not on a statement or on refusals alone."""
        return self.grade in {DeathGrade.PROVISIONAL, DeathGrade.CONFIRMED}

    @property
    def words(self) -> str:
        """In a few words: `confirmed`, `asserted by ada`, `unproven: …`."""
        if self.grade is DeathGrade.ASSERTED:
            return f"asserted by {self.said_by or 'an unnamed person'}"
        if self.grade is DeathGrade.UNPROVEN:
            return "unproven: there was no control" if self.samples else "unproven: there was no clear answer"
        return self.grade.value


class DeathWindow(Frozen, frozen=True, kw_only=True):
    """The number and duration of refusals that prove a token of a provider dead."""

    length: timedelta
    samples: int = 3
    confirm_after: timedelta = timedelta(hours=24)
    """After this long a last probe turns a provisional proof into a confirmed one."""

    @classmethod
    def of(cls, revoke_lag: timedelta, floor: timedelta, confirm_after: timedelta) -> "DeathWindow":
        """The window of design: the longer of twice the provider's revoke lag and the floor."""
        return cls(length=max(2 * revoke_lag, floor), confirm_after=confirm_after)
