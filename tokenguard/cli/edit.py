"""`edit NAME`: change what is recorded of a token."""

from typing import Any

import click

from tokenguard.cli.base import command, pass_wiring
from tokenguard.cli.fields import changes_from, record_fields
from tokenguard.cli.naming import TOKEN_NAME
from tokenguard.cli.showing import show_taken
from tokenguard.domain.names import TokenName
from tokenguard.shell.wiring import Wiring


@command("edit")
@click.argument("name", type=TOKEN_NAME)
@record_fields
@click.option("--base-url", metavar="URL", help="Confirm that the provider is at this address now.")
@click.option("--rename", type=TOKEN_NAME, metavar="NAME", help="Give the token another name.")
@click.option("--yes", is_flag=True, help="Do not ask before a change of where values go.")
@pass_wiring
def edit(
    wiring: Wiring, /, name: TokenName, *, base_url: str | None, rename: TokenName | None, yes: bool, **fields: Any
) -> None:
    """Change what is recorded of NAME. Empty text clears a field; the consumers given replace the old ones.

    An unclaimed token becomes active as soon as it has an owner, a scope, an environment and a purpose.
    """
    from tokenguard.cli.editing import edit_record  # noqa: PLC0415 - loads the providers

    changes = changes_from(fields, base_url=base_url, name=rename)
    show_taken(wiring, edit_record(wiring, name, changes, confirmed=yes))
