"""Token names as arguments, validated by the domain and completed by the shell."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from tokenguard.domain.names import TokenName, token_name
from tokenguard.errors import InputError
from tokenguard.shell.wiring import Wiring

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _Parameter = click.ParamType[TokenName]
else:
    _Parameter = click.ParamType  # generic only since click 8.4


class TokenNameType(_Parameter):
    """Click parameter type for a token's name."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> TokenName:  # noqa: ARG002
        """The name; InputError if invalid, without showing it: it may be a pasted value."""
        try:
            return token_name(str(value))
        except InputError as error:
            raise InputError("this is not a valid token name", hint=error.hint) from None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":  # noqa: ARG002 - click's signature
        """The names that start with the typed text; none if the store cannot be read without a prompt."""
        from click.shell_completion import CompletionItem  # only a completing shell needs it

        wiring = ctx.find_object(Wiring)
        names = list[str]()
        if wiring is not None:
            wiring.flags.no_input = True
            with suppress(Exception):  # a completing shell has no place for errors
                names += [snapshot.document.record.name for snapshot in wiring.store.scan()]
        return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


TOKEN_NAME = TokenNameType()
