"""`edit NAME...`: change the records of tokens."""

from collections.abc import Sequence
from typing import Any

import click

from tokenguard.cli.base import break_glass_option, command, pass_wiring
from tokenguard.cli.record_options import record_fields
from tokenguard.cli.selection_options import selects_where
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.document import Snapshot
from tokenguard.domain.names import TokenName
from tokenguard.errors import ExitCode, InputError
from tokenguard.inventory.record_changes import RecordChanges
from tokenguard.inventory.selection import Filter
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.given_facts import OBSERVED, changes_from
from tokenguard.usecases.select_tokens import report_selection, select_tokens
from tokenguard.views.token_view import show_taken

_OF_ONE = {"name": "--rename", "location": "--adopt", "label": "--label"}
"""Changes that no two tokens can have in common."""


@command("edit")
@click.argument("names", type=TOKEN_NAME, nargs=-1, metavar="[NAME]...")
@selects_where
@record_fields
@click.option("--base-url", metavar="URL", help="Confirm the provider's new address.")
@click.option("--rename", type=TOKEN_NAME, metavar="NAME", help="Rename the token.")
@click.option("--leak-ended", metavar="REASON", help="End the token's leak by your decision, with this reason.")
@click.option(
    "--clock-was-ahead",
    metavar="REASON",
    help="Remove times that are later than now: a clock was ahead, and this machine's is right.",
)
@click.option(
    "--at-provider",
    is_flag=True,
    help="Change --label and --permission of the token itself, through the provider's API.",
)
@break_glass_option
@click.option("--plan", "plan_only", is_flag=True, help="Show what would change; write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@pass_wiring
def edit(
    wiring: Wiring, /, names: tuple[TokenName, ...], *, wanted: Filter, base_url: str | None, rename: TokenName | None,
    leak_ended: str | None, clock_was_ahead: str | None, at_provider: bool, plan_only: bool, yes: bool, **fields: Any,
) -> ExitCode:  # fmt: skip
    """Change the record of NAME. Empty text clears a field; --deliver replaces the whole list of consumers.

    An unclaimed token becomes active once it has an owner, a scope, an environment and a purpose.

    Several tokens, named or selected with --where, get the same change. All of them are checked first; if one cannot be
    changed, none is. The differences are shown and confirmed once (without a terminal with --yes). Each change is an
    audit event of its own.

    With --at-provider, edit changes the label and the permissions of one token at the provider as well. The value stays
    the same; the record is changed once the provider's list shows the change.
    """
    from tokenguard.usecases.edit_token import edit_record  # loads the providers

    if fields.get("scope") == "observed":
        fields["scope"] = str(OBSERVED)
    changes = changes_from(fields, base_url=base_url, name=rename)
    found = select_tokens(wiring, names, wanted, way="--where owner=TEAM; --owner TEAM sets the owner")
    report_selection(wiring, wanted, found)
    if leak_ended is not None or clock_was_ahead is not None:
        _take_statement(wiring, found, changes, leak_ended, clock_was_ahead, yes=yes)
        return ExitCode.OK
    if at_provider and not plan_only:
        show_taken(wiring, _update(wiring, found, changes, yes=yes))
        return ExitCode.OK
    if plan_only or len(names) != 1:
        return _edit_all(wiring, found, changes, plan_only=plan_only, yes=yes)
    show_taken(wiring, edit_record(wiring, names[0], changes, confirmed=yes))
    return ExitCode.OK


def _update(wiring: Wiring, found: Sequence[Snapshot], changes: RecordChanges, *, yes: bool) -> Snapshot:
    from tokenguard.usecases.update_token import update_token  # few edits change the token itself

    if len(found) != 1:
        raise InputError("--at-provider can be used with one token only", hint="name one token, or leave it out")
    return update_token(wiring, found[0].document.record.name, changes, confirmed=yes)


def _take_statement(
    wiring: Wiring,
    found: Sequence[Snapshot],
    changes: RecordChanges,
    leak_ended: str | None,
    clock_was_ahead: str | None,
    *,
    yes: bool,
) -> None:
    from tokenguard.usecases.correct_times import correct_times  # few edits are about a leak or a clock
    from tokenguard.usecases.report_leaks import end_leak

    option = "--clock-was-ahead" if leak_ended is None else "--leak-ended"
    if changes.given() or len(found) != 1 or None not in {leak_ended, clock_was_ahead}:
        raise InputError(
            f"{option} takes one token and no other change",
            hint="run `edit` once for each token, and a second time for other changes",
        )
    name = found[0].document.record.name
    if leak_ended is not None:
        show_taken(wiring, end_leak(wiring, name, leak_ended, confirmed=yes))
    elif clock_was_ahead is not None:
        show_taken(wiring, correct_times(wiring, name, clock_was_ahead, confirmed=yes))


def _edit_all(
    wiring: Wiring, found: Sequence[Snapshot], changes: RecordChanges, *, plan_only: bool, yes: bool
) -> ExitCode:
    from tokenguard.cli.confirmed_edits import write_edits  # most edits are of one token
    from tokenguard.usecases.edit_records import plan_same_edit

    own = [option for field, option in _OF_ONE.items() if field in changes.given()]
    if own and len(found) > 1:
        raise InputError(f"{own[0]} can be used with one token only", hint="name one token, or leave it out")
    return write_edits(wiring, plan_same_edit(wiring, found, changes), plan_only=plan_only, confirmed=yes)
