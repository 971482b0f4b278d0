"""The map of the vendors' advice names rules, commands and names that exist, and leaves no advice unanswered."""

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from tests.architecture.test_docs import _command_of
from tokenguard.policy.catalogue import CATALOGUE

PAGE = Path(__file__).parents[2] / "docs" / "policies" / "coverage.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| section", "|---"))
]
_NAMED = re.compile(r"`([^`]+)`")
_PLAIN = {"oauth_grant", "dotenv:PATH#VARIABLE", "Retry-After", ".env"}
_REASONS = ("not covered:", "not visible from here", "neither dead nor alive", "P5 in the threat model")
PAGES = {"Descript, Authentication": 16, "Descript, Security": 27, "Autoposting, Authentication": 22}


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_every_line_names_what_exists(row):
    section, advice, held = row
    assert section
    assert advice
    for name in _NAMED.findall(held):
        if name in _PLAIN:
            continue
        if name.startswith("tokenguard "):
            exists_on_the_command_line(name)
        elif name.startswith("tokenguard."):
            exists_in_python(name)
        else:
            assert name in CATALOGUE, name


def exists_on_the_command_line(line):
    words = [word for word in shlex.split(line)[1:] if word != "CMD"]
    words = words[: words.index("--")] if "--" in words else words
    command, given = _command_of(words)
    assert isinstance(command, click.Command)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in given if re.match(r"--?[a-z]", word)} <= known, line


def exists_in_python(name):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        assert getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_every_advice_is_held_by_something_or_says_why_not(row):
    held = row[2]
    rules = [name for name in _NAMED.findall(held) if name in CATALOGUE or name.startswith("tokenguard")]
    assert rules or any(reason in held for reason in _REASONS) or "same command" in held or "delivery" in held


def test_no_page_was_shortened():
    sections = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    counted = {text.splitlines()[0]: len(re.findall(r"^\| (?!section)", text, re.MULTILINE)) for text in sections}
    assert counted == PAGES


def test_what_the_vendors_advise_about_files_and_urls_is_a_rule_of_a_repository():
    named = {name for row in ROWS for name in _NAMED.findall(row[2])}
    about_repositories = {name for name, about in CATALOGUE.items() if about.repository}
    assert about_repositories <= named
