"""`retire NAME`: revokes tokens, proves them dead, and keeps their records as tombstones."""

from collections.abc import Sequence

import click

from tokenguard.cli.base import break_glass_option, command, pass_wiring
from tokenguard.cli.selection_options import selects_due
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.document import Snapshot
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import RecordState
from tokenguard.errors import ExitCode, InputError, NeedsPerson
from tokenguard.inventory.admission import checked_text
from tokenguard.inventory.selection import ANY, Filter
from tokenguard.rotation.batch import BatchJob, BatchResult, most_severe, run_all
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.confirm import confirm, confirm_number
from tokenguard.usecases.name_remainder import name_remainder
from tokenguard.usecases.rotation_jobs import continuing_job, named, planned, report_second_person
from tokenguard.usecases.select_tokens import report_selection, select_tokens
from tokenguard.usecases.token_lookup import known_token
from tokenguard.views.cleanup_steps import cleanup_steps
from tokenguard.views.rotation_view import ended_operations, show_plans, show_results
from tokenguard.views.token_view import show_taken


@command("retire")
@click.argument("names", type=TOKEN_NAME, nargs=-1, metavar="[NAME]...")
@click.option("--reason", default="", metavar="TEXT", help="The reason, recorded in the audit trail.")
@click.option("--plan", "plan_only", is_flag=True, help="Show the steps and who is needed; change nothing.")
@click.option("--resume", is_flag=True, help="Continue a retirement that was interrupted; without NAME, all of them.")
@click.option("--abort", is_flag=True, help="Undo the open retirement of NAME, if revocation has not started.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation; required without a terminal.")
@break_glass_option
@selects_due
@pass_wiring
def retire(
    wiring: Wiring, names: tuple[TokenName, ...], *, reason: str, plan_only: bool, resume: bool, abort: bool, yes: bool,
    wanted: Filter,
) -> ExitCode:  # fmt: skip
    """Revoke tokens for good; nothing replaces them. Their records are kept as evidence that they are dead.

    The policy may ask for the approval of a second person (see `tokenguard request`). Exit 3: not approved, not
    confirmed, or a person is needed and there is no terminal: nothing was revoked. Exit 5: revocation has started and
    is not proven, also after a step that a person left for later; continue with --resume.
    """
    wiring.resumed_by = "retire"
    if resume or abort:
        if plan_only or reason or wanted != ANY or (resume and abort) or (abort and not names):
            raise InputError(
                "--resume and --abort take names and --yes, and nothing else",
                hint="tokenguard retire NAME --resume, or --abort",
            )
        return _go_on(wiring, names, abort=abort)
    found = select_tokens(wiring, names, wanted)
    reason = checked_text(wiring.store, reason, what="reason")
    report_selection(wiring, wanted, found)
    if plan_only or wanted != ANY:
        found = _without_retired(wiring, found)
    if plan_only:
        plans = [planned(wiring, snapshot, Mode.RETIRE) for snapshot in found]
        show_plans(wiring.screen, plans, wiring.clock.now(), quiet=False)
        report_second_person(wiring, [(snapshot, Mode.RETIRE) for snapshot in found])
        return ExitCode.OK
    sensitive = [(snapshot, Mode.RETIRE) for snapshot in found if not _is_refused_anyway(snapshot)]
    wiring.second_person.authorise(wiring.second_person.rotations(sensitive))
    if len(names) != 1:
        return _retire_all(wiring, found, reason, yes=yes)
    (snapshot,) = found
    if not yes and not _is_refused_anyway(snapshot):
        _confirm(wiring, snapshot.document.record.name)
    show_taken(wiring, _retired(wiring, snapshot, reason))
    return ExitCode.OK


def _retired(wiring: Wiring, snapshot: Snapshot, reason: str) -> Snapshot:
    with wiring.working_on(snapshot.document.record.name):
        retired = wiring.engine.retire(snapshot.id, reason=reason)
    for step in cleanup_steps(retired.document.record):
        wiring.progress.note(step)
    return retired


def _retire_all(wiring: Wiring, found: Sequence[Snapshot], reason: str, *, yes: bool) -> ExitCode:
    """One after another; one that fails does not stop the rest."""
    begins = [snapshot.document.record.name for snapshot in found if not _is_refused_anyway(snapshot)]
    if begins and not yes:
        _confirm_number(wiring, begins)
    options = ("--yes", *(("--reason", reason) if reason else ()))

    def job(snapshot: Snapshot, place: str) -> BatchJob:
        name = snapshot.document.record.name

        def run() -> Snapshot:
            wiring.progress.waiting(f"{place}: {name}")
            return _retired(wiring, snapshot, reason)

        return BatchJob(name=name, run=run)

    jobs = [job(snapshot, f"{number} of {len(found)}") for number, snapshot in enumerate(found, 1)]
    return most_severe(_run(wiring, jobs, options, ended_operations(found)))


