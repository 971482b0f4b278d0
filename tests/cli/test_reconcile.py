"""`verify --reconcile`: what a person reads at the provider is compared, kept with its date, audited, and used."""

import json
import secrets
from datetime import timedelta

import pytest

from tests.fakes.command_line import FakeTty
from tokenguard.domain.event import Op
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.frozen import replace
from tokenguard.inventory.list_reading import MAX_ROWS
from tokenguard.inventory.reconciliation import KEPT

NAME, OTHER = "video/app/prod/upload", "video/app/dev/upload"


@pytest.fixture
def tokens(cli):
    """Two tokens of a Drive, known at the provider by their names, and one that nothing identifies there."""
    cli.add(NAME, "--label", "Production automation")
    cli.add(OTHER, "--label", "Development")
    cli.add("video/app/test/upload")


def results(answer):
    return {each["name"]: each["result"] for each in answer.document["tokens"]}


def reconcile(cli, text, target="fake", **more):
    return cli("verify", "--reconcile", target, "--from-file", "-", "--format", "json", stdin=text, **more)


def test_the_difference_is_shown_in_every_direction(cli, tokens):
    answer = reconcile(cli, "Production automation\nForgotten one\tMarketing\t2026-01-01\n")
    assert answer.code == 1
    assert results(answer) == {NAME: "listed", OTHER: "missing", "video/app/test/upload": "not-comparable"}
    assert answer.document["unknown"] == [{"name": "Forgotten one", "hint": "", "scope": ""}]
    assert (answer.document["listed"], answer.document["agrees"]) == (2, False)


def test_a_list_that_agrees_is_no_finding(cli, tokens):
    assert cli("edit", "video/app/test/upload", "--label", "Testing").code == 0
    answer = reconcile(cli, "Testing\nDevelopment\n\nProduction automation\n", target="drive:d1")
    assert (answer.code, answer.document["agrees"]) == (0, True)


def hinted(cli, name, hint):
    snapshot = cli.store.find(name)
    record = replace(snapshot.document.record, hint=hint)
    cli.store.commit(snapshot.id, snapshot.version, replace(snapshot.document, record=record), [])


def test_a_hint_finds_what_was_renamed_there(cli, tokens):
    hinted(cli, NAME, "tgc...x7y9")
    answer = reconcile(cli, "name,hint\nRenamed,tgc...x7y9\n")
    assert results(answer)[NAME] == "renamed"
    assert {each["name"]: each["listed_as"] for each in answer.document["tokens"]}[NAME] == "Renamed"


@pytest.mark.parametrize(
    "hint", ["sk-social-...", "sk-social-", "sk-social", "acmesecret…", "acme_...ab", "...", "****"]
)
def test_a_hint_that_shows_what_all_tokens_begin_with_identifies_none(cli, tokens, hint):
    hinted(cli, NAME, hint)
    answer = reconcile(cli, f"name,hint\nOf another team,{hint}\nDevelopment,\n")
    assert answer.code == 4
    assert results(answer)[NAME] == "ambiguous"
    assert [each["name"] for each in answer.document["unknown"]] == ["Of another team"]
    assert cli.store.find(NAME).document.listing.row is None


def test_a_hint_that_several_rows_or_several_tokens_have_identifies_none(cli, tokens):
    hinted(cli, NAME, "tgc...x7y9")
    twice = "name,hint\nRenamed,tgc...x7y9\nRenamed too,tgc...x7y9\nDevelopment,\n"
    assert results(reconcile(cli, twice))[NAME] == "ambiguous"
    hinted(cli, OTHER, "tgc...x7y9")
    assert set(results(reconcile(cli, "name,hint\nRenamed,tgc...x7y9\n")).values()) == {"ambiguous", "not-comparable"}


def test_an_old_value_that_is_still_listed_is_told(cli, tokens):
    assert cli("rotate", NAME).code == 0
    new = cli.store.find(NAME).document.record.label
    answer = reconcile(cli, f"Production automation\n{new}\n")
    assert results(answer)[NAME] == "still-listed"
    assert cli("retire", OTHER, "--yes").code == 0
    assert results(reconcile(cli, f"Development\n{new}\n"))[OTHER] == "still-listed"
    assert OTHER not in results(reconcile(cli, f"{new}\n"))


