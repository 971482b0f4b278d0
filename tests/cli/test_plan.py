"""`plan`: everything that will be done is told before, what is new is shouted, and nothing is written or asked."""

import json
import re

import pytest

from tests.cli.manifests import HEAD, written
from tests.fakes.world import FakeProvider
from tokenguard.domain.names import token_name
from tokenguard.frozen import replace
from tokenguard.rotation.engine import Engine


class Untouchable:
    """A store of which only the metadata may be read."""

    def __init__(self, store):
        self._store = store
        self.url, self.store_id, self.sandbox = store.url, store.store_id, True

    def scan(self):
        return self._store.scan()


@pytest.fixture
def reading(cli):
    """The command line on a store that can only be listed, and vendors that cannot be asked."""
    kept = cli.store

    def plan(*arguments):
        cli.store = Untouchable(kept)
        try:
            return cli("plan", *arguments)
        finally:
            cli.store = kept

    return plan


def actions(answer):
    assert "actions" in answer.document, answer
    return {each["name"]: each for each in answer.document["actions"]}


def test_only_metadata_is_read_whatever_there_is_to_do(cli, reading, tmp_path):
    cli.add("a/changes")
    cli.add("a/ends")
    written(tmp_path, "a/changes: {owner: audio}", "a/ends: {state: retired}", "a/new: {issue: true}", "a/by-hand: {}")
    found = actions(reading("--format", "json"))
    assert {name: each["verbs"] for name, each in found.items()} == {
        "a/changes": ["change"], "a/ends": ["retire"], "a/new": ["issue"], "a/by-hand": ["declare"],
    }  # fmt: skip
    assert found["a/changes"]["changes"] == [{"field": "owner", "before": "video", "after": "audio"}]


def test_new_destinations_and_new_addresses_come_first(cli, reading, tmp_path):
    written(tmp_path, "a/b: {issue: true, consumers: ['dotenv:/srv/app/.env#TOKEN']}")
    lines = reading().out.splitlines()
    assert lines[0].startswith("!! NEW DESTINATIONS")
    assert lines[1].split() == ["!!", "a/b", "dotenv:/srv/app/.env#TOKEN"]
    assert lines[2].startswith("!! NEW PROVIDER ADDRESSES")
    assert lines[3].split() == ["!!", "fake", FakeProvider.base_url]
    cli.add("a/other")
    assert "NEW PROVIDER ADDRESSES" not in reading().out, "the store knows the address now"


def test_a_destination_that_is_taken_away_and_one_that_stays_are_not_shouted(cli, reading, tmp_path):
    cli.add("a/b")
    assert cli("edit", "a/b", "--deliver", "command:one", "--deliver", "command:two").code in {0, 2}
    stored = cli.store.find(token_name("a/b")).document.record.consumers
    written(tmp_path, "a/b: {consumers: ['command:two', 'command:three']}")
    found = reading("--format", "json").document["new_destinations"]
    known = {str(each) for each in stored}
    assert [each["consumer"] for each in found] == [
        f"command:{n}" for n in ("two", "three") if f"command:{n}" not in known
    ]


def test_markdown_is_for_a_pull_request_and_acts_on_nothing(cli, reading, tmp_path):
    written(tmp_path, "a/b: {issue: true, purpose: '[click](x) | <b> @all'}", "a/c: {}")
    cli.add("a/undeclared")
    page = reading("--format", "markdown").out
    assert page.startswith("# Token plan")
    assert re.search(r"`[^`|]*purpose \[click\]\(x\) \u00a6 <b> @all[^`|]*`", page), "as code, where it is only text"
    assert "`tokenguard add a/c`" in page
    assert "`a/undeclared`" in page


def test_the_exit_code_says_whether_there_is_something_to_do_if_asked(cli, tmp_path):
    written(tmp_path, "a/b: {issue: true}")
    assert [cli("plan").code, cli("plan", "--exit-code").code] == [0, 1]
    assert cli("apply").code == 0
    assert cli("plan", "--exit-code").code == 0


def test_what_waits_for_a_person_is_no_action_and_has_its_day_and_its_command(cli, tmp_path):
    written(tmp_path, "a/guided: {issue: guided, value_within: 3}", "a/brought: {}")
    assert cli("apply").code == 0
    answer = cli("plan", "--exit-code", "--format", "json")
    assert (answer.code, answer.document["actions"]) == (0, [])
    todos = {each["name"]: (each["command"], each["due_at"][:10]) for each in answer.document["todos"]}
    assert todos == {
        "a/guided": ("tokenguard add a/guided --issue", "2026-11-04"),
        "a/brought": ("tokenguard add a/brought", "2026-11-15"),
    }


