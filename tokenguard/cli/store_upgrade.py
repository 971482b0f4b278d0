"""`store upgrade`: writes what earlier versions wrote as this version writes it."""

from collections.abc import Sequence

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.errors import ExitCode
from tokenguard.rotation.batch import BatchResult, SkipReason, most_severe, most_severe_code
from tokenguard.shell.wiring import Wiring
from tokenguard.text import pluralize
from tokenguard.usecases.upgrade_store import UpgradePlan, plan_upgrade, upgrade_store


@command("upgrade")
@click.option("--plan", "plan_only", is_flag=True, help="Show what would be written; change nothing.")
@pass_wiring
def upgrade(wiring: Wiring, *, plan_only: bool) -> ExitCode:
    """Upgrade the store in place, after an upgrade of tokenguard. This works on any store: local, Vault or AWS.

    Each token is written in one step, with an audit event; no value is touched. After an interruption, run it again:
    it continues with the tokens that are left. Older versions keep reading the store as long as its format number is
    the same.
    """
    plan = plan_upgrade(wiring)
    if not wiring.screen.as_json:
        _show_plan(wiring, plan)
    wiring.unfinished = "the upgrade is not finished: run `tokenguard store upgrade` again"
    results = [] if plan_only else list(upgrade_store(wiring, plan))
    return _show_results(wiring, plan, results, plan_only=plan_only)


def _show_plan(wiring: Wiring, plan: UpgradePlan) -> None:
    show = wiring.screen.line
    show(f"format {plan.format}: this version reads and writes it; nothing has to be converted")
    show(f"{pluralize(len(plan.older), 'record')} of {plan.tokens:,} last written by an earlier version")
    for name in plan.unproven:
        show(f"  {name}: recorded as revoked without a control; this counts as unproven")
    if plan.unproven:
        wiring.progress.note("check them with their providers: tokenguard verify --all")


def _show_results(
    wiring: Wiring, plan: UpgradePlan, results: Sequence[BatchResult], *, plan_only: bool
) -> ExitCode:  # fmt: skip
    for result in results:
        if result.error is not None:
            wiring.progress.note(result.failure)
    busy = [result.name for result in results if result.outcome is SkipReason.ELSEWHERE]
    if busy:
        wiring.progress.note(
            f"{pluralize(len(busy), 'record')} left out: another runner is working on them; run `store upgrade` again"
        )
    written = sum(result.error is None for result in results) - len(busy)
    if wiring.screen.as_json:
        wiring.screen.document(
            {
                "format": plan.format,
                "revision": plan.revision,
                "tokens": plan.tokens,
                "older": [each.document.record.name for each in plan.older],
                "unproven": list(plan.unproven),
                "upgraded": written,
            }
        )
    elif not plan_only:
        wiring.screen.line(f"{pluralize(written, 'record')} upgraded")
    return most_severe_code([most_severe(results), ExitCode.UNFINISHED if busy else ExitCode.OK])
