"""The frame of every command: global options that work before and after its name, and lazy groups."""

import importlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tokenguard.errors import InputError
from tokenguard.posix import IS_POSIX, require_posix
from tokenguard.shell.wiring import Wiring
from tokenguard.text import nearest

pass_wiring = click.make_pass_decorator(Wiring)
"""Gives a command the `Wiring` of this process as its first argument."""

_STORE_HELP = (
    "The store: local:///DIR, vault://MOUNT/PREFIX, aws://REGION/PREFIX, or a name from the configuration file."
)


_HYPHEN = "\u2011"
"""A hyphen at which no line is broken."""


class PathType(click.Path):
    """A path; an empty one, as of a variable that is not set, would be the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does; InputError for an empty text."""
        if value == "":
            raise InputError("a path is empty", hint="name a file or directory; `.` is the working directory")
        return super().convert(value, param, ctx)


PATH = PathType(path_type=Path)
"""The type of arguments and options that name a file or directory."""
PATH_TEXT = PathType(readable=False)
"""The same as the text that was given, for commands that say themselves what is wrong with the file."""


_NAMES_PATH = re.compile(r"\b(?:FILE|DIR|PATH)\b")
"""What in the metavar of a parameter says that it takes a file or directory, perhaps among other things."""


_MAY_BE_EMPTY = frozenset({"base"})
"""Parameters that pipelines give an empty text on purpose: a new branch has no base."""


def refuse_empty(option: str, value: object) -> None:
    """Refuse an option with an empty text, as of a variable that is not set: it would be as if it were not given."""
    if value == "":
        raise InputError(f"{option} is empty", hint="give its value, or leave the option out")


def _refuse_lost(parameters: Iterable[click.Parameter], given: Mapping[str, Any]) -> None:
    """Refuse empty texts that commands cannot tell from an option that was left out, and empty paths."""
    for each in parameters:
        if each.name in _MAY_BE_EMPTY:
            continue
        values = given.get(each.name or "")
        is_path = _NAMES_PATH.search(each.metavar or "") is not None
        if (is_path or each.default == "") and "" in (values if isinstance(values, tuple) else (values,)):
            raise InputError(
                f"{each.opts[0] if isinstance(each, click.Option) else each.human_readable_name} is empty",
                hint="give its value, or leave it out",
            )


create_key_option = click.option(
    "--create-key", is_flag=True, help="Create the file of --key-file if it does not exist."
)
"""The option of every command that signs with a key file of its own."""


