"""`tokenguard rotate`: replaces tokens, resumes or aborts a rotation, or shows its plan."""

from collections.abc import Sequence

import click

from tokenguard.cli.base import break_glass_option, command, pass_wiring, refuse_empty
from tokenguard.cli.selection_options import DUE_HELP, selects
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.document import Snapshot
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenName
from tokenguard.errors import ExitCode, InputError, NeedsPerson
from tokenguard.frozen import replace
from tokenguard.inventory.admission import checked_text
from tokenguard.inventory.selection import ANY, Filter
from tokenguard.policy.model import age_unknown
from tokenguard.rotation.batch import BatchJob, BatchResult, SkipReason, most_severe, run_all
from tokenguard.rotation.machine import revocation_owed
from tokenguard.rotation.parallel_runners import run_shared
from tokenguard.rotation.rotation_plan import RotationPlan, in_order
from tokenguard.rotation.start import check_replaces
from tokenguard.rotation.unattended import HoldReason, Rollout, mode_of
from tokenguard.shell.wiring import Wiring
from tokenguard.text import is_plain_line, pluralize
from tokenguard.usecases.confirm import confirm_number
from tokenguard.usecases.given_facts import changes_from
from tokenguard.usecases.name_remainder import name_remainder
from tokenguard.usecases.rotation_jobs import (
    Canaries,
    allowed,
    chosen,
    continuing_job,
    named,
    open_ones,
    planned,
    report_held,
    report_leaked_order,
    report_second_person,
    rotation_job,
)
from tokenguard.usecases.select_tokens import report_selection
from tokenguard.usecases.token_lookup import known_token
from tokenguard.views.rotation_view import ended_operations, show_plans, show_results

_MAX_REASON = 200
_MODE_OPTIONS = {Mode.COMPROMISED: ("--compromised",), Mode.IN_PLACE: ("--in-place",)}
"""The option that asks for a mode."""


@command("rotate")
@click.argument("names", type=TOKEN_NAME, nargs=-1, metavar="[NAME]...")
@click.option("--due", is_flag=True, help=f"{DUE_HELP}; also those whose revocation is not completed.")
@click.option("--all-of", "scope", metavar="KIND:ID", help="The same as --scope.")
@click.option("--compromised", is_flag=True, help="Revoke first, then replace; for a leaked token.")
@click.option(
    "--in-place",
    is_flag=True,
    help="Have the provider give the token a new value. The old value fails before consumers have the new one.",
)
@click.option(
    "--plan", "plan_only", is_flag=True, help="Show the steps, who is needed and how long it takes; change nothing."
)
@click.option("--resume", is_flag=True, help="Resume interrupted operations; without NAME, all of them.")
@click.option("--abort", is_flag=True, help="Undo the operation, if revocation has not started.")
@click.option("--reason", default="", metavar="TEXT", help="The reason, for the audit trail (at most 200 characters).")
@click.option(
    "--accept-outage",
    is_flag=True,
    help="Revoke even if no consumers are declared, or replace in place even if consumers fail meanwhile; audited.",
)
@click.option("--concurrent", is_flag=True, help="Allow other runners on the same AWS store; not needed elsewhere.")
@break_glass_option
@selects
@pass_wiring
def rotate(
    wiring: Wiring,
    names: tuple[TokenName, ...],
    due: bool,
    scope: str | None,
    compromised: bool,
    in_place: bool,
    plan_only: bool,
    resume: bool,
    abort: bool,
    reason: str,
    accept_outage: bool,
    concurrent: bool,
    *,
    wanted: Filter,
) -> ExitCode:
    """Replace tokens without downtime, and verify that the old ones are revoked.

    Exit 0: every old token was proven dead. 3: stopped before the revocation, resumable. 4: no clear answer from store
    or provider. 5: a revocation has started and is not proven.
    """
    wanted = _with_scope(wanted, scope)
    chooses = due or wanted != ANY
    _check_choice(named=bool(names), chooses=chooses, resume=resume, abort=abort, plan_only=plan_only)
    _check_mode(compromised=compromised, resume=resume, abort=abort, accept_outage=accept_outage)
    _check_only_in_place(in_place, compromised or resume or abort or chooses)
    asked = Mode.COMPROMISED if compromised else Mode.IN_PLACE if in_place else Mode.PLANNED
    said = _reason(reason)
    if said:
        checked_text(wiring.store, said, what="reason")
    wiring.concurrent = concurrent
    if resume or abort:
        wiring.resuming = f"tokenguard rotate {' '.join([*names, '--resume'])}" if resume else ""
        targets = open_ones(wiring, abort=abort) if not names else [known_token(wiring.store, name) for name in names]
        return _go_on(wiring, targets, abort=abort, accept_outage=accept_outage, reason=said, single=len(names) == 1)
    return _replace(
        wiring, names, wanted, asked, due=due, plan_only=plan_only, accept_outage=accept_outage, reason=said
    )


