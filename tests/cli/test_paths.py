"""Paths that no file can have, that lead nowhere, or that were meant to be given and are empty: refused, never a bug."""

import pytest

from tests.cli.test_second_person import NAME

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
    "evidence": ("audit", "bundle", NAME, "--key-file", "PATH"),
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
