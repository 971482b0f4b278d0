"""Approvals: what is new is applied unattended only if somebody approved exactly that, for this store, and until a day."""

import json
import re
from datetime import timedelta

import pytest

from tests.cli.manifests import written
from tests.fakes.command_line import FakeTty
from tests.fakes.memory_store import MemoryStore
from tokenguard.domain.event import Event, Op
from tokenguard.domain.names import token_name
from tokenguard.ports.shared_item import Item, share_detail
from tokenguard.provisioning.approval import Approval, ApprovedPart, KeptApprovals, with_another

DAY = 86_400


@pytest.fixture(autouse=True)
def real_approvals(cli):
    cli.approver = False


def digest(cli, *more):
    return cli("plan", "--format", "json", *more).document["digest"]


def approve(cli, *more, code=0):
    answer = cli("approve", digest(cli), "--yes", *more)
    assert answer.code == code, answer
    return answer


def living(cli):
    return len(cli.world.living())


def declared(tmp_path, *more):
    written(tmp_path, f"a/b: {{issue: true, consumers: [dotenv:{tmp_path}/app.env#TOKEN]}}", *more)


NEW = {
    "a record and its first value": "a/b: {issue: true}",
    "a record that waits for a value": "a/b: {}",
    "a record of a grant": "a/b: {kind: oauth_grant}",
    "a destination": "old/live: {consumers: [dotenv:TMP/other.env#TOKEN]}",
    "permissions": "old/live: {permissions: [posts:write], consumers: []}",
}


@pytest.mark.parametrize("token", NEW.values(), ids=NEW)
@pytest.mark.parametrize("words", [("apply",), ("apply", "--yes"), ("apply", "--no-input", "--allow-retire")])
def test_what_is_new_and_not_approved_is_refused_unattended_and_nothing_is_written(cli, tmp_path, token, words):
    cli.add("old/live")
    written(tmp_path, token.replace("TMP", str(tmp_path)))
    cli.refused(*words, code=3)


WAITING = {
    "its first value": ("a/b: {issue: true}", ""),
    "a field that it is taken over from": ('a/b: {location: "vault://kv/team/b#token"}', ""),
    "another address of its provider": ("a/b: {}", "http://127.0.0.1:2"),
    "another scope": ('a/b: {scope: "drive:d2"}', ""),
    "another kind": ("a/b: {kind: provider_admin}", ""),
}


@pytest.mark.parametrize(("token", "address"), WAITING.values(), ids=WAITING)
def test_what_is_new_at_a_record_that_waits_for_its_value_is_refused_too(cli, tmp_path, token, address):
    cli.places.put("vault://kv/team/b#token", token=cli.world.create("b").value)
    written(tmp_path, "a/b: {}")
    approve(cli)
    assert cli("apply").code == 0
    cli.clock.sleep(60)
    cli.vendors.fake.base_url = address or cli.vendors.fake.base_url
    written(tmp_path, token)
    cli.refused("apply", code=3)
    approve(cli)
    assert cli("apply").code == 0


def test_the_reviewed_digest_is_no_approval(cli, tmp_path):
    declared(tmp_path)
    cli.refused("apply", "--digest", digest(cli), code=3)


def test_the_hint_is_the_one_command_that_helps(cli, tmp_path):
    declared(tmp_path)
    refused = cli("apply", "--no-input")
    (command,) = re.findall(r"tokenguard (approve sha256:[0-9a-f]{64})", refused.err)
    assert cli(*command.split(), "--yes").code == 0
    assert cli("apply", "--no-input").code == 0
    assert living(cli) == 1


REPEATS = {
    "a field that only describes": "old/live: {notes: said anew, consumers: []}",
    "an owner": "old/live: {owner: audio, consumers: []}",
    "a due date": "old/live: {due: 2026-10-01, consumers: []}",
    "an end": "old/live: {state: retired}",
}


@pytest.mark.parametrize("token", REPEATS.values(), ids=REPEATS)
def test_what_repeats_needs_no_approval(cli, tmp_path, token):
    cli.add("old/live")
    written(tmp_path, token)
    assert cli("apply", "--no-input", "--allow-retire").code == 0
    cli.refused("approve", digest(cli), "--yes")


@pytest.mark.parametrize("digested", [False, True], ids=["plain", "with the digest"])
def test_a_person_at_the_terminal_needs_none_and_is_asked(cli, tmp_path, digested):
    declared(tmp_path)
    words = ("apply", *(("--digest", digest(cli)) if digested else ()))
    cli.tty = FakeTty("no")
    assert (cli(*words).code, living(cli)) == (3, 0)
    cli.tty = FakeTty("yes")
    assert (cli(*words).code, living(cli)) == (0, 1)


def test_a_terminal_at_which_nobody_is_asked_makes_no_difference(cli, tmp_path):
    declared(tmp_path)
    cli.tty = FakeTty()
    cli.refused("apply", "--yes", code=3)
    cli.refused("apply", "--yes", "--digest", digest(cli), code=3)


