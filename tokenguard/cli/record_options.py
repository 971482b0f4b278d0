"""The options for the fields of a record, shared by `add`, `edit` and `import`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tokenguard.domain.token import CredentialKind
from tokenguard.domain.token_fields import FIELDS, TextField

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _text(field: TextField) -> Callable[[_Function], _Function]:
    return click.option(field.option, field.name, metavar=field.metavar, help=field.help)


_OPTIONS = (
    click.option("--provider", metavar="P", help="The provider: descript, autoposting, manual, or a configured one."),
    click.option(
        "--scope",
        metavar="KIND:ID",
        help=(
            "What the token gives access to, such as drive:8c1f2a or org:acme. With `edit`, `observed` takes the scope "
            "that the provider reported."
        ),
    ),
    *map(_text, FIELDS),
    click.option(
        "--permission", "permissions", metavar="P", multiple=True, help="A permission of the token; repeatable."
    ),
    click.option("--kind", type=click.Choice(list(map(str, CredentialKind))), help="Kind of credential."),
    click.option("--due", metavar="YYYY-MM-DD", help="Rotation deadline, if earlier than the policy's maximum age."),
    click.option(
        "--created", metavar="YYYY-MM-DD", help="When the value was created, if known; otherwise its age is unknown."
    ),
    click.option(
        "--deliver",
        metavar="TARGET",
        multiple=True,
        help="A consumer: dotenv:PATH#VAR, command:NAME, person:TEXT, github:OWNER/REPO#NAME, … (docs/deliveries.md); "
        "repeatable; replaces the whole list.",
    ),
    click.option(
        "--after",
        metavar="TARGET=NAME",
        multiple=True,
        help="Run [commands.NAME] of the runner's configuration after each delivery to this consumer; an empty NAME "
        "removes it; repeatable.",
    ),
    click.option("--no-consumers", is_flag=True, help="Declare that the token has no consumers."),
    click.option(
        "--adopt",
        metavar="LOCATION",
        help=(
            "Where the value is stored: vault://MOUNT/PATH#FIELD, aws://REGION/NAME[#FIELD], or another place, "
            "SCHEME://PLACE#NAME, which is not read."
        ),
    ),
)


def record_fields(function: _Function) -> _Function:
    """Add the options to a command; `changes_from` validates them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
