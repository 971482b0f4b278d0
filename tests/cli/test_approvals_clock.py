"""A clock that was ahead wrote in the trail of the approvals, or a request: a person ends what would wait for years."""

import json
import re

import pytest

from tests.cli.test_clock_ahead import YEARS, step
from tests.cli.test_second_person import NAME, as_person, requested, team_line
from tests.fakes.command_line import CommandLine, FakeTty

OTHER = "video/app/prod/control"
RETIRE = ("retire", NAME, "--yes")
RIGHT = ("approve", "--clock-was-ahead", "the machine started with a wrong date")


@pytest.fixture
def cli(monkeypatch, capfd, tmp_path) -> CommandLine:
    made = team_line(monkeypatch, capfd, tmp_path)
    made.add(NAME)
    made.add(OTHER)
    return made


@pytest.fixture
def ahead(cli) -> CommandLine:
    """Bob has approved a request ten years from now."""
    step(cli, YEARS)
    digest = requested(cli, "retire", OTHER, "--yes")
    assert as_person(cli, "user:bob", "approve", digest, "--yes").code == 0
    step(cli, -YEARS)
    return cli


def corrected(cli, who="user:bob", *words: str):
    cli.tty = FakeTty("yes")
    try:
        return as_person(cli, who, *(words or RIGHT))
    finally:
        cli.tty = None


def test_a_person_says_that_the_clock_is_right_and_approvals_go_on(ahead):
    assert ahead(*RETIRE).code == 3
    digest = requested(ahead, *RETIRE)
    refused = as_person(ahead, "user:bob", "approve", digest, "--yes")
    assert refused.code == 2
    assert "`doctor` names the records" in refused.hint
    assert re.search(r"tokenguard approve --clock-was-ahead", " ".join(ahead("doctor", "--format", "json").out.split()))
    assert corrected(ahead).code == 0
    assert as_person(ahead, "user:bob", "approve", digest, "--yes").code == 0
    assert ahead(*RETIRE).code == 0
    assert "the shared approvals" not in ahead("audit", "verify").err
    assert "approve --clock-was-ahead" not in ahead("doctor").out


def test_what_was_approved_ahead_is_approved_no_more(ahead):
    """Else it would be valid for a week in ten years."""
    assert corrected(ahead).code == 0
    wanted = ("retire", OTHER, "--yes")
    step(ahead, YEARS)
    assert ahead(*wanted).code == 3
    step(ahead, -YEARS)


def test_a_request_that_was_approved_ahead_waits_again_and_is_approved_once(ahead):
    assert corrected(ahead).code == 0
    ahead.clock.sleep(1)
    wanted = ("retire", OTHER, "--yes")
    digest = requested(ahead, *wanted)
    assert [each["digest"] for each in json.loads(ahead("request", "--format", "json").out)["requests"]] == [digest]
    assert as_person(ahead, "user:bob", "approve", digest, "--yes").code == 0
    assert as_person(ahead, "user:carol", "approve", digest, "--yes").code == 2
    assert ahead(*wanted).code == 0


def test_a_request_that_is_dated_ahead_is_filed_again(cli):
    step(cli, YEARS)
    digest = requested(cli, *RETIRE)
    step(cli, -YEARS)
    refused = as_person(cli, "user:bob", "approve", digest, "--yes")
    assert (refused.code, "later than now" in refused.err) == (2, True)
    assert cli(*RETIRE).code == 3
    assert as_person(cli, "user:bob", "approve", digest, "--yes").code == 0
    assert as_person(cli, "user:carol", "approve", digest, "--yes").code == 2
    assert cli(*RETIRE).code == 0


def test_an_approval_is_valid_for_a_token_whose_own_times_were_corrected(cli):
    step(cli, YEARS)
    assert cli("verify", NAME).code == 0
    step(cli, -YEARS)
    assert corrected(cli, "user:alice", "edit", NAME, "--clock-was-ahead", "a wrong date").code == 0
    assert as_person(cli, "user:bob", "approve", requested(cli, *RETIRE), "--yes").code == 0
    assert cli(*RETIRE).code == 0


REFUSED = {
    "nobody to say so": (RIGHT, None, 3),
    "also with --yes": ((*RIGHT, "--yes"), None, 3),
    "an empty reason": ((*RIGHT[:2], " "), FakeTty("yes"), 2),
    "with a digest": (("approve", "sha256:" + "0" * 64, *RIGHT[1:]), FakeTty("yes"), 2),
    "with an end": ((*RIGHT, "--until", "2026-12-24"), FakeTty("yes"), 2),
    "no digest": (("approve",), FakeTty("yes"), 2),
    "a person says no": (RIGHT, FakeTty("no"), 3),
}


@pytest.mark.parametrize("case", REFUSED)
def test_times_are_kept_otherwise(ahead, case):
    words, ahead.tty, code = REFUSED[case]
    ahead.refused(*words, code=code)


def test_times_that_are_right_are_kept(cli):
    assert as_person(cli, "user:bob", "approve", requested(cli, *RETIRE), "--yes").code == 0
    assert corrected(cli).code == 2