def _replace(
    wiring: Wiring,
    names: tuple[TokenName, ...],
    wanted: Filter,
    asked: Mode,
    *,
    due: bool,
    plan_only: bool,
    accept_outage: bool,
    reason: str,
) -> ExitCode:
    """Plan the rotations of the selected tokens, and run them once they are approved and confirmed."""
    snapshots = chosen(wiring, names, wanted, due=due)
    report_selection(wiring, wanted, snapshots, due=due)
    if due and not plan_only:
        snapshots = _without_unknown_ages(wiring, snapshots)
    rollout = allowed(wiring, snapshots) if due and wiring.tty is None else None
    single = len(names) == 1
    plans = _plans(
        wiring, snapshots, rollout, asked=asked, due=due, strict=plan_only and single, accept_outage=accept_outage
    )
    if plan_only and due and rollout is None:
        report_held(wiring, allowed(wiring, snapshots), attended=True)
    _tell_plans(wiring, plans, rollout, plan_only=plan_only, single=single)
    if plan_only:
        by_id = {each.id: each for each in snapshots}
        report_second_person(wiring, [(by_id[plan.token], plan.mode) for plan in plans])
        return ExitCode.OK
    _check_in_place(wiring, snapshots, in_place=asked is Mode.IN_PLACE, accepted=accept_outage)
    _authorise(wiring, snapshots, plans, asked=asked is not Mode.PLANNED or wiring.requesting)
    _ask(wiring, plans, asked, selected=wanted != ANY and not due, single=single)
    jobs = [rotation_job(wiring, plan, reason=reason, accept_outage=accept_outage, only_if_due=due) for plan in plans]
    if rollout is not None:
        jobs = _after_canaries(rollout, plans, jobs)
    options = (*_MODE_OPTIONS.get(asked, ()), *(("--accept-outage",) if accept_outage else ()))
    again = ("--due", *wanted.options) if due else _with_reason(options, reason)
    code = _run(wiring, jobs, single=single, shared=due, again=again, earlier=ended_operations(snapshots))
    if code is ExitCode.OK and not names:
        wiring.stores.check_listed_whole()
    return code


def _authorise(wiring: Wiring, snapshots: Sequence[Snapshot], plans: Sequence[RotationPlan], *, asked: bool) -> None:
    """Before anything is asked: the approvals of a second person. Where the policy chooses the mode, each job asks."""
    begun = {plan.token: plan.mode for plan in plans if not plan.unfinished}
    wanted = [(each, begun[each.id]) for each in snapshots if each.id in begun] if asked else []
    wiring.second_person.authorise(wiring.second_person.rotations(wanted))


def _tell_plans(
    wiring: Wiring, plans: Sequence[RotationPlan], rollout: Rollout | None, *, plan_only: bool, single: bool
) -> None:
    """Show the plans of a batch, or of one token with --plan, and what a rollout holds back."""
    if plan_only or not single:
        quiet = wiring.screen.as_json and not plan_only
        show_plans(wiring.screen, plans, wiring.clock.now(), quiet=quiet, cost=_cost(wiring) if plan_only else "")
    if rollout is not None:
        report_held(wiring, rollout)


def _after_canaries(rollout: Rollout, plans: Sequence[RotationPlan], jobs: Sequence[BatchJob]) -> list[BatchJob]:
    """The same jobs, each of which waits for the first one at its provider."""
    canaries, by_id = Canaries(rollout), {each.id: each for each in rollout.chosen}
    return [canaries.guard(by_id[plan.token], job) for plan, job in zip(plans, jobs, strict=True)]


