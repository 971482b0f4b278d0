"""What the documentation says is what the commands do."""

import re
import shlex
from pathlib import Path

import click
import pytest

from docs.generate import PAGE, commands, render
from tokenguard.cli.app import COMMANDS, app
from tokenguard.cli.base import Group
from tokenguard.shell.wiring import Wiring

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(?:sh|console|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documented():
    """Every `tokenguard …` line of every shell block, with its page; continued lines joined."""
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                text = line.removeprefix("$ ").strip()
                if text.startswith("tokenguard "):
                    yield pytest.param(text.partition("  #")[0], id=f"{page.name}: {text[:60]}")


def test_the_page_of_commands_is_written_from_the_commands():
    assert PAGE.read_text() == render(), "run `make docs`"


def test_every_command_has_help_that_begins_with_a_sentence():
    for path, command in commands(app, ("tokenguard",)):
        assert command.help, path
        assert command.help.strip().split("\n\n")[0].rstrip().endswith((".", ":")), path


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_help_never_divides_the_name_of_an_option(columns):
    for path, command in commands(app, ("tokenguard",)):
        context = command.make_context(path[-1], [], resilient_parsing=True, terminal_width=columns)
        assert re.findall(r"[\w-]-$", command.get_help(context), re.MULTILINE) == [], path


def test_the_table_of_commands_says_what_their_help_says():
    for name, (_, summary) in COMMANDS.items():
        assert summary[0].isupper(), name
        assert summary.endswith("."), name


_SHELL = frozenset({"|", ">", ">>", "&&", ";", "<", "2>", "--"})
"""Where the command's own words end."""


@pytest.mark.parametrize("line", list(documented()))
def test_every_documented_command_line_is_one_that_exists(line):
    words = [word.replace("…", "x") for word in shlex.split(line)][1:]
    words = words[: next((place for place, word in enumerate(words) if word in _SHELL), None)]
    command, given = _command_of(words)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.split("=")[0] for word in given if re.match(r"--?[a-z]", word)} <= known | {
        "-h",
        "--help",
        "--version",
    }


def _command_of(words):
    """The command that a line calls, and what it is given; global options may stand before its name."""
    context = click.Context(app, info_name="tokenguard", obj=Wiring(environ={}))
    command: click.Command = app
    while isinstance(command, Group) and words:
        options = {option: parameter for parameter in command.params for option in parameter.opts}
        if words[0] in options:
            words = words[1 if options[words[0]].is_flag else 2 :]
            continue
        if words[0].startswith("-"):
            break
        name, command, words = command.resolve_command(context, words)
        assert command is not None, name
        context = click.Context(command, info_name=name, parent=context, obj=Wiring(environ={}))
    return command, words