def test_the_digest_stands_for_all_that_was_told(cli, tmp_path):
    def digest():
        return cli("plan", "--format", "json").document["digest"]

    written(tmp_path, "a/b: {issue: true}")
    first = digest()
    assert digest() == first
    written(tmp_path, "a/b: {issue: true}", head="# a comment\n" + HEAD)
    assert digest() == first
    written(tmp_path, "a/b: {issue: true, deputy: grace}")
    assert digest() != first
    written(tmp_path, "a/b: {issue: true}")
    cli.add("c/d")
    assert digest() == first, "a token that the manifest does not know makes no difference"
    written(tmp_path, "a/b: {issue: true}", "c/d: {owner: audio}")
    second = digest()
    assert cli("edit", "c/d", "--purpose", "else").code == 0
    assert digest() != second


def test_what_cannot_be_is_told_with_its_place_and_exits_2(cli, tmp_path, words):
    cli.add("a/b")
    written(tmp_path, "a/b: {scope: 'drive:other'}", "a/c: {issue: true}")
    answer = cli("plan", "--format", "json")
    assert answer.code == 2
    (blocked,) = answer.document["blocked"]
    assert (blocked["name"], blocked["place"]) == ("a/b", "tokens.yaml:9:3")
    assert "live value was created for a different scope" in blocked["reason"]
    assert set(actions(answer)) == {"a/c"}
    words(cli("plan"))


def test_what_cannot_be_is_listed_once_and_drift_gives_the_same_fix(cli, tmp_path):
    written(tmp_path, "a/b: {provider: nowhere}", "a/c: {provider: nowhere}")
    answer = cli("plan")
    assert answer.code == 2
    assert [(answer.out + answer.err).count(f"{name}: its provider") for name in ("a/b", "a/c")] == [1, 1]
    assert "tokenguard plan" not in answer.err
    hint = answer.err.splitlines()[-1].removeprefix("hint: ")
    assert hint in answer.out
    drift = cli("drift", "--format", "json").document["drift"]
    assert {each["fix"] for each in drift if each["rule"] == "contradiction"} == {hint}
    assert "(and 1 more: `tokenguard plan`)" in cli("apply").err


def test_an_admin_credential_comes_before_what_it_mints(cli, tmp_path):
    written(tmp_path, "a/mints: {issue: true}", "z/admin: {kind: provider_admin}")
    found = cli("plan", "--format", "json").document
    assert [(each["name"], each["verbs"]) for each in found["actions"]] == [
        ("z/admin", ["declare"]), ("a/mints", ["declare"]),
    ]  # fmt: skip
    assert {each["name"]: each["wait"] for each in found["todos"]} == {"z/admin": "value", "a/mints": "admin"}
    assert cli("apply").code == 0
    value = cli.world.create("admin").value
    assert cli("add", "z/admin", "--stdin", stdin=value).code == 0
    assert actions(cli("plan", "--format", "json"))["a/mints"]["verbs"] == ["issue"]


def test_a_due_date_in_the_past_that_was_kept_is_not_set_again_and_again(cli, tmp_path):
    written(tmp_path, "a/b: {issue: true, consumers: [], due: 2026-11-03}")
    assert cli("apply").code == 0
    cli.clock.sleep(3 * 86_400)
    assert actions(cli("plan", "--format", "json"))["a/b"]["verbs"] == ["rotate"]
    assert cli("apply").code == 0
    for _ in range(3):
        assert not actions(cli("plan", "--format", "json"))
        cli.clock.sleep(86_400)


def test_a_missing_file_no_file_and_a_folder_are_bad_input(cli, tmp_path, words):
    words(cli.refused("plan"))
    assert cli.refused("plan", "no/such/tokens.yaml").startswith("cannot read")
    (tmp_path / "tokens.yaml").mkdir()
    words(cli.refused("plan"))
    cli.refused("plan", "--format", "sarif")
    cli.refused("plan", "a", "b")


def test_json_is_one_document_and_prompts_stay_off_stdout(cli, tmp_path):
    written(tmp_path, "a/b: {}")
    assert set(json.loads(cli("plan", "--format", "json").out)) >= {"digest", "actions", "todos", "blocked", "cost"}


