"""Turns click's usage errors into ours, without the words that were typed: any of them could be a value."""

import re
from collections.abc import Sequence

import click

from tokenguard.errors import InputError
from tokenguard.text import nearest

_OPTION_NAME = re.compile(r"--?[a-z][a-z-]{0,30}", re.ASCII)
"""Mistyped options that may be repeated in an error: no token value looks like this."""
_ALIKE = 0.65
"""How much of an option's name must be as it was typed, for it to be suggested."""


def explain(error: click.UsageError) -> InputError:
    """The usage error as one `error:` and one `hint:`; quotes only names of this program."""
    path = error.ctx.command_path if error.ctx else "tokenguard"
    return InputError(_message(error), hint=_hint(error) or f"`{path} --help` shows its options and arguments")


def _message(error: click.UsageError) -> str:
    match error:
        case click.MissingParameter():
            return f"missing {_parameter(error) or 'an argument'}"
        case click.NoSuchOption():
            named = _OPTION_NAME.fullmatch(error.option_name)
            return f"unknown option {error.option_name}" if named else "unknown option"
        case click.BadOptionUsage():
            return (
                f"{error.option_name} is a flag and takes no value"
                if _is_flag(error)
                else f"{error.option_name} lacks its value"
            )
        case click.BadParameter():
            return f"the value of {_parameter(error) or 'a parameter'} is not valid"
    if "unexpected extra argument" in error.message:
        return "too many arguments"
    return "the command line is not valid"


def _hint(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption):
        return _instead_of(error)
    if isinstance(error, click.BadParameter) and error.param is not None:
        kind = error.param.type
        if isinstance(kind, click.Choice):
            return f"use one of: {', '.join(map(str, kind.choices))}"
        if isinstance(kind, click.IntRange):
            return f"use a whole number {_range(kind)}"
        if isinstance(kind, click.types.IntParamType):
            return "use a whole number"
    if isinstance(error, click.BadOptionUsage):
        return f"use {error.option_name} alone" if _is_flag(error) else f"use {error.option_name} {_metavar(error)}"
    return ""


def _instead_of(error: click.NoSuchOption) -> str:
    """What may have been meant by an unknown option; empty if nothing is like it."""
    if key := _key_of_where(error):
        return f"to select tokens: --where {key}=…, once for each field"
    near = _nearest(error.option_name, error.possibilities or ())
    return f"did you mean {near}?" if near else ""


def _nearest(typed: str, options: Sequence[str]) -> str:
    """The option that `typed` abbreviates, or else the one that is most like it; empty if none is."""
    begun = [each for each in options if each.startswith(typed)]
    bare = {each.lstrip("-"): each for each in options}  # every name has the dashes
    near = nearest(typed.lstrip("-"), bare, cutoff=_ALIKE)
    return begun[0] if begun else bare.get(near, "")


def _key_of_where(error: click.NoSuchOption) -> str:
    """The field that was meant, where a command selects with --where and the option is one of other commands."""
    options = {name for each in (error.ctx.command.params if error.ctx else []) for name in each.opts}
    key = error.option_name.removeprefix("--")
    return key if "--where" in options and key in {"name", "state", "leaked"} else ""


def _is_flag(error: click.BadOptionUsage) -> bool:
    """Whether a value was given to a flag; otherwise an option that needs a value has none."""
    return "does not take" in error.message


def _metavar(error: click.BadOptionUsage) -> str:
    """What the option takes, as its help writes it."""
    options = error.ctx.command.params if error.ctx else []
    found = next((each for each in options if error.option_name in each.opts), None)
    return found.make_metavar(error.ctx) if found is not None and error.ctx is not None else "VALUE"


def _range(kind: click.IntRange) -> str:
    if kind.max is None:
        return f"of at least {kind.min}"
    return f"from {kind.min} to {kind.max}"


def _parameter(error: click.BadParameter) -> str:
    parameter = error.param
    if isinstance(parameter, click.Option):
        return parameter.opts[0]
    return (parameter.human_readable_name if parameter else "") or ""
