"""`import --update`: records become what an edited list says; on any fault nothing is written, and no value changes."""

import csv
import io
import json

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import canary
from tokenguard.domain.event import Op
from tokenguard.domain.names import token_name

NAMES = ("a/one", "a/two", "b/three")


@pytest.fixture
def three(cli):
    for name in NAMES:
        cli.add(name, "--made-by", "kim", "--notes", "=HYPERLINK(x)", "--permission", "posts:write")


def _record(cli, name="a/one"):
    return cli.store.find(token_name(name)).document.record


def _edits(cli):
    histories = (cli.store.history(each.id) for each in cli.store.scan())
    return [each.event.detail["fields"] for history in histories for each in history if each.event.op is Op.EDIT]


def _listed(cli):
    return list(csv.DictReader(io.StringIO(cli("list", "--format", "csv").out)))


def _write(path, rows, *, bom=False):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + out.getvalue().encode())


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_list_that_was_not_edited_changes_nothing(cli, three, tmp_path, form):
    assert cli("edit", "a/two", "--deliver", "person:ops", "--due", "2026-12-24", "--label", "@upload").code == 0
    (tmp_path / f"t.{form}").write_text(cli("list", "--format", form).out)
    before = cli.everything()
    answer = cli("import", "--update", f"t.{form}")
    assert (answer.code, cli.everything()) == (0, before), answer


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_list_that_a_spreadsheet_saved_with_other_separators_changes_nothing_else(cli, three, tmp_path, separator):
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(csv.reader(io.StringIO(cli("list", "--format", "csv").out)))
    (tmp_path / "t.csv").write_text(out.getvalue())
    before = cli.everything()
    assert (cli("import", "--update", "t.csv").code, cli.everything()) == (0, before)
    (tmp_path / "t.csv").write_text(f"name{separator}owner\na/one{separator}audio\n")
    assert cli("import", "--update", "t.csv", "--yes").code == 0
    assert _record(cli).owner == "audio"


def test_an_edited_cell_changes_that_field_of_that_token_and_no_value(cli, three, tmp_path, words):
    rows = _listed(cli)
    values = [cli.store.read_live(each.id).value for each in cli.store.scan()]
    rows[1] |= {"deputy": "sam", "scope_name": "Main"}
    _write(tmp_path / "t.csv", rows, bom=True)
    before = cli.everything()
    words(cli("import", "--update", "t.csv", "--dry-run"))
    assert cli.everything() == before
    assert cli("import", "--update", "t.csv", "--yes").code == 0
    assert (_record(cli, "a/two").deputy, _record(cli, "a/two").scope_name) == ("sam", "Main")
    assert _edits(cli) == ["scope_name,deputy"]
    assert [cli.store.read_live(each.id).value for each in cli.store.scan()] == values


CELLS = {
    "scope": ("scope", "drive:d9", lambda record: str(record.scope), "drive:d9"),
    "environment": ("environment", "dev", lambda record: record.environment, "dev"),
    "cleared": ("made_by", "", lambda record: record.made_by, ""),
    "permissions": ("permissions", "posts:read; posts:write", lambda r: r.permissions, ("posts:read", "posts:write")),
    "no permission": ("permissions", "", lambda record: record.permissions, ()),
    "consumers": ("consumers", "person:a;person:b", lambda r: tuple(map(str, r.consumers)), ("person:a", "person:b")),
    "due": ("due", "2026-12-24", lambda record: f"{record.due_at:%Y-%m-%d}", "2026-12-24"),
    "created": ("created_at", "2026-01-02", lambda record: f"{record.created_at:%Y-%m-%d}", "2026-01-02"),
    "kind": ("kind", "api_key", lambda record: record.kind.value, "api_key"),
    "a quoted formula": ("notes", "'=1+1", lambda record: record.notes, "=1+1"),
    "a quote": ("purpose", "'s-hertogenbosch", lambda record: record.purpose, "'s-hertogenbosch"),
    "a number": ("account", "-7", lambda record: record.account, "-7"),
}


@pytest.mark.parametrize(("column", "text", "read", "expected"), CELLS.values(), ids=CELLS)
def test_each_kind_of_cell(cli, tmp_path, column, text, read, expected):
    cli.vendors.fake.capabilities = type(cli.vendors.fake.capabilities)(mint="api", revoke="api", probe=False)
    cli.add("a/one", "--made-by", "kim", "--permission", "posts:write", "--no-verify")
    rows = _listed(cli)
    rows[0][column] = text
    _write(tmp_path / "t.csv", rows)
    assert cli("import", "--update", "t.csv", "--yes").code == 0
    assert read(_record(cli)) == expected
    assert len(_edits(cli)) == 1


