"""`edit` of several tokens: all are checked first, shown and confirmed once, and each has its own audit event."""

import pytest

from tests.fakes.command_line import FakeTty
from tokenguard.domain.event import Op
from tokenguard.domain.names import token_name

NAMES = ("a/one", "a/two", "b/three")


@pytest.fixture
def three(cli):
    for name in NAMES:
        cli.add(name, "--made-by", "kim" if name.startswith("a/") else "alex")


def _record(cli, name):
    return cli.store.find(token_name(name)).document.record


def _edits(cli, name):
    history = cli.store.history(cli.store.find(token_name(name)).id)
    return [each.event.detail["fields"] for each in history if each.event.op is Op.EDIT]


def test_named_tokens_get_the_same_change_with_one_event_each(cli, three):
    answer = cli("edit", *NAMES[:2], "--deputy", "sam", "--yes")
    assert answer.code == 0, answer
    assert [_record(cli, name).deputy for name in NAMES] == ["sam", "sam", ""]
    assert [_edits(cli, name) for name in NAMES] == [["deputy"], ["deputy"], []]


def test_a_selection_gets_the_change_and_is_told_first(cli, three):
    answer = cli("edit", "--where", "made-by=kim", "--where", "name=*/o*", "--deputy", "sam", "--yes")
    assert answer.code == 0, answer
    assert [_record(cli, name).deputy for name in NAMES] == ["sam", "", ""]
    assert answer.err.startswith("! selected: 1 token with --name")


def test_the_plan_shows_every_field_and_writes_nothing(cli, three, words):
    before = cli.everything()
    words(cli("edit", *NAMES, "--owner", "audio", "--deputy", "sam", "--plan"))
    document = cli("edit", *NAMES, "--owner", "audio", "--plan", "--format", "json").document
    assert document["changes"][0] == {
        "name": "a/one", "written": False, "fields": [{"field": "owner", "is": "video", "becomes": "audio"}],
    }  # fmt: skip
    assert cli.everything() == before


def test_one_confirmation_covers_all_and_another_answer_changes_none(cli, three, words):
    cli.tty = FakeTty("2")
    assert cli("edit", *NAMES, "--deputy", "sam").code == 3
    assert not any(_record(cli, name).deputy for name in NAMES)
    cli.tty = FakeTty("3")
    words(cli("edit", *NAMES, "--deputy", "sam"))
    assert all(_record(cli, name).deputy == "sam" for name in NAMES)


def test_without_a_terminal_yes_is_needed(cli, three):
    cli.refused("edit", *NAMES, "--deputy", "sam", code=3)


def test_if_one_cannot_be_changed_none_is(cli, three, words):
    assert cli("retire", NAMES[1], "--yes").code == 0
    words(cli.refused("edit", *NAMES, "--deputy", "sam", "--yes"))


def test_two_tokens_never_get_one_place(cli, three, tmp_path, words):
    words(cli.refused("edit", *NAMES, "--deliver", f"dotenv:{tmp_path}/.env#TOKEN", "--yes"))
    assert cli("edit", *NAMES, "--deliver", "person:ops", "--yes").code == 0


def test_what_they_have_already_is_no_change(cli, three):
    before = cli.everything()
    answer = cli("edit", *NAMES, "--owner", "video")
    assert (answer.code, cli.everything()) == (0, before)


def test_a_concurrent_change_of_one_stops_no_other(cli, three, monkeypatch):
    from tokenguard.errors import Conflict

    real, calls = cli.store.commit, iter(range(9))

    def commit(*args):
        if next(calls) == 1:
            raise Conflict("changed", hint="again")
        return real(*args)

    monkeypatch.setattr(cli.store, "commit", commit)
    answer = cli("edit", *NAMES, "--deputy", "sam", "--yes", "--format", "json")
    assert answer.code == 4
    assert [each["written"] for each in answer.document["changes"]] == [True, False, True]


BAD = {
    "no token": ("--deputy", "sam"),
    "both": ("a/one", "--where", "owner=video", "--deputy", "sam"),
    "no field": ("--where", "team=video", "--deputy", "sam"),
    "no text": ("--where", "owner=", "--deputy", "sam"),
    "no separator": ("--where", "leaked", "--deputy", "sam"),
    "leaked no": ("--where", "leaked=no", "--deputy", "sam"),
    "a state that is none": ("--where", "state=asleep", "--deputy", "sam"),
    "a field twice": ("--where", "owner=a", "--where", "owner=b", "--deputy", "sam"),
    "what no token can have": ("--where", "owner=No Team", "--deputy", "sam"),
    "no match": ("--where", "owner=finance", "--deputy", "sam"),
    "no change": ("a/one", "a/two"),
    "a name": ("a/one", "a/two", "--rename", "c/four"),
    "a label": ("a/one", "a/two", "--label", "upload"),
    "a place": ("a/one", "a/two", "--adopt", "github://team/app#TOKEN"),
    "a leak": ("a/one", "a/two", "--leak-ended", "false alarm"),
    "an unknown name": ("a/one", "no/such", "--deputy", "sam"),
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD)
def test_what_is_refused(cli, three, arguments):
    cli.refused("edit", *arguments, "--yes")


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        (("leaked",), "--where is not FIELD=TEXT"),
        (("team=video",), "--where names a field that does not exist"),
        (("state=asleep",), "--where asks for a value that state cannot have"),
        (("owner=a", "owner=b"), "--where names owner twice"),
    ],
)
def test_a_wrong_selection_is_told_by_its_fault(cli, three, where, fault):
    answer = cli("edit", *(word for each in where for word in ("--where", each)), "--deputy", "sam")
    assert (answer.code, answer.err.splitlines()[0]) == (2, f"error: {fault}")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ((), "--where owner=TEAM"),
        (("--owner", "video"), "--where owner=TEAM"),
        (("--name", "lab/*"), "--where name=…"),
        (("--state", "active"), "--where state=…"),
        (("--leaked",), "--where leaked=…"),
    ],
)
def test_a_hint_never_leads_to_another_change(cli, three, words, hint):
    assert hint in cli("edit", *words).err
