"""No text of a record holds what looks like a token's value, whichever way it comes, and none is offered or printed."""

import csv
import io
import secrets

import pytest

from tests.cli.manifests import written as written_manifest
from tests.fakes.command_line import FakeTty
from tests.fakes.world import canary
from tokenguard.domain.names import token_name
from tokenguard.frozen import replace
from tokenguard.inventory.record_changes import RecordChanges, ValueInRecord, looks_like_value

NAME = "video/app/prod/upload"
TEXTS = ("purpose", "made_by", "account", "deputy", "label", "notes", "scope_name")
SHAPES = {
    "alone": "{}",
    "in a sentence": "it is ({}).",
    "quoted": "key '{}'",
    "after a sign": "key={};",
    "in a URL": "x?k={}&y",
}


POLICY = """\
format: 1
name: team
extends: default
rules: [{id: second-person, operations: [owner]}]
"""


def written(path, rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue())


def unseen(cli, answer, value):
    shown = answer.out + answer.err + "".join(cli.tty.shown if cli.tty else ())
    return value not in shown + cli("list", "--format", "json").out + cli("audit", "log", "--format", "json").out


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("column", [each for each in TEXTS if each != "label"])
def test_import_refuses_the_row_and_names_its_column(cli, tmp_path, column, shape):
    value = canary()
    written(tmp_path / "t.csv", [{"name": NAME, "value": canary(), column: shape.format(value)}])
    answer = cli("import", "t.csv", "--provider", "manual")
    assert answer.code == 1
    assert f"its {column.replace('_', ' ')} looks like a token value" in answer.out + answer.err
    assert cli.store.find(token_name(NAME)) is None
    assert unseen(cli, answer, value)


@pytest.mark.parametrize(
    ("column", "text"), [("consumers", "person:{}"), ("location", "https://x/{}"), ("scope", "org:{}")]
)
def test_import_refuses_it_in_places_and_scopes(cli, tmp_path, column, text):
    value = canary()
    given = {} if column == "location" else {"value": canary()}
    written(tmp_path / "t.csv", [{"name": NAME, column: text.format(value), **given}])
    answer = cli("import", "t.csv", "--provider", "manual")
    assert cli.store.find(token_name(NAME)) is None
    assert unseen(cli, answer, value)


@pytest.mark.parametrize("column", [*TEXTS, "consumers"])
def test_an_update_refuses_the_cell_and_writes_nothing(cli, tmp_path, column):
    value = canary()
    cli.add(NAME)
    before = cli.everything()
    written(tmp_path / "t.csv", [{"name": NAME, column: f"person:{value}" if column == "consumers" else value}])
    answer = cli("import", "--update", "t.csv", "--yes")
    assert (answer.code, cli.everything()) == (2, before)
    assert f"column {column}: it looks like a token value" in answer.err
    assert unseen(cli, answer, value)


def test_triage_asks_again_and_stores_and_offers_nothing(cli, tmp_path):
    value = canary()
    (tmp_path / ".env").write_text(f"FIRST_TOKEN={canary()}\nSECOND_TOKEN={canary()}\n")
    assert cli("import", ".env").code == 0
    cli.tty = FakeTty("-", "-", "-", value, "upload", value, "kim", "-", "-", "skip")
    answer = cli("triage")
    assert sum("looks like a token value" in line for line in cli.tty.shown) == 2
    assert cli.store.find(token_name("imported/first-token")).document.record.made_by == "kim"
    assert unseen(cli, answer, value)


def test_what_an_earlier_version_stored_is_not_offered_for_other_records(cli, tmp_path):
    value = canary()
    cli.add("imported/known", "--made-by", "kim")
    snapshot = cli.store.find(token_name("imported/known"))
    old = replace(snapshot.document, record=replace(snapshot.document.record, made_by=value))
    event = next(iter(cli.store.history(snapshot.id))).event
    cli.store.commit(snapshot.id, snapshot.version, old, [event])
    (tmp_path / ".env").write_text(f"FIRST_TOKEN={canary()}\n")
    assert cli("import", ".env").code == 0
    assert value not in cli("triage", "--plan").out + cli("triage", "--plan", "--format", "json").out


@pytest.mark.parametrize("column", TEXTS)
def test_a_change_of_a_record_cannot_hold_it_at_all(column):
    with pytest.raises(ValueInRecord):
        RecordChanges(**{column: f"x {canary()}"})


