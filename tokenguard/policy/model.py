"""A policy: the known rules and their parameters, frozen and valid by construction; and when a token is due."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum, unique
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import cast

from tokenguard.domain.token import Record, RecordState
from tokenguard.frozen import Frozen, field, replace

_BEFORE_ITS_END = timedelta(days=7)
Parameter = int | tuple[int, ...] | tuple[str, ...] | Mapping[str, int] | Mapping[str, tuple[str, ...]]
"""What a parameter of a rule may hold; `catalogue` says which rule has which."""


@unique
class Severity(StrEnum):
    """How grave a violation is; `off` says that a rule asks nothing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    OFF = "off"


class Rule(Frozen, frozen=True, kw_only=True):
    """One rule with its parameters, and what it says of itself."""

    id: str
    severity: Severity
    why: str
    source: str
    fix: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    holds: str = ""
    """Of a team's own rule: the condition in CEL that a token must meet."""
    applies: str = ""
    """Of a team's own rule: the condition in CEL that says for which tokens it is; empty: for all."""
    says: str = ""
    """Of a team's own rule: what is said where it does not hold."""

    def number(self, name: str) -> int:
        """A whole number."""
        return cast("int", self.parameters[name])

    def days(self, name: str = "days") -> timedelta:
        """A period of whole days."""
        return timedelta(days=self.number(name))

    def words(self, name: str) -> tuple[str, ...]:
        """A list of words."""
        return cast("tuple[str, ...]", self.parameters[name])

    def lists(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Lists of words by a key."""
        return cast("Mapping[str, tuple[str, ...]]", self.parameters[name])

    def limit(self, environment: str) -> timedelta:
        """The days that one environment is held to; `otherwise` those of an environment that is not named."""
        by_environment = cast("Mapping[str, int]", self.parameters["days"])
        return timedelta(days=by_environment.get(environment, self.number("otherwise")))

    @property
    def warnings(self) -> tuple[timedelta, ...]:
        """How long before the limit to warn, longest first."""
        return _periods(cast("tuple[int, ...]", self.parameters["warn"]))


@lru_cache(maxsize=64)
def _periods(days: tuple[int, ...]) -> tuple[timedelta, ...]:
    """Asked once for every token, and the same for all of them."""
    return tuple(timedelta(days=each) for each in days)


class RuleSelector(Frozen, frozen=True, kw_only=True):
    """Which tokens are meant, or which files: all that is said must hold, and nothing said means every token."""

    token: str = "*"  # noqa: S105 - a pattern of names, not a value
    """A name, or a pattern with `*`, `?` and `[…]` (`video/*`)."""
    environment: str = ""
    provider: str = ""
    path: str = ""
    """For rules about a repository: a path, or a pattern of paths (`tests/*`)."""

    def admits(self, record: Record) -> bool:
        """Whether the token is meant."""
        return (
            self.environment in {"", record.environment}
            and self.provider in {"", record.provider}
            and not self.path
            and fnmatchcase(record.name, self.token)
        )

    def admits_path(self, path: str) -> bool:
        """Whether a file is meant."""
        return bool(self.path) and fnmatchcase(path, self.path)


class Override(Frozen, frozen=True, kw_only=True):
    """Other parameters or another severity of one rule, for some tokens."""

    rule: str
    match: RuleSelector
    severity: Severity | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def of(self, rule: Rule) -> Rule:
        """The rule with what is other here."""
        parameters = {**rule.parameters, **self.parameters}
        return replace(rule, severity=self.severity or rule.severity, parameters=parameters)


class PolicyWaiver(Frozen, frozen=True, kw_only=True):
    """A violation that is accepted until a date."""

    rule: str
    match: RuleSelector
    owner: str
    reason: str
    until: datetime
    """From this moment on it is a violation again."""


class Policy(Frozen, frozen=True, kw_only=True):
    """A policy with all its layers. A rule that it leaves out asks nothing."""

    name: str
    rules: tuple[Rule, ...] = ()
    overrides: tuple[Override, ...] = ()
    waivers: tuple[PolicyWaiver, ...] = ()

    def rule(self, name: str, record: Record | None = None) -> Rule | None:
        """The rule as it applies to a token (or to none in particular); None if it asks nothing."""
        found = next((rule for rule in self.rules if rule.id == name), None)
        if found is not None and record is not None:
            found = self.applied(found, record)
        return found if found is not None and found.severity is not Severity.OFF else None

    def applied(self, rule: Rule, record: Record) -> Rule:
        """The rule with the overrides that are meant for a token; of several the last one counts."""
        for override in self.overrides:
            if override.rule == rule.id and override.match.admits(record):
                rule = override.of(rule)
        return rule

    def applied_at(self, rule: Rule, path: str) -> Rule:
        """The rule with the overrides that are meant for a file; of several the last one counts."""
        for override in self.overrides:
            if override.rule == rule.id and override.match.admits_path(path):
                rule = override.of(rule)
        return rule

    def waiver(self, rule: str, record: Record, now: datetime) -> PolicyWaiver | None:
        """The waiver that holds for a token now."""
        return next(
            (each for each in self.waivers if each.rule == rule and now < each.until and each.match.admits(record)),
            None,
        )

    def waiver_at(self, rule: str, path: str, now: datetime) -> PolicyWaiver | None:
        """The waiver that holds for a file now."""
        return next(
            (each for each in self.waivers if each.rule == rule and now < each.until and each.match.admits_path(path)),
            None,
        )

    def accepts_assertion(self, record: Record, others: int) -> bool:
        """Whether a death that is only asserted is accepted; `others`: the further tokens of that provider."""
        rule = self.rule("asserted-death", record)
        if rule is None:
            return False
        return record.provider in rule.words("providers") or (
            not others and record.provider in rule.words("last_token")
        )

    @property
    def quiet_period(self) -> timedelta | None:
        """How long a token must be unused before undeclared consumers are ruled out; None: the policy does not say."""
        rule = self.rule("quiet-consumers")
        return rule.days() if rule else None


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


def age_starts_at(record: Record) -> datetime | None:
    """When the live value's age begins; None if that is unknown: when we learned of it says nothing of its age."""
    return record.created_at or record.rotated_at


def age_unknown(record: Record, policy: Policy) -> bool:
    """Whether an age limit is asked of the token and cannot be held to it. Only people rotate such a token.

    A due date that was set by hand is not an age; where it is set, it counts as the decision of the person who set it.
    """
    if record.state in {RecordState.RETIRED, RecordState.PENDING} or not record.kind.has_value:
        return False
    limited = record.due_at is None and policy.rule("maximum-age", record) is not None
    return limited and age_starts_at(record) is None


def due_of(record: Record, policy: Policy) -> Due | None:
    """When the record's live value is due: its own date, else the policy's maximum age; None if neither applies.

    It is due earlier if its provider ends it before.

    A token that still waits for its first value has nothing that could be rotated.
    """
    if record.state in {RecordState.RETIRED, RecordState.PENDING}:
        return None
    rule = policy.rule("maximum-age", record)
    warn = rule.warnings if rule else ()
    last = _last_day(record)
    if record.due_at is not None:
        at = min(record.due_at, last or record.due_at)
        return Due(at=at, explicit=at == record.due_at, warn=warn)
    since = age_starts_at(record)
    if rule is None or since is None or not record.kind.has_value:
        return None if last is None else Due(at=last, warn=warn)
    limit = since + rule.limit(record.environment)
    return Due(at=min(limit, last or limit), warn=warn)


def _last_day(record: Record) -> datetime | None:
    """When a token must be replaced because its provider ends it: 7 days before, or a quarter of a shorter life."""
    if record.ends_at is None:
        return None
    since = age_starts_at(record) or record.ends_at
    return record.ends_at - min(_BEFORE_ITS_END, max(record.ends_at - since, timedelta(0)) / 4)


def is_due(record: Record, policy: Policy, now: datetime) -> bool:
    """Whether a token must be rotated now: its live value has leaked, it is due, or its age is unknown."""
    due = due_of(record, policy)
    return record.live_leak is not None or age_unknown(record, policy) or (due is not None and due.at <= now)
