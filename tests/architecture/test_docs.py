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


def test_the_table_of_commands_says_what_their_help_says():
    for name, (_, summary) in COMMANDS.items():
        assert summary[0].isupper(), name
        assert summary.endswith("."), name


@pytest.mark.parametrize("line", list(documented()))
def test_every_documented_command_line_is_one_that_exists(line):
    words = [word.replace("…", "x") for word in shlex.split(line)][1:]
    context = click.Context(app, info_name="tokenguard", obj=Wiring(environ={}))
    group: click.Command = app
    while isinstance(group, Group) and words and not words[0].startswith("-"):
        name, group, words = group.resolve_command(context, words)
        assert group is not None, name
        context = click.Context(group, info_name=name, parent=context, obj=Wiring(environ={}))
    for position, word in enumerate(words):
        if word in {"|", ">", ">>", "&&", ";", "<", "2>"}:
            words = words[:position]
            break
    known = {option for parameter in group.params for option in (*parameter.opts, *parameter.secondary_opts)} | {
        "-h",
        "--help",
        "--version",
    }
    given = [
        word.split("=")[0]
        for word in words[: words.index("--") if "--" in words else None]
        if re.match(r"--?[a-z]", word)
    ]
    assert set(given) <= known
