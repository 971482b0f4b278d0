"""Token names as arguments: their grammar is the domain's, and the shell completes them."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from tokenguard.domain.names import TokenName, token_name
from tokenguard.errors import InputError
from tokenguard.shell.wiring import Wiring

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class TokenNameType(click.ParamType["TokenName"]):
    """A token's name; its grammar is the domain's."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> TokenName:  # noqa: ARG002
        """The name; InputError if it is none, without showing it: people paste values into the wrong place."""
        try:
            return token_name(str(value))
        except InputError as error:
            raise InputError("that is not a token name", hint=error.hint) from None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":  # noqa: ARG002 - click's signature
        """The names that begin with what was typed; none where the store cannot be read without asking."""
        from click.shell_completion import CompletionItem  # only a completing shell needs it

        wiring = ctx.find_object(Wiring)
        names = list[str]()
        if wiring is not None:
            wiring.flags.no_input = True
            with suppress(Exception):  # a completing shell has no place for errors
                names += [snapshot.document.record.name for snapshot in wiring.store.scan()]
        return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


TOKEN_NAME = TokenNameType()
