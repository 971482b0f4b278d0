"""`provider list|show|lint`: what is known of providers is told without asking them, and a bad file is named by its place."""

import json
import shlex
from pathlib import Path

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.provider_files import GUIDED_FILE, SANDBOX_FILE, provider_file
from tokenguard.providers import provider_registry
from tokenguard.providers.provider_registry import BUILT_IN, described_services

FOLDER = Path(provider_registry.__file__).parent / "services"


def test_every_provider_is_listed_and_can_be_shown(cli, words):
    listed = cli("provider", "list", "--format", "json")
    names = [each["name"] for each in listed.document["providers"]]
    assert names == sorted(names)
    assert set(names) >= {*BUILT_IN, *described_services()}
    for name in names:
        shown = cli("provider", "show", name)
        assert (shown.code, name in shown.out) == (0, True)
    words(cli("provider", "show", "gitlab"))


def test_what_comes_with_tokenguard_says_when_it_was_compared_with_the_vendors_documentation(cli):
    for name in described_services():
        source = cli("provider", "show", name, "--format", "json").document["source"]
        assert source.keys() >= {"documentation", "checked"}, name
        assert "never tried" in cli("provider", "show", name).out


def test_an_unknown_provider_and_a_bad_file_are_bad_input(cli, tmp_path, words):
    assert cli("provider", "show", "nope").code == 2
    good = provider_file(tmp_path, "https://acme.example")
    assert cli("provider", "lint", str(good)).code == 0
    bad = provider_file(tmp_path, "https://acme.example", SANDBOX_FILE + "colour: red\n")
    answer = cli("provider", "lint", str(bad))
    assert (answer.code, f"acme.yaml:{SANDBOX_FILE.count(chr(10)) + 1}:1" in answer.error) == (2, True)
    words(answer)
    assert cli("provider", "lint", str(tmp_path / "none.yaml")).code == 2


@pytest.mark.parametrize("name", described_services())
def test_a_description_that_comes_with_tokenguard_is_valid(cli, name):
    answer = cli("provider", "show", name, "--format", "json")
    assert json.loads(answer.out)["base_url"].startswith("https://")


def test_a_new_file_is_written_once_and_is_valid(cli, tmp_path):
    file = tmp_path / "other.yaml"
    assert cli("provider", "new", "other", "--output", str(file)).code == 0
    assert cli("provider", "lint", str(file)).code == 0
    cli.refused("provider", "new", "other", "--output", str(file))
    cli.refused("provider", "new", "../other")
    assert cli("provider", "new", "other").out == file.read_text()


def test_lint_names_what_is_still_as_in_the_example(cli, tmp_path):
    file = tmp_path / "other.yaml"
    known = ("--base-url", "https://other.example/v3", "--documentation", "https://other.example/docs")
    assert cli("provider", "new", "other", "--output", str(file), *known).code == 0
    left = cli("provider", "lint", str(file), "--format", "json").document["as_in_the_example"]
    for each in ("headers", "probe", "create", "list", "rate", "permissions", "max_active"):
        assert each in left
    file.write_text(
        file.read_text()
        .replace("request: GET /me", "request: GET /whoami")
        .replace('max_active: "2"', 'max_active: "5"')
    )
    answer = cli("provider", "lint", str(file))
    assert "probe.query" in answer.err
    assert "max_active" not in answer.err


@pytest.mark.parametrize("name", described_services())
def test_no_file_that_comes_with_tokenguard_has_parts_of_the_example(cli, name):
    assert cli("provider", "lint", str(FOLDER / f"{name}.yaml"), "--format", "json").document["as_in_the_example"] == []


def test_every_described_provider_passes_its_checks_with_nothing_but_this_repository(cli):
    answer = cli("provider", "test", "--all", "--format", "json")
    assert answer.code == 0, answer
    assert {each["name"] for each in answer.document["providers"]} == set(described_services())
    assert all(each["passed"] for found in answer.document["providers"] for each in found["checks"])


