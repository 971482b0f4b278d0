"""Turns click's usage errors into ours, without the words that were typed: any of them could be a value."""

import re

import click

from tokenguard.errors import InputError

_OPTION_NAME = re.compile(r"--?[a-z][a-z-]{0,30}", re.ASCII)
"""What may be repeated of a mistyped option: no value of a token looks like this."""


def explain(error: click.UsageError) -> InputError:
    """The same complaint as one `error:` and one `hint:`, quoting nothing but names of our own."""
    path = error.ctx.command_path if error.ctx else "tokenguard"
    return InputError(_message(error), hint=_hint(error) or f"`{path} --help` shows what it takes")


def _message(error: click.UsageError) -> str:
    match error:
        case click.MissingParameter():
            return f"missing {_parameter(error) or 'an argument'}"
        case click.NoSuchOption():
            named = _OPTION_NAME.fullmatch(error.option_name)
            return f"there is no option {error.option_name}" if named else "there is no such option"
        case click.BadOptionUsage():
            return f"{error.option_name} is not used as it should be"
        case click.BadParameter():
            return f"the value of {_parameter(error) or 'a parameter'} is not acceptable"
    if "unexpected extra argument" in error.message:
        return "more arguments than the command takes"
    return "the command line is not acceptable"


def _hint(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        return f"did you mean {min(error.possibilities)}?"
    if isinstance(error, click.BadParameter) and error.param is not None:
        kind = error.param.type
        if isinstance(kind, click.Choice):
            return f"use one of: {', '.join(map(str, kind.choices))}"
        if isinstance(kind, click.IntRange):
            return f"use a whole number {_range(kind)}"
        if isinstance(kind, click.types.IntParamType):
            return "use a whole number"
    if isinstance(error, click.BadOptionUsage) and not isinstance(error, click.NoSuchOption):
        return "an option that takes a value needs one, a flag takes none"
    return ""


def _range(kind: click.IntRange) -> str:
    if kind.max is None:
        return f"of at least {kind.min}"
    return f"from {kind.min} to {kind.max}"


def _parameter(error: click.BadParameter) -> str:
    parameter = error.param
    if isinstance(parameter, click.Option):
        return parameter.opts[0]
    return (parameter.human_readable_name if parameter else "") or ""
