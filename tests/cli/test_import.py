"""`import`: every value once, every refusal with its reason, and a second run changes nothing."""

import json
import re

import pytest

from tests.fakes.token_examples import example
from tests.fakes.world import canary
from tokenguard.domain.names import token_name
from tokenguard.inventory import heuristics
from tokenguard.inventory.readers import COLUMNS
from tokenguard.token_formats.table import format_by_id


def _report(answer):
    return {fate: answer.document[fate] for fate in ("added", "duplicate", "skipped", "refused")}


def _fates(answer):
    return {fate: [entry["name"] or entry["place"] for entry in entries] for fate, entries in _report(answer).items()}


def test_a_dotenv_file(cli, tmp_path):
    one, two = canary(), canary()
    (tmp_path / ".env").write_text(
        f"# a comment\nDEBUG=1\nexport UPLOAD_TOKEN='{one}'\nSAME_KEY={one}\nOTHER_API_KEY=\"{two}\"\n"
        f"SHORT_TOKEN=abc\nEMPTY_TOKEN=\nPUBLIC_KEY={canary()}\n"
    )
    answer = cli("import", ".env", "--format", "json")
    assert answer.code == 1
    assert _fates(answer) == {
        "added": ["imported/upload-token", "imported/other-api-key"],
        "duplicate": ["imported/upload-token"],
        "skipped": ["line 2", "line 8"],
        "refused": ["line 6"],
    }
    record = cli.store.find(token_name("imported/upload-token")).document.record
    assert (record.state, record.provider, record.consumers) == ("unclaimed", "manual", None)
    assert one not in answer.out + answer.err


def test_a_value_that_no_bundle_will_have_is_told_at_once(cli, tmp_path):
    (tmp_path / ".env").write_text("FIRST_TOKEN=" + "word-after-word-9" * 2 + f"\nSECOND_TOKEN={canary()}\n")
    added = cli("import", ".env", "--format", "json").document["added"]
    assert [each["reason"].partition(":")[0] for each in added] == ["scans will not recognize this value", ""]


@pytest.mark.parametrize("identifier", ["github-token", "openai-user-key", "stripe-key", "npm-token"])
def test_a_vendors_token_is_imported_whatever_its_variable_is_called(cli, tmp_path, identifier):
    value = example(format_by_id(identifier), 1)
    (tmp_path / "app.env").write_text(f"GH_0={value}\nMODE=production\n")
    answer = cli("import", "app.env", "--format", "json")
    assert _fates(answer)["added"] == ["imported/gh-0"]
    assert value not in answer.out + answer.err


@pytest.mark.parametrize(("identifier", "service"), heuristics.SERVICES.items())
def test_a_token_that_one_vendor_alone_issues_gets_its_described_service(cli, tmp_path, identifier, service):
    (tmp_path / ".env").write_text(f"FIRST={example(format_by_id(identifier), 1)}\n")
    (added,) = cli("import", ".env", "--format", "json").document["added"]
    assert (added["provider"], added["reason"]) == (service, "")


@pytest.mark.parametrize(("identifier", "service"), heuristics.PRODUCTS.items())
def test_a_token_that_a_companys_own_server_may_have_issued_is_not_shown_to_the_vendor(
    cli, tmp_path, identifier, service
):
    (tmp_path / ".env").write_text(f"FIRST={example(format_by_id(identifier), 1)}\n")
    (added,) = cli("import", ".env", "--format", "json").document["added"]
    assert added["provider"] == "manual"
    command = added["reason"].partition("tokenguard ")[2].split()
    assert cli(*command, "--yes").code == 0
    assert cli.store.find(token_name("imported/first")).document.record.provider == service


