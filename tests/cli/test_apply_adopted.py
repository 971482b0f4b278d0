"""A declared location: the value is taken over where it is, by what was reviewed, and stays there."""

import pytest

from tests.cli.manifests import written
from tokenguard.domain.names import token_name

URL = "vault://kv/video/app#token"
OTHER = "vault://kv/video/other#token"
THERE = "https://vault.elsewhere:8200"


@pytest.fixture
def value(cli, tmp_path) -> str:
    """A live token at URL, which a manifest declares."""
    made = cli.world.create("by-hand").value
    cli.places.put(URL, zone="eu", token=made)
    written(tmp_path, f"a/b: {{location: '{URL}', consumers: [dotenv:{tmp_path}/app.env#T]}}")
    return made


def record(cli, name="a/b"):
    found = cli.store.find(token_name(name))
    return found.document.record if found else None


def plan(cli):
    return cli("plan", "--format", "json").document


def test_it_is_adopted_verified_and_delivered_and_nothing_at_the_place_changes(cli, value, tmp_path):
    planned = plan(cli)
    assert planned["actions"][0]["verbs"] == ["declare", "adopt"]
    assert planned["adopted_places"] == [{"name": "a/b", "place": URL, "server": cli.places.server}]
    assert cli("plan").out.splitlines()[2].startswith("!! NEW EXTERNAL FIELDS")
    assert "NEW EXTERNAL FIELDS" in cli("plan", "--format", "markdown").out
    assert cli.places.calls == [], "a plan asks no place"
    answer = cli("apply", "--digest", planned["digest"])
    assert answer.code == 0, answer
    assert value not in answer.out + answer.err
    found = record(cli)
    assert (found.location.url, found.location.server, found.state) == (URL, cli.places.server, "active")
    assert found.seen.verdict == "alive"
    assert (cli.places.fields(URL), cli.places.version(URL)) == ({"zone": "eu", "token": value}, 1)
    assert f"T={value}" in (tmp_path / "app.env").read_text()
    assert plan(cli)["actions"] == []
    assert cli("drift", "--ask-consumers").code == 0
    assert cli("audit", "verify").code == 0


def test_the_intent_is_on_record_before_it_is_delivered_and_names_the_plan(cli, value):
    digest = plan(cli)["digest"]
    assert cli("apply", "--digest", digest).code == 0
    entries = list(cli.store.history(cli.store.find(token_name("a/b")).id))
    assert [each.event.phase for each in entries if each.event.op == "deliver"][:2] == ["intent", "outcome"]
    assert sum(str(each.event.detail.get("reason", "")).startswith(f"apply {digest} ") for each in entries) == 2


def test_a_place_that_is_empty_denied_or_holds_a_dead_value_leaves_a_declared_token_that_the_next_apply_completes(
    cli, value, tmp_path
):
    cli.places.denied = True
    assert cli("apply").code == 4
    cli.places.denied = False
    cli.places.remove(URL)
    assert cli("apply").code == 2
    cli.places.put(URL, token="tgcanary-was-never-alive")
    assert cli("apply").code == 1
    assert (record(cli).state, record(cli).fingerprint) == ("pending", None)
    assert not (tmp_path / "app.env").exists()
    assert [each["rule"] for each in cli("drift", "--format", "json").document["drift"]] == ["awaiting-value"]
    cli.places.put(URL, token=value)
    assert plan(cli)["actions"][0]["verbs"] == ["adopt"]
    assert cli("apply").code == 0
    assert plan(cli)["actions"] == []


@pytest.mark.parametrize("write", range(1, 12))
def test_killed_at_any_write_the_reviewed_plan_finishes_it(cli, value, monkeypatch, write):
    digest, left = plan(cli)["digest"], [write]
    with monkeypatch.context() as patch:
        for name in ("commit", "put_candidate", "publish"):
            real = getattr(cli.store, name)

            def dying(*arguments, real=real):
                left[0] -= 1
                if not left[0]:
                    raise KeyboardInterrupt
                return real(*arguments)

            patch.setattr(cli.store, name, dying)
        code = cli("apply", "--digest", digest).code
    assert code == (130 if left[0] <= 0 else 0)
    assert cli("apply", "--digest", digest).code == 0
    assert plan(cli)["actions"] == []
    assert cli.places.fields(URL)["token"] == value
    assert cli("audit", "verify").code == 0


def test_a_live_value_is_not_moved_by_an_edit_of_the_manifest(cli, value, tmp_path, words):
    assert cli("apply").code == 0
    cli.places.put(OTHER, token=value)
    written(tmp_path, f"a/b: {{location: '{OTHER}'}}")
    words(cli.refused("apply"))
    assert cli("edit", "a/b", "--adopt", OTHER, "--yes").code == 0
    assert plan(cli)["actions"] == []


