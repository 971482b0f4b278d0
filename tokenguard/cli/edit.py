"""`edit NAME`: change what is recorded of a token."""

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
@click.option("--base-url", metavar="URL", help="Confirm that the provider is at this address now.")
@click.option("--rename", type=TOKEN_NAME, metavar="NAME", help="Give the token another name.")
@click.option("--leak-ended", metavar="REASON", help="A person's decision that its leak is over, with the reason.")
@click.option("--yes", is_flag=True, help="Do not ask before a change of where values go.")
@pass_wiring
def edit(
    wiring: Wiring, /, name: TokenName, *, base_url: str | None, rename: TokenName | None, leak_ended: str | None,
    yes: bool, **fields: Any,
) -> None:  # fmt: skip
    """Change what is recorded of NAME. Empty text clears a field; the consumers given replace the old ones.

    An unclaimed token becomes active as soon as it has an owner, a scope, an environment and a purpose.
    """
    from tokenguard.usecases.edit_token import edit_record  # loads the providers

    if fields.get("scope") == "observed":
        fields["scope"] = str(OBSERVED)
    changes = changes_from(fields, base_url=base_url, name=rename)
    if leak_ended is not None:
        from tokenguard.usecases.report_leaks import end_leak  # few edits are about a leak

        if changes.given():
            raise InputError("--leak-ended goes alone", hint="give the other changes in a second `edit`")
        show_taken(wiring, end_leak(wiring, name, leak_ended, confirmed=yes))
        return
    show_taken(wiring, edit_record(wiring, name, changes, confirmed=yes))