def test_ids_may_be_long_and_random_where_ids_belong():
    text = "Ab3" * 12
    assert [field for field in (*TEXTS, "scope", "location") if looks_like_value(field, text)] == ["purpose", "notes"]
    assert looks_like_value("consumers", f"person:{text}")
    assert not looks_like_value("consumers", f"vault:kv/{text}#token")


@pytest.fixture
def formless(cli):
    """The live value of a token whose provider has no known form."""
    value = secrets.token_hex(20)
    answer = cli(
        "add", "b/manual", "--provider", "manual", "--scope", "org:x", "--env", "prod", "--owner", "q", "--purpose", "p",
        "--no-consumers", "--stdin", stdin=value,
    )  # fmt: skip
    assert answer.code == 0, answer
    return value


REASONS = {
    "retire": ("retire", NAME, "--yes", "--reason"),
    "remove": ("remove", NAME, "--yes", "--reason"),
    "rotate": ("rotate", NAME, "--reason"),
    "waive": ("fingerprints", "waive", NAME, "--owner", "q", "--until", "2027-03-01", "--reason"),
    "the end of a leak": ("edit", NAME, "--yes", "--leak-ended"),
    "a note": ("edit", NAME, "--notes"),
    "a purpose": ("edit", NAME, "--purpose"),
    "a person": ("edit", NAME, "--yes", "--deliver"),
}


@pytest.mark.parametrize("case", REASONS)
def test_a_live_value_of_any_form_is_refused_in_reasons_and_records(cli, formless, case):
    cli.add(NAME)
    before = cli.everything()
    start = "person:" if case == "a person" else "leaked in chat: "
    answer = cli(*REASONS[case], f"{start}({formless}).")
    assert (answer.code, cli.everything()) == (2, before), answer
    assert "must not contain the value of b/manual" in answer.err
    assert unseen(cli, answer, formless)


def test_break_glass_takes_no_live_value_as_its_reason(cli, formless, tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "config.toml").write_text('[policy]\nfile = "policy.yaml"\n')
    cli.environ["TOKENGUARD_CONFIG"] = str(tmp_path / "config.toml")
    cli.add(NAME)
    before = cli.everything()
    words = ("edit", NAME, "--owner", "q", "--yes", "--break-glass")
    answer = cli(*words, f"leaked in chat: {formless}")
    assert (answer.code, cli.everything()) == (2, before), answer
    assert "the reason must not contain the value of b/manual" in answer.err
    assert unseen(cli, answer, formless)
    assert cli(*words, "leaked in chat").code == 0


@pytest.mark.parametrize("column", ["notes", "made_by", "consumers"])
@pytest.mark.parametrize("own", [True, False])
def test_import_takes_no_value_of_the_inventory_or_of_its_own_row(cli, tmp_path, formless, column, own):
    value = secrets.token_hex(20) if own else formless
    row = {"name": NAME, "value": value if own else canary(), column: f"person:{value}"}
    written(tmp_path / "t.csv", [row])
    answer = cli("import", "t.csv", "--provider", "manual")
    assert (answer.code, cli.store.find(token_name(NAME))) == (1, None), answer
    assert unseen(cli, answer, value)


@pytest.mark.parametrize("given", ["purpose: it is {}", "notes: '({})'", "consumers: ['person:{}']"])
def test_a_manifest_with_a_value_of_the_inventory_is_refused(cli, tmp_path, formless, given):
    written_manifest(tmp_path, f"{NAME}: {{{given.format(formless)}}}")
    before = cli.everything()
    answer = cli("apply", "--yes")
    assert (answer.code, cli.everything()) == (2, before), answer
    assert answer.err.startswith(f"error: {NAME}: the {given.partition(':')[0]} must not contain the value of b/manual")
    assert unseen(cli, answer, formless)


def test_add_takes_no_text_with_the_value_that_is_added(cli):
    value = secrets.token_hex(20)
    answer = cli(
        "add", NAME, "--provider", "manual", "--scope", "org:x", "--env", "prod", "--owner", "q", "--no-consumers",
        "--purpose", f"it is {value}", "--stdin", stdin=value,
    )  # fmt: skip
    assert (answer.code, cli.store.find(token_name(NAME))) == (2, None), answer
    assert unseen(cli, answer, value)


def test_ordinary_words_and_ids_are_taken(cli, formless):
    cli.add(NAME)
    answer = cli("edit", NAME, "--notes", f"PR 4711 of 2026-11-29, commit {secrets.token_hex(20)}; see runbook-v2.md")
    assert answer.code == 0, answer
