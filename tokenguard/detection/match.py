"""What detection hands on: where something was found, what it is, and the value, which is never shown."""

from enum import Flag, StrEnum, auto, unique

from tokenguard.domain.finding import FindingKind
from tokenguard.domain.secret import Secret
from tokenguard.frozen import Frozen, field


@unique
class Confidence(StrEnum):
    """How sure it is that a match is a secret that works somewhere."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@unique
class Possible(Flag):
    """What a content could hold; what is not in it need not be looked for."""

    NOTHING = 0
    OWN = auto()
    """Tokens of the team's own."""
    SHAPES = auto()
    """Vendors' tokens and all else that is told by how it looks."""
    RULES = auto()
    """What detect-secrets' rules or the team's find."""
    ASSIGNMENTS = auto()
    ANYTHING = OWN | SHAPES | RULES | ASSIGNMENTS


class TextMatch(Frozen, frozen=True, kw_only=True):
    """One hit in one text."""

    kind: FindingKind
    type: str
    line: int
    """Counts from 1."""
    column: int
    """Counts from 1, in characters; 1 where the line was rebuilt and the place within it is not known."""
    value: Secret
    """What the rule took for the secret. For parity with detect-secrets it may be a part of the token only."""
    whole: Secret
    """The whole token, as far as it can be told; baselines know it by this."""
    written: Secret | None = None
    """How it stands in the file, from `line` on, where that is not the value itself."""
    confidence: Confidence = Confidence.HIGH
    reasons: tuple[str, ...] = ()
    """Why it is believed or not, where it has no vendor: what weighs most first; never a value."""
    facts: dict[str, str] = field(default_factory=dict)
    """Short facts under fixed keys (`confidence`, `lifetime`, `via`, `token`, `state`); never a value."""


class Unscanned(Frozen, frozen=True, kw_only=True):
    """What had to be given up, from a line on: a hostile one, on which a stage ran out of what it may use."""

    line: int
    reason: str


class LeftOut(Frozen, frozen=True, kw_only=True):
    """A candidate of a rule that the run's profile does not report."""

    line: int
