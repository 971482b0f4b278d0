"""`remove NAME`: removes a mistaken record that has no value."""

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.names import TokenName
from tokenguard.errors import InputError, NeedsPerson
from tokenguard.inventory.admission import checked_text
from tokenguard.inventory.views import token_json
from tokenguard.policy.model import due_of
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.confirm import confirm
from tokenguard.usecases.remove_record import removal_obstacle, remove_record
from tokenguard.usecases.token_lookup import known_token


@command("remove")
@click.argument("name", type=TOKEN_NAME)
@click.option("--reason", required=True, metavar="TEXT", help="Why the record is a mistake, for the audit trail.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation; required without a terminal.")
@pass_wiring
def remove(wiring: Wiring, name: TokenName, *, reason: str, yes: bool) -> None:
    """Remove the record of NAME, which was created by mistake. A tombstone and the audit trail stay.

    Refused while it has a value, an operation on it is open, or a token of it may be alive: `retire` revokes such a
    token and proves the revocation. If the record says that its value is elsewhere, a person has to confirm on a
    terminal that no token exists; without a terminal, exit 3. The name cannot be used again.
    """
    reason = checked_text(wiring.store, reason, what="reason")
    if not reason:
        raise InputError("the reason is empty", hint="say why the record is a mistake: --reason TEXT")
    if (obstacle := removal_obstacle(wiring, known_token(wiring.store, name))) is not None:
        raise obstacle
    if not yes:
        if wiring.tty is None:
            raise NeedsPerson(
                f"removing {name} is not confirmed; nothing was done",
                hint=f"tokenguard remove {name} --reason TEXT --yes",
            )
        confirm(wiring.tty, f"remove the record of {name}", undone="removed")
    snapshot = remove_record(wiring, name, reason=reason)
    if wiring.screen.as_json:
        now = wiring.clock.now()
        wiring.screen.document(token_json(snapshot, due_of(snapshot.document.record, wiring.policy), now))
    else:
        wiring.screen.line(f"{name}: removed")
