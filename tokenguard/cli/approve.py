"""`tokenguard approve`: approve a plan for unattended apply, or the request of another person."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokenguard.cli.base import PATH_TEXT, command, pass_wiring
from tokenguard.domain.second_person import same_person
from tokenguard.errors import InputError, NeedsPerson, Unreachable
from tokenguard.inventory.admission import checked_if_readable
from tokenguard.inventory.views import moment
from tokenguard.output.formats import OutputFormat
from tokenguard.ports.clock import is_behind
from tokenguard.ports.store import identity_of
from tokenguard.provisioning.approval import LONGEST, USUAL, Approval, approval_of
from tokenguard.provisioning.plan_model import Plan
from tokenguard.provisioning.request import ApprovalRequest
from tokenguard.provisioning.review import checked_digest
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.correct_times import correct_approvals
from tokenguard.usecases.given_facts import end_date
from tokenguard.usecases.load_manifest import DEFAULT_FILE, declared_in, plan_against_store, refuse_blocked
from tokenguard.usecases.outdated_requests import why_outdated
from tokenguard.views.plan_view import show_plan

if TYPE_CHECKING:
    from tokenguard.shell.tty import Tty


@command("approve")
@click.argument("digest", required=False, default="")
@click.argument("file", metavar="[FILE]", type=PATH_TEXT, default=DEFAULT_FILE)
@click.option("--env", "environment", metavar="E", default="", help="The environment to select, with its overlay.")
@click.option(
    "--until",
    metavar="YYYY-MM-DD",
    help=(f"The day it expires; default in {USUAL.days} days, at most {LONGEST.days} days."),
)
@click.option("--reason", metavar="TEXT", default="", help="The reason, stored with the approval.")
@click.option(
    "--clock-was-ahead",
    metavar="REASON",
    help="Without DIGEST: times in the trail of the approvals that are later than now are wrong: a clock was ahead, "
    "and this machine's is right.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@pass_wiring
def approve(
    wiring: Wiring, digest: str, file: str, *, environment: str, until: str | None, reason: str,
    clock_was_ahead: str | None, yes: bool,
) -> None:  # fmt: skip
    """Approve the request DIGEST of another person, or the plan DIGEST of the manifest FILE (tokens.yaml).

    The approval of a plan lets `apply` do each new item of the plan once, unattended: records, first values,
    destinations, provider addresses and adopted fields. The approval of a request lets the person who asked run these
    operations once. A DIGEST of an operation that was run with --break-glass closes its review. An approval records
    your identity and its expiry. Exit 2: neither a request nor the current plan has this digest, or it is your own
    request; exit 3: not a terminal and no --yes.
    """
    if clock_was_ahead is not None:
        _correct(wiring, clock_was_ahead, alone=not (digest or until or reason or environment), yes=yes)
        return
    if not digest:
        raise InputError("DIGEST is missing", hint="`tokenguard plan` or `tokenguard request` prints it")
    wanted = checked_digest(digest)
    end = _end(wiring.clock.now(), until)
    reason = checked_if_readable(wiring.store, reason, what="reason") if reason else ""
    _ = wiring.people  # a file that cannot be read is reported before anything is written
    request = _request_of(wiring, wanted)
    if request is not None:
        _approve_request(wiring, request, until=end, reason=reason, yes=yes)
        return
    if file == DEFAULT_FILE and not Path(file).exists():
        raise InputError(
            f"no request has this digest, and there is no {file} whose plan could have it",
            hint="`tokenguard request` lists what waits; for a plan: tokenguard approve DIGEST FILE",
        )
    plan = plan_against_store(wiring, declared_in(file, environment)).plan
    refuse_blocked(plan)
    if plan.digest != wanted:
        raise InputError(
            "neither a request nor the current plan has this digest",
            hint=f"`tokenguard request` lists requests, `tokenguard plan` shows the plan; its digest is {plan.digest}",
        )
    if not plan.news:
        raise InputError("nothing in that plan needs an approval", hint="`tokenguard apply` runs it unattended")
    if not yes:
        _ask(wiring, plan)
    approval = approval_of(plan, by=identity_of(wiring.store).id, at=wiring.clock.now(), until=end, reason=reason)
    wiring.approvals.add(approval)
    covered = [f"{each.name or 'this store'}: {'; '.join(each.news)}" for each in approval.covers]
    _print(wiring, approval, covered)


def _correct(wiring: Wiring, why: str, *, alone: bool, yes: bool) -> None:
    if not alone:
        raise InputError(
            "--clock-was-ahead approves nothing", hint="give it alone: tokenguard approve --clock-was-ahead REASON"
        )
    correct_approvals(wiring, why, confirmed=yes)
    if wiring.screen.as_json:
        wiring.screen.document({"corrected": True})
    else:
        wiring.screen.line("later times in the trail of the approvals count as wrong from now on")


def _request_of(wiring: Wiring, digest: str) -> ApprovalRequest | None:
    """The request of that digest; None also for a login of an older policy, which may still approve plans."""
    try:
        return wiring.second_person.request_of(digest)
    except Unreachable:
        wiring.progress.note(
            "requests cannot be read: install the policy of the role `approver` that `init` prints again"
        )
        return None


def _approve_request(wiring: Wiring, request: ApprovalRequest, *, until: datetime, reason: str, yes: bool) -> None:
    """Approve another person's request, or close the review of what another person did.

    Raises:
        InputError: it is the approver's own, or an approval of it could not be used.
        NeedsPerson: it is not confirmed.
    """
    by = identity_of(wiring.store).id
    if same_person(by, request.by) or wiring.people.same(by, request.by):
        raise InputError(
            f"this request is your own ({wiring.people.named(by)})",
            hint=f"another person runs: tokenguard approve {request.digest}",
        )
    if why := why_outdated(request, wiring.store):
        raise InputError(
            f"this request is outdated: {why}",
            hint="the person who asked runs the command again, if it is still needed",
        )
    if not request.forced and request.ends <= wiring.clock.now():
        raise InputError(
            f"this request expired on {request.ends:%Y-%m-%d}",
            hint="the person who asked runs the command again, if it is still needed",
        )
    if not request.forced and is_behind(wiring.clock.now(), request.at):
        raise InputError(
            f"this request is dated {request.at:%Y-%m-%d %H:%M} UTC, which is later than now",
            hint="if this machine's clock is right, the person who asked runs the command again; a review stays open",
        )
    if request not in wiring.second_person.waiting():  # another approval would allow another run
        raise InputError(
            f"this {'review is closed' if request.forced else 'request was approved'} already",
            hint="if it is needed again, the person who asked runs the command again",
        )
    if not yes:
        tty = _approver_tty(wiring)
        _show_request(tty.show, request, wiring.people.named(request.by))
        confirm(tty, "close this review" if request.forced else "approve this", undone="approved")
    approval = Approval(
        plan=request.digest, store=request.store, covers=request.covers, by=by, at=wiring.clock.now(), until=until,
        reason=reason,
    )  # fmt: skip
    wiring.approvals.add(approval)
    if request.forced and not wiring.screen.as_json:
        for each in request.operations:
            wiring.screen.line(f"{each.name or 'this store'}: {each.described}")
        wiring.screen.line(f"reviewed by {wiring.people.named(by)}")
        return
    _print(wiring, approval, [f"{each.name or 'this store'}: {each.described}" for each in request.operations])


def _show_request(show: Callable[[str], None], request: ApprovalRequest, by: str) -> None:
    done = f"was run with --break-glass ({request.forced}) by" if request.forced else "is requested by"
    for each in request.operations:
        show(f"{each.name or 'this store'}: {each.described}")
    show(f"This {done} {by}, {request.at:%Y-%m-%d %H:%M} UTC.")


def _end(now: datetime, until: str | None) -> datetime:
    end = end_date(until) if until else now + USUAL
    if not now < end <= now + LONGEST:
        raise InputError(
            f"--until must be a date within the next {LONGEST.days} days",
            hint="give the day by which the plan will be applied, YYYY-MM-DD",
        )
    return end


def _approver_tty(wiring: Wiring) -> "Tty":
    if wiring.tty is None:
        raise NeedsPerson("an approval needs a person to answer", hint="run it in a terminal, or give --yes")
    return wiring.tty


def _ask(wiring: Wiring, plan: Plan) -> None:
    tty = _approver_tty(wiring)
    if not wiring.screen.as_json:
        show_plan(wiring, plan, OutputFormat.TEXT)
    confirm(tty, "approve this plan", undone="approved")


def _print(wiring: Wiring, approval: Approval, lines: Sequence[str]) -> None:
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
    by, covered = wiring.people.named(approval.by), pluralize(len(approval.covers), "token")
    wiring.screen.line(f"approved by {by} until {approval.until:%Y-%m-%d}: {covered}")
    for line in lines:
        wiring.screen.line(f"  {line}")
