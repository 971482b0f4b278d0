"""A day that does not exist: every option that takes one says how long its month is, and not only how days are written."""

import click
import pytest

from tests.cli.premises import FIELDS, NAME, Premises
from tokenguard.cli.app import app

ADD = ("add", "video/app/prod/post", "--provider", "manual", *FIELDS, "--stdin")
OPTIONS = {
    ("add", "--due"): ADD,
    ("add", "--created"): ADD,
    ("approve", "--until"): ("approve", f"sha256:{'0' * 64}"),
    ("audit log", "--since"): ("audit", "log"),
    ("baseline accept", "--until"): ("baseline", "accept", "app.py:1", "--reason", "a fixture"),
    ("edit", "--due"): ("edit", NAME),
    ("edit", "--created"): ("edit", NAME),
    ("fingerprints waive", "--until"): ("fingerprints", "waive", NAME, "--owner", "video", "--reason", "it moves"),
    ("import", "--created"): ("import", "app.env", "--prefix", "video/legacy"),
    ("report", "--as-of"): ("report",),
    ("respond", "--since"): ("respond", NAME, "--reach", "log"),
}


@pytest.fixture
def premises(tmp_path, monkeypatch, capfd):
    return Premises(tmp_path, monkeypatch, capfd)


def _options(group: click.Group, *path: str):
    """Each option that is said to take a day, with its command."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from _options(command, *path, name)
            continue
        for option in command.params:
            about = f"{getattr(option, 'metavar', '')} {getattr(option, 'help', '')}"
            if "YYYY-MM-DD" in about or option.metavar == "DATE":
                yield " ".join((*path, name)), option.opts[0]


def test_the_table_has_every_option_that_takes_a_day():
    assert set(_options(app)) == set(OPTIONS)


@pytest.mark.parametrize(("text", "says"), [("2027-02-29", "2027-02 has 28 days"), ("2027-13-01", "2027-13")])
@pytest.mark.parametrize("option", OPTIONS, ids=" ".join)
def test_an_option_names_what_is_wrong_with_a_day_that_does_not_exist(premises, option, text, says):
    premises.furnished()
    premises.write(premises.directory / "app.env", b"A=1\n")
    error = premises.refused(*OPTIONS[option], option[1], text, stdin=b"a-value-of-a-token")
    assert says in error.answer.err


_MANIFEST = b"""tokens:
  video/app/prod/upload:
    provider: manual
    scope: drive:d1
    environment: prod
    owner: video
    purpose: uploads
    due: 2027-02-29
version: 1
"""
_WAIVER = b"""format: 1
name: team
extends: default
rules: []
waivers:
- rule: maximum-age
  token: video/*
  owner: video
  reason: until the launch
  until: 2027-02-29
"""
_FREEZE = (
    b"format: 1\nname: team\nextends: default\nrules:\n- id: unattended-rotation\n  freezes: [2027-02-20..2027-02-29]\n"
)
FILES = {
    "a due date of a manifest": (_MANIFEST, ("plan", "file")),
    "the end of a waiver": (_WAIVER, ("policy", "lint", "file")),
    "a freeze": (_FREEZE, ("policy", "lint", "file")),
    "a provider's list": (
        b"name,created\nupload,2027-02-29\n",
        ("verify", "--reconcile", "manual", "--from-file", "file"),
    ),
}


@pytest.mark.parametrize(("data", "command"), FILES.values(), ids=FILES)
def test_a_file_with_a_day_that_does_not_exist(premises, data, command):
    premises.furnished()
    premises.write(premises.directory / "file", data)
    assert "2027-02 has 28 days" in premises.refused(*command).answer.err
