"""`-t NAME[=VARIABLE]`: which token, and in which variable."""

import re
from typing import Any

import click

from tokenguard.cli.token_name import TOKEN_NAME
from tokenguard.errors import InputError
from tokenguard.usecases.disclose import Asked

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_TAKEN = re.compile(
    r"PATH|HOME|SHELL|IFS|ENV|BASH_.*|LD_.*|DYLD_.*|PYTHON.*|PERL.*|RUBY.*|NODE_OPTIONS|GIT_.*|TOKENGUARD_.*|"
    r"GITHUB_(?:ENV|PATH|OUTPUT|STATE)|RUNNER_.*",
)
"""Variables that change what programs do: a value there would be run or looked up, not used."""


class AskedType(click.ParamType["Asked"]):
    """A token's name with or without a variable."""

    name = "name[=variable]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Asked:
        """What is asked for; InputError if the name or the variable is none."""
        text, equals, variable = str(value).partition("=")
        token = TOKEN_NAME.convert(text, param, ctx)
        if not equals:
            variable = re.sub(r"[^A-Z0-9]", "_", token.upper())
            variable = variable if variable[0].isalpha() else f"_{variable}"
        if not _VARIABLE.fullmatch(variable):
            raise InputError("that is not the name of a variable", hint="use letters, digits and _, as in API_TOKEN")
        if _TAKEN.fullmatch(variable):
            raise InputError(f"{variable} changes what programs do", hint="choose another variable")
        return Asked(token, variable)


ASKED = AskedType()