def test_an_approval_is_on_record_with_who_when_what_and_its_end(cli, tmp_path):
    declared(tmp_path)
    told = approve(cli, "--until", "2026-11-20", "--reason", "for the launch", "--format", "json").document
    assert told["approved_by"] == cli.store.actor().id
    assert [each["name"] for each in told["covers"]] == ["a/b"]
    _, (entry,) = cli.store.shared_items.trail(Item.APPROVALS)
    detail = entry.event.detail
    assert (entry.event.op, detail["plan"], detail["until"]) == (Op.APPROVE, told["digest"], "2026-11-20")
    assert detail["reason"] == "for the launch"
    assert cli("audit", "verify").code == 0
    assert "approve" in cli("audit", "log").out


def test_the_change_names_the_approval_that_it_was_made_under(cli, tmp_path):
    declared(tmp_path)
    approve(cli)
    approved = digest(cli)
    cli.clock.sleep(60)
    assert cli("apply", "--no-input").code == 0
    found = cli.store.find(token_name("a/b"))
    reasons = [str(entry.event.detail.get("reason", "")) for entry in cli.store.history(found.id)]
    assert any(reason.endswith(f"approved {approved}") for reason in reasons)


# ---- what an approval does not cover


def test_a_plan_that_changed_since_is_another_plan(cli, tmp_path):
    declared(tmp_path)
    approve(cli)
    written(tmp_path, f"a/b: {{issue: true, consumers: [dotenv:{tmp_path}/elsewhere.env#TOKEN]}}")
    cli.refused("apply", "--no-input", code=3)
    assert living(cli) == 0


def test_what_was_approved_is_covered_beside_what_became_due_since(cli, tmp_path):
    cli.add("old/live")
    declared(tmp_path, "old/live: {consumers: []}")
    approve(cli)
    declared(tmp_path, "old/live: {consumers: [], due: 2026-10-01}")
    assert cli("apply", "--no-input").code == 0


def test_one_that_has_ended_covers_nothing(cli, tmp_path):
    declared(tmp_path)
    approve(cli, "--until", "2026-11-03")
    cli.clock.sleep(3 * DAY)
    cli.refused("apply", "--no-input", code=3)
    approve(cli)
    assert cli("apply", "--no-input").code == 0


def test_one_that_was_used_covers_nothing_again(cli, tmp_path):
    cli.add("a/b")
    consumers = f"[dotenv:{tmp_path}/app.env#TOKEN]"
    written(tmp_path, f"a/b: {{consumers: {consumers}}}")
    approve(cli)
    assert cli("apply", "--no-input").code == 0
    written(tmp_path, "a/b: {consumers: []}")
    assert cli("apply", "--no-input").code == 0
    cli.clock.sleep(60)
    written(tmp_path, f"a/b: {{consumers: {consumers}}}")
    cli.refused("apply", "--no-input", code=3)


def test_one_that_a_person_has_applied_is_used(cli, tmp_path):
    cli.add("a/b")
    consumers = f"[dotenv:{tmp_path}/app.env#TOKEN]"
    written(tmp_path, f"a/b: {{consumers: {consumers}}}")
    approve(cli)
    cli.tty = FakeTty("yes", "yes")
    assert cli("apply").code == 0
    written(tmp_path, "a/b: {consumers: []}")
    assert cli("apply").code == 0
    cli.tty = None
    written(tmp_path, f"a/b: {{consumers: {consumers}}}")
    cli.refused("apply", "--no-input", code=3)


def test_one_of_another_store_is_refused(cli, tmp_path):
    declared(tmp_path)
    approve(cli)
    shared, (entry,) = cli.store.shared_items.trail(Item.APPROVALS)
    there = digest(cli)
    cli.store = MemoryStore(cli.clock)
    cli.store.shared_items.write(Item.APPROVALS, shared.data, "", [entry.event])
    assert digest(cli) != there
    cli.refused("apply", "--no-input", code=3)
    cli.refused("approve", there, "--yes")


def forged(cli, approval=None, *, data=None, event=True, by=None, told=None):
    """Put something there as one might who can write."""
    data = data if data is not None else with_another(KeptApprovals(), approval)
    actor = cli.store.actor() if by is None else type(cli.store.actor())(id=by)
    detail = {**share_detail(Item.APPROVALS, data), "plan": told or (approval.plan if approval else "")}
    events = [Event(at=cli.clock.now(), op=Op.APPROVE, actor=actor, detail=detail)] if event else []
    cli.store.shared_items.write(Item.APPROVALS, data, "", events)


