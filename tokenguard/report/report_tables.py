"""The tables of a report; Markdown and HTML show the same cells."""

from collections.abc import Iterator, Sequence

from tokenguard.frozen import Frozen
from tokenguard.inventory.views import day
from tokenguard.policy.evaluation import Violation
from tokenguard.policy.model import Due, age_starts_at
from tokenguard.report.controls import evidence
from tokenguard.report.coverage import coverage
from tokenguard.report.gathering import not_evaluable, violations
from tokenguard.report.posture import LEVELS, SOON, Owned, Posture, owners, places, proven_alive, waiver_statuses
from tokenguard.report.rotations import rotations

MAX_ROWS = 500
"""Maximum rows of one table; the number of further rows is printed."""
_NOBODY = "not recorded"


class Cell(Frozen, frozen=True):
    """One cell; external text is escaped."""

    text: str
    kind: str = "words"
    """`words`, `exact` (a name or command, to be copied) or `number`."""
    tone: str = ""
    """`bad`, `warn` or `good`; never the only sign of it."""


class Table(Frozen, frozen=True, kw_only=True):
    """One section of a report."""

    id: str
    title: str
    about: str
    """The table's description, for screen readers."""
    head: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    empty: str
    """The text for an empty table."""

    @property
    def beyond(self) -> str:
        """The number of omitted rows, in a sentence; empty if none."""
        more = len(self.rows) - MAX_ROWS
        return f"And {more:,} more, in the JSON and CSV formats." if more > 0 else ""


class Figure(Frozen, frozen=True):
    """One number at a glance."""

    label: str
    value: str
    tone: str = ""


def figures(posture: Posture) -> list[Figure]:
    """Key figures."""
    records, found = posture.records, violations(posture.assessments)
    errors, warnings = (sum(each.severity == level for each in found) for level in ("error", "warning"))
    dates = [each.due.at for each in posture.upcoming]
    overdue, soon = sum(at <= posture.at for at in dates), sum(posture.at < at <= posture.at + SOON for at in dates)
    operations = rotations(posture)
    unfinished = sum(not each.journal.stage.ended for each in operations)
    ended = [each for each in operations if each.must_be_dead]
    proven, alive = sum(each.proven for each in ended), proven_alive(records)
    leaked = sum(record.has_leaked for record in records)
    ageless = sum(record.kind.has_value and age_starts_at(record) is None for record in records)
    unknown = len({rule for rule, _, _ in not_evaluable(posture.assessments)})
    return [
        Figure("tokens", f"{len(records):,}"),
        Figure("alive with the right scope", _of(alive, len(records)), "" if alive == len(records) else "warn"),
        Figure("errors", f"{errors:,}", "bad" if errors else "good"),
        Figure("warnings", f"{warnings:,}", "warn" if warnings else "good"),
        Figure("leaked", f"{leaked:,}", "bad" if leaked else "good"),
        Figure("age unknown", f"{ageless:,}", "warn" if ageless else "good"),
        Figure("overdue", f"{overdue:,}", "bad" if overdue else "good"),
        Figure("due in 30 days", f"{soon:,}", "warn" if soon else ""),
        Figure("old tokens proven dead", _of(proven, len(ended)), "" if proven == len(ended) else "bad"),
        Figure("open operations", f"{unfinished:,}", "warn" if unfinished else ""),
        Figure("rules not evaluable for some tokens", f"{unknown:,}", "warn" if unknown else "good"),
    ]


def sections(posture: Posture) -> Iterator[Table]:
    """Every table, in the order of a report."""
    yield _owned("owners", "Owners", "owner", owners(posture), "Tokens by owner, most severe first.")
    yield _violations(posture)
    yield _due(posture)
    about = "Tokens by Drive, organisation or other scope, most severe first."
    yield _owned("places", "Drives and other scopes", "scope", places(posture), about)
    yield _rotations(posture)
    yield _waivers(posture)
    yield _coverage(posture)
    yield _unknown(posture)
    yield _controls(posture)


def _owned(ident: str, title: str, what: str, rows: Sequence[Owned], about: str) -> Table:
    return Table(
        id=ident,
        title=title,
        about=about,
        head=(what, "tokens", *(f"{level}s" for level in LEVELS)),
        rows=[
            [Cell(_shown(row)), _number(row.tokens), *(_level(row, each) for each in LEVELS)]
            for row in rows
        ],
        empty="There are no tokens.",
    )  # fmt: skip


def _shown(row: Owned) -> str:
    return f"{row.name} ({row.called})" if row.called else row.name or _NOBODY


def _violations(posture: Posture) -> Table:
    def row(found: Violation) -> list[Cell]:
        severity = Cell(found.severity.value, "words", _TONES.get(found.severity.value, ""))
        owner, rule = Cell(found.owner or _NOBODY), Cell(found.rule, "exact")
        return [severity, Cell(found.place, "exact"), owner, rule, Cell(found.text), Cell(found.fix, "exact")]

    return Table(
        id="violations",
        title="Violations",
        about="Violated rules, most severe first, with the fix.",
        head=("severity", "token", "owner", "rule", "what", "fix"),
        rows=[row(found) for found in violations(posture.assessments)],
        empty="None.",
    )


