"""`provider list|show|lint`: what is known of providers is told without asking them, and a bad file is named by its place."""

import json
import re
import secrets
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


@pytest.mark.parametrize(
    ("typed", "meant"), [("descrpt", "descript"), ("gitlabb", "gitlab"), ("auto-posting", "autoposting")]
)
def test_a_mistyped_provider_is_answered_with_the_nearest_one(cli, typed, meant):
    assert f"did you mean {meant}?" in cli("provider", "show", typed).err
    assert "did you mean" not in cli("provider", "show", "zzzzzzzz").err


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


def test_a_file_that_takes_the_id_for_the_value_is_refused_before_anything_is_played(cli, tmp_path, words):
    file = provider_file(tmp_path, "https://acme.example", SANDBOX_FILE.replace("value: /data/key", "value: /data/id"))
    for command in ("lint", "test"):
        words(cli.refused("provider", command, str(file)))


def test_a_file_that_takes_the_id_for_the_label_fails_and_says_at_which_check(cli, tmp_path, words):
    file = provider_file(tmp_path, "https://acme.example", SANDBOX_FILE.replace("label: /name", "label: /id"))
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


@pytest.mark.parametrize("name", ["abc", "acme", "ashort", "a-longer-name", "launchdarkly-eu"])
def test_the_comments_of_a_new_file_stay_in_their_column(cli, name):
    text = cli("provider", "new", name, "--auth", "header X-Key").out
    assert {line.index("# ") for line in text.splitlines()[:6] if "# " in line} == {33}


@pytest.mark.parametrize("auth", ["basic", "header X-Key"])
def test_the_admin_credential_of_a_new_file_travels_as_the_token_does(cli, auth):
    """It stayed `bearer`, which only the real service would have refused."""
    assert f"\nadmin_auth: {auth} " in cli("provider", "new", "other", "--auth", auth).out


def test_what_a_new_file_refers_to_is_there(cli):
    text = cli("provider", "new", "other").out
    assert "see below" not in text
    assert "see docs/providers.md" in text


@pytest.mark.parametrize("page", ["nope", "ftp://acme.example/docs", "https://", "see the wiki"])
def test_a_documentation_that_is_no_address_is_refused(cli, page):
    assert "address of a page" in str(cli.refused("provider", "new", "other", "--documentation", page))


def test_what_tokenguard_describes_already_is_told(cli, tmp_path):
    file = tmp_path / "github.yaml"
    answer = cli("provider", "new", "github", "--output", str(file))
    assert (answer.code, "tokenguard includes a file" in answer.err) == (0, True)
    assert cli("provider", "new", "descript").hint.endswith("tokenguard provider show descript")


def test_a_file_in_no_directory_is_told_before_the_questions(cli, tmp_path):
    cli.tty = FakeTty()
    error = cli.refused("provider", "new", "other", "--output", str(tmp_path / "none" / "other.yaml"))
    assert "there is no such directory" in str(error)
    assert cli.tty.shown == []


def test_a_written_file_is_told_as_a_success(cli, tmp_path):
    answer = cli("provider", "new", "other", "--output", str(tmp_path / "other.yaml"))
    assert answer.err.startswith("\N{CHECK MARK} written to")


def test_each_answer_is_checked_when_it_is_given(cli, tmp_path):
    file = tmp_path / "other.yaml"
    value = f"tgcanary_{secrets.token_hex(12)}"
    cli.tty = FakeTty(
        "ftp://nope", value, "https://other.example/v3", "nope", "https://other.example/docs", "", "cookie", "basic",
        "maybe", "create", "api",
    )  # fmt: skip
    answer = cli("provider", "new", "other", "--output", str(file))
    assert answer.code == 0, answer
    assert not cli.tty.answers
    assert sum("please answer api or person" in each for each in cli.tty.shown) == 2
    assert any("looks like a token value" in each for each in cli.tty.shown)
    text = file.read_text()
    for each in ("base_url: https://other.example/v3", "documentation: https://other.example/docs", "\nauth: basic"):
        assert each in text
    assert value not in text + answer.out + answer.err


def test_an_interrupt_before_the_first_answer_says_that_nothing_was_written(cli, tmp_path):
    cli.tty = FakeTty()
    answer = cli("provider", "new", "other", "--output", str(tmp_path / "other.yaml"))
    assert answer.code == 130
    assert "nothing was written" in answer.err
    assert "stored" not in answer.err