def _plans(
    wiring: Wiring,
    snapshots: Sequence[Snapshot],
    rollout: Rollout | None,
    *,
    asked: Mode,
    due: bool,
    strict: bool,
    accept_outage: bool,
) -> tuple[RotationPlan, ...]:
    """The tokens in order of urgency. With --due no mode is chosen, so a leaked token is rotated as the policy says."""
    policy = wiring.policy if due else None

    def made(snapshot: Snapshot) -> RotationPlan:
        by_policy = mode_of(snapshot.document.record, policy) if policy else Mode.PLANNED
        mode = by_policy if asked is Mode.PLANNED else asked
        return planned(wiring, snapshot, mode, strict=strict, accept_outage=accept_outage)

    return in_order(map(made, snapshots)) if rollout is None else tuple(map(made, rollout.chosen))


def _without_unknown_ages(wiring: Wiring, snapshots: list[Snapshot]) -> list[Snapshot]:
    """Ask whether to rotate tokens of unknown age; without a person they are held back later."""
    dated = [
        each
        for each in snapshots
        if revocation_owed(each.document) or not age_unknown(each.document.record, wiring.policy)
    ]
    if wiring.tty is None or len(dated) == len(snapshots):
        return snapshots
    kept = {each.id for each in dated}
    unknown = [each.document.record.name for each in snapshots if each.id not in kept]
    wiring.tty.show(
        f"{pluralize(len(unknown), 'token')} of unknown age: {named(unknown)}; `tokenguard edit NAME "
        "--created YYYY-MM-DD` records how old one is"
    )
    return snapshots if wiring.tty.ask("rotate them too? [yes/no] ").strip().lower() == "yes" else dated


def _cost(wiring: Wiring) -> str:
    """Monthly cost of the store; a rotation adds nothing to it."""
    backend = wiring.backend
    return backend.monthly_cost(sum(1 for _ in wiring.store.scan())) if backend.monthly_cost(0) else ""


def _go_on(
    wiring: Wiring, targets: list[Snapshot], *, abort: bool, accept_outage: bool, reason: str, single: bool
) -> ExitCode:
    if not targets:
        wiring.progress.note("nothing to resume")
    for target in targets:
        if not (target.document.busy or target.document.accepted_again or abort):
            wiring.progress.note(
                f"no open operation on {target.document.record.name}; this is the result of the last one"
            )
    jobs = [
        continuing_job(wiring, target, abort=abort, accept_outage=accept_outage, reason=reason) for target in targets
    ]
    options = ("--abort" if abort else "--resume",) + ("--accept-outage",) * accept_outage
    return _run(wiring, jobs, single=single, again=_with_reason(options, reason))


def _with_reason(options: tuple[str, ...], reason: str) -> tuple[str, ...]:
    return (*options, "--reason", reason) if reason else options


def _run(
    wiring: Wiring, jobs: list[BatchJob], *, single: bool, shared: bool = False, again: tuple[str, ...],
    earlier: frozenset[str] = frozenset(),
) -> ExitCode:  # fmt: skip
    """Run the jobs and show how they ended; `again` are the options that run the rest after an interrupt."""
    results: list[BatchResult] = []
    if not single:
        jobs = [_numbered(wiring, job, f"{number} of {len(jobs)}") for number, job in enumerate(jobs, 1)]
    try:
        for result in run_shared(jobs, wiring.clock, wiring.progress) if shared else run_all(jobs, wiring.clock):
            results.append(result)
            if result.error is not None and not single:
                wiring.progress.note(result.failure)
    except KeyboardInterrupt:
        ended = {result.name for result in results}
        name_remainder(wiring, [job.name for job in jobs if job.name not in ended], ("rotate", *again))
        raise
    ours = [result for result in results if result.outcome not in {SkipReason.OVER, SkipReason.HELD}]
    held = [result.name for result in results if result.outcome is SkipReason.HELD]
    if held:
        wiring.progress.note(f"not rotated, {HoldReason.CANARY.value}: {', '.join(held)}")
    documents = {result.name: _document(wiring, result) for result in ours}
    others = len(results) - len(ours) - len(held)
    show_results(wiring.screen, ours, documents, earlier=earlier, others=others)
    if single and results[0].error is not None:
        raise results[0].error
    return most_severe(results)


def _numbered(wiring: Wiring, job: BatchJob, place: str) -> BatchJob:
    """The same job, which says its place in the batch when it begins."""

    def run() -> object:
        wiring.progress.waiting(f"{place}: {job.name}")
        return job.run()

    return replace(job, run=run)


def _document(wiring: Wiring, result: BatchResult) -> Snapshot | None:
    """The current state; None if the store cannot be read (the result then has its own error)."""
    if isinstance(result.outcome, Snapshot):
        return result.outcome
    try:
        return wiring.store.find(result.name)
    except Exception:  # noqa: BLE001 - only for display, after the outcome is known
        return None


