"""`provider list|show|lint`: what is known of providers is told without asking them, and a bad file is named by its place."""

import json

import pytest

from tests.fakes.provider_files import SANDBOX_FILE, provider_file
from tokenguard.providers.provider_registry import BUILT_IN, described_services


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