def test_the_server_is_in_the_reviewed_plan_and_no_other_one_is_asked(cli, value):
    planned = plan(cli)
    cli.places.server = THERE
    cli.refused("apply", "--digest", planned["digest"])
    cli.places.denied = True  # a value that cannot be read yet leaves a record that is pinned
    assert cli("apply").code == 4
    cli.places.denied, cli.places.server = False, planned["adopted_places"][0]["server"]
    cli.refused("add", "a/b")
    assert cli.places.calls == []
    (again,) = plan(cli)["adopted_places"]
    assert again == planned["adopted_places"][0], "as long as there is no value it may be planned anew"
    assert cli("apply").code == 0
    assert record(cli).location.server == again["server"]
    assert plan(cli)["actions"] == []


def test_a_live_value_on_another_server_than_this_machine_uses_cannot_be_planned(cli, value, words):
    assert cli("apply").code == 0
    cli.places.server = THERE
    cli.places.calls.clear()
    words(cli.refused("apply"))
    assert cli.places.calls == []
    assert cli("edit", "a/b", "--adopt", URL, "--yes").code == 0
    assert plan(cli)["actions"] == []


def test_what_somebody_else_put_there_is_drift(cli, value):
    assert cli("apply").code == 0
    cli.places.change(URL, token=cli.world.create("theirs").value)
    answer = cli("drift", "--ask-consumers", "--format", "json")
    assert answer.code == 1
    (found,) = answer.document["drift"]
    assert (found["rule"], found["text"]) == (
        "consumer-differs",
        f"{URL} does not have the value that was published there",
    )
    assert found["fix"].startswith("restore the value there"), "neither rotate nor deliver overwrites it"
    assert cli("rotate", "a/b").code == 3
    kept = cli("upkeep", "--format", "json").document["results"]
    (hint,) = [each["hint"] for each in kept if each["duty"] == "consumers"]
    assert hint == "tokenguard show a/b"


def test_a_person_among_its_consumers_makes_it_a_to_do_that_add_completes(cli, value, tmp_path):
    written(tmp_path, f"a/b: {{location: '{URL}', consumers: ['person:alex']}}")
    assert cli("apply").code == 0
    (todo,) = plan(cli)["todos"]
    assert (todo["wait"], todo["command"]) == ("value", "tokenguard add a/b")
    assert record(cli).location.url == URL


def test_a_token_that_was_to_be_adopted_and_is_to_be_made_instead_leaves_the_place_alone(cli, value, tmp_path):
    cli.places.denied = True
    assert cli("apply").code == 4
    cli.places.denied = False
    written(tmp_path, "a/b: {issue: true, consumers: []}")
    (action,) = plan(cli)["actions"]
    assert action["verbs"] == ["issue"]
    assert {"field": "location", "before": f"{URL} on {cli.places.server}", "after": "none"} in action["changes"]
    assert cli("apply").code == 0
    assert (record(cli).state, record(cli).location.url) == ("active", "")
    assert (cli.places.fields(URL), cli.places.version(URL)) == ({"zone": "eu", "token": value}, 1)


def test_a_date_that_has_passed_has_it_rotated_at_once_since_nobody_knows_how_old_the_value_is(cli, value, tmp_path):
    written(tmp_path, f"a/b: {{location: '{URL}', due: 2026-01-01, consumers: []}}")
    assert plan(cli)["actions"][0]["verbs"] == ["declare", "adopt", "rotate"]
    assert cli("apply").code == 0
    assert cli.places.fields(URL)["token"] != value
    assert plan(cli)["actions"] == []


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        ([f"a/b: {{location: '{URL}', issue: true}}"], "already at its location"),
        ([f"a/b: {{location: '{URL}', issue: guided}}"], "already at its location"),
        ([f"a/b: {{location: '{URL}', kind: oauth_grant}}"], "has no value"),
        ([f"a/b: {{location: '{URL}'}}", f"a/c: {{location: '{URL}'}}"], "at the same location"),
        ([f"a/b: {{location: '{URL}'}}", f"a/c: {{consumers: ['{URL}']}}"], "delivered to the same place"),
        ([f"a/b: {{location: '{URL}', consumers: ['{URL}']}}"], "one of its consumers"),
        (["a/b: {location: 'vault://kv/app'}"], "location: this is not valid"),
        (["a/b: {location: 'vault://kv/../app#x'}"], "location: this is not valid"),
        (["a/b: {location: 'file:///etc/shadow#root'}"], "location: this is not valid"),
        (["a/b: {location: 'https://evil.example/x#y'}"], "location: this is not valid"),
        (["a/b: {location: [vault]}"], "one line of text"),
        (["a/b: {location: ''}"], "location: this is not valid"),
    ],
)
def test_a_location_that_cannot_be_is_refused(cli, tmp_path, tokens, says):
    written(tmp_path, *tokens)
    assert says in cli.refused("apply")


def test_a_place_that_another_token_of_the_store_lives_at_is_refused(cli, value, tmp_path, words):
    assert cli("apply").code == 0
    written(tmp_path, f"a/c: {{consumers: ['{URL}']}}")
    words(cli.refused("apply"))
    written(tmp_path, f"a/c: {{location: '{URL}'}}")
    assert "tokenguard edit a/b --rename a/c" in cli("apply").err
