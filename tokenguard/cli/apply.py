"""`tokenguard apply`: apply a manifest to the store."""

from collections.abc import Callable, Mapping

import click

from tokenguard.cli.base import PATH_TEXT, break_glass_option, command, pass_wiring
from tokenguard.domain.names import TokenName
from tokenguard.errors import ExitCode, InputError, NeedsPerson
from tokenguard.output.formats import OutputFormat
from tokenguard.ports.store_backend import JOBS_ON_VAULT
from tokenguard.provisioning.plan_model import ActionType, Plan
from tokenguard.provisioning.review import checked_digest, reviewed_actions
from tokenguard.rotation.batch import BatchResult, most_severe
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.apply_manifest import PlanExecution
from tokenguard.usecases.approve_plan import approved_actions, verdicts
from tokenguard.usecases.check_consumers import check_consumers
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.confirm_handover import hand_over
from tokenguard.usecases.load_manifest import (
    DEFAULT_FILE,
    PlannedManifest,
    declared_in,
    plan_against_store,
    refuse_blocked,
)
from tokenguard.usecases.rotation_jobs import allowed, report_held
from tokenguard.views.apply_outcome import ApplyOutcome, show_outcome
from tokenguard.views.plan_view import show_plan

_MOST_JOBS = 16


@command("apply")
@click.argument("file", metavar="[FILE]", type=PATH_TEXT, default=DEFAULT_FILE)
@click.option("--env", "environment", metavar="E", default="", help="The environment to select, with its overlay.")
@click.option("--digest", metavar="D", help="Apply only if the plan has this digest, printed by `tokenguard plan`.")
@click.option("--allow-retire", is_flag=True, help="Allow revoking live tokens that are declared retired.")
@click.option(
    "--jobs",
    type=click.IntRange(1, _MOST_JOBS),
    metavar="N",
    help=f"Number of tokens processed in parallel: {JOBS_ON_VAULT} on Vault, otherwise 1.",
)
@click.option("--concurrent", is_flag=True, help="Allow other runners on the same AWS store; not needed elsewhere.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@break_glass_option
@pass_wiring
def apply(
    wiring: Wiring,
    file: str,
    *,
    environment: str,
    digest: str | None,
    allow_retire: bool,
    jobs: int | None,
    concurrent: bool,
    yes: bool,
) -> ExitCode:
    """Plan again, and apply the manifest FILE (tokens.yaml) to the store. It is safe to repeat at any time.

    Unattended (no terminal, or --yes), new items of the plan need an approval (`tokenguard approve`): without it,
    nothing is written, exit 3. The next run completes an interrupted one, also under the same --digest. Manual steps
    are listed and do not fail the run. Exit 2: nothing was written, because the manifest is invalid or cannot be
    fulfilled, or the plan is not the reviewed one. Other exit codes as for `rotate`: 3 unfinished, 4 no clear answer, 5
    a revocation is not proven.
    """
    reviewed = checked_digest(digest) if digest is not None else None
    wiring.concurrent = concurrent
    held = plan_against_store(wiring, declared_in(file, environment))
    refuse_blocked(held.plan)
    begun = _reviewed(wiring, held, reviewed) if reviewed else {}
    _refuse_ends(held.plan, allow_retire=allow_retire)
    check_consumers(wiring, held, held.plan.actions)
    asks = wiring.tty is not None and not yes
    if wiring.requesting:
        _request(wiring, held, reviewed or held.plan.digest)
    approved, unseen = approved_actions(wiring, held.plan, file, environment, asks=asks, break_glass=wiring.break_glass)
    if held.plan.actions and not yes and (unseen or not reviewed):
        _confirm(wiring, held.plan)
    return _run(wiring, held, reviewed or held.plan.digest, begun, approved, jobs=jobs)


def _run(
    wiring: Wiring,
    held: PlannedManifest,
    digest: str,
    begun: Mapping[TokenName, str],
    approved: Mapping[TokenName, str],
    *,
    jobs: int | None,
) -> ExitCode:
    """Apply the plan, and show its outcome, also of a run that is interrupted or fails."""
    if held.plan.actions:
        wiring.unfinished = "nothing is lost; run the same command again to continue"
    results: list[BatchResult] = []
    try:
        work = PlanExecution(wiring, held, digest, begun, approved, besides=_held_back(wiring, held))
        for result in work.run(jobs or _jobs(wiring)):
            results.append(result)
            if result.error is not None:
                wiring.progress.note(f"{result.name}: {result.error.message}")
        after = plan_against_store(wiring, held.manifest)
        if handed := hand_over(wiring, after):
            results += handed
            after = plan_against_store(wiring, held.manifest)
    except BaseException:
        show_outcome(wiring, ApplyOutcome(plan=held.plan, results=tuple(results), left=None))
        raise
    show_outcome(wiring, ApplyOutcome(plan=held.plan, results=tuple(results), left=after.plan))
    return most_severe(each for each in results if not isinstance(each.error, NeedsPerson))


def _reviewed(wiring: Wiring, held: PlannedManifest, digest: str) -> Mapping[TokenName, str]:
    names = [each.name for each in held.manifest.tokens]
    return reviewed_actions(held.plan, digest, held.inventory, names, lambda found: wiring.store.history(found.id))


def _request(wiring: Wiring, held: PlannedManifest, digest: str) -> None:
    """Request what of the plan waits for a second person; what waits for the plan's approval is told after that."""
    approved, _ = verdicts(wiring, held.plan)
    if sensitive := PlanExecution(wiring, held, digest, {}, approved, besides=_held_back(wiring, held)).sensitive:
        wiring.second_person.prepare(sensitive)


def _refuse_ends(plan: Plan, *, allow_retire: bool) -> None:
    if plan.ends_live and not allow_retire:
        raise InputError(
            f"{pluralize(len(plan.ends_live), 'live token')} would be revoked, {plan.ends_live[0]} first",
            hint="give --allow-retire if nothing uses them",
        )


def _held_back(wiring: Wiring, held: PlannedManifest) -> Callable[[TokenName], frozenset[ActionType]]:
    """Actions held back in an unattended run: the policy limits when due tokens are rotated, and how many."""
    due = [held.inventory[each.name] for each in held.plan.actions if each.token and ActionType.ROTATE in each.verbs]
    if wiring.tty is not None or not due:
        return lambda _name: frozenset()
    rollout = allowed(wiring, due)
    report_held(wiring, rollout)
    names = {each.snapshot.document.record.name for each in rollout.held}
    return lambda name: frozenset({ActionType.ROTATE}) if name in names else frozenset()


def _confirm(wiring: Wiring, plan: Plan) -> None:
    """Ask for confirmation on a terminal; in a pipeline, running the command is the confirmation."""
    if wiring.tty is None:
        return
    if not wiring.screen.as_json:
        show_plan(wiring, plan, OutputFormat.TEXT)
    confirm(wiring.tty, "do this", undone="done")


def _jobs(wiring: Wiring) -> int:
    return wiring.backend.most_jobs
