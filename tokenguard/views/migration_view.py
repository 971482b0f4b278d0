"""How the plan and the outcome of a move are shown."""

from tokenguard.migration.migration_plan import MovePlan
from tokenguard.shell.render import Screen
from tokenguard.text import counted


def show_plan(screen: Screen, plan: MovePlan, *, price: str) -> None:
    """What goes along, and what a person should know before."""
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
                f"{counted(plan.quarantined, 'old value')}, each kept until its death is confirmed"
                * bool(plan.quarantined),
            ),
            ("shared", ", ".join(plan.shared)),
            ("audit", f"{counted(plan.entries, 'entry', 'entries')}, each as it is"),
            ("open", ", ".join(f"{each.name} ({each.mode} at {each.stage})" for each in plan.open)),
            ("cost", price),
        ]
    )
    screen.line("who reads values from the old store must be pointed at the new one before the next rotation")


def show_moved(screen: Screen, plan: MovePlan, *, again: bool = False) -> None:
    """What was moved, and what goes on at the new home; `again`: everything had been there before."""
    if screen.as_json:
        screen.document({"moved": _counts(plan)})
        return
    if again:
        screen.line(f"everything has moved to {plan.target} before: nothing was left to do")
        return
    screen.line(f"moved {counted(plan.tokens, 'token')} to {plan.target}")
    for each in plan.open:
        screen.line(f"go on with {each.name}: tokenguard --store {plan.target} rotate {each.name} --resume")


def show_taken_back(screen: Screen, marked: int) -> None:
    """A move was given up."""
    if screen.as_json:
        screen.document({"taken_back": marked})
    else:
        screen.line(f"the move is taken back; {counted(marked, 'token')} had been marked")


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
    parts += [f"{plan.elsewhere:,} whose value is elsewhere"] * bool(plan.elsewhere)
    return f"{plan.tokens:,}" + (f", of them {', '.join(parts)}" if parts else "")
