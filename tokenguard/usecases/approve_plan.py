"""Approvals for unattended `apply` and `upkeep`: checks that new items of a plan were approved."""

import shlex
from collections.abc import Mapping

from tokenguard.domain.names import TokenName
from tokenguard.errors import NotApproved
from tokenguard.provisioning.plan_model import Action, Plan
from tokenguard.text import pluralize
from tokenguard.usecases.load_manifest import DEFAULT_FILE
from tokenguard.usecases.parts import HasApprovals


def approve_command(plan: Plan, file: str, environment: str) -> str:
    """The command that approves a plan."""
    words = ["tokenguard", "approve", plan.digest, *([file] if file != DEFAULT_FILE else [])]
    return shlex.join([*words, *(["--env", environment] if environment else [])])


def verdicts(parts: HasApprovals, plan: Plan) -> tuple[Mapping[TokenName, str], Mapping[TokenName, str]]:
    """For each new item, the digest of the plan in which it was approved, or why it is not approved."""
    approved, refused = dict[TokenName, str](), dict[TokenName, str]()
    for action in plan.news:
        found = parts.approvals.verdict(action)
        if found.approval is not None:
            approved[action.name] = found.approval.plan
        else:
            refused[action.name] = found.why
    return approved, refused


def not_approved(action: Action, why: str, command: str, *, others: int = 0) -> NotApproved:
    """The error to raise."""
    more = f" (and {pluralize(others, 'more token')})" if others else ""
    return NotApproved(
        f"{action.name}: {action.news[0]} is new, and {why}{more}",
        hint=f"review `tokenguard plan`; an approver then runs: {command}",
    )


def approved_actions(
    parts: HasApprovals, plan: Plan, file: str, environment: str, *, asks: bool, break_glass: str = ""
) -> tuple[Mapping[TokenName, str], bool]:
    """The plan's new items with the digests of their approvals, and whether a person must confirm others.

    Raises:
        NotApproved: an item is not approved, and no person can be asked (`asks`).
    """
    approved, refused = verdicts(parts, plan)
    if refused and not asks:
        first = next(each for each in plan.news if each.name in refused)
        command = approve_command(plan, file, environment)
        error = not_approved(first, refused[first.name], command, others=len(refused) - 1)
        if break_glass:
            error.hint = f"--break-glass does not cover the approval of a plan; {error.hint}"
        raise error
    return approved, bool(refused)
