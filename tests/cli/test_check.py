"""`check`: every format says the same, the exit code follows --fail-on, and nothing that cannot be known is a pass."""

import json
import re
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from tests.fakes.command_line import NamedVendors
from tokenguard.domain.names import token_name
from tokenguard.domain.token import CredentialKind, RecordState
from tokenguard.frozen import replace

NAME = "video/app/prod/upload"


def rules_of(answer):
    return {(each["rule"], each["severity"]) for each in answer.document["violations"]}


def overdue(cli):
    cli.add(NAME)
    cli.clock.sleep(timedelta(days=91).total_seconds())


def test_a_token_in_order_passes_and_the_rest_is_said(cli, words):
    cli.add(NAME, "--made-by", "ann", "--deputy", "ben")
    answer = cli("check")
    assert answer.code == 0, answer
    words(answer)
    assert answer.out.splitlines()[-1].startswith("checked 1 token against default: ")


def test_an_overdue_token_is_an_error_with_its_fix(cli, words):
    overdue(cli)
    answer = cli("check")
    assert answer.code == 1
    words(answer)
    assert f"  fix: tokenguard rotate {NAME}\n" in answer.out


def test_json_names_rule_severity_and_token(cli):
    overdue(cli)
    answer = cli("check", "--format", "json")
    assert answer.code == 1
    found = next(each for each in answer.document["violations"] if each["rule"] == "maximum-age")
    assert (found["severity"], found["token"], found["owner"]) == ("error", NAME, "video")
    assert {each["rule"] for each in answer.document["not_evaluable"]} >= {"orphan", "unused", "person-left"}


def test_format_json_may_stand_before_the_command(cli):
    cli.add()
    assert cli("--format", "json", "check").document["tokens"] == 1


def test_every_format_has_every_violation(cli):
    overdue(cli)
    expected = {each["rule"] for each in cli("check", "--format", "json").document["violations"]}
    sarif = json.loads(cli("check", "--format", "sarif").out)["runs"][0]
    assert {each["ruleId"] for each in sarif["results"]} == expected
    assert all(sarif["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"] for each in sarif["results"])
    junit = ET.fromstring(cli("check", "--format", "junit").out)
    failed = {case.get("classname").removeprefix("tokenguard.") for case in junit if case.find("failure") is not None}
    assert failed == expected
    assert int(junit.get("tests")) == len(junit)
    markdown = cli("check", "--format", "markdown").out
    assert all(f"| `{rule}` |" in markdown for rule in expected)


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 1), ("note", 1)])
def test_fail_on_decides_the_exit_code(cli, level, code):
    cli.add()
    assert cli("check", "--fail-on", level).code == code


def test_an_empty_store_has_no_violations(cli, words):
    answer = cli("check", "--fail-on", "note")
    assert answer.code == 0
    words(answer)


def test_a_retired_token_is_not_asked(cli):
    overdue(cli)
    snapshot = next(cli.store.scan())
    record = replace(snapshot.document.record, state=RecordState.RETIRED)
    cli.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=record), [])
    assert cli("check").code == 0


class TestProviders:
    def test_an_orphan_is_found_only_where_the_provider_is_asked(self, cli):
        cli.add(NAME, "--label", NAME)
        cli.world.create("forgotten")
        assert cli("check").code == 0
        answer = cli("check", "--ask-providers", "--format", "json")
        assert answer.code == 1
        orphan = next(each for each in answer.document["violations"] if each["rule"] == "orphan")
        assert orphan["path"] == "fake:drive:d1/id2"
        assert "token" not in orphan
        assert "forgotten" in orphan["text"]

    def test_a_token_without_an_id_could_be_any_in_the_list(self, cli):
        cli.add()
        answer = cli("check", "--ask-providers", "--format", "json")
        assert "orphan" in {each["rule"] for each in answer.document["not_evaluable"]}
        assert "orphan" not in {each["rule"] for each in answer.document["violations"]}
        cli.world.create("forgotten")
        answer = cli("check", "--ask-providers", "--format", "json")
        orphan = next(each for each in answer.document["violations"] if each["rule"] == "orphan")
        assert "2 tokens that match no record; at most 1 of them" in orphan["text"]

    def test_an_admin_credential_on_record_does_not_keep_the_list_from_being_read(self, cli, monkeypatch):
        bound = NamedVendors.of

        def never_to_itself(vendors, record):
            return (
                replace(bound(vendors, record), issuer=None)
                if record.kind is CredentialKind.PROVIDER_ADMIN
                else bound(vendors, record)
            )

        monkeypatch.setattr(NamedVendors, "of", never_to_itself)
        cli.add("a/admin", "--kind", "provider_admin")
        alone = cli("check", "--ask-providers", "--format", "json").document["not_evaluable"]
        assert {each["reason"] for each in alone if each["rule"] == "orphan"} == {
            "this token is the credential that reads the list"
        }
        cli.add(NAME)
        for number in range(3):
            cli.world.create(f"forgotten {number}")
        answer = cli("check", "--ask-providers", "--format", "json")
        assert "orphan" in {each["rule"] for each in answer.document["violations"]}, answer.document

    def test_a_provider_that_cannot_be_read_is_not_a_pass(self, cli, monkeypatch):
        from tests.fakes.world import FakeIssuer
        from tokenguard.errors import Unreachable

        def fail(_self):
            raise Unreachable("no answer", hint="try again")

        cli.add()
        monkeypatch.setattr(FakeIssuer, "listed", fail)
        answer = cli("check", "--ask-providers", "--format", "json")
        reasons = {each["rule"]: each["reason"] for each in answer.document["not_evaluable"]}
        assert reasons["orphan"] == reasons["unused"] == "the provider's list could not be read"


