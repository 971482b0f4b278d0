"""An assessed inventory at one moment, and its statistics. Never a value."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from tokenguard.domain.liveness import ScopeVerdict, Verdict
from tokenguard.domain.token import Record
from tokenguard.frozen import Frozen, replace
from tokenguard.policy.context import InventoryContext
from tokenguard.policy.evaluation import Assessment, Violation
from tokenguard.policy.model import Due, Policy, PolicyWaiver, RuleSelector, Severity, age_starts_at, due_of
from tokenguard.report.gathering import violations

HORIZON = timedelta(days=90)
"""How far ahead a report looks."""
SOON = timedelta(days=30)
LEVELS = tuple(level.value for level in Severity if level is not Severity.OFF)
AGES = (30, 60, 90, 180, 365)
"""Upper ends of the age groups, in days."""
_WEEK = timedelta(days=7)


class Owned(Frozen, frozen=True, kw_only=True):
    """What one owner, or one Drive, has."""

    name: str
    tokens: int
    levels: Mapping[str, int]
    """Violations by severity."""
    called: str = ""
    """A Drive's display name; its id is its name."""


class DueToken(Frozen, frozen=True, kw_only=True):
    """A token that is overdue or comes due."""

    due: Due
    record: Record
    place: str
    """Its name, with its store if there are several."""
    store_id: str
    """Its store's id: two stores may have tokens of one name."""


class WaiverStatus(Frozen, frozen=True, kw_only=True):
    """A waiver and what it covers now."""

    waiver: PolicyWaiver
    covers: int | None
    """Number of violations; None for a waiver of files, which a report does not check."""
    left: int
    """Whole days, begun ones counted; none or less: it has ended."""


@dataclass(frozen=True, kw_only=True)  # no slots: what several tables ask for is computed once
class Posture:
    """The content of a report."""

    at: datetime
    assessments: Sequence[Assessment]
    """One for each store, all by the same policy."""
    surroundings: Sequence[InventoryContext]
    stores: Sequence[str] = ("",)
    """How each store is called; empty if there is only one."""
    store_ids: Sequence[str]
    remarks: Sequence[str] = ()
    """Notes on how it was created."""

    @property
    def policy(self) -> Policy:
        """The policy it was checked against."""
        return self.assessments[0].policy

    @cached_property
    def records(self) -> list[Record]:
        """Without retired ones."""
        return [record for around in self.surroundings for record in around.records]

    @cached_property
    def upcoming(self) -> list[DueToken]:
        """What is overdue or due within 90 days, most urgent first."""
        found = []
        for store, store_id, around in zip(self.stores, self.store_ids, self.surroundings, strict=True):
            for record in around.records:
                due = due_of(record, self.policy)
                if due is not None and due.at - self.at <= HORIZON:
                    place = placed(store, record.name)
                    found.append(DueToken(due=due, record=record, place=place, store_id=store_id))
        return sorted(found, key=lambda each: (each.due.at, each.place))


def placed(store: str, name: str) -> str:
    """A token's name, with its store if there are several."""
    return f"{store}: {name}" if store else name


def ages(posture: Posture) -> list[tuple[str, int]]:
    """How many live values are of which age, in days; the last group has an unknown age."""
    counts = [0] * (len(AGES) + 2)
    for record in posture.records:
        if record.kind.has_value:
            since = age_starts_at(record)
            days = (posture.at - since).days if since else None
            place = len(AGES) + 1 if days is None else sum(days >= limit for limit in AGES)
            counts[place] += 1
    starts = (0, *AGES)
    names = [f"{low}-{high}" for low, high in zip(starts, AGES, strict=False)]
    return list(zip([*names, f"{AGES[-1]}+", "unknown"], counts, strict=True))


def calendar(posture: Posture) -> list[tuple[str, int]]:
    """How many tokens are overdue, and how many come due in each of the next 13 weeks, named by its first day."""
    weeks = [posture.at + _WEEK * number for number in range(HORIZON // _WEEK + 1)]
    counts = Counter[int]()
    for each in posture.upcoming:
        counts[-1 if each.due.at <= posture.at else (each.due.at - posture.at) // _WEEK] += 1
    return [("overdue", counts[-1]), *((f"{day:%m-%d}", counts[number]) for number, day in enumerate(weeks))]


def owners(posture: Posture) -> list[Owned]:
    """Each owner with tokens and violations by severity, those with the gravest first."""
    tokens = Counter(record.owner for record in posture.records)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for found in violations(posture.assessments):
        counts[found.owner][found.severity.value] += 1
    return _gravest_first(tokens, counts)


def places(posture: Posture) -> list[Owned]:
    """The same for each Drive, organisation or other scope, under its provider."""
    tokens: Counter[str] = Counter()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    called: dict[str, str] = {}
    for around, assessment in zip(posture.surroundings, posture.assessments, strict=True):
        named: dict[str, str] = {record.name: _place(record) for record in around.records}
        tokens.update(named.values())
        called |= {named[record.name]: record.scope_name for record in around.records if record.scope_name}
        for found in assessment.violations:
            counts[named.get(found.token) or found.path.partition("/")[0]][found.severity.value] += 1
    return [replace(row, called=called.get(row.name, "")) for row in _gravest_first(tokens, counts)]


def waiver_statuses(posture: Posture) -> list[WaiverStatus]:
    """Every waiver of the policy, that which ends first on top; ended ones too, as long as they are in the policy."""
    covered = Counter(_key(each.waiver) for assessment in posture.assessments for each in assessment.waived)
    found = [
        WaiverStatus(
            waiver=each,
            covers=None if each.match.path else covered[_key(each)],
            left=-((posture.at - each.until) // timedelta(days=1)),
        )
        for each in posture.policy.waivers
    ]
    return sorted(found, key=lambda each: (each.waiver.until, each.waiver.rule))


def proven_alive(records: Sequence[Record]) -> int:
    """How many were seen alive, and leading where they should as far as that could be seen."""
    return sum(
        record.seen is not None
        and record.seen.verdict is Verdict.ALIVE
        and record.seen.scope_verdict is not ScopeVerdict.WRONG
        for record in records
    )


def of_token(posture: Posture) -> Mapping[tuple[str, str], list[Violation]]:
    """The violations of each token, by its store (if there are several) and name."""
    found: defaultdict[tuple[str, str], list[Violation]] = defaultdict(list)
    for violation in violations(posture.assessments):
        found[violation.store, violation.token].append(violation)
    return found


def _place(record: Record) -> str:
    return f"{record.provider}:{record.scope or 'any'}"


def _gravest_first(tokens: Counter[str], counts: Mapping[str, Counter[str]]) -> list[Owned]:
    empty: Counter[str] = Counter()
    rows = [
        Owned(name=name, tokens=tokens[name], levels=counts.get(name, empty)) for name in tokens.keys() | counts.keys()
    ]
    return sorted(rows, key=lambda row: (*(-row.levels.get(level, 0) for level in LEVELS), row.name))


def _key(waiver: PolicyWaiver) -> tuple[str, RuleSelector, datetime]:
    return waiver.rule, waiver.match, waiver.until
