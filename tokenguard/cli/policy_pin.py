"""`policy pin`: keep the rule `second-person` in the store, where only approvers may write."""

import json
from typing import Any

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import NeedsPerson
from tokenguard.inventory.admission import checked_if_readable
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.second_person import pinned_rule


@command("pin")
@click.option("--end", is_flag=True, help="End the pinned rule; each runner's own policy decides again.")
@click.option("--plan", "plan_only", is_flag=True, help="Show the pinned rule and the new one; write nothing.")
@click.option("--reason", metavar="TEXT", default="", help="The reason, recorded in the audit trail.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation; required without a terminal.")
@pass_wiring
def pin(wiring: Wiring, *, end: bool, plan_only: bool, reason: str, yes: bool) -> None:
    """Keep this policy's rule `second-person` in the store, so that a runner with a looser policy is bound by it.

    Only the role `approver` may write there. From then on an operation waits for a second person if the runner's own
    policy or the pinned rule asks for one. Exit 3: not a terminal and no --yes.
    """
    reason = checked_if_readable(wiring.store, reason, what="reason") if reason else ""
    before, after = wiring.approvals.rule, "" if end else pinned_rule(wiring.policy)
    if not plan_only and before != after:
        _confirm(wiring, before, after, yes=yes)
        wiring.approvals.pin(after, reason=reason)
    if wiring.screen.as_json:
        wiring.screen.document({"before": _document(before), "pinned": _document(after), "written": not plan_only})
        return
    if plan_only:
        wiring.screen.line(f"pinned: {_words(before)}")
    wiring.screen.line(f"{'would be pinned' if plan_only else 'pinned'}: {_words(after)}")


def _confirm(wiring: Wiring, before: str, after: str, *, yes: bool) -> None:
    if yes:
        return
    if wiring.tty is None:
        raise NeedsPerson("the rule is not confirmed; nothing was written", hint="run it in a terminal, or give --yes")
    wiring.tty.show(f"pinned: {_words(before)}")
    wiring.tty.show(f"to be pinned: {_words(after)}")
    confirm(wiring.tty, "pin this", undone="written")


def _document(rule: str) -> dict[str, Any] | None:
    if not rule:
        return None
    found = json.loads(rule)
    (second,) = found["rules"] or [{"operations": []}]
    return {"operations": second["operations"], "overrides": found["overrides"]}


def _words(rule: str) -> str:
    """The rule on one line, each override with its operations."""
    found = _document(rule)
    if found is None:
        return "no rule"
    overrides = [
        f"{', '.join(each['operations']) or 'nothing'} where "
        + " and ".join(f"{key} is {each[key]}" for key in ("token", "environment", "provider") if key in each)
        for each in found["overrides"]
        if "operations" in each
    ]
    return "; ".join([", ".join(found["operations"]) or "nothing", *overrides])
