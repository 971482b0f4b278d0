"""Presents the outcome of `apply` and the remaining manual steps."""

from collections.abc import Sequence
from typing import Any

from tokenguard.domain.names import TokenName
from tokenguard.errors import NeedsPerson
from tokenguard.frozen import Frozen
from tokenguard.provisioning.plan_model import Action, Plan
from tokenguard.rotation.batch import BatchResult
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.views.plan_view import show_todos, todo_json
from tokenguard.views.plan_words import action_words, details

_NAMED = 5


class ApplyOutcome(Frozen, frozen=True, kw_only=True):
    """The outcome of a plan."""

    plan: Plan
    results: tuple[BatchResult, ...]
    left: Plan | None
    """The plan afterwards; None if the run stopped before it could be computed."""


def show_outcome(wiring: Wiring, outcome: ApplyOutcome) -> None:
    """Print what was done to each token, then what remains."""
    actions = {each.name: each for each in outcome.plan.actions}
    if wiring.screen.as_json:
        wiring.screen.document(_json(outcome, actions))
        return
    if outcome.results:
        rows = [(each.name, _what(actions, each), *_end(each, actions)) for each in outcome.results]
        tones = ["red" if each.error else "" for each in outcome.results]
        wiring.screen.table(("token", "what", "result", "details"), rows, tones=tones)
    if outcome.left is None:
        done, wanted = len(outcome.results), len(outcome.plan.actions)
        wiring.screen.line(f"stopped after {done:,} of {wanted:,} actions; run the same command again to continue")
        return
    show_todos(wiring, outcome.left.todos)
    wiring.screen.line(_summary(outcome, outcome.left))


def _what(actions: dict[TokenName, Action], result: BatchResult) -> str:
    return action_words(actions[result.name]) if result.name in actions else "hand over"


def _end(result: BatchResult, actions: dict[TokenName, Action]) -> Sequence[str]:
    if isinstance(result.error, NeedsPerson):
        return "waits", result.error.message
    if result.error is not None:
        return f"exit {int(result.exit_code)}", f"{result.error.message}; {result.error.hint}"
    return "done", details(actions[result.name]) if result.name in actions else ""


def _summary(outcome: ApplyOutcome, left: Plan) -> str:
    errors = [each.error for each in outcome.results if each.error is not None]
    waits = sum(isinstance(each, NeedsPerson) for each in errors)
    parts = [f"{len(outcome.results) - len(errors):,} done" if outcome.results else "nothing to do"]
    parts += [f"{waits:,} started"] if waits else []
    parts += [f"{len(errors) - waits:,} failed"] if len(errors) > waits else []
    parts += [pluralize(len(left.todos), "manual step")] if left.todos else []
    if left.actions:
        return f"{', '.join(parts)}; {len(left.actions):,} remaining: apply again"
    rest = [f"waiting for a person: {_listed([each.name for each in left.todos])}"] if left.todos else []
    rest += [f"not declared: {_listed(left.undeclared)}"] if left.undeclared else []
    return "; ".join([", ".join(parts), *(rest or ["the store matches the manifest"])])


def _listed(names: Sequence[TokenName]) -> str:
    """The first names, and how many more there are."""
    found = list(dict.fromkeys(names))
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return f"{', '.join(found[:_NAMED])}{more}"


def _json(outcome: ApplyOutcome, actions: dict[TokenName, Action]) -> dict[str, Any]:
    return {
        "digest": outcome.plan.digest,
        "results": [
            {
                "name": each.name,
                "verbs": list(actions[each.name].verbs) if each.name in actions else ["hand-over"],
                "exit_code": int(each.exit_code),
                "error": each.error.message if each.error else "",
                "hint": each.error.hint if each.error else "",
            }
            for each in outcome.results
        ],
        "todos": [todo_json(each) for each in outcome.left.todos] if outcome.left else [],
        "left": len(outcome.left.actions) if outcome.left else None,
    }