def test_a_second_token_of_the_same_name_is_a_stranger(cli, tokens):
    answer = reconcile(cli, "Production automation\nProduction automation\nDevelopment\n")
    assert [each["name"] for each in answer.document["unknown"]] == ["Production automation"]


def test_it_is_audited_and_kept_with_its_date(cli, tokens):
    reconcile(cli, "Production automation\nForgotten one\n")
    document = cli.store.find(NAME).document
    assert document.listing.at == cli.clock.now()
    assert (document.listing.rows, document.listing.unknown, document.listing.row.label) == (
        2,
        1,
        "Production automation",
    )
    event = cli.store.history(cli.store.find(NAME).id)[-1].event
    assert (event.op, event.detail) == (Op.RECONCILE, {"result": "listed", "rows": 2, "unknown": 1})
    assert cli("audit", "verify").code == 0


def test_rules_use_the_list_with_its_date_and_not_for_ever(cli, tokens):
    def orphans():
        document = cli("check", "--format", "json").document
        found = [each["text"] for each in document["violations"] if each["rule"] == "orphan"]
        unknown = {each["reason"] for each in document["not_evaluable"] if each["rule"] == "orphan"}
        return found, unknown

    assert cli("edit", "video/app/test/upload", "--label", "Testing").code == 0
    assert orphans() == ([], {"the provider was not contacted (--ask-providers)"})
    reconcile(cli, "Production automation\nDevelopment\nTesting\nForgotten one\n")
    found, unknown = orphans()
    assert found == ["fake lists a token named Forgotten one without a live record (list read on 2026-11-01)"]
    assert not unknown
    cli.clock.sleep(timedelta(days=31).total_seconds())
    assert orphans() == ([], {"the manually entered list is 31 days old: `verify --reconcile` again"})


def test_unused_is_answered_where_the_person_copied_that_column(cli, tokens):
    def answers():
        document = cli("check", "--format", "json").document
        return [each["token"] for each in document["violations"] if each["rule"] == "unused"]

    reconcile(cli, "name,last used\nProduction automation,2026-06-01\nDevelopment,never\n")
    assert answers() == [NAME]
    assert cli("rotate", NAME).code == 0
    assert answers() == []  # the line was about the old value


def test_while_an_operation_is_open_its_document_is_left_alone(cli, tokens, words):
    assert cli("edit", NAME, "--deliver", "person:ops").code == 0
    cli.tty = FakeTty()  # who is asked whether the consumer has it, and leaves
    assert cli("rotate", NAME).code == 130
    before = cli.store.find(NAME)
    assert before.document.busy
    new = before.document.journal.attempts[-1].label
    answer = reconcile(cli, f"Production automation\nDevelopment\n{new}\n")
    assert cli.store.find(NAME) == before
    words(answer)
    assert not answer.document["unknown"]


