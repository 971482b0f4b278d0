"""Consumers that are fields of others, on record with their server: declared, moved, planned, and from older records."""

import json

import pytest

from tests.cli.manifests import written
from tokenguard.domain.document import decode, encode
from tokenguard.domain.names import token_name
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import Unreachable

NAME = "video/app/prod/upload"
URL = "vault://kv/video/app#token"
HERE, THERE = "https://vault.test:8200", "https://vault.elsewhere:8200"
DECLARED = f"a/b: {{issue: true, consumers: ['{URL}']}}"


@pytest.fixture(autouse=True)
def field(cli):
    cli.places.put(URL, zone="eu", token="tgcanary-before")


def added(cli, *consumers):
    """A live token that was delivered to them; returns its value."""
    value = cli.world.create(NAME).value
    answer = cli(
        "add", NAME, "--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "x",
        "--stdin", *(word for each in consumers for word in ("--deliver", each)), stdin=value,
    )  # fmt: skip
    assert answer.code == 0, answer
    return value


def on(server):
    return (Consumer(ConsumerKind.VAULT, "//kv/video/app#token", server),)


def document(cli, name=NAME):
    return cli.store.find(token_name(name)).document


def held(cli):
    return cli.places.fields(URL)["token"]


def without_servers(cli, name=NAME):
    """What a version that did not write the servers of consumers has left."""
    found = cli.store.find(token_name(name))
    kept = json.loads(encode(found.document))
    handovers = [each["consumer"] for each in kept["journal"]["handovers"]]
    for consumer in [*kept["record"]["consumers"], *handovers]:
        del consumer["server"]
    cli.store.commit(found.id, found.version, decode(json.dumps(kept).encode()), [])


def plan(cli):
    return cli("plan", "--format", "json").document


def interrupted_at_the_field(cli):
    def interlude():
        raise Unreachable("no reply", hint="try again")

    cli.places.interlude = interlude
    assert cli("rotate", NAME).code == 4
    cli.places.interlude = lambda: None


def test_the_server_is_on_record_and_told_wherever_the_place_is(cli):
    added(cli, URL)
    assert document(cli).record.consumers == on(HERE)
    shown = cli("show", NAME, "--format", "json").document
    assert (shown["consumers"], shown["consumer_servers"]) == ([URL], {URL: HERE})
    for command in (("show", NAME), ("rotate", NAME, "--plan"), ("runbook", NAME)):
        assert f"{URL} on {HERE}" in cli(*command).out, command
    delivered = [each["detail"] for each in shown["events"] if each["op"] == "deliver" and "consumer" in each["detail"]]
    assert [each["server"] for each in delivered] == [HERE, HERE], "the intent and the outcome"


def test_a_record_that_names_no_server_is_read_and_refused_until_edit_says_it_is_here(cli, words):
    old = added(cli, URL)
    without_servers(cli)
    assert document(cli).record.consumers == on("")
    assert cli("show", NAME, "--format", "json").document["consumer_servers"] == {}
    cli.places.calls.clear()
    cli.refused("rotate", NAME)
    assert (held(cli), cli.places.calls) == (old, [])
    answer = cli("edit", NAME, "--deliver", URL)
    assert answer.code == 0, answer
    words(answer)
    assert cli("rotate", NAME).code == 0
    assert held(cli) != old


def test_a_manifest_pins_a_record_that_names_no_server_in_the_open(cli, tmp_path):
    written(tmp_path, DECLARED)
    assert cli("apply").code == 0
    without_servers(cli, "a/b")
    (action,) = plan(cli)["actions"]
    assert action["verbs"] == ["change", "deliver"]
    assert {"field": "consumers", "before": URL, "after": f"{URL} on {HERE}"} in action["changes"]
    assert plan(cli)["new_destinations"] == [{"name": "a/b", "consumer": URL, "server": HERE}]
    assert cli("apply").code == 0
    assert document(cli, "a/b").record.consumers == on(HERE)
    assert plan(cli)["actions"] == []