class TestPolicies:
    def test_a_policy_that_comes_with_tokenguard_is_named(self, cli):
        cli.add()
        answer = cli("check", "--policy", "strict", "--format", "json")
        assert answer.code == 1
        assert ("responsible-people", "error") in rules_of(answer)

    def test_a_file_with_a_waiver_holds_until_its_day(self, cli, tmp_path, words):
        overdue(cli)
        until = cli.clock.now() + timedelta(days=2)
        (tmp_path / "own.yaml").write_text(
            "format: 1\nname: own\nextends: default\nwaivers:\n"
            f"  - {{rule: maximum-age, token: 'video/*', owner: video, reason: a freeze, until: {until:%Y-%m-%d}}}\n"
        )
        answer = cli("check", "--policy", "own.yaml", "--format", "json")
        assert answer.code == 0
        assert [(each["rule"], each["waived_by"], each["reason"]) for each in answer.document["waived"]] == [
            ("maximum-age", "video", "a freeze")
        ]
        words(cli("check", "--policy", "own.yaml"))
        assert "a freeze" in cli("check", "--policy", "own.yaml", "--format", "markdown").out
        assert "a freeze" in cli("check", "--policy", "own.yaml", "--format", "junit").out
        cli.clock.sleep(timedelta(days=2).total_seconds())
        assert cli("check", "--policy", "own.yaml").code == 1

    def test_a_policy_that_asks_nothing_is_refused(self, cli, tmp_path, words):
        (tmp_path / "own.yaml").write_text("format: 1\nname: own\nrules: []\n")
        words(cli.refused("check", "--policy", "own.yaml"))

    @pytest.mark.parametrize(
        "text",
        [
            "format: 1\nname: &a x\nextends: default\n",
            "format: 1\nname: x\nextends: default\nrules: [{id: unused, days: !!int 3}]\n",
            "format: 1\nname: x\nextends: default\nname: y\n",
            "format: 1\nname: x\nextends: default\nrules: " + "[" * 50 + "]" * 50,
            (
                "format: 1\nname: x\nextends: default\nown_rules: [{id: a, severity: error, why: w, source: s, fix: f, "
                "says: x, holds: 'record.name.matches(\"(\")'}]\n"
            ),
        ],
    )
    def test_a_hostile_one_is_one_error_with_its_place(self, cli, tmp_path, text):
        (tmp_path / "own.yaml").write_text(text)
        assert re.match(r"own\.yaml:\d+:\d+: ", cli.refused("check", "--policy", "own.yaml"))

    @pytest.mark.parametrize("named", ["nobody", "none.yaml", "../default", ""])
    def test_a_policy_that_is_not_there_is_refused(self, cli, named):
        cli.refused("check", "--policy", named)


class TestExplain:
    def test_a_rule_says_what_it_demands_and_why(self, cli):
        answer = cli("check", "--explain", "maximum-age")
        assert answer.code == 0
        assert "prod: 90" in answer.out
        assert "OWASP" in answer.out
        assert cli("check", "--explain", "maximum-age", "--format", "json").document["parameters"]["otherwise"] == 90

    def test_a_rule_of_the_team_s_own_says_what_it_says(self, cli, tmp_path):
        (tmp_path / "own.yaml").write_text(
            "format: 1\nname: ours\nextends: default\nown_rules:\n"
            "  - {id: reads, severity: error, says: it can write, why: w, source: s, fix: f, holds: 'true'}\n"
        )
        answer = cli("check", "--policy", "own.yaml", "--explain", "reads", "--format", "json")
        assert answer.document["says"] == "it can write"

    def test_an_unknown_rule_is_refused(self, cli, words):
        words(cli.refused("check", "--explain", "nonsense"))
        words(cli("check", "--explain", "maximun-age"))