def test_a_file_that_takes_the_id_for_the_value_fails_and_says_at_which_check(cli, tmp_path, words):
    file = provider_file(tmp_path, "https://acme.example", SANDBOX_FILE.replace("value: /data/key", "value: /data/id"))
    answer = cli("provider", "test", str(file))
    assert answer.code == 1, answer
    words(answer)
    guided = provider_file(tmp_path, "https://acme.example", GUIDED_FILE.replace("scope_kind: drive\n", ""))
    assert cli("provider", "test", str(guided)).code == 0


@pytest.mark.parametrize("arguments", [(), ("nope",), ("descript",), ("./none.yaml",), ("gitlab", "--all")])
def test_what_cannot_be_played_is_bad_input(cli, arguments):
    cli.refused("provider", "test", *arguments)


@pytest.mark.parametrize(("by_person", "checks"), [(None, 13), ("create", 10), ("all", 3)])
def test_a_new_file_is_made_from_what_is_known_and_passes_its_checks(cli, tmp_path, by_person, checks):
    file = tmp_path / "other.yaml"
    known = (
        "--base-url",
        "https://other.example/v3",
        "--auth",
        "header X-Key",
        "--contract",
        "github:other/api abc1234",
    )
    person = ("--by-person", by_person) if by_person else ()
    assert cli("provider", "new", "other", "--output", str(file), *known, *person).code == 0
    text = file.read_text()
    assert all(
        each in text
        for each in ("base_url: https://other.example/v3", "auth: header X-Key", "abc1234", "checked: 2026-11-01")
    )
    answer = cli("provider", "test", str(file), "--format", "json")
    assert (answer.code, len(answer.document["providers"][0]["checks"])) == (0, checks), answer


def test_on_a_terminal_a_new_file_asks_for_what_is_missing(cli, tmp_path):
    file = tmp_path / "other.yaml"
    cli.tty = FakeTty("https://other.example", "", "", "basic", "person", "api")
    assert cli("provider", "new", "other", "--output", str(file)).code == 0
    text = file.read_text()
    assert "auth: basic" in text
    assert "\ncreate:" not in text
    assert "\nrevoke:" in text
    assert cli("provider", "test", str(file)).code == 0


def test_an_answer_that_is_refused_is_asked_for_again_and_the_others_stay(cli, tmp_path):
    file = tmp_path / "other.yaml"
    cli.tty = FakeTty(
        "https://other.example/v3",
        "",
        "x: [",
        "github:other/api abc1234",
        "cookie",
        "header X-Key",
        "a robot",
        "person",
        "api",
    )
    assert cli("provider", "new", "other", "--output", str(file)).code == 0
    text = file.read_text()
    for each in ("base_url: https://other.example/v3", "contract: github:other/api abc1234", "auth: header X-Key"):
        assert each in text
    assert sum("OpenAPI" in each for each in cli.tty.shown) == 2


def test_an_interrupt_prints_the_answers_as_a_command(cli, tmp_path):
    file = tmp_path / "other.yaml"
    cli.tty = FakeTty("https://other.example/v3", "", "", "header X-Key", "person")
    answer = cli("provider", "new", "other", "--output", str(file))
    assert answer.code == 130
    assert not file.exists()
    line = answer.err[answer.err.index("tokenguard provider new") :].splitlines()[0]
    cli.tty = None
    assert cli(*shlex.split(line)[1:]).code == 0
    text = file.read_text()
    assert "auth: header X-Key" in text
    assert "\ncreate:" not in text


def test_a_file_that_is_there_is_told_before_the_questions(cli, tmp_path):
    (tmp_path / "other.yaml").write_text("")
    cli.tty = FakeTty()
    cli.refused("provider", "new", "other", "--output", str(tmp_path / "other.yaml"))
    assert cli.tty.shown == []


@pytest.mark.parametrize("given", [("--base-url", "nonsense"), ("--auth", "header Host"), ("--contract", "x: [")])
def test_an_answer_that_cannot_stand_in_a_file_writes_none(cli, tmp_path, given):
    cli.refused("provider", "new", "other", "--output", str(tmp_path / "other.yaml"), *given)
    assert not (tmp_path / "other.yaml").exists()
