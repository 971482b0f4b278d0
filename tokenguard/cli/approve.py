"""`tokenguard approve`: approve a plan for unattended apply."""

from datetime import datetime

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.inventory.record_changes import plain_text
from tokenguard.inventory.views import moment
from tokenguard.output.formats import OutputFormat
from tokenguard.provisioning.approval import LONGEST, USUAL, Approval, approval_of
from tokenguard.provisioning.plan_model import Plan
from tokenguard.provisioning.review import checked_digest
from tokenguard.shell.confirm import confirm
from tokenguard.shell.wiring import Wiring
from tokenguard.text import counted
from tokenguard.usecases.given_facts import end_date
from tokenguard.usecases.load_manifest import DEFAULT_FILE, declared_in, held_against_store, refuse_blocked
from tokenguard.views.plan_view import show_plan


@command("approve")
@click.argument("digest")
@click.argument("file", metavar="[FILE]", default=DEFAULT_FILE)
@click.option("--env", "environment", metavar="E", default="", help="The environment to select, with its overlay.")
@click.option(
    "--until",
    metavar="YYYY-MM-DD",
    help=(f"The day it expires; default in {USUAL.days} days, at most {LONGEST.days} days."),
)
@click.option("--reason", metavar="TEXT", default="", help="The reason, stored with the approval.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@pass_wiring
def approve(
    wiring: Wiring, digest: str, file: str, *, environment: str, until: str | None, reason: str, yes: bool
) -> None:
    """Approve the plan DIGEST of the manifest FILE (tokens.yaml), so that `apply` may do its new items unattended.

    An approval covers each new record, first value, destination, provider address and adopted field of that plan, once.
    It is stored with your identity and its expiry. Exit 2: the digest is not the current plan's; exit 3: not a terminal
    and no --yes.
    """
    wanted = checked_digest(digest)
    end = _end(wiring.clock.now(), until)
    reason = plain_text(reason, what="reason") if reason else ""
    plan = held_against_store(wiring, declared_in(file, environment)).plan
    refuse_blocked(plan)
    if plan.digest != wanted:
        raise InputError(
            "this digest is not the current plan's",
            hint=f"review it again with `tokenguard plan`; the current digest is {plan.digest}",
        )
    if not plan.news:
        raise InputError("nothing in that plan needs an approval", hint="`tokenguard apply` runs it unattended")
    if not yes:
        _ask(wiring, plan)
    store = wiring.store
    approval = approval_of(plan, by=store.actor().id, at=wiring.clock.now(), until=end, reason=reason)
    wiring.approvals.add(approval)
    _print(wiring, approval)


def _end(now: datetime, until: str | None) -> datetime:
    end = end_date(until) if until else now + USUAL
    if not now < end <= now + LONGEST:
        raise InputError(
            f"--until is not a date within the next {LONGEST.days} days",
            hint="approve only for as long as applying takes",
        )
    return end


def _ask(wiring: Wiring, plan: Plan) -> None:
    if wiring.tty is None:
        raise NeedsPerson("an approval needs a person to answer", hint="run it in a terminal, or give --yes")
    if not wiring.screen.as_json:
        show_plan(wiring, plan, OutputFormat.TEXT)
    confirm(wiring.tty, "approve this plan", undone="approved")


def _print(wiring: Wiring, approval: Approval) -> None:
    if wiring.screen.as_json:
        wiring.screen.document(
            {
                "digest": approval.plan,
                "approved_by": approval.by,
                "until": moment(approval.until),
                "covers": [{"name": each.name, "new": list(each.news)} for each in approval.covers],
            }
        )
        return
    wiring.screen.line(
        f"approved by {approval.by} until {approval.until:%Y-%m-%d}: {counted(len(approval.covers), 'token')}"
    )
    for each in approval.covers:
        wiring.screen.line(f"  {each.name}: {'; '.join(each.news)}")
