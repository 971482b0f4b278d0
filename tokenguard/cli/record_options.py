"""The options that say what is known of a token, shared by `add`, `edit` and `import`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tokenguard.domain.token import CredentialKind

_Function = TypeVar("_Function", bound=Callable[..., Any])
_OPTIONS = (
    click.option("--provider", metavar="P", help="Who issued it: descript, autoposting, manual, or one configured."),
    click.option(
        "--scope", metavar="KIND:ID", help="What it can reach: drive:8c1f2a, org:acme; for `edit` also: observed."
    ),
    click.option("--scope-name", metavar="TEXT", help="The scope's display name."),
    click.option("--env", "environment", metavar="E", help="Environment: prod, staging, dev, ..."),
    click.option("--owner", metavar="TEAM", help="The team that answers for it."),
    click.option("--purpose", metavar="TEXT", help="What it is for."),
    click.option("--made-by", metavar="PERSON", help="The person who minted it."),
    click.option("--account", metavar="LOGIN", help="The login at the provider it was minted with."),
    click.option("--deputy", metavar="PERSON", help="Who acts when the owner cannot be reached."),
    click.option("--label", metavar="TEXT", help="Its name at the provider, by which a person finds it there."),
    click.option("--permission", "permissions", metavar="P", multiple=True, help="A permission it has; repeatable."),
    click.option("--kind", type=click.Choice(list(map(str, CredentialKind))), help="What sort of credential it is."),
    click.option("--due", metavar="YYYY-MM-DD", help="When it must be rotated, if not by the policy's maximum age."),
    click.option(
        "--created", metavar="YYYY-MM-DD", help="When its value was made, if you know; else its age is unknown."
    ),
    click.option("--notes", metavar="TEXT", help="Anything else."),
    click.option(
        "--deliver",
        metavar="TARGET",
        multiple=True,
        help="A consumer: dotenv:PATH#VAR, command:NAME, person:TEXT, github:OWNER/REPO#NAME, … (docs/deliveries.md); "
        "repeatable, and the whole list each time.",
    ),
    click.option("--no-consumers", is_flag=True, help="Declare that nothing needs to be given its value."),
    click.option(
        "--adopt",
        metavar="LOCATION",
        help="Where the value lives: vault://MOUNT/PATH#FIELD, aws://REGION/NAME[#FIELD]; or where it cannot be read.",
    ),
)


def record_fields(function: _Function) -> _Function:
    """Add the options to a command; `changes_from` makes sense of them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