def covering(cli, **more):
    """An approval of what is to be done now, as it would be if it were genuine."""
    actions = cli("plan", "--format", "json").document
    found = []

    class Spy:
        def verdict(self, action):
            from tokenguard.provisioning.approval import ApprovalVerdict

            found.append(ApprovedPart(name=action.name, digest=action.approved_as, news=action.news))
            return ApprovalVerdict(why="looked at")

    import tests.fakes.command_line as module

    real = module.EverythingApproved
    module.EverythingApproved, cli.approver = Spy, True
    try:
        cli("apply", "--no-input")
    finally:
        module.EverythingApproved, cli.approver = real, False
    now = cli.clock.now()
    known = {
        "plan": actions["digest"], "store": cli.store.store_id, "covers": tuple(found), "by": cli.store.actor().id,
        "at": now, "until": now + timedelta(days=7),
    }  # fmt: skip
    return Approval(**{**known, **more})


def test_a_genuine_one_made_by_hand_is_accepted_so_that_the_forgeries_below_mean_something(cli, tmp_path):
    declared(tmp_path)
    forged(cli, covering(cli))
    assert cli("apply", "--no-input").code == 0


FORGERIES = {
    "no event": (6, {}, {"event": False}),
    "another's name": (6, {"by": "user:mallory"}, {}),
    "an event about another plan": (6, {}, {"told": "sha256:" + "1" * 64}),
    "no JSON": (6, None, {"data": b"approved"}),
    "another format": (6, None, {"data": b'{"format":9,"approvals":[]}'}),
    "a field missing": (6, None, {"data": b'{"format":1,"approvals":[{"plan":"x"}]}'}),
    "nested deep": (6, None, {"data": b"[" * 100_000}),
    "another store": (3, {"store": "f" * 32}, {}),
    "valid for ever": (3, {"until": "for ever"}, {}),
    "from the future": (3, {"at": "tomorrow"}, {}),
    "no digest": (3, {"plan": "approved"}, {}),
    "covers nothing": (3, {"covers": ()}, {}),
}


@pytest.mark.parametrize(("code", "approval", "event"), FORGERIES.values(), ids=FORGERIES)
def test_what_no_approver_wrote_is_refused(cli, tmp_path, code, approval, event):
    declared(tmp_path)
    made = None
    if approval is not None:
        now = cli.clock.now()
        dates = {"for ever": now + timedelta(days=3650), "tomorrow": now + timedelta(days=1)}
        made = covering(cli, **{name: dates.get(each, each) if isinstance(each, str) else each
                                for name, each in approval.items()})  # fmt: skip
    if made is not None and "at" in (approval or {}):
        cli.clock.sleep(DAY)
        forged(cli, made, **event)
        cli.clock.elapsed -= DAY
    else:
        forged(cli, made, **event)
    cli.refused("apply", "--no-input", code=code)
    assert living(cli) == 0


BAD = {
    "no digest": ("tomorrow",),
    "an upper-case digest": ("sha256:" + "A" * 64,),
    "another digest": ("sha256:" + "0" * 64, "--yes"),
    "a day that has passed": ("{digest}", "--yes", "--until", "2026-10-01"),
    "a day too far away": ("{digest}", "--yes", "--until", "2027-10-01"),
    "no day": ("{digest}", "--yes", "--until", "soon"),
    "a reason of two lines": ("{digest}", "--yes", "--reason", "one\ntwo"),
    "no manifest": ("{digest}", "nowhere.yaml", "--yes"),
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD)
def test_what_cannot_be_approved_is_bad_input(cli, tmp_path, words):
    declared(tmp_path)
    cli.refused("approve", *(word.format(digest=digest(cli)) for word in words))


def test_nobody_approves_by_accident(cli, tmp_path):
    declared(tmp_path)
    cli.refused("approve", digest(cli), code=3)
    cli.tty = FakeTty("no")
    assert cli("approve", digest(cli)).code == 3
    cli.tty = FakeTty()
    assert cli("approve", digest(cli)).code == 130
    assert cli.store.shared_items.read(Item.APPROVALS) is None


def test_a_plan_tells_what_of_it_needs_an_approval(cli, tmp_path):
    cli.add("old/live")
    declared(tmp_path, "old/live: {consumers: [], owner: audio}")
    plan = cli("plan", "--format", "json").document
    assert [each["name"] for each in plan["needs_approval"]] == ["a/b"]
    assert f"tokenguard approve {plan['digest']}" in cli("plan").out
    assert f"tokenguard approve {plan['digest']}" in cli("plan", "--format", "markdown").out
    assert json.dumps(plan["needs_approval"]).count("app.env#TOKEN") == 1


def test_a_digest_of_nothing_is_told_as_that_where_there_is_no_manifest(cli, tmp_path, monkeypatch):
    """An approver of requests has no manifest: that it is missing is not what is wrong."""
    monkeypatch.chdir(tmp_path)
    refused = cli.refused("approve", f"sha256:{'0' * 64}", "--yes")
    assert "tokenguard request" in refused.answer.err
    assert "tokens.yaml" in cli.refused("approve", f"sha256:{'0' * 64}", "there/tokens.yaml", "--yes").answer.err


@pytest.mark.parametrize("given", [(), ("sha256:0",)], ids=["none", "too short"])
def test_an_approval_without_a_digest_is_refused(cli, words, given):
    answer = cli("approve", *given)
    assert answer.code == 2
    words(answer)
