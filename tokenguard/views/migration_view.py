"""Presents the plan and the outcome of a migration."""

from tokenguard.migration.migration_plan import MovePlan
from tokenguard.shell.render import Screen
from tokenguard.text import pluralize


def show_plan(screen: Screen, plan: MovePlan, *, price: str) -> None:
    """What is migrated, and the warnings."""
    if screen.as_json:
        screen.document({"plan": {**_counts(plan), "cost": price}})
        return
    screen.pairs(
        [
            ("from", plan.source),
            ("to", plan.target),
            ("tokens", _tokens(plan)),
            (
                "quarantine",
                f"{pluralize(plan.quarantined, 'old value')}, each kept until it is confirmed dead"
                * bool(plan.quarantined),
            ),
            ("shared", ", ".join(plan.shared)),
            ("audit", f"{pluralize(plan.entries, 'entry', 'entries')}, unchanged"),
            ("open", ", ".join(f"{each.name} ({each.mode} at {each.stage})" for each in plan.open)),
            ("cost", price),
        ]
    )
    screen.line("point consumers that read from the old store to the new one before the next rotation")


def show_moved(screen: Screen, plan: MovePlan, *, again: bool = False) -> None:
    """What was migrated, and what to resume in the new store; `again`: everything was already migrated."""
    if screen.as_json:
        screen.document({"moved": _counts(plan)})
        return
    if again:
        screen.line(f"already migrated to {plan.target}: nothing to do")
        return
    screen.line(f"migrated {pluralize(plan.tokens, 'token')} to {plan.target}")
    for each in plan.open:
        screen.line(f"resume {each.name}: tokenguard --store {plan.target} rotate {each.name} --resume")


def show_taken_back(screen: Screen, marked: int) -> None:
    """A migration was aborted."""
    if screen.as_json:
        screen.document({"taken_back": marked})
    else:
        screen.line(f"the migration is undone; {pluralize(marked, 'token')} had been marked")


def _counts(plan: MovePlan) -> dict[str, object]:
    return {
        "from": plan.source,
        "to": plan.target,
        "tokens": plan.tokens,
        "retired": plan.retired,
        "elsewhere": plan.elsewhere,
        "quarantined": plan.quarantined,
        "shared": list(plan.shared),
        "audit_entries": plan.entries,
        "open": [{"name": each.name, "mode": each.mode, "stage": each.stage} for each in plan.open],
    }


def _tokens(plan: MovePlan) -> str:
    parts = [f"{plan.retired:,} retired"] * bool(plan.retired)
    parts += [f"{plan.elsewhere:,} with a value stored elsewhere"] * bool(plan.elsewhere)
    return f"{plan.tokens:,}" + (f", of them {', '.join(parts)}" if parts else "")