def test_a_manifest_means_the_server_that_is_known_here_and_its_digest_holds_it(cli, tmp_path):
    written(tmp_path, DECLARED)
    here = plan(cli)
    assert here["new_destinations"] == [{"name": "a/b", "consumer": URL, "server": HERE}]
    assert f"{URL} on {HERE}" in cli("plan").out
    cli.places.server = THERE
    cli.refused("apply", "--digest", here["digest"])
    assert held(cli) == "tgcanary-before"
    cli.places.server = HERE
    assert cli("apply", "--digest", here["digest"]).code == 0
    assert document(cli, "a/b").record.consumers == on(HERE)
    assert plan(cli)["actions"] == []
    assert cli("drift", "--ask-consumers").code == 0


def test_what_is_declared_and_pinned_elsewhere_cannot_be_planned_until_it_is_confirmed(cli, tmp_path, words):
    written(tmp_path, DECLARED)
    assert cli("apply").code == 0
    live = held(cli)
    cli.places.server = THERE
    cli.places.change(URL, token="tgcanary-there")
    words(cli.refused("apply"))
    (found,) = cli("drift", "--format", "json").document["drift"]
    assert found["rule"] == "contradiction"
    assert cli("edit", "a/b", "--deliver", URL).code == 0
    assert plan(cli)["actions"][0]["verbs"] == ["deliver"]
    assert cli("apply").code == 0
    assert (held(cli), plan(cli)["actions"]) == (live, [])


def test_where_no_server_is_known_a_new_field_cannot_be_planned_and_a_known_one_stays(cli, tmp_path, words):
    written(tmp_path, DECLARED)
    assert cli("apply").code == 0
    cli.places.server = ""
    assert plan(cli)["actions"] == []
    written(tmp_path, DECLARED, "a/c: {issue: true, consumers: ['vault://kv/video/other#token']}")
    words(cli.refused("apply"))


def test_any_node_of_the_cluster_is_the_same_server(cli, tmp_path):
    written(tmp_path, DECLARED)
    assert cli("apply").code == 0
    cli.places.server, cli.places.others = THERE, (HERE,)
    assert plan(cli)["actions"] == []
    assert cli("edit", "a/b", "--deliver", URL).code == 0
    assert document(cli, "a/b").record.consumers == on(HERE)
    assert cli("rotate", "a/b").code == 0


def test_an_edit_of_the_list_tells_who_left_it_and_where_others_are_from_now_on(cli, tmp_path):
    file = f"dotenv:{tmp_path}/.env#T"
    added(cli, URL, file)
    assert cli("edit", NAME, "--deliver", URL, "--deliver", file).err == "", "nothing has changed"
    cli.places.server = THERE
    said = cli("edit", NAME, "--deliver", URL).err
    assert f"no longer a consumer: {file};" in said
    assert f"new consumer: {URL} on {THERE}" in said


@pytest.mark.parametrize("older", [False, True], ids=["moved", "an older record"])
def test_an_open_rotation_can_be_taken_back_where_its_consumer_is_now(cli, older):
    old = added(cli, URL)
    interrupted_at_the_field(cli)
    if older:
        without_servers(cli)
    else:
        cli.places.server = THERE
    cli.places.calls.clear()
    assert cli("rotate", NAME, "--abort").code == 2
    assert cli.places.calls == []
    assert cli("edit", NAME, "--deliver", URL).code == 0
    assert cli("rotate", NAME, "--abort").code == 0
    assert held(cli) == old
    assert not document(cli).busy
    assert cli("audit", "verify").code == 0


def test_an_open_rotation_goes_on_where_its_consumer_is_now(cli):
    old = added(cli, URL)
    interrupted_at_the_field(cli)
    cli.places.server = THERE
    assert cli("rotate", NAME, "--resume").code == 2
    assert cli("edit", NAME, "--deliver", URL).code == 0
    assert cli("rotate", NAME, "--resume").code == 0
    assert [made.value for made in cli.world.living()] == [held(cli)] != [old]


def test_an_import_pins_the_consumers_that_a_file_names(cli, tmp_path):
    draft = {"name": NAME, "provider": "fake", "value": "tgcanary-from-a-file", "consumers": [URL]}
    (tmp_path / "tokens.json").write_text(json.dumps([draft]))
    assert cli("import", "tokens.json").code == 0
    assert document(cli).record.consumers == on(HERE)
    assert held(cli) == "tgcanary-from-a-file"
