"""The report that people read: who owns what, what is due, what is violated, and what nobody can say; never a value."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from tokenguard.domain.token import Record
from tokenguard.frozen import Frozen
from tokenguard.policy.evaluation import Assessment, Violation
from tokenguard.policy.model import Due, Severity, due_of
from tokenguard.report.document import content
from tokenguard.report.gathering import not_evaluable, summary, violations
from tokenguard.rotation.markdown import exact, plain, table

MAX_ROWS = 500
"""Rows of one table; beyond it a page is no longer read, and the count of the rest is said."""
_HORIZON = timedelta(days=90)
_NOBODY = "nobody"
_UTC = "%Y-%m-%d %H:%M UTC"


class Posture(Frozen, frozen=True, kw_only=True):
    """One assessed inventory, of one or more stores, at one moment."""

    at: datetime
    assessments: Sequence[Assessment]
    records: Sequence[Record]
    """Without retired ones."""

    @property
    def upcoming(self) -> list[tuple[Due, Record]]:
        """What is overdue or due within 90 days, most urgent first."""
        dated = ((due_of(record, self.assessments[0].policy), record) for record in self.records)
        soon = [(due, record) for due, record in dated if due is not None and due.at - self.at <= _HORIZON]
        return sorted(soon, key=lambda each: (each[0].at, each[1].name))


def as_json(posture: Posture) -> dict[str, Any]:
    """The report for programs: what `check` says, with owners and dates."""
    return {
        "at": posture.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **content(posture.assessments),
        "owners": [
            {"owner": owner, "tokens": tokens, **{level: counts[level] for level in _levels()}}
            for owner, tokens, counts in _owners(posture)
        ],
        "due": [
            {
                "token": record.name,
                "owner": record.owner,
                "due_at": due.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "days_left": due.days_left(posture.at),
            }
            for due, record in posture.upcoming
        ],
    }


def as_markdown(posture: Posture) -> str:
    """The report for people."""
    parts = [
        "# Token report",
        f"{_sentence(plain(summary(posture.assessments)))} As of {posture.at.strftime(_UTC)}.",
        *_section("Owners", ["owner", "tokens", *_levels()], _owner_rows(posture), "There are no tokens."),
        *_section(
            "Violations", ["severity", "token", "owner", "rule", "what", "fix"], _violation_rows(posture), "None."
        ),
        *_section("Due within 90 days", ["token", "owner", "due", "days left"], _due_rows(posture), "Nothing is due."),
        *_section("Waivers", ["until", "token", "rule", "by", "reason"], _waiver_rows(posture), "None."),
        *_section("Not evaluable", ["rule", "why", "tokens"], _unknown_rows(posture), "Every rule has an answer."),
        *_section("By provider", ["provider", "tokens", "scopes"], _provider_rows(posture), "There are no tokens."),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> list[str]:
    if not rows:
        return [f"## {title}", empty]
    shown = [f"## {title}", table(head, rows[:MAX_ROWS])]
    if len(rows) > MAX_ROWS:
        shown.append(f"And {len(rows) - MAX_ROWS:,} more, which the JSON form has in full.")
    return shown


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _levels() -> list[str]:
    return [level.value for level in Severity if level is not Severity.OFF]


def _owners(posture: Posture) -> list[tuple[str, int, Counter[str]]]:
    """Each owner with tokens and violations by severity, those with the gravest first."""
    tokens = Counter(record.owner for record in posture.records)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for found in violations(posture.assessments):
        counts[found.owner][found.severity.value] += 1
    rows = [(owner, tokens[owner], counts[owner]) for owner in tokens.keys() | counts.keys()]
    return sorted(rows, key=lambda row: (*(-row[2][level] for level in _levels()), row[0]))


def _owner_rows(posture: Posture) -> list[list[str]]:
    return [
        [plain(owner or _NOBODY), f"{tokens:,}", *(f"{counts[level]:,}" for level in _levels())]
        for owner, tokens, counts in _owners(posture)
    ]


def _due_rows(posture: Posture) -> list[list[str]]:
    return [
        [exact(record.name), plain(record.owner or _NOBODY), due.at.strftime("%Y-%m-%d"), _left(due, posture.at)]
        for due, record in posture.upcoming
    ]


def _left(due: Due, now: datetime) -> str:
    return f"{due.days_left(now)}" if due.at > now else f"overdue by {-due.days_left(now)}"


def _violation_rows(posture: Posture) -> list[list[str]]:
    def row(found: Violation) -> list[str]:
        owner = plain(found.owner or _NOBODY)
        return [found.severity.value, exact(found.place), owner, exact(found.rule), plain(found.text), exact(found.fix)]

    return [row(found) for found in violations(posture.assessments)]


def _waiver_rows(posture: Posture) -> list[list[str]]:
    waived = (each for assessment in posture.assessments for each in assessment.waived)
    return [
        [f"{each.waiver.until:%Y-%m-%d}", exact(each.violation.place), exact(each.violation.rule),
         plain(each.waiver.owner), plain(each.waiver.reason)]
        for each in sorted(waived, key=lambda each: each.waiver.until)
    ]  # fmt: skip


def _unknown_rows(posture: Posture) -> list[list[str]]:
    return [[exact(rule), plain(why), f"{count:,}"] for rule, why, count in not_evaluable(posture.assessments)]


def _provider_rows(posture: Posture) -> list[list[str]]:
    tokens = Counter(record.provider for record in posture.records)
    return [[plain(name), f"{count:,}", f"{_scopes(posture.records, name):,}"] for name, count in tokens.most_common()]


def _scopes(records: Iterable[Record], provider: str) -> int:
    return len({str(record.scope) for record in records if record.provider == provider and record.scope})