@pytest.mark.parametrize(
    "reference",
    [
        "${UPLOAD_TOKEN}", "${UPLOAD_TOKEN:-none}", "Bearer-${UPLOAD_TOKEN}", "$UPLOAD_TOKEN", "{{ upload.token }}",
        "op://Production/publisher/token", "ref+vault://kv/publisher#/token", "vault://kv/publisher#token",
        "arn:aws:secretsmanager:eu-central-1:111122223333:secret:publisher",
    ],
)  # fmt: skip
def test_a_reference_to_a_token_is_not_stored_as_one(cli, tmp_path, reference):
    (tmp_path / ".env").write_text(f'UPLOAD_TOKEN={canary()}\nAPP_TOKEN="{reference}"\n')
    fates = _fates(cli("import", ".env", "--format", "json"))
    assert (fates["added"], fates["skipped"]) == (["imported/upload-token"], ["line 2"])


@pytest.mark.parametrize("value", ["pa$$word-{}", "{}$UPPER", "v1.{}=="])
def test_a_token_with_a_dollar_sign_is_not_a_reference(cli, tmp_path, value):
    (tmp_path / ".env").write_text(f"UPLOAD_TOKEN='{value.format(canary())}'\n")
    assert _fates(cli("import", ".env", "--format", "json"))["added"] == ["imported/upload-token"]


def test_a_second_run_changes_nothing(cli, tmp_path):
    (tmp_path / ".env").write_text(f"UPLOAD_TOKEN={canary()}\n")
    assert cli("import", ".env").code == 0
    before = cli.everything()
    answer = cli("import", ".env", "--format", "json")
    assert (answer.code, _fates(answer)["duplicate"]) == (0, ["imported/upload-token"])
    assert cli.everything() == before


@pytest.mark.parametrize("ended", ["rotated", "retired", "compromised"])
@pytest.mark.parametrize("source", ["env", "csv", "json"])
def test_a_value_that_is_not_live_any_more_is_known_and_not_added_again(cli, tmp_path, ended, source):
    value = cli.add("video/app/prod/upload")
    ends = {"rotated": ("rotate",), "retired": ("retire", "--yes"), "compromised": ("rotate", "--compromised")}[ended]
    assert cli(ends[0], "video/app/prod/upload", *ends[1:]).code == 0
    (tmp_path / "t.env").write_text(f"OLD_TOKEN={value}\n")
    (tmp_path / "t.csv").write_text(f"name,value,provider,consumers\na/old,{value},fake,person:ops\n")
    (tmp_path / "t.json").write_text(json.dumps([{"name": "a/old", "value": value, "provider": "fake"}]))
    before = cli.everything()
    answer = cli("import", f"t.{source}", "--format", "json")
    assert (answer.code, _fates(answer)["duplicate"]) == (0, ["video/app/prod/upload"]), answer
    assert cli.everything() == before, "its places hold a dead value, which no rotation of the token replaces"
    assert value not in answer.out + answer.err


def test_a_dry_run_writes_nothing(cli, tmp_path, words):
    value = canary()
    (tmp_path / ".env").write_text(f"UPLOAD_TOKEN={value}\nSAME_TOKEN={value}\n")
    before = cli.everything()
    answer = cli("import", ".env", "--dry-run")
    assert cli.everything() == before
    assert "1 added, 1 duplicate" in answer.out
    words(answer)


def test_a_csv_list(cli, tmp_path):
    (tmp_path / "tokens.csv").write_text(
        "Name,Provider,Env,Owner,Scope,Purpose,Value,Permissions,Due\n"
        f"a/complete,fake,prod,video,drive:d1,uploads,{canary()},posts:write;posts:read,2026-12-24\n"
        f"a/bare,fake,,,,,{canary()},,\n"
        f"a/wrong-kind,fake,,,org:x,,{canary()},,\n"
        f"not a name,fake,,,,,{canary()},,\n"
        "a/empty,fake,,,,,,,\n"
    )
    cli.vendors.fake.capabilities = type(cli.vendors.fake.capabilities)(
        mint="api", revoke="api", probe=True, scope_kind="drive"
    )
    answer = cli("import", "tokens.csv", "--format", "json")
    assert _fates(answer) == {
        "added": ["a/complete", "a/bare"],
        "duplicate": [],
        "skipped": [],
        "refused": ["row 4", "row 5", "row 6"],
    }
    record = cli.store.find(token_name("a/complete")).document.record
    assert (record.state, record.permissions, record.due_at.day) == ("active", ("posts:read", "posts:write"), 24)
    assert cli.store.find(token_name("a/bare")).document.record.state == "unclaimed"


