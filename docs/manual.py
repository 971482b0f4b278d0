"""Writes the manual pages docs/man/*.1 from the commands themselves: `make docs`; the wheel installs them."""

import re
from pathlib import Path

import click

from docs.generate import commands
from tokenguard import __version__
from tokenguard.cli.app import app
from tokenguard.errors import ExitCode
from tokenguard.precommit.arguments import USAGE
from tokenguard.shell.wiring import Wiring

FOLDER = Path(__file__).with_name("man")
_README = Path(__file__).parents[1] / "README.md"
_CODE = re.compile(r"^\| (\d+) \| (.+) \|$", re.MULTILINE)


def render() -> dict[str, str]:
    """Each page by its file's name."""
    return {"tokenguard.1": _tokenguard(), "tokenguard-hook.1": _hook()}


def _tokenguard() -> str:
    context = app.context_class(app, info_name="tokenguard", obj=Wiring(environ={}))
    parts = [
        _title("tokenguard"),
        _section("NAME", r"tokenguard \- " + _plain("inventory, guided rotation and leak control for API tokens")),
        _section("SYNOPSIS", ".B tokenguard\n[OPTIONS] COMMAND [ARGS]..."),
        _section("DESCRIPTION", _paragraphs(app.help or "")),
        _section("GLOBAL OPTIONS", _options(app, context)),
        ".SH COMMANDS",
        *(_command(path, each) for path, each in commands(app, ("tokenguard",))),
        _section("EXIT STATUS", _exit_codes()),
        _section("SEE ALSO", r"\fBtokenguard-hook\fR(1)"),
    ]
    return "\n".join(parts) + "\n"


def _hook() -> str:
    text = ".nf\n" + _plain(USAGE.strip()) + "\n.fi"
    name = r"tokenguard-hook \- " + _plain("find leaked tokens in what is about to be committed")
    parts = [_title("tokenguard-hook"), _section("NAME", name), _section("USAGE", text)]
    return "\n".join([*parts, _section("SEE ALSO", r"\fBtokenguard\fR(1)")]) + "\n"


def _command(path: tuple[str, ...], command: click.Command) -> str:
    context = command.context_class(command, info_name=" ".join(path), obj=Wiring(environ={}))
    usage = " ".join([*path, *command.collect_usage_pieces(context)])
    own = _options(command, context, without=app)
    return "\n".join(filter(None, [f".SS {_plain(usage)}", _paragraphs(command.help or ""), own]))


def _options(command: click.Command, context: click.Context, without: click.Command | None = None) -> str:
    """Each option with its help; those of `without` are described there."""
    known = {each.name for each in without.get_params(context)} if without else set()
    rows = [each.get_help_record(context) for each in command.get_params(context) if each.name not in known]
    return "\n".join(f".TP\n.B {_plain(row[0])}\n{_plain(row[1])}" for row in rows if row)


def _exit_codes() -> str:
    meanings = dict(_CODE.findall(_README.read_text()))
    rows = ((f"{code:d}", meanings[str(int(code))].replace("`", "")) for code in sorted(ExitCode))
    return "\n".join(f".TP\n.B {code}\n{_plain(text)}" for code, text in rows)


def _title(name: str) -> str:
    return f'.TH {_plain(name.upper())} 1 "" "tokenguard {__version__}" "tokenguard manual"'


def _section(title: str, text: str) -> str:
    return f".SH {title}\n{text}"


def _paragraphs(help_text: str) -> str:
    return "\n.PP\n".join(_plain(" ".join(part.split())) for part in help_text.replace("\b", "").split("\n\n") if part)


def _plain(text: str) -> str:
    """Text in which nothing is an instruction to the formatter."""
    escaped = text.replace("\u2011", "-").replace("\\", r"\e").replace("-", r"\-")
    escaped = "".join(char if char.isascii() else rf"\[u{ord(char):04X}]" for char in escaped)
    return "\n".join(rf"\&{line}" if line.startswith((".", "'")) else line for line in escaped.splitlines())


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in render().items():
        (FOLDER / name).write_text(text)