def _go_on(wiring: Wiring, names: Sequence[TokenName], *, abort: bool) -> ExitCode:
    """Continue or abort open retirements, which were confirmed and approved when they began."""
    found = _open_ones(wiring, names) if names else list(filter(_is_open, wiring.store.scan()))
    if not found:
        wiring.progress.note("nothing to resume")
        return ExitCode.OK
    jobs = [continuing_job(wiring, each, abort=abort, accept_outage=False) for each in found]
    results = _run(wiring, jobs, ("--abort" if abort else "--resume",))
    for snapshot in (wiring.store.load(each.id) for each in found):
        for step in cleanup_steps(snapshot.document.record) if not (abort or snapshot.document.busy) else ():
            wiring.progress.note(step)
    if len(names) == 1 and results[0].error is not None:
        raise results[0].error
    return most_severe(results)


def _open_ones(wiring: Wiring, names: Sequence[TokenName]) -> list[Snapshot]:
    """Those with an open retirement; of the others it is said that they have none.

    Raises:
        InputError: none of them has one, or a name is unknown.
    """
    named_ones = [known_token(wiring.store, name) for name in names]
    found = list(filter(_is_open, named_ones))
    for snapshot in named_ones:
        if snapshot not in found:
            name, busy = snapshot.document.record.name, snapshot.document.busy
            hint = f"tokenguard rotate {name} --resume" if busy else f"see `tokenguard show {name}`"
            if not found:
                raise InputError(f"no retirement of {name} is open", hint=hint)
            wiring.progress.note(f"no retirement of {name} is open; {hint}")
    return found


def _is_open(snapshot: Snapshot) -> bool:
    journal = snapshot.document.journal
    return snapshot.document.busy and journal is not None and journal.mode is Mode.RETIRE


def _run(
    wiring: Wiring, jobs: Sequence[BatchJob], again: tuple[str, ...], earlier: frozenset[str] = frozenset()
) -> list[BatchResult]:
    """Run the jobs and show how they ended; `again` are the options that run the rest after an interrupt."""
    results = []
    try:
        for result in run_all(jobs, wiring.clock):
            results.append(result)
            if result.error is not None and len(jobs) > 1:
                wiring.progress.note(result.failure)
    except KeyboardInterrupt:
        name_remainder(wiring, [job.name for job in jobs[len(results) :]], ("retire", *again))
        raise
    documents = {each.name: wiring.store.find(each.name) for each in results}
    show_results(wiring.screen, results, documents, earlier=earlier)
    return results


def _without_retired(wiring: Wiring, found: Sequence[Snapshot]) -> list[Snapshot]:
    """Those that are to be retired; of the others it is said that nothing is to do."""
    retired = [each.document.record.name for each in found if each.document.record.state is RecordState.RETIRED]
    if retired:
        wiring.progress.note(f"nothing to do, already retired: {named(retired)}")
    return [each for each in found if each.document.record.name not in retired]


def _is_refused_anyway(snapshot: Snapshot) -> bool:
    return snapshot.document.busy or snapshot.document.record.state is RecordState.RETIRED


def _confirm(wiring: Wiring, name: TokenName) -> None:
    """Ask for confirmation on a terminal; without one, --yes is required."""
    if wiring.tty is None:
        raise NeedsPerson(f"retiring {name} is not confirmed; nothing was done", hint=f"tokenguard retire {name} --yes")
    wiring.tty.show(f"{name} will be revoked, and not replaced: its consumers stop working.")
    confirm(wiring.tty, "go on", undone="done")


def _confirm_number(wiring: Wiring, names: Sequence[TokenName]) -> None:
    if wiring.tty is None:
        raise NeedsPerson(
            f"retiring {pluralize(len(names), 'token')} is not confirmed; nothing was done",
            hint="run the command with --plan to see them, or with --yes to confirm",
        )
    wiring.tty.show("\n".join([*names, "These are revoked, and not replaced: their consumers stop working."]))
    confirm_number(wiring.tty, f"this revokes {pluralize(len(names), 'token')}", len(names))
