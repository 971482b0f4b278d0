"""Evaluates every rule for every token: collects violations, waivers and what is not evaluable."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum, unique
from functools import partial
from typing import TYPE_CHECKING

from tokenguard.domain.document import Document
from tokenguard.domain.second_person import RENEW
from tokenguard.domain.token import Record
from tokenguard.frozen import Frozen, replace
from tokenguard.policy.context import InventoryContext, is_identified, place_of
from tokenguard.policy.model import Policy, PolicyWaiver, Rule, Severity
from tokenguard.policy.rule_answer import NotEvaluable, Question, Violated
from tokenguard.policy.rules.token_rules import CHECKS

if TYPE_CHECKING:
    from tokenguard.policy.own_rules import OwnRules


class Violation(Frozen, frozen=True, kw_only=True):
    """One rule that does not hold, at one place."""

    rule: str
    severity: Severity
    text: str
    fix: str
    token: str = ""
    """The token's name; empty for what has no record."""
    path: str = ""
    """For what has no record: where it was seen."""
    line: int = 0
    """In a file, counted from 1; 0: the file as a whole, or no file."""
    in_file: bool = False
    """`path` is a file of the repository."""
    owner: str = ""
    store: str = ""
    """Of several stores, which one."""

    @property
    def place(self) -> str:
        """The token or the path, with its store if there are several."""
        where = self.token or (f"{self.path}:{self.line}" if self.line else self.path)
        return f"{self.store}: {where}" if self.store else where


@unique
class RuleOutcome(StrEnum):
    """What one rule says in one situation, as a team's tests write it."""

    HOLDS = "holds"
    VIOLATED = "violated"
    WAIVED = "waived"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked"


class Waived(Frozen, frozen=True, kw_only=True):
    """A violation that is waived for now."""

    violation: Violation
    waiver: PolicyWaiver


class Assessment(Frozen, frozen=True, kw_only=True):
    """What came of one check."""

    policy: Policy
    tokens: int
    files: int | None = None
    """How many files of a repository were looked at; None: it was an inventory."""
    violations: tuple[Violation, ...] = ()
    waived: tuple[Waived, ...] = ()
    not_evaluable: Mapping[tuple[str, str], int] = {}
    """For each rule and reason, the number of tokens that are not evaluable."""

    def at_least(self, severity: Severity) -> tuple[Violation, ...]:
        """The violations of this severity or a graver one."""
        order = list(Severity)
        return tuple(each for each in self.violations if order.index(each.severity) <= order.index(severity))


def assess(
    policy: Policy, around: InventoryContext, *, store: str = "", only: Callable[[Document], bool] | None = None
) -> Assessment:
    """Check an inventory against a policy.

    Args:
        policy: the rules, with their overrides and waivers.
        around: the inventory, the time, and what providers say.
        store: how violations name the store; empty if there is only one.
        only: the tokens that are asked about, of which the others are surroundings; None: all, and those without a
            record too.

    Raises:
        InputError: a rule of the team's own is not acceptable, or CEL is not installed.
    """
    violations = list(_orphans(policy, around, store)) if only is None else []
    waived: list[Waived] = []
    unknown: Counter[tuple[str, str]] = Counter()
    if only is None and (orphan := policy.rule("orphan")) is not None:
        unknown.update((orphan.id, reason) for reason in _orphans_unknown(around))
    if only is None and (second := policy.rule("second-person")) is not None:
        violations += _open_reviews(second, around, store)
        violations += _expired_requests(second, around, store)
        unknown.update([(second.id, "the requests for approval cannot be read")] if around.reviews is None else [])
    for question, answer in _answers(policy, around):
        if only is not None and not only(question.document):
            continue
        if isinstance(answer, NotEvaluable):
            unknown[question.rule.id, answer.reason] += 1
            continue
        found = _violation(question, answer, store)
        waiver = policy.waiver(found.rule, question.record, around.now) if policy.waivers else None
        if waiver is None:
            violations.append(found)
        else:
            waived.append(Waived(violation=found, waiver=waiver))
    severity_rank = list(Severity).index
    violations.sort(key=lambda each: (each.place, each.rule))
    violations.sort(key=lambda each: severity_rank(each.severity))
    return Assessment(
        policy=policy,
        tokens=sum(1 for document in around.documents if only is None or only(document)),
        violations=tuple(violations),
        waived=tuple(waived),
        not_evaluable=dict(sorted(unknown.items())),
    )


def evaluate_rule(policy: Policy, name: str, document: Document, around: InventoryContext) -> tuple[RuleOutcome, str]:
    """What one rule says of one token, and its words."""
    rule = policy.rule(name, document.record)
    if rule is None or not (rule.holds or name in CHECKS):
        return RuleOutcome.NOT_ASKED, ""
    only = replace(policy, rules=(rule,), overrides=())
    one = next((answer for question, answer in _answers(only, around) if question.document is document), None)
    if one is None:
        return RuleOutcome.HOLDS, ""
    if isinstance(one, NotEvaluable):
        return RuleOutcome.UNKNOWN, one.reason
    waived = policy.waiver(name, document.record, around.now) is not None
    return (RuleOutcome.WAIVED if waived else RuleOutcome.VIOLATED), one.text