def test_a_renamed_token_is_not_made_anew_on_top_of_the_one_that_lives(cli, reading, tmp_path, words):
    """Both would be delivered to one place, and the next rotation of the old one would take it back."""
    place = f"dotenv:{tmp_path}/app.env#TOKEN"
    written(tmp_path, f"a/old: {{issue: true, consumers: ['{place}']}}")
    assert cli("apply").code == 0
    written(tmp_path, f"a/new: {{issue: true, consumers: ['{place}']}}")
    answer = cli("apply")
    assert answer.code == 2
    words(answer)
    assert "tokenguard edit a/old --rename a/new" in answer.err
    assert len(cli.world.living()) == 1
    assert cli("edit", "a/old", "--rename", "a/new").code == 0
    assert reading("--format", "json").document["actions"] == []


def test_a_place_goes_from_one_token_to_another_where_the_manifest_says_so_of_both(cli, reading, tmp_path):
    place = f"dotenv:{tmp_path}/app.env#TOKEN"
    written(tmp_path, f"a/old: {{issue: true, consumers: ['{place}']}}")
    assert cli("apply").code == 0
    written(tmp_path, "a/old: {state: retired}", f"a/new: {{issue: true, consumers: ['{place}']}}")
    assert cli("apply", "--allow-retire").code == 0
    assert reading("--format", "json").document["actions"] == []
    (made,) = cli.world.living()
    assert made.value in (tmp_path / "app.env").read_text()


@pytest.fixture
def interrupted(cli, tmp_path, monkeypatch):
    """A token whose making was interrupted after the provider had made it."""
    written(tmp_path, "a/b: {issue: true, consumers: []}")
    return interrupt(cli, monkeypatch)


def interrupt(cli, monkeypatch):
    with monkeypatch.context() as patch:

        def dies(*_arguments):
            raise KeyboardInterrupt

        patch.setattr(cli.store, "publish", dies)
        assert cli("apply").code == 130
    assert actions(cli("plan", "--format", "json"))["a/b"]["verbs"] == ["resume"]
    return cli


def test_a_destination_that_is_declared_while_an_operation_is_open_is_shouted_before_it_is_given_anything(
    interrupted, reading, tmp_path
):
    place = f"dotenv:{tmp_path}/evil.env#T"
    written(tmp_path, f"a/b: {{issue: true, consumers: ['{place}'], owner: audio}}")
    planned = reading("--format", "json").document
    assert planned["new_destinations"] == [{"name": "a/b", "consumer": place, "server": None}]
    assert planned["actions"][0]["verbs"] == ["resume", "change", "deliver"]
    assert interrupted("apply", "--digest", planned["digest"]).code == 0
    assert (tmp_path / "evil.env").exists()
    assert reading("--format", "json").document["actions"] == []


def test_an_operation_that_was_begun_for_another_scope_is_not_gone_on_with_again_and_again(
    interrupted, tmp_path, words
):
    written(tmp_path, "a/b: {issue: true, consumers: [], scope: 'drive:d2'}")
    words(interrupted.refused("apply"))
    assert interrupted("rotate", "a/b", "--abort").code == 0
    assert actions(interrupted("plan", "--format", "json"))["a/b"]["verbs"] == ["issue"]


def test_no_text_of_a_manifest_calls_anybody_or_links_anywhere_from_the_comment(cli, reading, tmp_path):
    """Hosts look for mentions, issues and commits after rendering, where no escape is left; never in code."""
    texts = [
        "@everyone | @acme/security",
        "see acme/app#3, GH-2 and !7",
        "`` | ` @you",
        "https://evil.example",
        "\\| @x",
    ]
    for text in texts:
        quoted = "'" + text + "'"
        written(tmp_path, f"a/b: {{issue: true, purpose: {quoted}, consumers: ['person:{text}']}}")
        page = reading("--format", "markdown").out
        for line in page.splitlines():
            outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line.replace("\\|", "||"))
            assert not re.search(r"[@#!]\w|GH-|https:", outside), line
            if line.startswith("| "):
                assert outside.count("|") in {3, 5, 6}, line


def test_a_consumer_that_was_taken_off_during_a_resumption_is_for_the_next_plan(cli, tmp_path, monkeypatch):
    place = f"dotenv:{tmp_path}/app.env#T"
    written(tmp_path, f"a/b: {{issue: true, consumers: ['{place}']}}")
    interrupt(cli, monkeypatch)
    real = Engine.resume

    def resume(engine, token, **more):
        real(engine, token, **more)
        found = cli.store.load(token)
        document = replace(found.document, record=replace(found.document.record, consumers=()))
        cli.store.commit(token, found.version, document, [])

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "resume", resume)
        assert cli("apply").code == 0
    assert cli.store.find(token_name("a/b")).document.record.consumers == (), "nobody has seen it put back"
    assert cli("plan", "--format", "json").document["new_destinations"] == [
        {"name": "a/b", "consumer": place, "server": None}
    ]