def _flag(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    refuse_empty(parameter.opts[0], value)
    if value and parameter.name and not context.resilient_parsing:
        wiring = context.find_object(Wiring)
        if wiring is not None:
            setattr(wiring.flags, parameter.name, value)


def _output_file(_context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
    """The file of `--output`: a `-`, which other programs take for standard output, would become a file's name."""
    if str(value) == "-":
        raise InputError(
            "`-` names no file",
            hint="name a file; a command that can write to standard output does so without --output",
        )
    return value


def _break_glass(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    wiring = context.find_object(Wiring)
    if value is None or wiring is None:
        return
    if not value.strip():
        raise InputError("--break-glass needs a reason", hint="say in one line why it cannot wait for a second person")
    from tokenguard.inventory.record_changes import plain_text  # few give this option

    wiring.break_glass = plain_text(value, what="reason")


break_glass_option = click.option(
    "--break-glass",
    metavar="REASON",
    expose_value=False,
    callback=_break_glass,
    help="Do not wait for a second person; another person must review it later.",
)
"""The option of every command for which a policy may ask a second person."""


def _global_options() -> list[click.Parameter]:
    def option(*names: str, **how: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_flag, **how)

    return [
        option("--store", metavar="URL", help=_STORE_HELP),
        option("--server", metavar="URL", help="Address of the store's Vault, if not configured."),
        option("--config", metavar="FILE", help="The configuration file (never looked up in the working directory)."),
        option(
            "--format",
            type=click.Choice(["text", "json"]),
            help="Output format; json prints one document to standard output.",
        ),
        option("--no-input", is_flag=True, help="Never prompt; exit 3 if a person is needed."),
        option("-v", "verbose", is_flag=True, help="Print details to standard error."),
    ]


class _HelpFormatter(click.HelpFormatter):
    """Wraps help at spaces only, so that the name of an option is never divided at its hyphens."""

    def write_text(self, text: str) -> None:
        """Write a paragraph."""
        super().write_text(text.replace("-", _HYPHEN))

    def write_dl(self, rows: Iterable[tuple[str, str]], *args: Any, **attributes: Any) -> None:
        """Write a list of options or commands."""
        super().write_dl([(first, second.replace("-", _HYPHEN)) for first, second in rows], *args, **attributes)

    def getvalue(self) -> str:
        """All that was written."""
        return super().getvalue().replace(_HYPHEN, "-")


class _Context(click.Context):
    formatter_class = _HelpFormatter


class _Framed(click.Command):
    """A command that also takes the global options, listed apart in its help."""

    context_class = _Context

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        own = {name for parameter in self.params for name in parameter.opts}
        for parameter in self.params:
            if "--output" in parameter.opts:
                parameter.callback = _output_file
        self.params += [option for option in _global_options() if own.isdisjoint(option.opts)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; an error says which command it is about."""
        try:
            left = super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise
        if not ctx.resilient_parsing:
            source = click.core.ParameterSource.COMMANDLINE
            _refuse_lost(
                self.params,
                {name: value for name, value in ctx.params.items() if ctx.get_parameter_source(name) is source},
            )
        return left

    def get_help_option_names(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The same usage line everywhere, also for a command that is invoked outside the program."""
        return ["-h", "--help"]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Own options first, then the global ones."""
        own: list[tuple[str, str]] = []
        everywhere: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)) is not None:
                (own if parameter.expose_value or parameter.is_eager else everywhere).append(record)
        for title, records in (("Options", own), ("Global options", everywhere)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class RenamedOption(click.Option):
    """An option that still accepts its former names, which its help leaves out.

    Args:
        names: as `click.Option` takes them.
        former: the former names.
    """

    def __init__(self, names: Sequence[str], *, former: Sequence[str], **attributes: Any) -> None:
        super().__init__([*names, *former], **attributes)
        self._former = frozenset(former)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The help line with the current names only."""
        names = self.opts
        self.opts = [name for name in names if name not in self._former]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = names


class BaseCommand(_Framed):
    """One command. What its function returns is the exit code; None is 0."""


class Group(_Framed, click.Group):
    """A group whose commands are imported when they are called, and listed without importing any.

    Args:
        table: for each command's name where it is (`module:attribute`) and what it does, in one line.
        sections: the names by job, as the help lists them; None for one list in the table's order.
        portable: the names of commands that also run on Windows; None for all.
    """

    def __init__(
        self,
        *args: Any,
        table: Mapping[str, tuple[str, str]],
        sections: Mapping[str, Sequence[str]] | None = None,
        portable: Collection[str] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(*args, **attributes)
        self.table = dict(table)
        self.sections = dict(sections or {"Commands": tuple(table)})
        self.portable = frozenset(table if portable is None else portable)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names in the table's order."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; InputError if it does not run on this system."""
        if cmd_name not in self.table:
            return None
        if cmd_name not in self.portable and not IS_POSIX:
            if ctx.resilient_parsing:
                return None
            require_posix(f"`{ctx.command_path} {cmd_name}`")
        module, _, attribute = self.table[cmd_name][0].partition(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names; InputError if there is none."""
        name, rest = args[0], args[1:]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            raise _no_such_command(name, list(self.table), ctx.command_path)
        return (name if command else None), command, rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands, section by section."""
        width = max(map(len, self.table))
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), self.table[name][1]) for name in names])


def command(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], BaseCommand]:
    """Make a function a command of this frame."""
    return click.command(name, cls=BaseCommand, **attributes)


def group(name: str, table: Mapping[str, tuple[str, str]], **attributes: Any) -> Callable[[Callable[..., Any]], Group]:
    """Make a function a lazy group of this frame."""
    return click.command(name, cls=Group, table=table, **attributes)


def _no_such_command(name: str, known: Sequence[str], path: str) -> InputError:
    """Never repeats what was typed: it may be a token value in the wrong place."""
    near = nearest(name[:40], known)
    hint = f"did you mean `{path} {near}`?" if near else f"`{path} --help` lists the commands"
    return InputError("unknown command", hint=hint)