def _due(posture: Posture) -> Table:
    def left(due: Due) -> Cell:
        days = due.days_left(posture.at)
        return _number(days) if due.at > posture.at else Cell(f"overdue by {-days:,}", "number", "bad")

    return Table(
        id="due",
        title="Due within 90 days",
        about="Tokens to rotate, most urgent first.",
        head=("token", "owner", "due", "days left"),
        rows=[
            [Cell(each.place, "exact"), Cell(each.record.owner or _NOBODY), Cell(day(each.due.at)), left(each.due)]
            for each in posture.upcoming
        ],
        empty="Nothing is due.",
    )


def _rotations(posture: Posture) -> Table:
    rows = [
        [
            Cell(each.place, "exact"), Cell(each.journal.mode.value), Cell(day(each.journal.opened_at)),
            Cell(each.state, "words", "" if each.journal.stage.ended else "warn"),
            Cell(each.journal.revoked_by or "not yet"), Cell(each.evidence, "words", "" if each.proven else "bad"),
            Cell(each.consumers),
        ]
        for each in rotations(posture)
    ]  # fmt: skip
    return Table(
        id="rotations",
        title="Rotations and their evidence",
        about="The last operation on each token that revokes a value. Earlier ones: `tokenguard audit log NAME`.",
        head=("token", "operation", "begun", "state", "revoked by", "proof that the old token is dead", "consumers"),
        rows=rows,
        empty="None yet.",
    )


def _waivers(posture: Posture) -> Table:
    rows = []
    for each in waiver_statuses(posture):
        waiver = each.waiver
        ended = Cell(f"{waiver.until:%Y-%m-%d} (ended)", "words", "bad")
        until = ended if each.left <= 0 else Cell(f"{waiver.until:%Y-%m-%d} ({each.left} d)", "words", _near(each.left))
        match = waiver.match
        what = match.path or ", ".join(part for part in (match.token, match.environment, match.provider) if part)
        covers = Cell("files: `tokenguard check`") if each.covers is None else _number(each.covers)
        rows.append(
            [until, Cell(what, "exact"), Cell(waiver.rule, "exact"), covers, Cell(waiver.owner), Cell(waiver.reason)]
        )
    return Table(
        id="waivers",
        title="Waivers",
        about="Accepted violations, by expiry.",
        head=("until", "tokens or files", "rule", "covers now", "by", "reason"),
        rows=rows,
        empty="None.",
    )


def _coverage(posture: Posture) -> Table:
    return Table(
        id="coverage",
        title="By provider",
        about="What is known of each provider's tokens, and what its API supports.",
        head=(
            "provider", "tokens", "scopes", "verified alive", "scope verified", "created/revoked", "provider's list",
            "recorded of listed",
        ),
        rows=[
            [
                Cell(each.provider), _number(each.tokens), _number(each.scopes),
                Cell(_of(each.alive, each.tokens), "number"), Cell(_of(each.placed, each.tokens), "number"),
                Cell(each.made), Cell(each.listed),
                Cell(each.recorded or "not read", "number", "warn" if each.unknown else ""),
            ]
            for each in coverage(posture)
        ],
        empty="There are no tokens.",
    )  # fmt: skip


def _unknown(posture: Posture) -> Table:
    return Table(
        id="unknown",
        title="Not evaluable",
        about="Rules that could not be evaluated for some tokens; they do not count as kept.",
        head=("rule", "why", "tokens"),
        rows=[
            [Cell(rule, "exact"), Cell(why), _number(count)]
            for rule, why, count in not_evaluable(posture.assessments)
        ],
        empty="Every rule was evaluated.",
    )  # fmt: skip


def _controls(posture: Posture) -> Table:
    tones = {"kept": "good", "violated": "bad", "not shown": "warn", "waived": "warn"}
    return Table(
        id="controls",
        title="Control map",
        about="How findings map to controls. This is evidence for an auditor, not a certificate.",
        head=("catalogue", "control", "title", "shown", "evidence"),
        rows=[
            [
                Cell(each.control.framework), Cell(each.control.id), Cell(each.control.title),
                Cell(each.verdict, "words", tones.get(each.verdict, "")), Cell(each.text),
            ]
            for each in evidence(posture)
        ],
        empty="None.",
    )  # fmt: skip


_TONES = {"error": "bad", "warning": "warn"}


def _level(row: Owned, level: str) -> Cell:
    count = row.levels.get(level, 0)
    return Cell(f"{count:,}", "number", _TONES.get(level, "") if count else "")


def _number(count: int) -> Cell:
    return Cell(f"{count:,}", "number")


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}"


def _near(left: int) -> str:
    return "warn" if left <= SOON.days else ""
