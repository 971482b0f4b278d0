"""P9, the age of values: it is what somebody said, or unknown; never the day on which tokenguard learned of the value."""

import csv
import io
from datetime import UTC, datetime

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import FakeIssuer, canary
from tokenguard.domain.names import token_name
from tokenguard.ports.provider import CreateRefused

NAME = "video/app/prod/upload"
FIELDS = ("--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads")
MADE = datetime(2026, 3, 4, tzinfo=UTC)


def record(cli, name=NAME):
    return cli.store.find(token_name(name)).document.record


def imported(cli, tmp_path, count=1, *more, **texts):
    """Import so many tokens of the fake provider from a file; returns their names."""
    names = [f"video/app/prod/t{number:02}" for number in range(count)]
    out = io.StringIO()
    fields = {"provider": "fake", "scope": "drive:d1", "env": "prod", "owner": "video", "purpose": "uploads", **texts}
    writer = csv.writer(out)
    writer.writerow(["name", "value", *fields])
    for name in names:
        writer.writerow([name, cli.world.create(name).value, *fields.values()])
    (tmp_path / "tokens.csv").write_text(out.getvalue())
    answer = cli("import", "tokens.csv", *more)
    assert answer.code == 0, answer
    for name in names:
        assert cli("edit", name, "--no-consumers").code == 0
    return names


def test_an_import_and_an_add_do_not_say_that_a_value_was_rotated_today(cli, tmp_path):
    (name,) = imported(cli, tmp_path)
    assert cli("add", NAME, *FIELDS, "--stdin", stdin=cli.world.create(NAME).value).code == 0
    for each in (name, NAME):
        assert (record(cli, each).rotated_at, record(cli, each).created_at) == (None, None)
        shown = cli("show", each, "--format", "json").document
        assert (shown["age_known"], shown["rotated_at"], shown["due_at"]) == (False, None, None)


@pytest.mark.parametrize(
    ("file", "option"),
    [({"created": "2026-03-04"}, ()), ({"created_at": "2026-03-04T23:59:59Z"}, ()), ({}, ("--created", "2026-03-04"))],
)
def test_a_file_or_a_person_says_when_values_were_made(cli, tmp_path, file, option):
    (name,) = imported(cli, tmp_path, 1, *option, **file)
    assert record(cli, name).created_at == MADE
    assert cli("show", name, "--format", "json").document["overdue"]


def test_add_and_edit_take_it_and_edit_clears_it(cli):
    value = cli.world.create(NAME).value
    assert cli("add", NAME, *FIELDS, "--stdin", "--created", "2026-03-04", stdin=value).code == 0
    assert record(cli).created_at == MADE
    assert cli("edit", NAME, "--created", "").code == 0
    assert record(cli).created_at is None
    assert cli("edit", NAME, "--created", "2026-03-04").code == 0
    assert record(cli).created_at == MADE


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "20260304", "2031-01-01", "2026-03-04T", "٢٠٢٦-٠٣-٠٤"])
def test_what_is_no_day_in_the_past_is_refused(cli, text):
    cli.add()
    cli.refused("edit", NAME, "--created", text)
    cli.refused("add", "video/app/prod/x", *FIELDS, "--stdin", "--created", text, stdin=canary())


def test_a_file_with_a_day_to_come_imports_nothing_of_that_row(cli, tmp_path):
    (tmp_path / "tokens.csv").write_text(f"name,value,provider,created\na/b,{canary()},fake,2031-01-01\n")
    assert cli("import", "tokens.csv").code == 1
    assert cli.store.find(token_name("a/b")) is None


def test_a_second_import_teaches_the_age_and_changes_none_that_is_known(cli, tmp_path):
    (name,) = imported(cli, tmp_path)
    with_dates = (tmp_path / "tokens.csv").read_text().replace("purpose", "purpose,created", 1)
    (tmp_path / "tokens.csv").write_text(with_dates.replace("uploads", "uploads,2026-03-04"))
    assert cli("import", "tokens.csv").code == 0
    assert record(cli, name).created_at == MADE
    (tmp_path / "tokens.csv").write_text(with_dates.replace("uploads", "uploads,2026-05-05"))
    assert cli("import", "tokens.csv").code == 0
    assert record(cli, name).created_at == MADE