def test_json_says_which_lists_are_empty(cli, three, tmp_path):
    tokens = [{"name": "a/one", "consumers": ["person:a"]}, {"name": "a/two", "permissions": []}]
    (tmp_path / "t.json").write_text(json.dumps(tokens))
    assert cli("import", "--update", "t.json", "--yes").code == 0
    assert [str(each) for each in _record(cli).consumers] == ["person:a"]
    assert _record(cli, "a/two").permissions == ()
    (tmp_path / "t.json").write_text(json.dumps([{"name": "a/one", "consumers": []}]))
    assert cli("import", "--update", "t.json", "--yes").code == 0
    assert _record(cli).consumers == ()


def test_a_row_follows_its_id_when_its_name_changes(cli, three, tmp_path):
    rows = _listed(cli)
    rows[0]["name"] = "video/first"
    _write(tmp_path / "t.csv", rows)
    assert cli("import", "--update", "t.csv", "--yes").code == 0
    assert _record(cli, "video/first").owner == "video"


def test_one_confirmation_for_all_rows(cli, three, tmp_path):
    rows = [row | {"deputy": "sam"} for row in _listed(cli)]
    _write(tmp_path / "t.csv", rows)
    cli.refused("import", "--update", "t.csv", code=3)
    cli.tty = FakeTty("no")
    assert cli("import", "--update", "t.csv").code == 3
    assert not _edits(cli)
    cli.tty = FakeTty("3")
    assert cli("import", "--update", "t.csv").code == 0
    assert _edits(cli) == ["deputy"] * 3


def test_a_list_that_is_older_than_the_record_undoes_nothing(cli, three, tmp_path):
    rows = _listed(cli)
    assert cli("edit", "a/one", "--owner", "audio").code == 0
    _write(tmp_path / "t.csv", rows)
    assert "t.csv: row 2, column owner" in cli.refused("import", "--update", "t.csv", "--yes")
    rows[0]["owner"] = "audio"
    _write(tmp_path / "t.csv", rows)
    assert cli("import", "--update", "t.csv").code == 0, "it says what is so by now"


def test_a_verification_does_not_make_a_list_old(cli, three, tmp_path):
    rows = _listed(cli)
    cli.clock.sleep(3600)
    assert cli("verify", "--all").code == 0
    rows[0]["deputy"] = "sam"
    _write(tmp_path / "t.csv", rows)
    assert cli("import", "--update", "t.csv", "--yes").code == 0


BAD = {
    "no such token": ("name,owner\nno/such,video\n", "row 2"),
    "twice": ("name,owner\na/one,audio\na/one,video\n", "row 3"),
    "unknown column": ("name,team\na/one,video\n", "column 2"),
    "column twice": ("name,owner,Owner\na/one,a,b\n", "column 3"),
    "the same column by another name": ("name,env,environment\na/one,a,b\n", "column 3"),
    "a value": (f"name,value\na/one,{canary()}\n", "column 2"),
    "a token": (f"name,token\na/one,{canary()}\n", "column 2"),
    "no key": ("owner\nvideo\n", "t.csv"),
    "a formula": ("name,notes\na/one,=1+1\n", "row 2, column notes"),
    "a formula by another sign": ("name,notes\na/one,@SUM(1)\n", "row 2, column notes"),
    "a formula after blanks": ('name,notes\na/one,"  +1+1"\n', "row 2, column notes"),
    "a command": ("name,notes\na/one,+cmd|' /C calc'!A0\n", "row 2, column notes"),
    "a formula in the name": ("name,notes\n=a,b\n", "row 2, column name"),
    "an owner": ("name,owner\na/one,No Team\n", "row 2, column owner"),
    "a scope": ("name,scope\na/one,drive\n", "row 2, column scope"),
    "a scope that the provider contradicts": ("name,scope\na/one,drive:other\n", "row 2"),
    "a kind": ("name,kind\na/one,key\n", "row 2, column kind"),
    "no kind": ("name,kind\na/one,\n", "row 2, column kind"),
    "no provider": ("name,provider\na/one,\n", "row 2, column provider"),
    "a provider": ("name,provider\na/one,other\n", "row 2"),
    "a day": ("name,due\na/one,24.12.2026\n", "row 2, column due"),
    "a day to come": ("name,created\na/one,2031-01-01\n", "row 2"),
    "a consumer": ("name,consumers\na/one,ops\n", "row 2, column consumers"),
    "undeclared": ("name,consumers\na/one,\n", "row 2, column consumers"),
    "a state": ("name,state\na/one,retired\n", "row 2, column state"),
    "an id": ("name,provider_id\na/one,x\n", "row 2, column provider_id"),
    "an owner lost": ("name,owner\na/one,\n", "row 2"),
    "a good row before a bad one": ("name,owner\na/one,audio\na/two,No Team\n", "row 3, column owner"),
    "two names": ("id,name\n{one},c/x\n{two},c/x\n", "row 3"),
    "a taken name": ("id,name\n{one},a/two\n", "row 2"),
    "one place for two": ("name,consumers\na/one,dotenv:/x/.env#A\na/two,dotenv:/x/.env#A\n", "row"),
    "control characters": ("name,notes\na/one,a\x1b[2Jb\n", "row 2, column notes"),
    "too long": (f"name,notes\na/one,{'x' * 201}\n", "row 2, column notes"),
    "ragged": ("name,owner\na/one\n", "row 2"),
    "empty": ("", "t.csv"),
    "bars": ("name|owner\na/one|audio\n", "column 1"),
}


