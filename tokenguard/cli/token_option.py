"""`-t NAME[=VARIABLE]`: selects a token and its variable."""

import re
from typing import TYPE_CHECKING, Any

import click

from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.errors import InputError
from tokenguard.usecases.requested_token import RequestedToken

if TYPE_CHECKING:
    _Parameter = click.ParamType[RequestedToken]
else:
    _Parameter = click.ParamType  # as in token_name.py

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_TAKEN = re.compile(
    r"PATH|HOME|SHELL|IFS|ENV|BASH_.*|LD_.*|DYLD_.*|PYTHON.*|PERL.*|RUBY.*|NODE_OPTIONS|GIT_.*|TOKENGUARD_.*|"
    r"GITHUB_(?:ENV|PATH|OUTPUT|STATE)|RUNNER_.*",
)
"""Variables that change how programs run, such as PATH; they never take a token."""


class RequestedTokenType(_Parameter):
    """A token's name with or without a variable."""

    name = "name[=variable]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> RequestedToken:
        """The token and its variable; InputError if either is invalid."""
        text, equals, variable = str(value).partition("=")
        token = TOKEN_NAME.convert(text, param, ctx)
        if not equals:
            variable = re.sub(r"[^A-Z0-9]", "_", token.upper())
            variable = variable if variable[0].isalpha() else f"_{variable}"
        if not _VARIABLE.fullmatch(variable):
            raise InputError("this is not a valid variable name", hint="use letters, digits and _, as in API_TOKEN")
        if _TAKEN.fullmatch(variable):
            raise InputError(f"{variable} changes how programs run", hint="choose another variable")
        return RequestedToken(token, variable)


ASKED = RequestedTokenType()
