"""A plan as Markdown, for a comment on a pull request; text from outside stays text."""

from tokenguard.cli.plan_words import details, shouts, summary, todo_line, what
from tokenguard.provisioning.actions import Plan
from tokenguard.rotation.markdown import exact, plain, table


def render(plan: Plan, price: str) -> str:
    """What must not be overlooked, then what is done, what people have to do, and the digest to apply."""
    parts = ["# Token plan", f"{plain(summary(plan))}."]
    for headline, places in shouts(plan):
        parts += [
            f"## ⚠ {plain(headline)}",
            table(["token or provider", "where"], [list(map(_cell, row)) for row in places]),
        ]
    if plan.blocked:
        rows = [[exact(each.place), exact(each.name), plain(each.reason), plain(each.hint)] for each in plan.blocked]
        parts += ["## Cannot be done", table(["place", "token", "why", "mend it"], rows)]
    if plan.actions:
        rows = [[exact(each.name), what(each), exact(each.provider), plain(details(each))] for each in plan.actions]
        parts += ["## What will be done", table(["token", "what", "provider", "details"], rows)]
    if plan.todos:
        lines = sorted(map(todo_line, plan.todos), key=lambda row: (row[2] or "9999", row[0]))
        rows = [[exact(name), plain(owner), by, plain(text), exact(run)] for name, owner, by, text, run in lines]
        parts += ["## For people", table(["token", "owner", "by", "to do", "command"], rows)]
    if plan.undeclared:
        parts += ["## Not in the manifest, and left alone", ", ".join(map(exact, plan.undeclared))]
    if price:
        parts.append(f"The store then costs {plain(price)}.")
    parts.append(f"Digest: `{plan.digest}`")
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return exact(text) if text else ""
