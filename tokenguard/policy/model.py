"""A policy: the known rules and their parameters, frozen and valid by construction."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum, unique

from tokenguard.domain.token import Record, RecordState
from tokenguard.frozen import Frozen, field


@unique
class Severity(StrEnum):
    """How grave a violation is."""

    ERROR = "error"
    WARNING = "warning"


class Rule(Frozen, frozen=True, kw_only=True):
    """What every rule says of itself."""

    id: str
    severity: Severity
    why: str
    source: str
    fix: str


class MaximumAge(Rule, frozen=True, kw_only=True):
    """How old a value may become, by environment, and when to begin to warn."""

    by_environment: Mapping[str, timedelta]
    otherwise: timedelta
    warn: tuple[timedelta, ...] = ()
    """Longest first."""

    def of(self, environment: str) -> timedelta:
        """The limit in one environment."""
        return self.by_environment.get(environment, self.otherwise)


class QuietConsumers(Rule, frozen=True, kw_only=True):
    """How long a token must have been unused at the provider before undeclared consumers are ruled out."""

    period: timedelta


class RequiredFields(Rule, frozen=True, kw_only=True):
    """The fields that a full member of the inventory must have."""

    fields: tuple[str, ...]


class Policy(Frozen, frozen=True, kw_only=True):
    """One policy file. A rule that the file leaves out is None and asks nothing."""

    name: str
    maximum_age: MaximumAge | None = None
    quiet_consumers: QuietConsumers | None = None
    required_fields: RequiredFields | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are in force."""
        every = (self.maximum_age, self.quiet_consumers, self.required_fields)
        return tuple(rule for rule in every if rule is not None)

    @property
    def quiet_period(self) -> timedelta | None:
        """How long quiet must last; None where the policy does not say."""
        return self.quiet_consumers.period if self.quiet_consumers else None


class Due(Frozen, frozen=True, kw_only=True):
    """When a token is to be rotated, and why then."""

    at: datetime
    explicit: bool = False
    """Set on the record, not derived from its age."""
    warn: tuple[timedelta, ...] = field(default=())

    def days_left(self, now: datetime) -> int:
        """Days until it is due, begun ones counted whole; negative when it is overdue."""
        return -((now - self.at) // timedelta(days=1))

    def soon(self, now: datetime) -> bool:
        """Whether warnings have begun (also when it is overdue)."""
        return self.at - now <= max(self.warn, default=timedelta(0))


def due_of(record: Record, policy: Policy) -> Due | None:
    """When the record's live value is due: its own date, else the policy's maximum age; None if neither applies.

    The age counts from the last rotation; without one, from when the value was made or added.
    """
    if record.state is RecordState.RETIRED:
        return None
    rule = policy.maximum_age
    warn = rule.warn if rule else ()
    if record.due_at is not None:
        return Due(at=record.due_at, explicit=True, warn=warn)
    born = record.rotated_at or record.created_at or record.added_at
    if rule is None or born is None or not record.kind.has_value:
        return None
    return Due(at=born + rule.of(record.environment), warn=warn)
