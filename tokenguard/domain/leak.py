"""An open leak in a record: since when, how widely exposed, where, and who reported it."""

from datetime import datetime
from enum import StrEnum, unique

from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.frozen import Frozen


@unique
class Spread(StrEnum):
    """How widely a leaked value is exposed."""

    STAGED = "staged"
    COMMITTED = "committed"
    PUSHED = "pushed"
    PUBLIC = "public"
    LOG = "log"

    @property
    def meaning(self) -> str:
        """Who may have it."""
        return _MEANING[self]

    @property
    def next_step(self) -> str:
        """What to do about the place, besides ending the token."""
        return _NEXT[self]

    def wider(self, other: "Spread") -> "Spread":
        """Return the wider of two exposures."""
        return max(self, other, key=_BY_REACH.index)


_MEANING = {
    Spread.STAGED: "in one working copy, in no commit",
    Spread.COMMITTED: "in a commit that was not pushed",
    Spread.PUSHED: "everyone who can read the repository may have it",
    Spread.PUBLIC: "anybody may have it",
    Spread.LOG: "everyone who can read the log or the output may have it",
}
_NEXT = {
    Spread.STAGED: "unstage it (`git reset -- FILE`), and read the value from the store instead",
    Spread.COMMITTED: "amend or rebase it away before the next push, and read the value from the store instead",
    Spread.PUSHED: "remove it from the file; rewriting history does not undo the leak",
    Spread.PUBLIC: "remove it; assume that it was copied within minutes, and look for its use",
    Spread.LOG: "delete or mask it where the log is kept, and put `tokenguard redact` or `exec` before it",
}
_BY_REACH = (Spread.STAGED, Spread.COMMITTED, Spread.LOG, Spread.PUSHED, Spread.PUBLIC)


class Exposure(Frozen, frozen=True, kw_only=True):
    """A leak that has not ended."""

    since: datetime
    """When the leak began, if known; otherwise when it was reported."""
    reach: Spread
    where: str = ""
    """A place, never its content."""
    by: str
    """Who reported it, as the store knows them."""
    fingerprint: Fingerprint | None = None
    """Of the value that leaked; of the live one where only the token is known."""

    def joined(self, other: "Exposure") -> "Exposure":
        """What two reports of one leak say together: the earlier time, the wider reach, the first place."""
        first = min(self, other, key=lambda each: each.since)
        return Exposure(
            since=first.since,
            reach=self.reach.wider(other.reach),
            where=first.where or self.where or other.where,
            by=self.by,
            fingerprint=self.fingerprint or other.fingerprint,
        )
