"""`drift`: every way in which the world leaves what is declared is told, and what nobody can say is never a pass."""

import json
import re
from datetime import timedelta
from itertools import cycle

import pytest

from tests.cli.manifests import written
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.names import token_name
from tokenguard.frozen import replace


@pytest.fixture
def settled(cli, tmp_path):
    """One token as declared, delivered to a file."""
    written(tmp_path, f"a/b: {{issue: true, consumers: [dotenv:{tmp_path}/app.env#TOKEN]}}")
    assert cli("apply").code == 0
    return cli


def drifted(cli, *arguments, code=1):
    answer = cli("drift", "--format", "json", *arguments)
    assert answer.code == code, answer
    return {each["rule"]: each for each in answer.document["drift"]}


def edit_behind_our_back(cli, name="a/b", **fields):
    found = cli.store.find(token_name(name))
    document = replace(found.document, record=replace(found.document.record, **fields))
    cli.store.commit(found.id, found.version, document, [])


def test_nothing_has_drifted_after_an_apply(settled, words):
    answer = settled("drift", "--ask-providers", "--ask-consumers")
    assert answer.code == 0, answer
    words(answer)


def test_a_field_that_was_changed_beside_the_manifest(settled):
    edit_behind_our_back(settled, owner="mallory")
    found = drifted(settled)
    assert found["changed"]["text"] == "owner is mallory, declared is video"


def test_a_token_that_the_store_does_not_know_and_one_that_the_manifest_does_not(settled, tmp_path):
    written(tmp_path, "c/d: {issue: true}")
    found = drifted(settled)
    assert (found["missing"]["token"], found["undeclared"]["token"]) == ("c/d", "a/b")


def test_a_token_that_was_revoked_at_the_provider_and_one_that_was_made_there(settled):
    settled.world.revoke("id1")
    settled.world.create("made-by-hand")
    assert not drifted(settled, code=0), "without being asked, a provider says nothing"
    found = drifted(settled, "--ask-providers")
    assert found["gone"]["token"] == "a/b"
    assert "made-by-hand" in found["orphan"]["text"]


def test_a_consumer_that_was_given_another_value(settled, tmp_path):
    (tmp_path / "app.env").write_text("TOKEN=another-value-by-hand\n")
    assert not drifted(settled, code=0), "without being asked, a consumer says nothing"
    assert drifted(settled, "--ask-consumers")["consumer-differs"]["token"] == "a/b"


def test_a_consumer_that_cannot_be_asked_is_not_evaluable(cli, tmp_path):
    written(tmp_path, "a/b: {consumers: ['person:the desk']}")
    cli.add("a/b")
    assert cli("edit", "a/b", "--deliver", "person:the desk").code == 0
    answer = cli("drift", "--ask-consumers", "--format", "json")
    assert [each["rule"] for each in answer.document["not_evaluable"]] == ["consumer-differs"]


def test_a_value_that_nobody_brings_becomes_an_error_when_its_days_are_over(cli, tmp_path):
    written(tmp_path, "a/b: {issue: guided, value_within: 3}")
    assert cli("apply").code == 0
    assert drifted(cli, code=0)["awaiting-value"]["severity"] == "note"
    cli.clock.sleep(3 * 86_400 + 1)
    assert drifted(cli)["awaiting-value"]["severity"] == "error"


def test_what_is_declared_retired_and_lives_and_what_lives_on_paper_and_is_retired(settled, tmp_path):
    written(tmp_path, "a/b: {state: retired}")
    assert drifted(settled)["alive"]["token"] == "a/b"
    assert settled("apply", "--allow-retire").code == 0
    assert not drifted(settled, code=0)
    written(tmp_path, "a/b: {issue: true}")
    assert "retired" in drifted(settled)["contradiction"]["text"]


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "markdown"])
def test_every_format_of_check_tells_it_and_none_holds_a_value(settled, form):
    edit_behind_our_back(settled, owner="mallory")
    (value,) = (made.value for made in settled.world.living())
    answer = settled("drift", "--format", form)
    assert answer.code == 1
    assert "mallory" in answer.out
    assert value not in answer.out + answer.err
    assert {"sarif": "Every declared token is in the store.", "junit": 'name="tokenguard drift"',
            "markdown": "# Drift"}.get(form, "mallory") in answer.out  # fmt: skip
    if form in {"json", "sarif"}:
        assert json.loads(answer.out)