def test_a_providers_list_as_a_person_read_it_teaches_the_age(cli, tmp_path):
    value = cli.world.create(NAME).value
    assert cli("add", NAME, *FIELDS, "--label", NAME, "--stdin", stdin=value).code == 0
    (tmp_path / "list.csv").write_text(f"name,created\n{NAME},2026-03-04\n")
    assert cli("verify", "--reconcile", "fake", "--from-file", "list.csv").code == 0
    assert record(cli).created_at == MADE


def test_a_rotation_makes_the_age_known(cli, tmp_path):
    (name,) = imported(cli, tmp_path)
    assert cli("rotate", name).code == 0
    assert record(cli, name).created_at == record(cli, name).rotated_at is not None
    assert cli("show", name, "--format", "json").document["age_known"]


def test_it_is_listed_before_what_is_overdue_found_by_check_and_counted_apart_by_the_report(cli, tmp_path):
    (name,) = imported(cli, tmp_path)
    cli.add(NAME, "--due", "2026-11-02")
    cli.clock.sleep(10 * 86_400)
    listed = cli("list", "--due", "--within", "1", "--format", "json").document["tokens"]
    assert [each["name"] for each in listed] == [name, NAME]
    found = cli("check", "--inventory-only", "--format", "json").document["violations"]
    assert [each["token"] for each in found if each["rule"] == "age-unknown"] == [name]
    report = cli("report", "--format", "json").document
    assert report["ages"]["unknown"] == 1
    assert report["figures"]["age unknown"] == "1"


def test_a_run_without_a_person_rotates_none_of_forty_imported_tokens(cli, tmp_path):
    names = imported(cli, tmp_path, 40)
    answer = cli("rotate", "--due", "--no-input")
    assert answer.code == 0, answer
    assert all(cli.store.find(token_name(name)).document.journal.mode == "add" for name in names)
    assert names[0] in answer.err
    assert cli("rotate", "--due", "--no-input", "--plan", "--format", "json").document["plan"] == []


@pytest.mark.parametrize(("answer", "rotated"), [("yes", True), ("no", False)])
def test_a_person_is_asked_whether_they_are_rotated_too(cli, tmp_path, answer, rotated):
    (name,) = imported(cli, tmp_path)
    cli.tty = FakeTty(answer)
    assert cli("rotate", "--due").code == 0
    assert (record(cli, name).rotated_at is not None) is rotated


def due_ones(cli, count):
    return [cli.add(f"video/app/prod/d{number:02}", "--due", "2026-11-02") for number in range(count)]


def alive(cli, values):
    return sum(cli.world.of_value(value) in cli.world.living() for value in values)


def test_a_night_rotates_as_many_as_the_policy_allows_and_the_next_one_goes_on(cli):
    values = due_ones(cli, 30)
    cli.clock.sleep(2 * 86_400)
    assert cli("rotate", "--due", "--no-input").code == 0
    assert alive(cli, values) == 5
    assert cli("rotate", "--due", "--no-input").code == 0
    assert alive(cli, values) == 5
    cli.clock.sleep(86_400)
    assert cli("rotate", "--due", "--no-input").code == 0
    assert alive(cli, values) == 0


def test_if_the_first_rotation_at_a_provider_fails_none_of_the_others_begins(cli, monkeypatch):
    values = due_ones(cli, 5)
    cli.clock.sleep(2 * 86_400)
    asked = []

    def refuse(_self, wanted):
        asked.append(wanted.label)
        raise CreateRefused("no more keys", hint="delete one")

    monkeypatch.setattr(FakeIssuer, "create", refuse)
    answer = cli("rotate", "--due", "--no-input")
    assert answer.code != 0
    assert len(asked) == 1
    assert alive(cli, values) == 5
    assert sum(each.document.busy for each in cli.store.scan()) == 1
