"""Presents plans and outcomes of rotations."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tokenguard.domain.document import Snapshot
from tokenguard.domain.journal import Mode
from tokenguard.domain.liveness import DeathControl
from tokenguard.domain.names import TokenName
from tokenguard.inventory.views import days_in_words, moment
from tokenguard.policy.model import Due
from tokenguard.rotation.batch import BatchResult
from tokenguard.rotation.rotation_plan import RotationPlan, StepActor, total
from tokenguard.shell.render import Screen
from tokenguard.text import pluralize


def show_plans(screen: Screen, plans: Sequence[RotationPlan], now: datetime, *, quiet: bool, cost: str = "") -> None:
    """The plan: order, steps, people needed, duration, and the store's cost, if any.

    `quiet`: no JSON, which the results that follow print.
    """
    if quiet:
        return
    if screen.as_json:
        costs = {"cost": cost} if cost else {}
        steps = [_plan_json(plan) for plan in plans]
        screen.document({"plan": steps, "seconds": total(plans).total_seconds(), **costs})
        return
    _plans(screen, plans, now)
    for plan in plans:
        if plan.leaked and plan.unfinished:
            screen.line(f"{plan.name} has leaked: complete its open operation first")
        elif plan.leaked and plan.mode is Mode.PLANNED:
            screen.line(f"{plan.name} has leaked: `tokenguard rotate {plan.name} --compromised` revokes it first")
        elif plan.leaked and plan.mode is Mode.COMPROMISED:
            screen.line(f"{plan.name} has leaked: it is revoked first, then replaced")
    if cost:
        screen.line(f"store cost: {cost}")


def _plans(screen: Screen, plans: Sequence[RotationPlan], now: datetime) -> None:
    if not plans:
        screen.line("nothing to rotate")
        return
    if len(plans) == 1:
        _one_plan(screen, plans[0])
        return
    rows = [
        (
            str(number), plan.name, plan.provider, plan.scope, _due(plan, now), _who(plan),
            "" if plan.unfinished else _words(plan.takes), plan.blocked,
        )
        for number, plan in enumerate(plans, 1)
    ]  # fmt: skip
    screen.table(("#", "token", "provider", "scope", "due", "needs", "takes", "blocked because"), rows)
    fresh = [plan for plan in plans if not plan.unfinished]
    people = sum(plan.needs_person for plan in fresh)
    sitting = f"; a person is needed for {people} of them" if people else "; no person is needed"
    if fresh:
        screen.line(f"{pluralize(len(fresh), 'token')}, about {_words(total(fresh))}{sitting}")
    if begun := len(plans) - len(fresh):
        screen.line(f"{pluralize(begun, 'token')} with an open operation or an unproven revocation: resume first")


def ended_operations(snapshots: Iterable[Snapshot]) -> frozenset[str]:
    """The last operations of tokens on which none is open: what a command does next is another one."""
    journals = (each.document.journal for each in snapshots if not each.document.busy)
    return frozenset(journal.id for journal in journals if journal is not None)


def show_results(
    screen: Screen,
    results: Sequence[BatchResult],
    documents: Mapping[TokenName, Snapshot | None],
    *,
    earlier: frozenset[str] = frozenset(),
    others: int = 0,
) -> None:
    """The state of each token.

    Args:
        screen: where it is shown.
        results: how the jobs ended.
        documents: the tokens as they are now.
        earlier: operations that had ended before: what went wrong now has no part in their proofs.
        others: how many tokens other runners have rotated in the meantime.
    """
    if screen.as_json:
        elsewhere = {"by_others": others} if others else {}
        rows = [_result_json(each, documents.get(each.name), earlier) for each in results]
        screen.document({"results": rows, **elsewhere})
        return
    _results(screen, results, documents)
    if others:
        screen.line(f"{others} more: rotated by other runners")


def _results(screen: Screen, results: Sequence[BatchResult], documents: Mapping[TokenName, Snapshot | None]) -> None:
    if len(results) == 1:
        if results[0].error is None:
            screen.line(f"{results[0].name}: {_state(documents.get(results[0].name))}")
    elif results:
        rows = [
            (result.name, "done" if result.error is None else f"exit {int(result.exit_code)}",
             _state(documents.get(result.name)) if result.error is None else result.error.hint)
            for result in results
        ]  # fmt: skip
        screen.table(("token", "result", "next step"), rows, tones=["" if not r.error else "red" for r in results])


def _one_plan(screen: Screen, plan: RotationPlan) -> None:
    if plan.unfinished:
        screen.line(f"{plan.name}: no new rotation can start: {plan.blocked}")
        return
    screen.line(f"{plan.name}: {_what(plan)} at {plan.provider}, about {_words(plan.takes)}")
    for number, step in enumerate(plan.steps, 1):
        who = "" if step.by is StepActor.TOKENGUARD else f"  [{step.by.value}]"
        screen.line(f"  {number:>2}. {step.text}{who}")
    if plan.blocked:
        screen.line(f"the rotation would stop before revoking: {plan.blocked}")


def _what(plan: RotationPlan) -> str:
    return "retirement" if plan.mode is Mode.RETIRE else f"{plan.mode.value} rotation"


def _state(snapshot: Snapshot | None) -> str:
    journal = snapshot.document.journal if snapshot else None
    if journal is None:
        return "unchanged"
    if (proof := journal.proof) is not None:
        by_list = proof.controlled_by is DeathControl.LIST
        evidence = "missing from the list" if by_list else pluralize(proof.samples, "refusal")
        old = f"old {journal.mode.unit}"
        death = f"{old} revoked ({proof.grade.value}, {evidence})" if proof.proven else f"{old}: {proof.words}"
        return f"{journal.stage.value}; {death}"
    return journal.words


def _plan_json(plan: RotationPlan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "provider": plan.provider,
        "scope": plan.scope,
        "mode": plan.mode.value,
        "due_at": moment(plan.due_at),
        "leaked": plan.leaked,
        "needs_person": None if plan.unfinished else plan.needs_person,
        "seconds": None if plan.unfinished else plan.takes.total_seconds(),
        "blocked": plan.blocked,
        "steps": [
            {"text": step.text, "by": step.by.value, "seconds": step.takes.total_seconds()}
            for step in plan.steps
            if not plan.unfinished
        ],
    }


def _result_json(result: BatchResult, snapshot: Snapshot | None, earlier: frozenset[str]) -> dict[str, Any]:
    journal = snapshot.document.journal if snapshot else None
    if result.error is not None and journal is not None and journal.id in earlier:
        journal = None
    proof = journal.proof if journal else None
    return {
        "name": result.name,
        "exit_code": int(result.exit_code),
        "error": result.error.message if result.error else "",
        "hint": result.error.hint if result.error else "",
        "operation": journal.id if journal else "",
        "mode": journal.mode.value if journal else "",
        "stage": journal.stage.value if journal else "",
        "proof": {
            "grade": proof.grade.value,
            "samples": proof.samples,
            "control": proof.control,
            "controlled_by": proof.controlled_by.value,
            "said_by": proof.said_by,
            "first_at": moment(proof.first_at),
            "last_at": moment(proof.last_at),
        }
        if proof
        else None,
    }


def _who(plan: RotationPlan) -> str:
    """Who must be present; unknown for an operation that has begun."""
    if plan.unfinished:
        return ""
    return "a person" if plan.needs_person else "no person"


def _due(plan: RotationPlan, now: datetime) -> str:
    if plan.due_at is None:
        return ""
    far = days_in_words(Due(at=plan.due_at), now)
    return f"in {far}" if plan.due_at > now else far


def _words(length: timedelta) -> str:
    seconds = length.total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - two minutes