def test_outside_text_breaks_out_of_no_format(cli):
    """The provider's label is outside text; it is shown in the violation of `orphan`."""
    cli.add(NAME, "--label", NAME)
    cli.world.create("\x1b[31m|<script>]]>\u202e`x`\n# y")
    for form in ("text", "json", "sarif", "junit", "markdown"):
        out = cli("check", "--ask-providers", "--format", form).out
        assert "\x1b" not in out, form
        assert "\u202e" not in out, form
        assert "\n# y" not in out, form
        if form == "junit":
            assert "<script>" not in out
        if form == "markdown":
            assert "<script>" in out
            assert "<script>" not in re.sub(r"(?<!`)(`+)(?!`)[^|\n]*?(?<!`)\1(?!`)", "", out), (
                "it is code, which is text"
            )
    ET.fromstring(cli("check", "--ask-providers", "--format", "junit").out)


def test_no_store_but_those_of_the_configuration_are_checked_together(cli, words):
    words(cli.refused("check", "--all-stores"))


def test_a_fix_that_is_a_rotation_declares_the_consumers_first_where_they_are_not(cli):
    overdue(cli)
    declared = {each["rule"]: each["fix"] for each in cli("check", "--format", "json").document["violations"]}
    assert declared["maximum-age"].startswith(f"tokenguard rotate {NAME}")
    snapshot = cli.store.find(NAME)
    record = replace(snapshot.document.record, consumers=None)
    cli.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=record), [])
    violations = cli("check", "--format", "json").document["violations"]
    rotations = [each["fix"] for each in violations if "tokenguard rotate" in each["fix"]]
    assert rotations
    assert all(each.startswith(f"tokenguard edit {NAME} --deliver TARGET") for each in rotations)


def test_a_token_that_is_declared_without_consumers_is_not_to_be_retired_for_that(cli):
    cli.add(NAME)
    found = {each["rule"]: each for each in cli("check", "--format", "json").document["violations"]}
    assert "unless programs read it" in found["no-consumer"]["fix"]


MISSING = {
    "a deputy": ("deputy", "", ["--deputy"]),
    "the person who created it": ("made_by", "", ["--made-by"]),
    "both": ("made_by deputy", "", ["--made-by", "--deputy"]),
    "an account, where the policy wants one": ("account", "descript", ["--account"]),
    "a purpose": ("purpose", "", ["--purpose"]),
    "an owner and a scope": ("owner scope", "", ["--owner", "--scope"]),
    "an environment": ("environment", "", ["--env"]),
}


@pytest.mark.parametrize(("missing", "policy", "options"), MISSING.values(), ids=MISSING)
def test_the_fix_for_missing_facts_names_those_alone_and_runs(cli, missing, policy, options):
    cli.add(NAME, "--made-by", "ann", "--deputy", "ben", "--account", "ann@example.org")
    found = cli.store.find(token_name(NAME))
    lacking = dict.fromkeys(missing.split(), "") | ({"scope": None} if "scope" in missing else {})
    record = replace(found.document.record, state=RecordState.UNCLAIMED, **lacking)
    cli.store.commit(found.id, found.version, replace(found.document, record=record), [])
    check = ("check", "--inventory-only", "--format", "json", *(["--policy", policy] if policy else []))

    def fixes():
        rules = {"responsible-people", "required-fields"}
        return [each["fix"] for each in cli(*check).document["violations"] if each["rule"] in rules]

    (fix,) = fixes()
    assert re.findall(r"--[a-z-]+", fix) == options
    given = {
        "PERSON": "kim",
        "LOGIN": "kim@example.org",
        "TEXT": "uploads",
        "TEAM": "video",
        "E": "prod",
        "KIND:ID": "drive:d1",
    }
    words = [given.get(each, each) for each in fix.split()]
    assert cli(*words[1:]).code == 0
    assert fixes() == []


def test_a_policy_s_own_advice_for_missing_facts_stands(cli, tmp_path):
    cli.add(NAME, "--made-by", "ann")
    (tmp_path / "own.yaml").write_text(
        "format: 1\nname: t\nextends: default\nrules:\n  - {id: responsible-people, fix: ask in the channel of the team}\n"
    )
    answer = cli("check", "--inventory-only", "--policy", "own.yaml")
    assert "fix: ask in the channel of the team" in answer.out
