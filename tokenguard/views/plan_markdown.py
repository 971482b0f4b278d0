"""A plan as Markdown for a pull-request comment; external text is escaped and mentions no users."""

from tokenguard.markdown import inert, plain, table
from tokenguard.provisioning.plan_model import Plan
from tokenguard.views.plan_words import action_words, details, summary, todo_line, warnings_requiring_review


def render(plan: Plan, price: str) -> str:
    """Warnings first, then actions, manual steps, and the digest to apply."""
    parts = ["# Token plan", f"{plain(summary(plan))}."]
    for headline, places in warnings_requiring_review(plan):
        parts += [
            f"## ⚠ {plain(headline)}",
            table(["token or provider", "where"], [list(map(inert, row)) for row in places]),
        ]
    if plan.blocked:
        rows = [list(map(inert, (each.place, each.name, each.reason, each.hint))) for each in plan.blocked]
        parts += ["## Blocked", table(["place", "token", "why", "fix"], rows)]
    if plan.actions:
        rows = [
            [inert(each.name), action_words(each), inert(each.provider), inert(details(each))] for each in plan.actions
        ]
        parts += ["## Actions", table(["token", "what", "provider", "details"], rows)]
    if plan.todos:
        lines = sorted(map(todo_line, plan.todos), key=lambda row: (row[2] or "9999", row[0]))
        rows = [[inert(name), inert(owner), by, inert(text), inert(run)] for name, owner, by, text, run in lines]
        parts += ["## Manual steps", table(["token", "owner", "by", "to do", "command"], rows)]
    if plan.undeclared:
        parts += ["## Not in the manifest (unchanged)", ", ".join(map(inert, plan.undeclared))]
    if price:
        parts.append(f"Store cost afterwards: {plain(price)}.")
    if plan.news and not plan.blocked:
        rows = [[inert(each.name), inert("; ".join(each.news))] for each in plan.news]
        command = f"Approve all of it with `tokenguard approve {plan.digest}`."
        parts += ["## Needs an approval before it is applied unattended", table(["token", "new"], rows), command]
    parts.append(f"Digest: `{plan.digest}`")
    return "\n\n".join(parts) + "\n"
