"""Paths that no file can have, that lead nowhere, or that were meant to be given and are empty: refused, never a bug."""

import re
from collections.abc import Iterator

import click
import pytest

from tests.cli.bundles import public_code
from tests.cli.test_second_person import NAME
from tokenguard.cli.app import app
from tokenguard.cli.base import PathType

LONG = "a" * 300

COMMANDS = {
    "report": ("report", "--output", "PATH"),
    "metrics": ("metrics", "--output", "PATH"),
    "runbook": ("runbook", NAME, "--output", "PATH"),
    "redact": ("redact", "--report", "PATH"),
    "scan": ("scan", "PATH"),
    "check": ("check", "PATH"),
    "a new provider file": ("provider", "new", "acme", "--output", "PATH"),
    "a schedule": ("init", "--schedule", "cron", "--into", "PATH"),
    "evidence": ("audit", "bundle", NAME, "--key-file", "PATH", "--create-key"),
    "the configuration": ("list", "--config", "PATH"),
    "a backup": ("store", "restore", "PATH"),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("path", [LONG, "loop", "loop/x", "file/x"])
def test_a_path_that_no_file_can_have_is_bad_input(cli, tmp_path, monkeypatch, words, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    cli.add()
    answer = cli(*(each.replace("PATH", path) for each in words))
    assert answer.code in {0, 2}, answer
    assert answer.code == 2 or words[0] == "scan", answer  # a link that leads nowhere is scanned as git keeps it


@pytest.mark.parametrize("words", [("store", "restore"), ("store", "backup")])
def test_a_home_that_there_is_not_is_bad_input(cli, words):
    cli.refused(*words, "~no-such-user/x")


SELECTIONS = ("--owner", "--name", "--made-by", "--account", "--provider", "--scope", "--env")


@pytest.mark.parametrize("option", SELECTIONS)
@pytest.mark.parametrize("command", ["retire", "rotate", "list", "verify", "deliver"])
def test_an_empty_selection_selects_nothing(cli, option, command):
    """`--owner "$TEAM" --state active` without a TEAM would be every active token."""
    cli.add()
    cli.refused(command, option, "", "--state", "active", *(["--yes"] if command == "retire" else []))


def test_an_empty_scope_of_a_rotation_selects_nothing(cli):
    cli.add()
    cli.refused("rotate", "--all-of", "", "--state", "active", "--plan")


@pytest.mark.parametrize("option", ["--store", "--config", "--server"])
def test_an_empty_global_option_is_not_the_default(cli, option):
    """`--store "$STORE"` without a STORE would be the user's own store."""
    cli.refused("list", option, "")
    cli.refused(option, "", "list")


@pytest.mark.parametrize("words", [("scan", ""), ("check", ""), ("baseline", "update", ""), ("redact", "--report", "")])
def test_an_empty_path_is_not_the_working_directory(cli, words):
    cli.refused(*words)


def _commands(command: click.Command, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context := click.Context(command)):
            yield from _commands(command.get_command(context, name), *words, name)


def _given(parameter: click.Parameter, value: str) -> list[str]:
    return [parameter.opts[0], value] if isinstance(parameter, click.Option) else [value]


def _plausible(parameter: click.Parameter) -> str:
    return parameter.type.choices[0] if isinstance(parameter.type, click.Choice) else "a"


def _lost(parameter: click.Parameter) -> bool:
    """Whether an empty text would be a directory, or as if the option were not given; a new branch has no base."""
    names_path = re.search(r"\b(FILE|DIR|PATH)\b", parameter.metavar or "") is not None
    return names_path or isinstance(parameter.type, PathType) or (parameter.default == "" and parameter.name != "base")


EMPTY = {
    " ".join((*words, lost.human_readable_name if isinstance(lost, click.Argument) else lost.opts[0])): (
        *words,
        *(
            word
            for each in command.params
            if each is lost or each.required
            for word in _given(each, "" if each is lost else _plausible(each))
        ),
    )
    for words, command in _commands(app)
    for lost in command.params
    if lost.expose_value and _lost(lost)
}


def test_the_tree_has_such_parameters():
    """The walk finds them by their metavars and types: a change of either may not leave it with nothing."""
    assert len(EMPTY) > 100
    assert {"init --into", "add --from-file", "check --policy", "drift --server", "baseline accept --until"} <= {*EMPTY}


@pytest.mark.parametrize("words", EMPTY.values(), ids=EMPTY)
def test_no_parameter_takes_an_empty_text_for_one_that_was_not_given(cli, words):
    """`--until "$DAY"` without a DAY would be for ever, `--from-file "$FILE"` without a FILE a prompt."""
    assert "empty" in cli.refused(*words, code=125 if words[0] == "exec" else 2)


SIGNING = {
    "fingerprints publish": ("fingerprints", "publish", "bundle", "--public-code", "public"),
    "audit checkpoint": ("audit", "checkpoint"),
    "audit bundle": ("audit", "bundle", NAME),
}


@pytest.mark.parametrize("words", SIGNING.values(), ids=SIGNING)
def test_a_mistyped_key_file_is_not_created(cli, tmp_path, words):
    """A new key would sign what no earlier key verifies; only `--create-key` makes one, and only once."""
    public_code(tmp_path)
    cli.add()
    cli.refused(*words, "--key-file", "keys/typo")
    error = cli(*words, "--key-file", "keys/typo").err
    assert "keys/typo" in error
    assert "--create-key" in error
    assert not (tmp_path / "keys").exists()
    assert cli(*words, "--key-file", "keys/new", "--create-key").code == 0
    made = (tmp_path / "keys" / "new").read_bytes()
    assert cli(*words, "--key-file", "keys/new", "--create-key").code == 0
    assert (tmp_path / "keys" / "new").read_bytes() == made


UNREADABLE = {
    "nope": "it does not exist",
    "folder": "it is a directory",
    "file/x": "a part of its path is not a directory",
    "broken": "it does not exist",
    "loop": "it is a symbolic link, or links in its path form a loop",
}
READING = {
    "policy lint": ("policy", "lint", "PATH"),
    "policy test": ("policy", "test", "PATH"),
    "provider lint": ("provider", "lint", "PATH"),
    "setup": ("setup", "PATH"),
    "baseline import": ("baseline", "import", "PATH"),
    "fingerprints pull": ("fingerprints", "pull", "PATH"),
    "import": ("import", "--file-format", "csv", "PATH"),
    "verify": ("verify", "--reconcile", "fake", "--from-file", "PATH"),
    "a commit message": ("scan", "--commit-msg", "PATH"),
    "the configuration": ("list", "--config", "PATH"),
}


@pytest.mark.parametrize("path", UNREADABLE)
@pytest.mark.parametrize("words", READING.values(), ids=READING)
def test_a_file_that_cannot_be_read_says_why(cli, tmp_path, words, path):
    """`name a file that exists` is no help for a path that is a directory."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "broken").symlink_to("nowhere/x")
    (tmp_path / "loop").symlink_to("loop")
    cli.add()
    assert cli.refused(*(each.replace("PATH", path) for each in words)).endswith(f": {UNREADABLE[path]}")


@pytest.mark.parametrize("words", [SIGNING["audit checkpoint"], SIGNING["audit bundle"]], ids=["checkpoint", "bundle"])
@pytest.mark.parametrize("output", ["folder", "none/x", "broken"])
def test_no_key_is_created_for_an_output_that_cannot_be_written(cli, tmp_path, words, output):
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").symlink_to("nowhere/x")
    cli.add()
    cli.refused(*words, "--key-file", "key", "--create-key", "--output", output)
    assert not (tmp_path / "key").exists()
