"""Texts of a plan, shared by table, Markdown and confirmation."""

from collections import Counter
from collections.abc import Iterator

from tokenguard.domain.token import Consumer, Location
from tokenguard.inventory.views import day
from tokenguard.ports.store_backend import StoreBackend
from tokenguard.provisioning.plan_model import Action, ActionType, Plan, Todo
from tokenguard.text import pluralize

DID = {
    ActionType.RESUME: "go on with",
    ActionType.DECLARE: "record",
    ActionType.ISSUE: "create",
    ActionType.ADOPT: "adopt",
    ActionType.CHANGE: "change",
    ActionType.DELIVER: "deliver",
    ActionType.ROTATE: "rotate",
    ActionType.RETIRE: "retire",
    ActionType.CLOSE: "close",
}
DESTINATIONS = "NEW DESTINATIONS: values will be delivered there for the first time"
ADDRESSES = "NEW PROVIDER ADDRESSES: no token of this store was sent there before"
ADOPTED = "NEW EXTERNAL FIELDS: the values there will be read, verified with their provider, and replaced by rotations"
ENDS = "LIVE TOKENS WILL BE REVOKED without replacement: apply needs --allow-retire"


def action_words(action: Action) -> str:
    """What is done to a token, in short."""
    return ", ".join(DID[verb] for verb in action.verbs)


def details(action: Action) -> str:
    """The differences, and the consumers."""
    fresh = not action.token
    parts = [
        f"{each.field} {each.after}" if fresh else f"{each.field}: {each.before} -> {each.after}"
        for each in action.changes
        if not (fresh and each.field == "consumers")
    ]
    parts += [f"to {each.shown}" for each in action.deliver]
    if any(each.field == "permissions" for each in action.changes) and ActionType.ISSUE not in action.verbs:
        parts.append("the live value keeps its permissions until it is rotated")
    return "; ".join(parts)


def destinations(plan: Plan) -> list[tuple[str, Consumer]]:
    """Every new destination with its token."""
    return [(action.name, each) for action in plan.actions for each in action.destinations]


def adoptions(plan: Plan) -> list[tuple[str, Location]]:
    """Every external field to adopt, with its token."""
    return [(action.name, action.adopts) for action in plan.actions if action.adopts is not None]


def summary(plan: Plan) -> str:
    """A one-line summary."""
    counts = Counter(verb for action in plan.actions for verb in action.verbs)
    done = ", ".join(f"{counts[verb]:,} to {DID[verb]}" for verb in ActionType if counts[verb]) or "nothing to do"
    waits = f"; {pluralize(len(plan.todos), 'manual step')}" if plan.todos else ""
    blocked = f"; {len(plan.blocked):,} blocked" if plan.blocked else ""
    return f"{plan.declared:,} declared: {done}{waits}{blocked}"


def approval_line(plan: Plan) -> str:
    """That unattended runs need an approval, and the command that gives it."""
    new = pluralize(len(plan.news), "token")
    return f"something new in {new}; before an unattended `apply`, run: tokenguard approve {plan.digest}"


def cost(plan: Plan, backend: StoreBackend) -> str:
    """What the store costs a month after it; empty where a store has no price."""
    price = backend.monthly_cost(plan.records_after)
    added = plan.records_after - plan.records
    return f"{price}{f', {added:,} of them new' if price and added else ''}"


def todo_line(todo: Todo) -> tuple[str, str, str, str, str]:
    """Name, owner, day, step, and command."""
    return todo.name, todo.owner, day(todo.due), todo.text, todo.command


def warnings_requiring_review(plan: Plan) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The warnings for a reviewer, with their headlines."""
    if found := destinations(plan):
        yield DESTINATIONS, [(name, each.shown) for name, each in found]
    if adopted := adoptions(plan):
        yield ADOPTED, [(name, each.shown) for name, each in adopted]
    if plan.addresses:
        yield ADDRESSES, list(plan.addresses)
    if plan.ends_live:
        yield ENDS, [(name, "") for name in plan.ends_live]