def test_fail_on_says_from_where_it_is_an_exit_of_1(settled, tmp_path):
    written(tmp_path, f"a/b: {{issue: true, consumers: [dotenv:{tmp_path}/app.env#TOKEN]}}", "c/d: {issue: guided}")
    assert settled("apply").code == 0
    assert settled("drift").code == 0
    assert settled("drift", "--fail-on", "note").code == 1


def test_drift_writes_nothing(settled):
    edit_behind_our_back(settled, owner="mallory")
    before = settled.everything()
    settled("drift", "--ask-providers", "--ask-consumers")
    assert settled.everything() == before


def test_drift_as_a_comment_calls_nobody(settled, tmp_path):
    written(tmp_path, f"a/b: {{issue: true, consumers: [dotenv:{tmp_path}/app.env#TOKEN], purpose: '@acme/all | #1'}}")
    page = settled("drift", "--format", "markdown").out
    outside = re.sub(r"(?<!`)(`+)(?!`)[^|\n]*?(?<!`)\1(?!`)", "", page)
    assert "@acme/all" in page
    assert not re.search(r"[@#]\w", outside), outside


@pytest.mark.parametrize("case", ["a gap", "without the token in use"])
def test_a_list_that_may_lack_tokens_says_of_none_that_it_is_gone(settled, case):
    if case == "a gap":
        settled.world.list_gap = "it says that there are more"
    settled.world.unlisted.add("id1")
    answer = settled("drift", "--ask-providers", "--format", "json")
    assert answer.code == 0, answer
    assert {"gone", "orphan"} <= {each["rule"] for each in answer.document["not_evaluable"]}
    settled.world.unlisted.clear()
    settled.world.list_gap = ""
    assert not settled("drift", "--ask-providers", "--format", "json").document["not_evaluable"]


def test_a_single_refusal_beside_a_list_that_may_lack_tokens_makes_none_gone(settled, monkeypatch):
    """Of two servers that answer in turn, one refuses everything."""
    settled.world.list_gap = "it says that there are more"
    settled.world.unlisted.add("id1")
    provider, healthy = settled.vendors.fake, cycle((False, True))
    probe = provider.probe

    def in_turn(value, scope):
        refused = Observation(verdict=Verdict.DEAD, at=settled.clock.now(), reason="http-401")
        return probe(value, scope) if next(healthy) else refused

    monkeypatch.setattr(provider, "probe", in_turn)
    assert not drifted(settled, "--ask-providers", code=0)


def test_a_token_that_is_younger_than_the_list_may_lag_is_not_gone(settled, monkeypatch):
    able = replace(settled.vendors.fake.capabilities, list_lag=timedelta(hours=1))
    monkeypatch.setattr(settled.vendors.fake, "capabilities", able)
    settled.add("other/token", "--label", "other/token")
    settled.world.unlisted.add("id1")
    young = settled("drift", "--ask-providers", "--format", "json").document["not_evaluable"]
    assert "gone" in {each["rule"] for each in young}
    settled.world.unlisted.clear()
    settled.world.revoke("id1")
    settled.clock.sleep(3600)
    assert drifted(settled, "--ask-providers")["gone"]["token"] == "a/b"


def test_a_token_that_the_provider_accepts_is_not_gone_whatever_its_list_lacks(settled):
    """A service that pages, described as one that does not: its list looks complete, and holds another known token."""
    settled.add("other/token", "--label", "other/token")
    settled.world.create("made-by-hand")
    settled.world.unlisted.add("id1")
    answer = settled("drift", "--ask-providers", "--format", "json")
    unknown = {each["rule"]: each["reason"] for each in answer.document["not_evaluable"]}
    assert "accepts a/b, though its list lacks it" in unknown.get("gone", "")
    assert "lacks tokens in use: a/b" in unknown.get("orphan", "")
    assert "gone" not in {each["rule"] for each in answer.document["drift"]}