def _answers(policy: Policy, around: InventoryContext) -> Iterator[tuple[Question, Violated | NotEvaluable]]:
    """All results other than "holds", token by token; CEL loads only for a team's own rules."""
    checks = [(rule, CHECKS[rule.id]) for rule in policy.rules if rule.id in CHECKS and _may_ask(policy, rule)]
    own = _own_rules(policy)
    for document in around.documents:
        for base, check in checks:
            rule = policy.applied(base, document.record) if policy.overrides else base
            if rule.severity is not Severity.OFF:
                question = Question(rule=rule, document=document, around=around, policy=policy)
                if (answer := check(question)) is not None:
                    yield question, answer
        for base, answer in own.answers(document, around.now) if own is not None else ():
            rule = policy.applied(base, document.record) if policy.overrides else base
            if rule.severity is not Severity.OFF:
                yield Question(rule=rule, document=document, around=around, policy=policy), answer


def _may_ask(policy: Policy, rule: Rule) -> bool:
    return rule.severity is not Severity.OFF or any(each.rule == rule.id for each in policy.overrides)


def _own_rules(policy: Policy) -> "OwnRules | None":
    if not any(rule.holds for rule in policy.rules):
        return None
    from tokenguard.policy.own_rules import OwnRules

    return OwnRules(policy)


def _violation(question: Question, found: Violated, store: str) -> Violation:
    rule, record = question.rule, question.record
    return Violation(
        rule=rule.id,
        severity=rule.severity,
        text=found.text,
        fix=_fix(found.fix or rule.fix.replace("NAME", record.name), record),
        token=record.name,
        owner=record.owner,
        store=store,
    )


def _fix(fix: str, record: Record) -> str:
    """What ends the violation, with what a planned rotation needs before: declared consumers."""
    rotates = (
        fix.startswith(f"tokenguard rotate {record.name}") and "--compromised" not in fix and "--resume" not in fix
    )
    if record.consumers is None and rotates:
        return f"tokenguard edit {record.name} --deliver TARGET (or --no-consumers), then {fix}"
    return fix


def _orphans(policy: Policy, around: InventoryContext, store: str) -> Iterator[Violation]:
    """Each unknown token by itself; where a record could be any of them, only that there are too many."""
    rule = policy.rule("orphan")
    if rule is None:
        return
    for place, rows in around.unmatched():
        where = f"{place[0]}:{place[2] or 'any'}"
        candidates, dated = around.unidentified(place), around.facts_of(place).dated
        orphan = partial(Violation, rule=rule.id, severity=rule.severity, fix=rule.fix, store=store)
        if not candidates:
            for row in rows:
                name = f" named {row.label}" if row.label else ""
                text = f"{place[0]} lists a token{name} without a live record{dated}"
                yield orphan(text=text, path=f"{where}/{row.provider_id}")
        elif len(rows) > candidates:
            text = (
                f"{place[0]} lists {len(rows):,} tokens that match no record; at most {candidates:,} of them can "
                f"belong to a record without an id or label{dated}"
            )
            yield orphan(text=text, path=where)


def _open_reviews(rule: Rule, around: InventoryContext, store: str) -> Iterator[Violation]:
    """What was done with `--break-glass`, until another person has reviewed it. It cannot be waived."""
    for review in around.reviews or ():
        by = around.people.named(review.by)
        text = f"{review.operation} by {by} on {review.at:%Y-%m-%d} is not reviewed: {review.reason}"
        place = {"token": review.name} if review.name else {"path": "store"}
        fix = f"tokenguard approve {review.digest}, run by another person"
        yield Violation(rule=rule.id, severity=rule.severity, text=text, fix=fix, store=store, **place)


def _expired_requests(rule: Rule, around: InventoryContext, store: str) -> Iterator[Violation]:
    """Requests that expired; a warning, because the operation was not done."""
    for request in around.expired:
        text = f"the request of {around.people.named(request.by)} for {request.operation} {request.why}"
        place = {"token": request.name} if request.name else {"path": "store"}
        yield Violation(rule=rule.id, severity=Severity.WARNING, text=text, fix=RENEW, store=store, **place)


def _orphans_unknown(around: InventoryContext) -> Iterator[str]:
    """Why an orphan beside a token might not be seen."""
    for record in around.records:
        facts = around.provider(record)
        if facts.listed is None:
            yield facts.no_list
        elif why := around.why_incomplete(place_of(record)) or around.lacking(place_of(record)):
            yield why
        elif record.kind.has_value and not is_identified(record):
            yield "neither its id nor its label at the provider is recorded, so the list cannot be compared"
