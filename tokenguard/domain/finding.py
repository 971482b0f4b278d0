"""Scan results: findings and skipped content. Hold positions and keyed tags, never a byte of a value."""

from enum import StrEnum, unique

from tokenguard.domain.profile import Profile
from tokenguard.frozen import Frozen, field


@unique
class FindingKind(StrEnum):
    """How a finding was made."""

    OWN = "own"
    """A token of the team's own inventory, known by its fingerprint."""
    RULE = "rule"
    """What detect-secrets finds, under its own name for it."""
    EXTRA = "extra"
    """What detect-secrets drops or does not know."""


class Origin(Frozen, frozen=True, kw_only=True):
    """The commit in which something appeared first."""

    commit: str
    author_date: str
    """ISO 8601, as git gives it."""


class Finding(Frozen, frozen=True, kw_only=True):
    """One leak at one place."""

    kind: FindingKind
    type: str
    path: str
    """As git or the walk gave it (outside text)."""
    line: int
    column: int
    tag: str = ""
    """32 hex digits that tell two tokens apart: keyed by the baseline's salt, or by a random key for one run."""
    facts: dict[str, str] = field(default_factory=dict)
    """Short facts under fixed keys; never a value."""
    origin: Origin | None = None

    @property
    def place(self) -> tuple[str, int, int, str]:
        """The order in which findings are shown."""
        return (self.path, self.line, self.column, self.type)


class SkippedContent(Frozen, frozen=True, kw_only=True):
    """Content that was not scanned, or not by all detectors."""

    path: str
    reason: str
    """A short code from a closed list of ours (`too-large`, `not-a-file`, `hostile-line`)."""
    line: int = 0


class Report(Frozen, frozen=True, kw_only=True):
    """One run of the scanner."""

    files: int
    bytes: int
    findings: tuple[Finding, ...] = ()
    skipped: tuple[SkippedContent, ...] = ()
    waived: tuple[Finding, ...] = ()
    """Live tokens of the team that are covered by a waiver signed by the publisher."""
    suppressed: int = 0
    """Findings that the baseline knows."""
    allowed: int = 0
    """Lines silenced by an `allowlist secret` comment."""
    left_out: int = 0
    """Lines with candidates that the profile does not report."""
    excluded: int = 0
    """Files in which a repository's settings leave nothing but known tokens to search for."""
    disabled: int = 0
    """Findings of kinds that a repository's settings disable."""
    strict: bool = False
    """Whether comments silence no vendor's format."""
    profile: Profile = Profile.DEFAULT
    notes: tuple[str, ...] = ()
    """Notes about the run itself, for example that known tokens were not searched."""