class TestAPersonAtTheTerminal:
    def test_types_the_list(self, cli, tokens, words):
        cli.tty = FakeTty("Production automation", f"tgcanary_{secrets.token_hex(16)}", "Development", "")
        answer = cli("verify", "--reconcile", "fake")
        assert answer.code == 1
        assert any("looks like the value of a token" in line for line in cli.tty.shown)
        assert cli.store.find(NAME).document.listing.rows == 2
        words(answer)

    def test_must_say_that_it_is_empty(self, cli, tokens):
        cli.tty = FakeTty("", "no")
        cli.refused("verify", "--reconcile", "fake", code=3)
        cli.tty = FakeTty("", "yes")
        assert cli("verify", "--reconcile", "fake").code == 4, "it holds no token in use: of another account, perhaps"
        assert cli.store.find(NAME).document.listing.rows == 0

    def test_presses_ctrl_c_and_nothing_is_recorded(self, cli, tokens):
        cli.tty = FakeTty("Production automation")
        before = cli.everything()
        assert cli("verify", "--reconcile", "fake").code == 130
        assert cli.everything() == before

    def test_is_not_there(self, cli, tokens):
        cli.refused("verify", "--reconcile", "fake", "--no-input", code=3)


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("--reconcile", "nobody", "--from-file", "-"), "x"),
        (("--reconcile", "drive:d9", "--from-file", "-"), "x"),
        (("--reconcile", "Not A Provider", "--from-file", "-"), "x"),
        (("--reconcile", "drive:", "--from-file", "-"), "x"),
        (("--reconcile", "fake", "--from-file", "no/such/file"), ""),
        (("--reconcile", "fake", NAME), "x"),
        (("--reconcile", "fake", "--all"), "x"),
        (("--from-file", "list.txt"), ""),
        (("--reconcile", "fake", "--from-file", "-"), ""),
        (("--reconcile", "fake", "--from-file", "-"), " \n\n"),
        (("--reconcile", "fake", "--from-file", "-"), b"\xff\xfe"),
        (("--reconcile", "fake", "--from-file", "-"), "a\x1b[31m"),
        (("--reconcile", "fake", "--from-file", "-"), "n" * 201),
        (("--reconcile", "fake", "--from-file", "-"), "x\n" * (MAX_ROWS + 1)),
        (("--reconcile", "fake", "--from-file", "-"), "x" * (1 << 20) + "y"),
        (("--reconcile", "fake", "--from-file", "-"), f"dx_bearer_{'0' * 36}:dx_secret_{'0' * 36}"),
        (("--reconcile", "fake", "--from-file", "-"), "name,name\na,b\n"),
        (("--reconcile", "fake", "--from-file", "-"), "name,hint\na\n"),
        (("--reconcile", "fake", "--from-file", "-"), 'name,hint\n"a,b\n'),
        (("--reconcile", "fake", "--from-file", "-"), "name,hint\n,b\n"),
        (("--reconcile", "fake", "--from-file", "-"), "name,created\na,yesterday\n"),
        (("--reconcile", "fake", "--from-file", "-"), "{"),
        (("--reconcile", "fake", "--from-file", "-"), '{"a": 1}'),
        (("--reconcile", "fake", "--from-file", "-"), "[1]"),
        (("--reconcile", "fake", "--from-file", "-"), '[{"hint": "x"}]'),
        (("--reconcile", "fake", "--from-file", "-"), '[{"name": "a", "name": "b"}]'),
    ],
    ids=range(26),
)
def test_what_is_no_list_is_refused_and_nothing_is_recorded(cli, tokens, arguments, stdin):
    error = cli.refused("verify", *arguments, stdin=stdin)
    assert "dx_bearer" not in error


@pytest.mark.parametrize(
    "text",
    ["\ufeffname,created,nonsense\nProduction automation,2026-01-01,x\n", "name\nProduction automation\n",
     '["Production automation"]', json.dumps({"tokens": [{"token": "Production automation", "last used": None}]}),
     "Production automation\r\n", "  Production automation  "],
    ids=range(6),
)  # fmt: skip
def test_every_form_of_a_list_is_read(cli, tokens, text):
    assert results(reconcile(cli, text))[NAME] == "listed"


def test_an_empty_list_must_be_said(cli, tokens):
    assert results(reconcile(cli, "[]"))[NAME] == "unknown"


@pytest.mark.parametrize("rows", ["[]", "of another account\nand a second one"])
def test_a_list_without_any_token_in_use_says_of_none_that_it_is_gone(cli, tokens, rows):
    answer = reconcile(cli, rows)
    assert answer.code == 4
    assert results(answer)[NAME] == "unknown"


def test_a_token_that_was_seen_dead_is_missing_from_an_empty_list(cli, tokens):
    for made in cli.world.living():
        cli.world.revoke(made.id)
    for found in cli.store.scan():
        seen = Observation(verdict=Verdict.DEAD, at=cli.clock.now(), reason="http-401")
        document = replace(found.document, record=replace(found.document.record, seen=seen))
        cli.store.commit(found.id, found.version, document, [])
    answer = reconcile(cli, "[]")
    assert answer.code == 1
    assert results(answer)[NAME] == "missing"


def test_of_very_many_strangers_the_first_are_kept_and_all_are_counted(cli, tokens):
    answer = reconcile(cli, "\n".join(f"stranger {n}" for n in range(KEPT + 5)))
    assert len(answer.document["unknown"]) == KEPT + 5
    listing = cli.store.find(NAME).document.listing
    assert (len(listing.strangers), listing.unknown) == (KEPT, KEPT + 5)