_WHAT_IT_DOES = {
    Mode.PLANNED: "replaces {}, one after another",
    Mode.COMPROMISED: "revokes and replaces {}, one after another, each revoked first",
    Mode.IN_PLACE: "replaces {} in place: consumers fail from then on until each has the new value",
}


def _ask(wiring: Wiring, plans: Sequence[RotationPlan], asked: Mode, *, selected: bool, single: bool) -> None:
    """Confirm what makes consumers fail, and a selection that may match more than was meant; explain the usual order.

    Args:
        wiring: the adapters in use.
        plans: what is going to be done.
        asked: the mode of the command line.
        selected: whether the tokens were not named.
        single: whether one token was named.
    """
    if plans and (asked is not Mode.PLANNED or (selected and len(plans) > 1)):
        _confirm(wiring, plans, _WHAT_IT_DOES[asked])
    elif single and plans and plans[0].leaked and plans[0].mode is Mode.PLANNED:
        report_leaked_order(wiring, plans[0])


def _confirm(wiring: Wiring, plans: Sequence[RotationPlan], what: str) -> None:
    if wiring.tty is None:
        return  # unattended: the plan above is recorded in the log
    owed = [plan.name for plan in plans if plan.blocked.endswith("--resume")]
    if owed:
        wiring.unfinished = f"open operations to resume first: tokenguard rotate {' '.join(owed)} --resume"
    count = pluralize(len(plans), "token")
    confirm_number(wiring.tty, f"this {what.format(count)}", len(plans))
    wiring.unfinished = ""


def _with_scope(wanted: Filter, scope: str | None) -> Filter:
    """The selection with the scope of --all-of; InputError if it is none, or if --scope names another."""
    if scope is None:
        return wanted
    refuse_empty("--all-of", scope)
    found = str(changes_from({"scope": scope}).scope)
    if wanted.scope not in {"", found}:
        raise InputError("--all-of and --scope name different scopes", hint="give one of them")
    return replace(wanted, scope=found)


def _check_choice(*, named: bool, chooses: bool, resume: bool, abort: bool, plan_only: bool) -> None:
    if named and chooses:
        raise InputError(
            "token names and a selection (--due, --owner, …) exclude each other", hint="see `tokenguard rotate -h`"
        )
    if resume + abort + plan_only > 1:
        raise InputError("--plan, --resume and --abort exclude each other", hint="use one of them")
    if (resume or abort) and chooses:
        raise InputError("--resume and --abort take names only", hint="see `tokenguard rotate -h`")
    if not named and not chooses and not resume:
        others = "" if abort else ", or select some: --due, --scope KIND:ID, --owner TEAM"
        raise InputError("no token was given", hint=f"name one{others}")


def _check_mode(*, compromised: bool, resume: bool, abort: bool, accept_outage: bool) -> None:
    if compromised and (resume or abort):
        raise InputError(
            "the mode of an open operation cannot be changed",
            hint="abort it first, if possible, then rotate with --compromised",
        )
    if accept_outage and (abort or compromised):
        raise InputError("--accept-outage applies to planned rotations only", hint="leave it out")


def _check_only_in_place(in_place: bool, other: bool) -> None:
    if in_place and other:
        raise InputError(
            "--in-place takes names only, and no other mode",
            hint="to replace due tokens in place, list their provider under `in_place` of the policy's rule "
            "unattended-rotation",
        )


def _check_in_place(wiring: Wiring, snapshots: Sequence[Snapshot], *, in_place: bool, accepted: bool) -> None:
    """Refuse --in-place where a provider cannot do it, and unattended without an acceptance of the outage.

    Raises:
        InputError: a provider gives no new value in place.
        NeedsPerson: the outage is not accepted.
    """
    for snapshot in snapshots if in_place else ():
        check_replaces(wiring.vendors.provider_of(snapshot.document.record), snapshot.document.record)
    if in_place and wiring.tty is None and not accepted:
        raise NeedsPerson(
            "with --in-place the old value fails before consumers have the new one",
            hint="run it in a terminal, or accept the outage with --accept-outage",
        )


def _reason(text: str) -> str:
    if len(text) > _MAX_REASON or not is_plain_line(text):
        raise InputError(
            "the reason is not one line of at most 200 printable characters",
            hint="shorten it, and remove control characters",
        )
    return text
