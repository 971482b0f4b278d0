"""A file whose rights cannot be kept is refused by every command that would begin to deliver to it."""

import os

import pytest

from tests.cli.premises import FIELDS, NAME, Premises

OTHER = "video/app/prod/other"
NEW = ("--provider", "manual", *FIELDS[:-1])


@pytest.fixture
def premises(tmp_path, monkeypatch, capfd):
    """A store with one token that is delivered to a file of its own."""
    place = Premises(tmp_path, monkeypatch, capfd)
    assert place("init").code == 0
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / ".env").chmod(0o640)
    answer = place("add", NAME, *NEW, "--deliver", f"dotenv:{tmp_path}/.env#V", "--stdin", stdin=b"a-value-of-a-token")
    assert answer.code == 0, answer
    return place


def _unkept(path, monkeypatch):
    """It has something that we may not give to another file."""
    try:
        os.setxattr(path, "user.note", b"of the team")
    except (AttributeError, OSError):
        pytest.skip("NOT TESTED: attributes that cannot be kept (this file system has none)")

    def denied(*_):
        raise PermissionError

    monkeypatch.setattr(os, "setxattr", denied)


def _written_by_all(path, _monkeypatch):
    path.chmod(0o666)


FLAWS = {"an attribute that cannot be kept": _unkept, "everybody can write it": _written_by_all}


def _commands(target):
    return {
        "add": ("add", OTHER, *NEW, "--deliver", target, "--stdin"),
        "edit": ("edit", NAME, "--deliver", target),
        "plan": ("rotate", NAME, "--plan"),
        "rotate": ("rotate", NAME, "--no-input"),
    }


@pytest.mark.parametrize("command", list(_commands("")))
@pytest.mark.parametrize("flaw", FLAWS.values(), ids=FLAWS)
def test_it_is_refused_before_anything_is_done(premises, monkeypatch, flaw, command):
    path = premises.directory / ".env"
    variable = "W"
    flaw(path, monkeypatch)
    premises.refused(*_commands(f"dotenv:{path}#{variable}")[command], stdin=b"a-value-of-another-token")


def test_a_plan_of_several_tokens_says_which_one_is_blocked(premises, monkeypatch):
    _written_by_all(premises.directory / ".env", monkeypatch)
    answer = premises("add", OTHER, *NEW, "--no-consumers", "--stdin", stdin=b"a-value-of-another-token")
    assert answer.code == 0, answer
    answer = premises("rotate", NAME, OTHER, "--plan", "--format", "json")
    assert answer.code == 0, answer
    blocked = {plan["name"]: plan["blocked"] for plan in answer.document["plan"]}
    assert "chmod o-w" in blocked[NAME]


def test_a_delivery_keeps_what_the_service_reads_it_by(premises):
    assert (premises.directory / ".env").stat().st_mode & 0o777 == 0o640


LINKED = {
    "runbook": ("runbook", NAME, "--output", "page"),
    "report": ("report", "--output", "page"),
    "baseline": ("baseline", "update", "--baseline", "page", "code"),
    "fingerprints": ("fingerprints", "publish", "page", "--key-file", "publisher", "--create-key"),
}


@pytest.mark.parametrize("command", LINKED.values(), ids=LINKED)
def test_an_output_never_replaces_a_link(premises, command):
    (premises.directory / "elsewhere").write_text("precious")
    (premises.directory / "code").mkdir()
    assert premises(*command).code == 0, "without the link it is written"
    (premises.directory / "page").unlink()
    (premises.directory / "page").symlink_to("elsewhere")
    answer = premises(*command)
    assert answer.code == 2, answer
    assert (premises.directory / "page").is_symlink()
    assert (premises.directory / "elsewhere").read_text() == "precious"
