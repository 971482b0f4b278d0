"""`retire NAME`: revoke a token, prove it dead, keep its record as a tombstone."""

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
from tokenguard.views.token_view import show_taken


@command("retire")
@click.argument("name", type=TOKEN_NAME)
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit trail.")
@click.option("--plan", "plan_only", is_flag=True, help="Say what would happen and who is needed; do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before; needed where there is no terminal.")
@pass_wiring
def retire(wiring: Wiring, name: TokenName, *, reason: str, plan_only: bool, yes: bool) -> None:
    """End NAME for good: nothing replaces it. Its record stays, as the evidence that it is dead.

    Exit 3: it was not confirmed, and nothing was done; or a person is needed, and it can be resumed or aborted.
    Exit 5: it was revoked, or is to be, and is not proven dead; run `tokenguard rotate NAME --resume`.
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
        show_taken(wiring, wiring.engine.retire(snapshot.id, reason=reason))


def _confirm(wiring: Wiring, name: TokenName) -> None:
    """Ask the person who is there; without one, only --yes says that it is meant."""
    if wiring.tty is None:
        raise NeedsPerson(f"retiring {name} is not confirmed; nothing was done", hint=f"tokenguard retire {name} --yes")
    wiring.tty.show(f"{name} will be revoked, and nothing takes its place: whatever uses it stops working.")
    confirm(wiring.tty, "go on", undone="done", needed=True)