def test_a_json_list(cli, tmp_path):
    tokens = [
        {"name": "a/one", "provider": "fake", "value": canary(), "consumers": ["dotenv:app.env#TOKEN"], "notes": None},
        {"name": "a/grant", "provider": "fake", "kind": "oauth_grant"},
        {"name": "a/away", "provider": "fake", "location": "github://team/app#TOKEN"},
        {"name": "a/none", "provider": "fake"},
        {"name": "a/who", "value": canary()},
    ]
    (tmp_path / "tokens.json").write_text(json.dumps({"tokens": tokens}))
    answer = cli("import", "tokens.json", "--format", "json", "--owner", "video")
    assert _fates(answer) == {
        "added": ["a/one", "a/grant", "a/away", "a/who"],
        "duplicate": [],
        "skipped": [],
        "refused": ["item 4"],
    }
    assert cli.store.find(token_name("a/one")).document.record.owner == "video"


def test_a_consumer_that_only_a_person_can_vouch_for_is_left_unfinished(cli, tmp_path):
    tokens = [
        {"name": f"a/{name}", "provider": "fake", "value": canary(), "consumers": who} for name, who in WHO.items()
    ]
    (tmp_path / "tokens.json").write_text(json.dumps(tokens))
    answer = cli("import", "tokens.json", "--format", "json")
    assert answer.code == 3
    assert [entry["place"] for entry in answer.document["unfinished"]] == ["item 1"]
    assert [entry["name"] for entry in answer.document["added"]] == ["a/two"]


WHO = {"one": ["person:ops desk"], "two": []}


def test_a_refusal_never_shows_what_was_in_the_field(cli, tmp_path):
    """Columns get mixed up: a value in the wrong one is refused without a word of it."""
    values = [canary() for _ in range(8)]
    rows = [
        {"name": f"{values[0]}!", "provider": "fake", "value": canary()},
        {"name": "a/b", "provider": values[1], "value": canary()},
        {"name": "a/c", "provider": "fake", "scope": values[2], "value": canary()},
        {"name": "a/d", "provider": "fake", "owner": f"{values[3]}!", "value": canary()},
        {"name": "a/e", "provider": "fake", "due": values[4], "value": canary()},
        {"name": "a/f", "provider": "fake", "kind": values[5], "value": canary()},
        {"name": "a/g", "provider": "fake", "consumers": values[6], "value": canary()},
        {"name": "a/h", "provider": "fake", "value": f"{values[7]} {values[7]}"},
    ]
    (tmp_path / "tokens.json").write_text(json.dumps(rows))
    answer = cli("import", "tokens.json", "--format", "json")
    assert len(answer.document["refused"]) == len(rows)
    assert not any(value in answer.out + answer.err for value in values)


