"""Compares a plan with the reviewed one, also if an earlier run has done a part of it.

A plan's digest is made of its actions' digests, and every change that `apply` writes carries both: the plan's and its
own action's. So the reviewed plan can be put together again from what is left to do and from what the audit trails
say was begun under it.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from tokenguard.domain.document import Snapshot
from tokenguard.domain.event import ChainedEvent
from tokenguard.domain.names import TokenName
from tokenguard.errors import InputError
from tokenguard.provisioning.plan_model import Plan, digest_of

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_REASON = re.compile(r"apply (sha256:[0-9a-f]{64}) ([0-9a-f]{64})(?: approved (sha256:[0-9a-f]{64}))?", re.ASCII)


def reason_of(plan: str, action: str, approved: str = "") -> str:
    """What the audit trail says of a change: under which plan it was made, and which of its actions it is.

    Args:
        plan: its digest.
        action: the action's.
        approved: the digest of the plan that the action was approved in, if it needed that.
    """
    return f"apply {plan} {action}" + (f" approved {approved}" if approved else "")


def was_used(approved: str, entries: Iterable[ChainedEvent]) -> bool:
    """Whether a trail says that something was begun under an approval of that plan, or by a person who applied it."""
    reasons = (_REASON.fullmatch(str(entry.event.detail.get("reason", ""))) for entry in entries)
    return any(approved in {found[1], found[3]} for found in reasons if found is not None)


def checked_digest(text: str) -> str:
    """Parse a digest; InputError (exit 2) if invalid."""
    if not _DIGEST.fullmatch(text):
        raise InputError("this is not a digest", hint="`tokenguard plan` or `request` prints it: sha256: and 64 digits")
    return text


def reviewed_actions(
    plan: Plan,
    reviewed: str,
    inventory: Mapping[TokenName, Snapshot],
    declared: Iterable[TokenName],
    history: Callable[[Snapshot], Iterable[ChainedEvent]],
) -> Mapping[TokenName, str]:
    """The digests of the reviewed actions that were begun before, by token; empty where nothing was.

    Args:
        plan: what is to be done now.
        reviewed: the digest that was given.
        inventory: every token of the store.
        declared: the tokens of the manifest.
        history: the audit trail of a token; only read where the digests differ.

    Raises:
        InputError: this is another plan.
    """
    if plan.digest == reviewed:
        return {}
    begun = {
        name: action
        for name in declared
        if name in inventory and (action := _begun_under(reviewed, history(inventory[name]))) is not None
    }
    left = [each.digest for each in plan.actions if each.name not in begun]
    if digest_of(plan.store, plan.manifest, [*begun.values(), *left]) == reviewed:
        return begun
    raise InputError(
        "the plan differs from the reviewed one: the manifest or the store has changed since",
        hint=f"review it again with `tokenguard plan`; the current digest is {plan.digest}",
    )


def _begun_under(reviewed: str, entries: Iterable[ChainedEvent]) -> str | None:
    for entry in entries:
        found = _REASON.fullmatch(str(entry.event.detail.get("reason", "")))
        if found is not None and found[1] == reviewed:
            return found[2]
    return None
