"""Writes docs/commands.md from the commands themselves: `make docs`. A test holds the file to it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tokenguard.cli.app import app
from tokenguard.cli.base import Group
from tokenguard.shell.wiring import Wiring

PAGE = Path(__file__).with_name("commands.md")
_HEAD = """# Commands

`make docs` generates this page from the commands' help; a test compares them.

Every command takes the global options `--store URL`, `--server URL`, `--config FILE`, `--format text|json`,
`--no-input` and `-v`, before or after its name. The README lists the [exit codes](../README.md#exit-codes).
"""


def render() -> str:
    """The whole page."""
    sections = "\n".join(_section(path, command) for path, command in commands(app, ("tokenguard",)))
    return f"{_HEAD}\n{sections}"


def commands(group: Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below `group`, in the order of its table."""
    context = click.Context(group, info_name=path[-1], obj=Wiring(environ={}))
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise SystemExit(f"there is no command {name}")
        yield (*path, name), command
        if isinstance(command, Group):
            yield from commands(command, (*path, name))


def _section(path: tuple[str, ...], command: click.Command) -> str:
    context = command.context_class(command, info_name=" ".join(path), obj=Wiring(environ={}), terminal_width=100)
    text = command.get_help(context)
    own, _, _ = text.partition("\nGlobal options:\n")
    subcommands = text.partition("\nCommands:\n")[2]
    tail = f"\nCommands:\n{subcommands}" if subcommands else ""
    return f"{'#' * len(path)} `{' '.join(path)}`\n\n```text\n{own.rstrip()}\n{tail.rstrip()}\n```\n".replace(
        "\n\n```\n", "\n```\n"
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(PAGE.read_text() != render())
    PAGE.write_text(render())
