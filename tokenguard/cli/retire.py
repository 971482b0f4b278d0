"""`retire NAME`: revokes a token, proves it dead, and keeps its record as a tombstone."""

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenName
from tokenguard.domain.token import RecordState
from tokenguard.errors import NeedsPerson
from tokenguard.inventory.record_changes import plain_text
from tokenguard.shell.confirm import confirm
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.token_lookup import known_token
from tokenguard.views.cleanup_steps import cleanup_steps
from tokenguard.views.token_view import show_taken


@command("retire")
@click.argument("name", type=TOKEN_NAME)
@click.option("--reason", default="", metavar="TEXT", help="The reason, recorded in the audit trail.")
@click.option("--plan", "plan_only", is_flag=True, help="Show the steps and who is needed; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation; required without a terminal.")
@pass_wiring
def retire(wiring: Wiring, name: TokenName, *, reason: str, plan_only: bool, yes: bool) -> None:
    """Revoke NAME for good; nothing replaces it. Its record is kept as evidence that it is dead.

    Exit 3: not confirmed, or a person is needed and there is no terminal: nothing was done; after a step that a person
    left for later, it can be resumed or aborted. Exit 5: revocation has started and is not proven; run `tokenguard
    rotate NAME --resume`.
    """
    snapshot = known_token(wiring.store, name)
    reason = plain_text(reason, what="reason")
    if plan_only:
        from tokenguard.usecases.rotation_jobs import planned  # only a plan needs them
        from tokenguard.views.rotation_view import show_plans

        show_plans(wiring.screen, [planned(wiring, snapshot, Mode.RETIRE)], wiring.clock.now(), quiet=False)
        return
    refused_anyway = snapshot.document.busy or snapshot.document.record.state is RecordState.RETIRED
    if not yes and not refused_anyway:
        _confirm(wiring, name)
    with wiring.working_on(name):
        retired = wiring.engine.retire(snapshot.id, reason=reason)
    show_taken(wiring, retired)
    for step in cleanup_steps(retired.document.record):
        wiring.progress.note(step)


def _confirm(wiring: Wiring, name: TokenName) -> None:
    """Ask for confirmation on a terminal; without one, --yes is required."""
    if wiring.tty is None:
        raise NeedsPerson(f"retiring {name} is not confirmed; nothing was done", hint=f"tokenguard retire {name} --yes")
    wiring.tty.show(f"{name} will be revoked, and not replaced: its consumers stop working.")
    confirm(wiring.tty, "go on", undone="done", needed=True)