def test_an_interrupted_import_is_finished_by_the_next(cli, tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("".join(f"T{number}_TOKEN={canary()}\n" for number in range(4)))
    calls = iter(range(100))
    real = cli.store.publish

    def publish(*args):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(cli.store, "publish", publish)
    answer = cli("import", ".env")
    assert answer.code == 130
    assert "2 added" in answer.out
    assert "run the same command again" in answer.err.splitlines()[-1]
    answer = cli("import", ".env", "--format", "json")
    assert answer.code == 0, answer
    assert [snapshot.document.busy for snapshot in cli.store.scan()] == [False] * 4
    assert all(cli.store.read_live(snapshot.id) for snapshot in cli.store.scan())


BAD_FILES = {
    "no such file": ("missing.csv", None),
    "unknown format": ("tokens.txt", b"x"),
    "a directory": (".", None),
    "empty csv": ("t.csv", b""),
    "unknown column": ("t.csv", b"name,tgcanary-secret-column\n"),
    "column twice": ("t.csv", b"name,token,value\n"),
    "ragged csv": ("t.csv", b"name,value\na/b\n"),
    "open quote": ("t.csv", b'name,value\n"a/b,x\n'),
    "csv not UTF-8": ("t.csv", b"name,value\n\xff,x\n"),
    "csv NUL": ("t.csv", b"name,value\na\0,x\n"),
    "json duplicate": ("t.json", b'[{"name": "a", "name": "b"}]'),
    "json not a list": ("t.json", b'{"name": "a"}'),
    "json items": ("t.json", b'["a"]'),
    "json number": ("t.json", b'[{"name": 7}]'),
    "json nested list": ("t.json", b'[{"name": "a", "permissions": [["x"]]}]'),
    "json unknown key": ("t.json", b'[{"tgcanary-secret-column": "a"}]'),
    "json deep": ("t.json", b"[" * 5000),
    "env bad line": (".env", b"A=1\n= x\n"),
    "env open quote": (".env", b"A='x\n"),
    "env not UTF-8": (".env", b"A=\xff\n"),
}


@pytest.mark.parametrize(("name", "data"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_whole(cli, tmp_path, name, data):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    error = cli.refused("import", name)
    assert "tgcanary" not in error


@pytest.mark.parametrize(
    ("text", "consumers"),
    [
        ("name,provider,value,consumers\na/one,fake,{},none\n", ()),
        ("name,provider,value,consumers\na/one,fake,{},\n", None),
        ('[{{"name": "a/one", "provider": "fake", "value": "{}", "consumers": []}}]', ()),
        ('[{{"name": "a/one", "provider": "fake", "value": "{}", "consumers": "none"}}]', ()),
        ('[{{"name": "a/one", "provider": "fake", "value": "{}", "consumers": null}}]', None),
    ],
)
def test_a_list_can_declare_that_a_token_has_no_consumers(cli, tmp_path, text, consumers):
    form = "json" if text.startswith("[") else "csv"
    (tmp_path / f"list.{form}").write_text(text.format(cli.world.create("one").value))
    assert cli("import", f"list.{form}").code == 0
    assert cli.store.find(token_name("a/one")).document.record.consumers == consumers


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("name", "Upload Token (prod)", "video/publisher/prod/upload"),
        ("scope", "tgcanary_x", "KIND:ID"),
        ("consumers", "tgcanary_x", "dotenv:PATH#VARIABLE"),
        ("kind", "tgcanary_x", "api_token"),
        ("created", "01.10.2026", "YYYY-MM-DD"),
        ("environment", "Prod!", "a-z"),
        ("location", "tgcanary_x", "SCHEME://"),
    ],
)
def test_a_refused_row_says_what_can_be_read(cli, tmp_path, field, text, says):
    row = {"name": "a/one", "provider": "fake", "value": canary(), field: text}
    (tmp_path / "list.json").write_text(json.dumps([row]))
    answer = cli("import", "list.json", "--format", "json")
    (refused,) = answer.document["refused"]
    assert f"its {field} " in refused["reason"]
    assert says in refused["reason"]
    assert text not in refused["reason"]


def test_the_help_names_every_column(cli):
    described = cli("import", "--help").out
    assert [name for name in set(COLUMNS.values()) if not re.search(rf"\b{name}\b", described)] == []


def test_two_values_for_one_place_are_not_both_taken_in(cli, tmp_path, words):
    """The second delivery would overwrite what the first token's consumer reads."""
    place = f"dotenv:{tmp_path}/app.env#TOKEN"
    rows = [f"a/{name},fake,{cli.world.create(name).value},{place}" for name in ("one", "two")]
    (tmp_path / "tokens.csv").write_text("\n".join(["name,provider,value,consumers", *rows]) + "\n")
    for options in (["--dry-run"], []):
        answer = cli("import", "tokens.csv", *options, "--format", "json")
        assert answer.code == 1
        assert [each["name"] for each in answer.document["added"]] == ["a/one"]
        reason = answer.document["refused"][0]["reason"]
        assert reason.startswith(f"{place} already receives the value of a/one; ")
    refused = cli("add", "a/three", "--provider", "fake", "--deliver", place, "--env", "e", "--owner", "o", "--purpose",
                  "p", "--scope", "drive:d1")  # fmt: skip
    words(refused)
