"""`add NAME`: add a token to the inventory, or issue a new one."""

from typing import Any

import click

from tokenguard.cli.base import break_glass_option, command, pass_wiring
from tokenguard.cli.record_options import record_fields
from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.domain.names import TokenName
from tokenguard.shell.wiring import Wiring
from tokenguard.usecases.given_facts import changes_from


@command("add")
@click.argument("name", type=TOKEN_NAME)
@record_fields
@click.option("--from-env", metavar="VAR", default="", help="Read the value from an environment variable.")
@click.option("--from-file", metavar="FILE", default="", help="Read the value from a file.")
@click.option("--stdin", is_flag=True, help="Read the value from standard input.")
@click.option(
    "--issue",
    is_flag=True,
    help="Create a new value, through the provider's API or by guiding you through its settings.",
)
@click.option("--no-verify", is_flag=True, help="Do not verify the value with the provider.")
@break_glass_option
@pass_wiring
def add(
    wiring: Wiring, /, name: TokenName, *, from_env: str, from_file: str, stdin: bool, issue: bool, no_verify: bool,
    **fields: Any,
) -> None:  # fmt: skip
    """Add a token to the inventory under NAME, a path such as video/publisher/prod/upload.

    The value is read from a hidden prompt unless --from-env, --from-file or --stdin is given; on a terminal, missing
    fields are asked for too. The value is verified with the provider first: a revoked token, or one of another scope,
    is not added. The policy may ask for the approval of a second person before a value goes to a new destination.
    """
    from tokenguard.ports.value_source import ValueOptions
    from tokenguard.usecases.add_token import TokenAddition  # loads the store and the engine

    source = ValueOptions(variable=from_env, file=from_file, stdin=stdin)
    adding = TokenAddition(wiring, name, changes_from(fields), ask=source == ValueOptions())
    with wiring.working_on(name):
        if issue:
            snapshot = adding.issue(source)
        elif adding.without_value:
            snapshot = adding.enter(source)
        else:
            snapshot = adding.take(source, verify=not no_verify)
    from tokenguard.views.token_view import show_taken

    show_taken(wiring, snapshot)