@pytest.mark.parametrize(("text", "place"), BAD.values(), ids=BAD)
def test_on_any_fault_nothing_is_written_and_the_place_is_named(cli, three, tmp_path, text, place):
    ids = {name: cli.store.find(token_name(name)).id for name in NAMES}
    text = text.replace("{one}", ids["a/one"]).replace("{two}", ids["a/two"])
    (tmp_path / "t.csv").write_text(text)
    error = cli.refused("import", "--update", "t.csv", "--yes")
    assert error.startswith("t.csv"), error
    assert place in error
    assert "tgcanary" not in error.answer.err


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        ("due\na/one,24.12.2026", "YYYY-MM-DD"),
        ("created\na/one,1/2/26", "YYYY-MM-DD"),
        ("scope\na/one,drive", "KIND:ID"),
        ("kind\na/one,key", "api_token"),
        ("owner\na/one,No Team", "a-z"),
    ],
)
def test_the_hint_says_in_which_form_a_cell_is_valid(cli, three, tmp_path, cells, form):
    (tmp_path / "t.csv").write_text(f"name,{cells}\n")
    assert form in cli("import", "--update", "t.csv", "--yes").hint


BAD_JSON = {
    "a number": ([{"name": "a/one", "owner": 7}], "item 1, field owner"),
    "a list": ([{"name": "a/one", "owner": ["video"]}], "item 1, field owner"),
    "a nested list": ([{"name": "a/one", "permissions": [["x"]]}], "item 1, field permissions"),
    "unknown": ([{"name": "a/one", "team": "video"}], "item 1"),
    "no mapping": (["a/one"], "item 1"),
    "no list": ({"name": "a/one"}, "t.json"),
}


@pytest.mark.parametrize(("tree", "place"), BAD_JSON.values(), ids=BAD_JSON)
def test_bad_json(cli, three, tmp_path, tree, place):
    (tmp_path / "t.json").write_text(json.dumps(tree))
    assert place in cli.refused("import", "--update", "t.json", "--yes")


OPTIONS = {
    "no file": ("--update",),
    "a source": ("--update", "--from", "vault://kv"),
    "a default": ("t.csv", "--update", "--owner", "video"),
    "a prefix": ("t.csv", "--update", "--prefix", "a"),
    "a .env file": ("x.env", "--update"),
    "yes alone": ("t.csv", "--yes"),
    "no such file": ("missing.csv", "--update"),
}


@pytest.mark.parametrize("arguments", OPTIONS.values(), ids=OPTIONS)
def test_options_that_do_not_go_together(cli, three, tmp_path, arguments):
    (tmp_path / "t.csv").write_text("name,owner\na/one,audio\n")
    (tmp_path / "x.env").write_text("A=b\n")
    cli.refused("import", *arguments)


def test_yes_without_update_is_not_called_an_update(cli, tmp_path):
    """A .env file with `--yes`: the answer is about the option that was given, and its hint imports the file."""
    (tmp_path / "x.env").write_text(f"A_TOKEN={canary()}\n")
    assert cli.refused("import", "x.env", "--yes").startswith("--yes ")
    assert cli("import", "x.env").code == 0


def test_an_open_operation_is_not_changed_under_its_feet(cli, three, tmp_path):
    assert cli("edit", "a/one", "--deliver", "person:ops").code == 0
    assert cli("rotate", "a/one", "--no-input").code == 3 or cli.store.find(token_name("a/one")).document.busy
    cli.tty = FakeTty()
    cli("rotate", "a/one")
    cli.tty = None
    assert cli.store.find(token_name("a/one")).document.busy
    (tmp_path / "t.csv").write_text("name,owner\na/two,audio\na/one,audio\n")
    assert "row 3" in cli.refused("import", "--update", "t.csv", "--yes", code=3)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_list_that_is_imported_as_new_tokens_says_how_it_is_read_back(cli, tmp_path, form):
    cli.add()
    file = tmp_path / f"list.{form}"
    file.write_text(cli("list", "--format", form).out)
    assert "import --update" in cli.refused("import", str(file)).answer.err
