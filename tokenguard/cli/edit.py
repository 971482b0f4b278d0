"""`edit NAME`: change the record of a token."""

from typing import Any

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.record_options import record_fields
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.names import TokenName
from tokenguard.errors import InputError
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.given_facts import OBSERVED, changes_from
from tokenguard.views.token_view import show_taken


@command("edit")
@click.argument("name", type=TOKEN_NAME)
@record_fields
@click.option("--base-url", metavar="URL", help="Confirm the provider's new address.")
@click.option("--rename", type=TOKEN_NAME, metavar="NAME", help="Rename the token.")
@click.option("--leak-ended", metavar="REASON", help="Close the token's leak by your decision, with this reason.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation of new destinations.")
@pass_wiring
def edit(
    wiring: Wiring, /, name: TokenName, *, base_url: str | None, rename: TokenName | None, leak_ended: str | None,
    yes: bool, **fields: Any,
) -> None:  # fmt: skip
    """Change the record of NAME. Empty text clears a field; --deliver replaces the whole list of consumers.

    An unclaimed token becomes active once it has an owner, a scope, an environment and a purpose.
    """
    from tokenguard.usecases.edit_token import edit_record  # loads the providers

    if fields.get("scope") == "observed":
        fields["scope"] = str(OBSERVED)
    changes = changes_from(fields, base_url=base_url, name=rename)
    if leak_ended is not None:
        from tokenguard.usecases.report_leaks import end_leak  # few edits are about a leak

        if changes.given():
            raise InputError(
                "--leak-ended cannot be combined with other changes", hint="run a second `edit` for the other changes"
            )
        show_taken(wiring, end_leak(wiring, name, leak_ended, confirmed=yes))
        return
    show_taken(wiring, edit_record(wiring, name, changes, confirmed=yes))
