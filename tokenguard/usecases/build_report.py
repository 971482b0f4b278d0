"""Builds a report: assesses the stores against a policy, now, in the past or as a forecast."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tokenguard.domain.moment import day_hint, parse_day
from tokenguard.domain.token import RecordState
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.inventory.as_of import record_as_of
from tokenguard.inventory.selection import ANY, Filter
from tokenguard.policy.context import InventoryContext
from tokenguard.policy.evaluation import Assessment, assess
from tokenguard.policy.model import Policy, Rule, RuleSelector
from tokenguard.policy.windows import has_ended
from tokenguard.ports.store import Store
from tokenguard.report.posture import Posture
from tokenguard.text import pluralize
from tokenguard.usecases.assess import (
    AssessParts,
    chosen_policy,
    chosen_stores,
    refuse_if_any_ahead,
    surroundings,
)
from tokenguard.usecases.parts import HasStrays
from tokenguard.usecases.select_tokens import check_match

_UNATTENDED = "unattended-rotation"
_TOO_LATE = datetime(3000, 1, 1, tzinfo=UTC)
"""A report looks weeks ahead of its day, and there is no date after the year 9999."""
_TODAYS_LIST = "the provider's list is today's, not that of the requested day"


class BuildReportParts(AssessParts, HasStrays, Protocol):
    """What this use case takes."""


def as_of_moment(text: str) -> datetime:
    """The end of the day `text` (`YYYY-MM-DD`, UTC); InputError if it is not a date."""
    day = parse_day(text)
    if day is None or day >= _TOO_LATE:
        raise InputError(
            "--as-of must be a date before the year 3000", hint=day_hint(text) if day is None else "give an earlier day"
        )
    return day + timedelta(days=1, microseconds=-1)


def _limits(policy: Policy, now: datetime) -> list[str]:
    """When and how many rotations may begin unattended, for each group of tokens whose time the policy restricts."""
    base = policy.rule(_UNATTENDED)
    if base is None:
        return []
    others = [each for each in policy.overrides if each.rule == _UNATTENDED]
    found = [("", base), *((_group(each.match), each.of(base)) for each in others)]
    return [text for group, rule in found if (text := _limits_of(rule, group, now))]


def _group(match: RuleSelector) -> str:
    token = "" if match.token == "*" else match.token  # noqa: S105 - a pattern of names
    facts = (token, match.environment, match.provider)
    return f" of {' '.join(filter(None, facts))}" if any(facts) else ""


def _limits_of(rule: Rule, group: str, now: datetime) -> str:
    windows, freezes = rule.words("windows"), [each for each in rule.words("freezes") if not has_ended(each, now)]
    parts = [f"in the windows {', '.join(windows)} (UTC)"] if windows else []
    parts += [f"not in the freezes {', '.join(freezes)}"] if freezes else []
    parts += [f"at most {rule.number('most'):,} in 24 hours"] if parts and rule.number("most") else []
    return f"unattended rotations{group} begin {'; '.join(parts)}" if parts else ""


def posture_of(
    parts: BuildReportParts, named: str | None, wanted: Filter, *, every: bool, ask: bool, at: datetime | None,
    judged: bool = True,
) -> Posture:  # fmt: skip
    """Assess the stores against the policy.

    Args:
        parts: what it takes of the process.
        named: a policy other than the configured one.
        wanted: the tokens that the report is about.
        every: include all configured stores.
        ask: whether to read the providers' lists.
        at: a time other than now.
        judged: whether rules are evaluated; a calendar needs due dates only.
    """
    policy, stores, now = chosen_policy(parts, named), chosen_stores(parts, every=every), parts.clock.now()
    found = {label: _read(parts, store, ask=ask, judged=judged) for label, store in stores.items()}
    remarks = [f"skipped {each.where}: {each.what}" for each in parts.passed_over()]
    remarks += _limits(policy, now)
    if at is not None and at.date() == now.date():
        at = None
    if at is not None:
        found, more = _forecast(found, at, now) if at > now else _in_the_past(stores, found, at, now)
        remarks += more
    only = None
    if wanted != ANY:
        only = wanted.describes
        remarks += _of_selection(wanted, found.values())
    return Posture(
        at=at or now,
        assessments=[
            assess(policy, each, store=label, only=only)
            if judged
            else Assessment(policy=policy, tokens=len(each.records))
            for label, each in found.items()
        ],
        surroundings=[each if only is None else each.narrowed(only) for each in found.values()],
        stores=list(found),
        store_ids=[stores[label].store_id for label in found],
        remarks=remarks,
    )


def _read(parts: BuildReportParts, store: Store, *, ask: bool, judged: bool) -> InventoryContext:
    if judged or ask:
        return surroundings(parts, store, ask_providers=ask)
    documents, now = [snapshot.document for snapshot in store.scan()], parts.clock.now()
    refuse_if_any_ahead(now, documents)
    return InventoryContext(documents, now)


def _forecast(
    found: Mapping[str, InventoryContext], at: datetime, now: datetime
) -> tuple[dict[str, InventoryContext], list[str]]:
    """The stores at a later time if nothing is done, and what a reader must know of that."""
    later = {
        label: InventoryContext([*each.documents, *each.retired], at, each.providers, people=each.people)
        for label, each in found.items()
    }
    return later, [f"this is a forecast made on {now:%Y-%m-%d}: the state if nothing is done"]


def _in_the_past(
    stores: Mapping[str, Store], found: Mapping[str, InventoryContext], at: datetime, now: datetime
) -> tuple[dict[str, InventoryContext], list[str]]:
    """The stores at an earlier time, and what a reader must know of that."""
    rewound = {label: _rewound(stores[label], each, at) for label, each in found.items()}
    edited = sum(edited for _, edited in rewound.values())
    return {label: each for label, (each, _) in rewound.items()}, _said_of_the_past(now, edited)


def _of_selection(wanted: Filter, found: Iterable[InventoryContext]) -> Iterator[str]:
    """What a reader must know of the selection; InputError if it asks for what no token has."""
    options = shlex.join(wanted.options)
    known = [each for around in found for each in (*around.documents, *around.retired)]
    chosen = list(filter(wanted.describes, known))
    if not chosen:
        check_match(wanted, known)
        yield f"no token matches {options}: there is nothing to report"
    elif all(each.record.state is RecordState.RETIRED for each in chosen):
        yield "none of these tokens is in use: the policy is not checked for retired tokens"
    yield f"this report covers only the tokens that match {options}"


def _rewound(store: Store, around: InventoryContext, at: datetime) -> tuple[InventoryContext, int]:
    """The store at an earlier time, and how many records were edited since."""
    documents, edited = [], 0
    for snapshot, entries in store.trails():
        historical = record_as_of(snapshot.document, [entry.event for entry in entries], at)
        if historical is not None:
            documents.append(historical.document)
            edited += historical.edited
    facts = {
        place: replace(each, listed=None, no_list=_TODAYS_LIST if each.listed is not None else each.no_list)
        for place, each in around.providers.items()
    }
    return InventoryContext(documents, at, facts, people=around.people), edited


def _said_of_the_past(now: datetime, edited: int) -> list[str]:
    told = [f"reconstructed on {now:%Y-%m-%d} from the audit trail, by today's policy"]
    if edited:
        told.append(
            f"{pluralize(edited, 'record')} edited since: owner, purpose and similar fields are shown with "
            f"their current values"
        )
    return told