def test_a_wrong_address_is_named_by_its_place(cli, tmp_path):
    """It was the only error without line and column."""
    bad = provider_file(tmp_path, "https://acme.example", SANDBOX_FILE.replace("{url}", "ftp://nope"))
    bad.write_text(re.sub(r"(?m)^base_url: .*$", "base_url: ftp://nope", bad.read_text()))
    line = bad.read_text().splitlines().index("base_url: ftp://nope") + 1
    assert f"acme.yaml:{line}:1: base_url: " in str(cli.refused("provider", "lint", str(bad)))


@pytest.mark.parametrize("guide", ["", "guide: {create: [x]}\n"])
def test_a_missing_guide_says_why_it_is_needed(cli, tmp_path, guide):
    file = tmp_path / "acme.yaml"
    file.write_text(f"name: acme\nbase_url: https://acme.example\n{guide}")
    error = str(cli.refused("provider", "lint", str(file)))
    assert "no request for create or revoke, so a person does it" in error
    assert f"acme.yaml:{3 if guide else 1}:1" in error


@pytest.mark.parametrize("name", ["cloudflare", "okta", "anthropic", "gitlab"])
def test_the_admin_credential_is_named_wherever_a_request_needs_it(cli, name):
    """It was left out where a person creates the tokens, although they are listed and revoked by API."""
    assert f"TOKENGUARD_ADMIN_{name.upper()}" in cli("provider", "show", name).out


def test_no_admin_credential_is_asked_for_where_no_request_needs_one(cli):
    shown = cli("provider", "show", "github").out
    assert "TOKENGUARD_ADMIN" not in shown
    assert "there is no undo" in shown
    assert "another live token or the admin credential" in shown


@pytest.mark.parametrize(
    ("auth", "used", "named"),
    [
        ("admin", True, "admin value    client_id, token"),
        ("body", True, "admin value    client_id, token"),
        ("token", False, "admin"),
        ("none", False, "admin"),
    ],
)
def test_the_fields_of_the_admin_credential_of_a_file_are_named(cli, tmp_path, auth, used, named):
    """RFC 7009: nothing said that the client's id belongs to the admin credential."""
    extra = ', client_id: "{admin_client_id}", client_secret: "{admin_token}"' if auth == "body" else ""
    form = "{token_type_hint: access_token}" if auth == "token" else f'{{token: "{{token}}"{extra}}}'
    file = tmp_path / "acme.yaml"
    file.write_text(
        "name: acme\nbase_url: https://acme.example\n"
        + 'admin_auth: {basic: "{client_id}:{token}"}\n' * (auth == "admin")
        + f"revoke_value:\n  request: POST /oauth2/revoke\n  form: {form}\n  auth: {auth}\n"
        + "guide: {where: x, create: [x]}\n"
    )
    config = tmp_path / "config.toml"
    config.write_text(f"[providers.acme]\nfile = {json.dumps(str(file))}\n")
    config.chmod(0o600)
    cli.environ["TOKENGUARD_CONFIG"] = str(config)
    answer = cli("provider", "show", "acme")
    assert answer.code == 0, answer
    assert ("TOKENGUARD_ADMIN_ACME" in answer.out) is used
    assert (named in answer.out) is used
    assert cli("provider", "show", "acme", "--format", "json").document["uses_admin"] is used


def test_what_access_keys_of_aws_are_limited_to_is_shown(cli):
    shown = cli("provider", "show", "aws-iam").out
    assert "at most 2 tokens at a time" in shown
    assert "a new token may be refused for 30 s, a revoked one accepted for 30 s" in shown
    page = (Path(provider_registry.__file__).parents[2] / "docs" / "providers.md").read_text()
    needed = cli("provider", "show", "aws-iam", "--format", "json").document["admin_permissions"]
    assert all(each.removeprefix("iam:") in page and each in shown for each in needed)


def test_the_manual_steps_of_approle_name_the_configured_mount(cli, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text('[providers.openbao-approle]\nbase_url = "https://bao.example:8200/v1/auth/teams/approle"\n')
    config.chmod(0o600)
    cli.environ["TOKENGUARD_CONFIG"] = str(config)
    shown = cli("provider", "show", "openbao-approle").out
    assert "write auth/teams/approle/role/ROLE/secret-id" in shown
    assert "write auth/approle/" not in shown
