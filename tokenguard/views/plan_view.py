"""Presents a plan: to people, to programs, and on a pull request."""

from typing import Any

from tokenguard.inventory.views import moment
from tokenguard.output.formats import OutputFormat
from tokenguard.provisioning.plan_model import Action, Plan, Todo
from tokenguard.shell.wiring import Wiring
from tokenguard.views.plan_words import (
    action_words,
    adoptions,
    approval_line,
    cost,
    destinations,
    details,
    summary,
    todo_line,
    warnings_requiring_review,
)

_NAMED = 20


PLAN_FORMATS = (OutputFormat.TEXT, OutputFormat.JSON, OutputFormat.MARKDOWN)


def show_plan(wiring: Wiring, plan: Plan, chosen: OutputFormat) -> None:
    """Print a plan, warnings first."""
    wiring.flags.format = "json" if chosen is OutputFormat.JSON else "text"
    match chosen:
        case OutputFormat.JSON:
            wiring.screen.document(plan_json(plan, cost(plan, wiring.backend)))
        case OutputFormat.MARKDOWN:
            from tokenguard.views.plan_markdown import render  # only for a pull request

            wiring.screen.text(render(plan, cost(plan, wiring.backend)))
        case _:
            _text(wiring, plan)


def show_todos(wiring: Wiring, todos: tuple[Todo, ...]) -> None:
    """The manual steps, most urgent first."""
    if todos:
        rows = sorted(map(todo_line, todos), key=lambda row: (row[2] or "9999", row[0]))
        wiring.screen.line("Manual steps:")
        wiring.screen.table(("token", "owner", "by", "to do", "command"), rows)


def todo_json(todo: Todo) -> dict[str, Any]:
    """One manual step, for programs."""
    return {
        "name": todo.name,
        "wait": todo.wait,
        "text": todo.text,
        "command": todo.command,
        "owner": todo.owner,
        "due_at": moment(todo.due),
    }


def plan_json(plan: Plan, price: str) -> dict[str, Any]:
    """The documented shape."""
    return {
        "digest": plan.digest,
        "manifest": plan.manifest,
        "store_id": plan.store,
        "declared": plan.declared,
        "new_destinations": [
            {"name": name, "consumer": str(consumer), "server": consumer.server or None}
            for name, consumer in destinations(plan)
        ],
        "adopted_places": [
            {"name": name, "place": place.url, "server": place.server or None} for name, place in adoptions(plan)
        ],
        "new_addresses": [{"provider": provider, "address": address} for provider, address in plan.addresses],
        "needs_approval": [{"name": each.name, "new": list(each.news)} for each in plan.news],
        "revokes": list(plan.ends_live),
        "actions": [_action_json(each) for each in plan.actions],
        "todos": [todo_json(each) for each in plan.todos],
        "blocked": [
            {"name": each.name, "place": each.place, "reason": each.reason, "hint": each.hint} for each in plan.blocked
        ],
        "undeclared": list(plan.undeclared),
        "cost": price,
    }


def _action_json(action: Action) -> dict[str, Any]:
    return {
        "name": action.name,
        "verbs": list(action.verbs),
        "id": action.token or None,
        "version": action.version,
        "provider": action.provider,
        "owner": action.owner,
        "changes": [{"field": each.field, "before": each.before, "after": each.after} for each in action.changes],
        "deliver": [str(each) for each in action.deliver],
        "digest": action.digest,
    }


def _text(wiring: Wiring, plan: Plan) -> None:
    screen = wiring.screen
    for headline, places in warnings_requiring_review(plan):
        screen.line(f"!! {headline}")
        for first, second in places:
            screen.line(f"!!   {first}  {second}".rstrip())
    if plan.actions:
        rows = [(each.name, action_words(each), each.provider, details(each)) for each in plan.actions]
        screen.table(("token", "what", "provider", "details"), rows)
    show_todos(wiring, plan.todos)
    for blocked in plan.blocked:
        screen.line(f"blocked: {blocked.place}: {blocked.name}: {blocked.reason}; {blocked.hint}")
    if plan.undeclared:
        more = f" and {len(plan.undeclared) - _NAMED:,} more" if len(plan.undeclared) > _NAMED else ""
        screen.line(f"not in the manifest (unchanged): {', '.join(plan.undeclared[:_NAMED])}{more}")
    screen.line(summary(plan))
    if price := cost(plan, wiring.backend):
        screen.line(f"store cost afterwards: {price}")
    if plan.news and not plan.blocked:
        screen.line(approval_line(plan))
    screen.line(f"digest {plan.digest}")
