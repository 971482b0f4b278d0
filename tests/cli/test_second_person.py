"""A second person: sensitive operations run only as another person approved them, once, and before the approval ends."""

import hashlib
import json
import re
import secrets
from datetime import timedelta

import pytest

from tests.cli.manifests import written
from tests.fakes.command_line import CommandLine, FakeTty
from tests.fakes.memory_store import MemoryStore
from tokenguard.cli.migrate import report_open_requests
from tokenguard.domain.event import Actor, Event, Op
from tokenguard.domain.names import token_name
from tokenguard.domain.second_person import same_person
from tokenguard.errors import Unreachable
from tokenguard.ports.shared_item import Item, share_detail
from tokenguard.provisioning.approval import Approval, ApprovedPart, KeptApprovals, with_another, with_rule
from tokenguard.shell.render import Screen

DAY = 86_400
NAME = "video/app/prod/upload"
POLICY = """\
format: 1
name: team
extends: default
rules:
  - id: second-person
    operations: [compromised, retire, destination, owner, permissions, waiver, migrate, reveal]
overrides:
  - rule: second-person
    environment: dev
    operations: []
"""


class PeopleStore(MemoryStore):
    """A store that is told which person uses it."""

    who = "user:alice"

    def actor(self) -> Actor:
        return Actor(id=self.who, host="testhost")


@pytest.fixture
def cli(monkeypatch, capfd, tmp_path) -> CommandLine:
    return team_line(monkeypatch, capfd, tmp_path)


def team_line(monkeypatch, capfd, tmp_path) -> CommandLine:
    """The command line of a team whose policy asks for a second person."""
    monkeypatch.chdir(tmp_path)
    made = CommandLine(monkeypatch, capfd)
    made.approver = False
    made.store = PeopleStore(made.clock)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "config.toml").write_text('[policy]\nfile = "policy.yaml"\n')
    made.environ["TOKENGUARD_CONFIG"] = str(tmp_path / "config.toml")
    return made


def as_person(cli, who, *words, **more):
    cli.store.who = who
    try:
        return cli(*words, **more)
    finally:
        cli.store.who = "user:alice"


def requested(cli, *words):
    answer = cli("request", "--format", "json", "--", *words)
    assert answer.code == 0, answer
    return answer.document["digest"]


def approve(cli, digest, *more, who="user:bob"):
    answer = as_person(cli, who, "approve", digest, "--yes", *more)
    assert answer.code == 0, answer
    return answer


def history(cli, name=NAME):
    return [each.event for each in cli.store.history(cli.store.find(token_name(name)).id)]


SENSITIVE = {
    "a compromised rotation": ("rotate", NAME, "--compromised"),
    "a retirement": ("retire", NAME, "--yes"),
    "another owner": ("edit", NAME, "--owner", "audio", "--yes"),
    "another owner of what is selected": ("edit", "--where", "owner=video", "--owner", "audio", "--yes"),
    "wider permissions": ("edit", NAME, "--permission", "posts:read", "--permission", "posts:write", "--yes"),
    "a destination": ("edit", NAME, "--deliver", "person:ops", "--yes"),
    "an environment with fewer rules": ("edit", NAME, "--env", "dev", "--yes"),
    "a waiver": (
        "fingerprints", "waive", NAME, "--owner", "video", "--reason", "a demonstration", "--until", "2027-06-01",
    ),
    "a revelation": ("show", NAME, "--reveal"),
}  # fmt: skip


@pytest.fixture(params=SENSITIVE.values(), ids=SENSITIVE)
def words(request, cli, monkeypatch):
    cli.add(NAME, "--permission", "posts:read")
    if "--reveal" in request.param:
        made = Screen.__init__

        def on_a_terminal(screen, **how):
            made(screen, **how)
            screen.to_terminal = True

        monkeypatch.setattr(Screen, "__init__", on_a_terminal)
        cli.tty = FakeTty()
    return request.param


# ---- what is approved


def test_an_operation_runs_as_another_person_approved_it(cli, words):
    first = cli(*words)
    assert first.code == 3
    (digest,) = re.findall(r"tokenguard approve (sha256:[0-9a-f]{64})", first.err)
    assert digest == requested(cli, *words)
    approve(cli, digest)
    assert cli(*words).code == 0
    (begun,) = [each for each in history(cli) if "approved" in each.detail]
    assert str(begun.detail["approved"]).startswith(f"{digest}@")
    assert cli("audit", "verify").code == 0


def test_the_refusal_does_nothing_but_file_the_request(cli, words):
    before = (history(cli), cli.world.living(), cli.store.shared_items.trail(Item.APPROVALS))
    assert cli(*words).code == cli(*words).code == 3
    assert (history(cli), cli.world.living(), cli.store.shared_items.trail(Item.APPROVALS)) == before
    _, entries = cli.store.shared_items.trail(Item.REQUESTS)
    assert [each.event.op for each in entries] == [Op.REQUEST], "asked again is not asked twice"


def test_a_person_at_a_terminal_needs_the_second_person_too(cli, words):
    cli.tty = FakeTty("1", "yes")
    assert cli(*(word for word in words if word != "--yes")).code == 3
    assert len(cli.tty.answers) == 2, "nothing is asked before the approval is there"
    assert not any(value in "".join(cli.tty.shown) for value in (each.value for each in cli.world.made.values()))


def test_several_tokens_are_one_request(cli):
    for name in ("a/b/prod/one", "a/b/prod/two"):
        cli.add(name)
    words = ("retire", "a/b/prod/one", "a/b/prod/two", "--yes")
    digest = requested(cli, *words)
    approve(cli, digest)
    assert cli(*words).code == 0


def test_an_operation_that_was_begun_is_resumed_without_another_approval(cli):
    cli.add()
    approve(cli, requested(cli, "rotate", NAME, "--compromised"))
    cli.add("a/b/prod/other")
    cli.world.revoke_lag = 100_000
    assert cli("rotate", NAME, "--compromised").code == 5
    cli.world.revoke_lag = 0
    assert cli("rotate", NAME, "--resume").code == 0


def test_a_rotation_that_the_policy_makes_compromised_waits_too(cli):
    value = cli.add()
    cli.add("a/b/prod/other")
    assert cli("respond", "--stdin", "--reach", "public", "--no-input", stdin=value).code == 1
    answer = cli("rotate", "--due", "--no-input")
    assert answer.code == 3, answer
    assert not any(each.op is Op.OPEN and each.detail.get("mode") == "compromised" for each in history(cli))
    approve(cli, requested(cli, "rotate", NAME, "--compromised"))
    assert cli("rotate", "--due", "--no-input").code == 0


def test_upkeep_waits_for_the_second_person_and_does_the_rest(cli):
    value = cli.add()
    other = cli.add("a/b/prod/other", "--due", "2026-10-01")
    assert cli("respond", "--stdin", "--reach", "public", "--no-input", stdin=value).code == 1
    answer = cli("upkeep")
    assert (answer.code, "needs a second person" in answer.out + answer.err) == (3, True), answer
    assert cli.world.of_value(value) in cli.world.living()
    assert cli.world.of_value(other) not in cli.world.living()


def test_a_response_records_the_leak_and_waits_unless_the_glass_is_broken(cli):
    value = cli.add()
    cli.add("a/b/prod/other")
    respond = ("respond", "--stdin", "--reach", "public", "--rotate", "--no-input")
    answer = cli(*respond, stdin=value)
    assert (answer.code, "tokenguard approve sha256:" in answer.out + answer.err) == (3, True), answer
    assert cli.store.find(token_name(NAME)).document.record.live_leak is not None
    assert cli.world.of_value(value) in cli.world.living()
    answer = cli(*respond, "--break-glass", "public for an hour", stdin=value)
    assert answer.code == 0, answer
    assert cli.world.of_value(value) not in cli.world.living()
    assert len(cli.wiring().second_person.reviews()) == 1


def test_an_override_asks_no_second_person_elsewhere(cli):
    cli.add("video/app/dev/upload", "--env", "dev")
    assert cli("rotate", "video/app/dev/upload", "--compromised").code == 0


def test_a_planned_rotation_needs_no_second_person(cli):
    cli.add()
    assert cli("rotate", NAME).code == 0


@pytest.mark.parametrize("line", [("rotate", NAME, "--compromised", "--plan"), ("retire", NAME, "--plan")])
def test_a_plan_says_that_a_second_person_is_needed_and_requests_nothing(cli, line):
    cli.add()
    answer = cli(*line)
    assert (answer.code, "needs a second person" in answer.err) == (0, True), answer
    assert cli.store.shared_items.read(Item.REQUESTS) is None


def test_the_first_permissions_of_a_record_wait_because_the_next_value_gets_them(cli, tmp_path):
    cli.add(NAME)
    assert cli("edit", NAME, "--permission", "posts:write", "--yes").code == 3
    listed = cli("list", "--format", "json").document["tokens"]
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps([{"name": each["name"], "permissions": ["posts:write"]} for each in listed]))
    assert cli("import", "--update", str(file), "--yes").code == 3
    assert cli("show", NAME, "--format", "json").document["permissions"] == []


# ---- what is not


def other_digest(cli, words):
    cli.add("a/b/prod/other", "--permission", "posts:read")
    line = tuple("a/b/prod/other" if word == NAME else word for word in words)
    line = tuple("name=a/b/prod/other" if word == "owner=video" else word for word in line)
    approve(cli, requested(cli, *line))


def after_its_end(cli, words):
    approve(cli, requested(cli, *words), "--until", "2026-11-03")
    cli.clock.sleep(3 * DAY)


def another_person(cli, words):
    approve(cli, as_person(cli, "user:carol", "request", "--format", "json", "--", *words).document["digest"])


def another_scope(cli, words):
    approve(cli, requested(cli, *words))
    document = cli.store.find(token_name(NAME))
    from tokenguard.frozen import replace

    changed = replace(document.document, record=replace(document.document.record, environment="staging"))
    cli.store.commit(document.id, document.version, changed, [])


NOT_COVERED = {
    "not approved": lambda cli, words: None,
    "on another token": other_digest,
    "after its end": after_its_end,
    "another person's request": another_person,
    "a record that changed since": another_scope,
}


@pytest.mark.parametrize("prepare", NOT_COVERED.values(), ids=NOT_COVERED)
def test_an_operation_that_was_not_approved_is_refused(cli, words, prepare):
    prepare(cli, words)
    living = cli.world.living()
    assert cli(*words).code == 3
    assert cli.world.living() == living


def test_the_requester_cannot_approve(cli, words):
    digest = requested(cli, *words)
    cli.refused("approve", digest, "--yes")
    assert cli(*words).code == 3


def test_an_approval_is_used_once(cli):
    cli.add()
    words = SENSITIVE["a waiver"]
    digest = requested(cli, *words)
    approve(cli, digest)
    assert cli(*words).code == 0
    assert cli("fingerprints", "waive", NAME, "--end").code == 0
    cli.clock.sleep(60)
    refused = cli(*words)
    assert (refused.code, "was used" in refused.err) == (3, True)
    approve(cli, digest)
    assert cli(*words).code == 0, "another approval of the same operation covers it once more"


def test_the_trail_names_the_approval_that_an_operation_used(cli):
    cli.add()
    words = ("rotate", NAME, "--compromised")
    digest = requested(cli, *words)
    approve(cli, digest)
    assert cli(*words).code == 0
    (opened,) = (each for each in history(cli) if each.op is Op.OPEN and each.detail["mode"] == "compromised")
    assert opened.detail.get("approved", "").startswith(f"{digest}@")


def test_an_approval_to_end_a_value_is_none_to_end_the_next_one(cli):
    cli.add()
    words = ("rotate", NAME, "--compromised")
    digest = requested(cli, *words)
    assert cli(*words, "--break-glass", "the deputy is asleep").code == 0
    as_person(cli, "user:bob", "approve", digest, "--yes")
    assert cli(*words).code == 3
    assert requested(cli, *words) != digest


REPEATED = {
    "a waiver that was used": (0, ("fingerprints", "waive", NAME, "--end")),
    "one whose approval ended": (9 * DAY, ()),
}


@pytest.mark.parametrize(("later", "undo"), REPEATED.values(), ids=REPEATED)
@pytest.mark.parametrize("again", ["run", "request"])
def test_what_is_refused_again_after_its_approval_waits_again(cli, later, undo, again):
    cli.add()
    words = SENSITIVE["a waiver"]
    digest = requested(cli, *words)
    cli.clock.sleep(60)
    approve(cli, digest)
    if undo:
        assert cli(*words).code == 0
        assert cli(*undo).code == 0
    else:
        cli.clock.sleep(later)
    cli.clock.sleep(60)
    assert requested(cli, *words) == digest if again == "request" else cli(*words).code == 3
    assert [each["digest"] for each in cli("request", "--format", "json").document["requests"]] == [digest]
    before = cli.everything()
    assert cli(*words).code == 3
    assert cli.everything() == before, "it is on record once"
    cli.clock.sleep(60)
    approve(cli, digest)
    assert cli("request", "--format", "json").document == {"requests": [], "expired": []}
    assert cli(*words).code == 0


def test_an_approval_that_ended_is_not_revived_by_a_clock_that_is_behind(cli, words):
    approve(cli, requested(cli, *words))
    cli.clock.sleep(8 * DAY)
    assert cli(*words).code == 3
    assert cli("edit", NAME, "--notes", "seen").code == 0
    cli.clock.elapsed -= 8 * DAY
    refused = cli(*words)
    assert (refused.code, "clock is behind" in refused.err) == (3, True)


def test_the_approval_of_a_plan_that_ended_is_not_revived_by_a_clock_that_is_behind(cli, tmp_path):
    cli.add()
    written(tmp_path, f"{NAME}: {{consumers: [dotenv:{tmp_path}/other.env#TOKEN]}}")
    approve(cli, cli("plan", "--format", "json").document["digest"])
    cli.clock.sleep(8 * DAY)
    assert cli("apply", "--no-input").code == 3
    assert cli("edit", NAME, "--notes", "seen").code == 0
    cli.clock.elapsed -= 8 * DAY
    before = cli.store.find(token_name(NAME)).document.record
    assert cli("apply", "--no-input").code == 3
    assert cli.store.find(token_name(NAME)).document.record == before


def forged(cli, words, *, by="user:bob", event=True, actor=None, covers=None):
    """An approval as it would be written with a client of the store's server, past tokenguard."""
    document = cli("request", "--format", "json", "--", *words).document
    request = cli.wiring().second_person.request_of(document["digest"])
    now = cli.clock.now()
    approval = Approval(
        plan=request.digest, store=cli.store.store_id, covers=request.covers if covers is None else covers, by=by,
        at=now, until=now + timedelta(days=1),
    )  # fmt: skip
    data = with_another(KeptApprovals(), approval)
    detail = {**share_detail(Item.APPROVALS, data), "plan": request.digest}
    told = [Event(at=now, op=Op.APPROVE, actor=Actor(id=actor or by), detail=detail)] if event else []
    cli.store.shared_items.write(Item.APPROVALS, data, "", told)


def test_a_genuine_one_made_by_hand_is_accepted_so_that_the_forgeries_below_mean_something(cli, words):
    forged(cli, words)
    assert cli(*words).code == 0


FORGERIES = {
    "by the requester": (3, {"by": "user:alice"}),
    "without an event": (6, {"event": False}),
    "in another's name": (6, {"actor": "user:mallory"}),
    "of nothing": (3, {"covers": ()}),
    "of another operation": (3, {"covers": (ApprovedPart(name=token_name(NAME), digest="0" * 64, news=("x",)),)}),
}


@pytest.mark.parametrize(("code", "how"), FORGERIES.values(), ids=FORGERIES)
def test_a_forged_approval_is_refused(cli, words, code, how):
    forged(cli, words, **how)
    living = cli.world.living()
    assert cli(*words).code == code
    assert cli.world.living() == living


def test_a_forged_list_of_requests_is_tampering(cli, words):
    requested(cli, *words)
    shared, _ = cli.store.shared_items.trail(Item.REQUESTS)
    data = shared.data.replace(b"user:alice", b"user:carol")
    event = Event(at=cli.clock.now(), op=Op.REQUEST, actor=Actor(id="user:carol"),
                  detail=share_detail(Item.REQUESTS, data))  # fmt: skip
    cli.store.shared_items.write(Item.REQUESTS, data, shared.revision, [event])
    assert cli(*words).code == 6
    assert as_person(cli, "user:bob", "approve", "sha256:" + "0" * 64, "--yes").code == 6


MANIFESTS = {
    "another owner": "owner: audio, consumers: []",
    "a destination": "consumers: [dotenv:TMP/other.env#TOKEN]",
    "an environment with fewer rules": "environment: dev, consumers: []",
}


@pytest.mark.parametrize("declared", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_waits_too_also_where_a_person_confirms_it(cli, tmp_path, declared):
    cli.add()
    written(tmp_path, f"{NAME}: {{{declared.replace('TMP', str(tmp_path))}}}")
    before = cli.store.find(token_name(NAME)).document.record
    cli.tty = FakeTty("yes", "yes")
    refused = cli("apply")
    assert refused.code == 3, refused
    assert cli.store.find(token_name(NAME)).document.record == before
    (found,) = cli("request", "--format", "json").document["requests"]
    approve(cli, found["digest"])
    cli.tty = FakeTty("yes", "yes")
    assert cli("apply").code == 0


def test_a_plan_that_another_person_approved_needs_no_second_approval_of_its_destinations(cli, tmp_path):
    cli.add()
    written(tmp_path, f"{NAME}: {{consumers: [dotenv:{tmp_path}/other.env#TOKEN]}}")
    plan = cli("plan", "--format", "json").document["digest"]
    approve(cli, plan, who="user:alice")
    assert cli("apply", "--no-input").code == 3
    approve(cli, plan)
    assert cli("apply", "--no-input").code == 0


WIDENED = {
    "add": ("add", "{name}", "--deliver", "dotenv:{tmp}/evil.env#B", "--issue"),
    "add with another command after the delivery": (
        "add", "{name}", "--deliver", "dotenv:{tmp}/p3.env#A", "--after", "dotenv:{tmp}/p3.env#A=reload", "--stdin",
    ),
    "add for another owner": ("add", "{name}", "--owner", "mal", "--stdin"),
    "add in an environment with fewer rules": ("add", "{name}", "--env", "dev", "--issue"),
    "import": ("import", "{tmp}/widened.csv"),
}  # fmt: skip


@pytest.mark.parametrize("line", WIDENED.values(), ids=WIDENED)
def test_a_declared_token_is_widened_only_with_a_second_person(cli, tmp_path, line):
    name = "pend/three"
    with (tmp_path / "config.toml").open("a") as config:
        config.write('[commands.reload]\nargv = ["true"]\n')
    written(tmp_path, f"{name}: {{provider: manual, consumers: [dotenv:{tmp_path}/p3.env#A]}}")
    cli.tty = FakeTty("yes", "yes")
    assert cli("apply").code == 3
    assert cli.store.find(token_name(name)) is None, "its first destinations wait as well"
    (found,) = cli("request", "--format", "json").document["requests"]
    approve(cli, found["digest"])
    cli.tty = FakeTty("yes", "yes")
    assert cli("apply").code in {0, 1, 3}
    before = cli.store.find(token_name(name)).document.record
    assert before.state == "pending"
    (declared,) = [each for each in history(cli, name) if "approved" in each.detail]
    assert declared.op is Op.ADD
    cli.tty = None
    value = "tgcanary" + secrets.token_hex(16)
    (tmp_path / "widened.csv").write_text(
        "name,value,provider,scope,environment,owner,purpose,consumers\n"
        f"{name},{value},manual,drive:d1,prod,video,uploads,dotenv:{tmp_path}/evil.env#B\n"
    )
    (tmp_path / "widened.csv").chmod(0o600)
    words = [each.format(name=name, tmp=tmp_path) for each in line]
    refused = cli(*words, **({"stdin": value} if "--stdin" in words else {}))
    assert refused.code == 3, refused
    assert "needs a second person" in refused.out + refused.err
    assert cli.store.find(token_name(name)).document.record == before
    (found,) = cli("request", "--format", "json").document["requests"]
    approve(cli, found["digest"])
    done = cli(*words, **({"stdin": value} if "--stdin" in words else {}))
    assert "needs a second person" not in done.out + done.err
    if "--issue" not in words:
        assert cli.store.find(token_name(name)).document.record.state == "active", done


def test_an_approval_of_one_destination_is_not_one_of_two_that_read_the_same(cli, tmp_path):
    cli.add()
    joined = f"person:the wiki, dotenv:{tmp_path}/evil.env#B"
    approve(cli, requested(cli, "edit", NAME, "--deliver", joined, "--yes"))
    two = ("--deliver", "person:the wiki", "--deliver", f"dotenv:{tmp_path}/evil.env#B")
    assert cli("edit", NAME, *two, "--yes").code == 3
    shown = [
        each["operations"][0]["new destination"] for each in cli("request", "--format", "json").document["requests"]
    ]
    assert shown == [two[1] + "\n" + two[3]]
    assert f"new destination {two[1]}, {two[3]}, provider" in cli("request", "--", "edit", NAME, *two, "--yes").out
    assert (
        f'new destination "{joined}", provider'
        in cli("request", "--", "edit", NAME, *("--deliver", joined), "--yes").out
    )


def test_a_request_has_each_fact_as_text_for_programs(cli, words):
    (operation,) = cli("request", "--format", "json", "--", *words).document["operations"]
    assert {"provider", "scope", "environment", "owner", "consumers"} < set(operation)
    assert all(isinstance(each, str) for each in operation.values())


def test_a_command_after_a_delivery_waits_for_a_second_person_and_ends_older_approvals(cli, tmp_path):
    with (tmp_path / "config.toml").open("a") as config:
        config.write('[commands.reload]\nargv = ["true"]\n')
    target = f"dotenv:{tmp_path}/app.env#TOKEN"
    cli.add()
    deliver = ("edit", NAME, "--deliver", target, "--yes")
    approve(cli, requested(cli, *deliver))
    assert cli(*deliver).code == 0
    retire = ("retire", NAME, "--yes")
    approve(cli, requested(cli, *retire))
    change = ("edit", NAME, "--after", f"{target}=reload", "--yes")
    assert cli(*change).code == 3
    approve(cli, requested(cli, *change))
    assert cli(*change).code == 0
    assert cli(*retire).code == 3


@pytest.mark.parametrize("reach", ["public", "staged"])
def test_a_response_that_was_refused_names_the_command_to_run_after_the_approval(cli, reach):
    value = cli.add()
    answer = cli("respond", "--stdin", "--reach", reach, "--rotate", "--no-input", stdin=value)
    assert answer.code == 3, answer
    assert f"run `tokenguard rotate {NAME} --compromised`" in answer.out
    assert "--resume" not in answer.out + answer.err
    (found,) = cli("request", "--format", "json").document["requests"]
    approve(cli, found["digest"])
    assert cli("rotate", NAME, "--compromised").code == 0


NAMED = {
    "a response": ("respond", "--stdin", "--reach", "public", "--rotate", "--no-input"),
    "an apply": ("apply", "--yes"),
    "a command on one token": ("retire", NAME, "--yes"),
}


@pytest.mark.parametrize("line", NAMED.values(), ids=NAMED)
def test_a_refusal_names_its_token_and_not_twice_in_front(cli, tmp_path, line):
    value = cli.add()
    written(tmp_path, f"{NAME}: {{owner: audio, consumers: []}}")
    refused = cli(*line, stdin=value)
    assert refused.code == 3, refused
    (said,) = [each for each in refused.err.splitlines() if "needs a second person" in each]
    assert NAME in said
    assert f"{NAME}: {NAME}:" not in said


BAD_REQUESTS = {
    "a value that is not shown": ("request", "--", "show", NAME),
    "fingerprints that are published": ("request", "--", "fingerprints", "publish", "bundle"),
    "a migration that is undone": ("request", "--", "migrate", "--abort"),
    "an import": ("request", "--", "import", "tokens.csv"),
    "another field": ("request", "--", "edit", NAME, "--notes", "x"),
    "a request of a request": ("request", "--", "request", "--", "retire", NAME),
    "the end of a waiver": ("request", "--", "fingerprints", "waive", NAME, "--end"),
    "break-glass without anything sensitive": ("show", NAME, "--break-glass", "x"),
    "a command that needs none": ("request", "--", "rotate", NAME),
    "another command": ("request", "--", "list"),
    "no command of ours": ("request", "--", "rm"),
    "an unknown token": ("request", "--", "retire", "a/b"),
    "a retired option": ("request", "--", "retire", NAME, "--nonsense"),
    "break-glass": ("request", "--", "retire", NAME, "--break-glass", "fire"),
    "break-glass without a reason": ("retire", NAME, "--yes", "--break-glass", " "),
    "break-glass on two lines": ("retire", NAME, "--yes", "--break-glass", "one\ntwo"),
}


@pytest.mark.parametrize("line", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_what_cannot_be_requested_is_bad_input(cli, line):
    cli.add()
    cli.refused(*line)


def test_a_request_runs_nothing_where_the_policy_asks_nothing(cli, words, tmp_path):
    (tmp_path / "policy.yaml").write_text("format: 1\nname: team\nextends: default\n")
    cli.refused("request", "--", *words)
    assert len(cli.world.living()) == 1


def test_a_request_writes_nothing_for_what_no_rule_is_about(cli):
    value = cli.add()
    cli.add("a/b/prod/other")
    assert cli("respond", "--stdin", "--reach", "public", "--no-input", stdin=value).code == 1
    before, cli.tty = cli.everything(), FakeTty("yes", "yes")
    assert cli("request", "--", "edit", NAME, "--leak-ended", "a mistake", "--yes").code == 2
    assert cli.everything() == before


def test_a_person_sees_what_they_approve_and_is_asked(cli, words):
    digest = requested(cli, *words)
    cli.tty = FakeTty("no")
    assert as_person(cli, "user:bob", "approve", digest).code == 3
    shown = "\n".join(cli.tty.shown)
    assert all(word in shown for word in (NAME, "user:alice", "drive:d1", "video", "prod"))
    cli.tty = None
    assert as_person(cli, "user:bob", "approve", digest).code == 3
    assert cli.store.shared_items.read(Item.APPROVALS) is None


def test_what_waits_is_listed_until_it_is_approved(cli, words):
    digest = requested(cli, *words)
    assert digest in cli("request").out
    approve(cli, digest)
    assert cli("request", "--format", "json").document == {"requests": [], "expired": []}
    assert "nothing awaits" in cli("request").out


# ---- break-glass


def test_break_glass_goes_first_and_stays_open_in_check_until_another_person_closes_it(cli, words):
    assert cli(*words, "--break-glass", "the owner is asleep").code == 0
    (opened,) = [each for each in history(cli) if "break_glass" in each.detail]

    def open_reviews():
        checked = cli("check", "--inventory-only", "--format", "json").document["violations"]
        return [each for each in checked if each["rule"] == "second-person"]

    (found,) = open_reviews()
    assert (found["token"], "the owner is asleep" in json.dumps(found)) == (NAME, True)
    digest = opened.detail["break_glass"]
    assert digest in cli("request").out
    assert cli("approve", digest, "--yes").code == 2, "not by the person who did it"
    assert open_reviews()
    approve(cli, digest)
    assert open_reviews() == []
    assert cli("audit", "verify").code == 0


def test_a_review_that_was_written_by_the_same_person_stays_open(cli):
    cli.add()
    assert cli("retire", NAME, "--yes", "--break-glass", "fire").code == 0
    (review,) = cli.wiring().second_person.reviews()
    data = with_another(KeptApprovals(), Approval(plan=review.digest, store=cli.store.store_id, covers=(), by="user:alice",
                                     at=cli.clock.now(), until=cli.clock.now() + timedelta(days=1)))  # fmt: skip
    detail = {**share_detail(Item.APPROVALS, data), "plan": review.digest}
    event = Event(at=cli.clock.now(), op=Op.APPROVE, actor=Actor(id="user:alice"), detail=detail)
    cli.store.shared_items.write(Item.APPROVALS, data, "", [event])
    assert cli.wiring().second_person.reviews() == (review,)
    assert cli("check", "--inventory-only").code == 1


def test_a_review_covers_nothing_that_could_be_done_again(cli):
    cli.add()
    words = ("rotate", NAME, "--compromised")
    assert cli(*words, "--break-glass", "leaked").code == 0
    digest = next(str(each.detail["break_glass"]) for each in history(cli) if "break_glass" in each.detail)
    approve(cli, digest)
    assert cli(*words).code == 3


def test_break_glass_that_cannot_be_recorded_does_nothing(cli, words, monkeypatch):
    from tokenguard.errors import Unreachable

    def denied(*_arguments):
        raise Unreachable("denied", hint="ask")

    monkeypatch.setattr(cli.store, "write", denied)
    living = cli.world.living()
    assert cli(*words, "--break-glass", "fire").code == 4
    assert cli.world.living() == living


SAME = {
    "an entity": ("vault:entity:1", "vault:entity:1", True),
    "two entities": ("vault:entity:1", "vault:entity:2", False),
    "a role, two sessions": (
        "arn:aws:sts::1:assumed-role/admin/alice", "arn:aws:sts::1:assumed-role/admin/bob", True,
    ),
    "a person in two roles": (
        "arn:aws:sts::1:assumed-role/admin/alice", "arn:aws:sts::1:assumed-role/approver/alice", True,
    ),
    "two people in two roles": (
        "arn:aws:sts::1:assumed-role/admin/alice", "arn:aws:sts::1:assumed-role/approver/bob", False,
    ),
    "two users": ("arn:aws:iam::1:user/alice", "arn:aws:iam::1:user/bob", False),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other", "same"), SAME.values(), ids=SAME)
def test_who_counts_as_the_same_person(one, other, same):
    assert same_person(one, other) is same_person(other, one) is same


# ---- new tokens and programs

NEW = "video/app/prod/new"
FIELDS = ("--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads")


def added(tmp_path, *more):
    return ("add", NEW, *FIELDS, "--deliver", f"dotenv:{tmp_path}/new.env#TOKEN", *more)


@pytest.mark.parametrize("how", ["--issue", "--stdin"])
def test_a_new_token_with_a_destination_waits_before_its_value_is_made_or_read(cli, tmp_path, how):
    cli.add()
    words, stdin = added(tmp_path, how), cli.world.create("by-hand").value if how == "--stdin" else ""
    living = cli.world.living()
    assert cli(*words).code == 3, "without the value"
    assert cli(*words, stdin=stdin).code == 3
    assert (cli.world.living(), cli.store.find(token_name(NEW))) == (living, None)
    digest = requested(cli, *words)
    approve(cli, digest)
    assert cli(*words, stdin=stdin).code == 0
    (begun,) = [each for each in history(cli, NEW) if "approved" in each.detail]
    assert (begun.op, str(begun.detail["approved"]).startswith(digest)) == (Op.OPEN, True)
    assert (tmp_path / "new.env").exists()


OTHERWISE = {
    "no destination": lambda words: (*words[:-3], words[-1]),
    "declared to have no consumers": lambda words: (*words[:-3], "--no-consumers", words[-1]),
    "where the policy asks for none": lambda words: tuple("dev" if each == "prod" else each for each in words),
}


@pytest.mark.parametrize("change", OTHERWISE.values(), ids=OTHERWISE)
def test_a_new_token_without_a_sensitive_destination_does_not_wait(cli, tmp_path, change):
    words = change(added(tmp_path, "--issue"))
    assert cli(*words).code == 0
    if "dev" not in words:
        assert cli("request", "--", "add", "a/b/prod/c", *FIELDS, "--issue").code == 2


def test_the_approval_of_a_new_token_is_for_this_destination_and_used_once(cli, tmp_path):
    words = added(tmp_path, "--issue")
    approve(cli, requested(cli, *words))
    other = tuple(each.replace("new.env", "evil.env") for each in words)
    assert cli(*other).code == 3
    cli.world.unknown = 99
    assert cli(*words).code == 4
    cli.world.unknown = 0
    assert cli("rotate", NEW, "--abort").code == 0
    renamed = f"{cli.store.find(token_name(NEW)).id},video/app/prod/old,none"
    (tmp_path / "list.csv").write_text(f"id,name,consumers\n{renamed}\n")
    assert cli("import", "--update", "list.csv", "--yes").code == 0
    refused = cli(*words)
    assert (refused.code, "was used" in refused.err) == (3, True), refused


def test_an_import_waits_only_for_the_destinations_that_its_file_adds(cli, tmp_path):
    value, other = (cli.world.create(each).value for each in ("one", "two"))
    (tmp_path / ".env").write_text(f"FAKE_TOKEN={value}\n")
    assert cli("import", ".env", "--provider", "fake").code == 0
    (tmp_path / "list.csv").write_text(
        "name,value,provider,scope,environment,owner,purpose,consumers\n"
        f"{NEW},{other},fake,drive:d1,prod,video,uploads,dotenv:{tmp_path}/new.env#B\n"
    )
    assert cli("import", "list.csv").code == 3
    assert cli.store.find(token_name(NEW)) is None
    (found,) = cli("request", "--format", "json").document["requests"]
    approve(cli, found["digest"])
    assert cli("import", "list.csv").code == 0


@pytest.fixture
def found_in_env(cli, tmp_path):
    """A token that `import` found in a file, at the prompts of `triage`: its last answer but one is its consumers."""
    value = cli.world.create("one").value
    (tmp_path / ".env").write_text(f"FAKE_TOKEN={value}\n")
    assert cli("import", ".env", "--prefix", "video/old", "--provider", "fake").code == 0
    (found,) = list(cli.store.scan())
    return found.document.record.name


def answers(consumers):
    return FakeTty("video", "", "prod", "uploads", "kim", consumers, "2026-01-02")


def test_triage_writes_what_needs_no_approval_and_says_what_waits(cli, found_in_env):
    cli.tty = answers("person:ops")
    answer = cli("triage")
    assert answer.code == 3, answer
    assert "1 of 1 record changed; 1 waiting for a second person" in answer.out
    record = cli.store.find(found_in_env).document.record
    assert (record.owner, record.environment, record.made_by, record.consumers) == ("video", "prod", "kim", None)
    (request,) = cli("request", "--format", "json").document["requests"]
    approve(cli, request["digest"])
    cli.tty = FakeTty("person:ops")
    assert cli("triage").code == 0
    assert [str(each) for each in cli.store.find(found_in_env).document.record.consumers] == ["person:ops"]


def test_the_place_where_import_found_a_value_does_not_wait(cli, found_in_env):
    cli.tty = answers("")
    answer = cli("triage")
    assert answer.code == 0, (answer, cli.tty.shown)
    record = cli.store.find(found_in_env).document.record
    assert [str(each) for each in record.consumers] == [record.imported_from]


def test_triage_goes_first_with_break_glass(cli, found_in_env):
    cli.tty = answers("person:ops")
    assert cli("triage", "--break-glass", "the deputy is asleep").code == 0
    assert len(cli.wiring().second_person.reviews()) == 1


TITLES = {
    "a compromised rotation": "rotation that revokes first", "a retirement": "retirement", "another owner": "change of owner",
    "another owner of what is selected": "change of owner", "a destination": "new destination",
    "an environment with fewer rules": "change of environment", "a waiver": "waiver of a leak",
}  # fmt: skip


@pytest.mark.parametrize("which", TITLES)
def test_an_operation_is_named_as_what_it_is(cli, which):
    cli.add()
    words, title = SENSITIVE[which], TITLES[which]
    refused = cli(*words)
    assert f"{title} needs a second person for {NAME}" in refused.err + refused.out, refused
    listed = cli("request").out
    assert f"{NAME}: {title}" in listed
    assert "needs approval first" in listed


def test_a_request_lists_only_what_changes(cli):
    cli.add()
    cli("edit", NAME, "--env", "dev", "--yes")
    (request,) = cli("request", "--format", "json").document["requests"]
    (operation,) = request["operations"]
    assert operation["new environment"] == "dev"
    assert not {"new name", "new provider"} & set(operation)


def test_a_review_is_told_from_a_request_and_named_when_it_is_closed(cli):
    cli.add()
    assert cli("edit", NAME, "--env", "dev", "--yes", "--break-glass", "the deputy is asleep").code == 0
    assert "done, needs a review" in cli("request").out
    (review,) = cli.wiring().second_person.reviews()
    assert review.operation == "change of environment"
    closed = as_person(cli, "user:bob", "approve", review.digest, "--yes")
    assert f"{NAME}: change of environment" in closed.out


def test_the_plan_of_a_migration_counts_what_is_open(cli, capfd):
    cli.add()
    cli.add("video/app/prod/other")
    requested(cli, "retire", "video/app/prod/other", "--yes")
    assert cli("edit", NAME, "--owner", "audio", "--yes", "--break-glass", "the deputy is asleep").code == 0
    report_open_requests(cli.wiring(), cli.store)
    assert "1 review and 1 request are open" in capfd.readouterr().err


PROGRAMS = {
    "exec": ("exec", "-t", f"{NAME}=TOKEN", "--", "true"),
    "env": ("env", "-t", f"{NAME}=TOKEN", "--format", "dotenv"),
}


@pytest.mark.parametrize("words", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_gets_a_value_only_with_a_second_person(cli, words):
    value = cli.add()
    refused = cli(*words)
    assert refused.code == (125 if words[0] == "exec" else 3)
    assert value not in refused.out
    assert not any(each.op is Op.DISCLOSE for each in history(cli))
    digest = requested(cli, *words)
    approve(cli, digest)
    done = cli(*words)
    assert (done.code, value in done.out) == (0, words[0] == "env")
    (begun,) = [each for each in history(cli) if "approved" in each.detail]
    assert (begun.op, begun.phase) == (Op.DISCLOSE, "intent")
    assert cli(*words).code == refused.code, "once"


@pytest.mark.parametrize("other", [("false",), ("/bin/true",), ("true", "--all"), ("true", "")])
def test_the_approval_of_one_program_is_none_of_another(cli, other):
    cli.add()
    approve(cli, requested(cli, *PROGRAMS["exec"]))
    refused = cli(*PROGRAMS["exec"][:-1], *other)
    assert (refused.code, "the approval was for a different disclosure of the value" in refused.err) == (125, True), (
        refused
    )
    assert "and it is not approved" in cli("retire", NAME, "--yes").err
    assert cli(*PROGRAMS["env"]).code == 3


def test_the_approval_of_one_destination_of_env_is_none_of_another(cli, tmp_path):
    cli.add()
    names = ("env", "-t", NAME)
    approved = {
        "directory": (*names, "--format", "systemd", "--output", str(tmp_path / "one")),
        "secret": (*names, "--format", "k8s", "--secret", "video/publisher"),
    }
    others = {"directory": str(tmp_path / "other"), "secret": "video/other"}
    for what, arguments in approved.items():
        assert f", {what} {arguments[-1]}" in cli("request", "--", *arguments).out
        approve(cli, requested(cli, *arguments))
        refused = cli(*arguments[:-1], others[what])
        assert (refused.code, "the approval was for a different disclosure of the value" in refused.err) == (3, True)
    assert not list(tmp_path.glob("other*"))


def test_a_request_says_which_command_line_it_covers_without_its_words(cli):
    cli.add()
    argument = "tgcanary" + secrets.token_hex(8)
    asked = cli("request", "--", *PROGRAMS["exec"], argument)
    assert asked.code == 0
    whole = hashlib.sha256(b"true\0" + argument.encode() + b"\0").hexdigest()  # as docs/approvals.md says
    assert f"to exec true, command line sha256:{whole}" in asked.out
    assert argument not in asked.out + asked.err + repr(cli.everything())


def test_a_program_without_tokens_asks_nobody_and_opens_no_store(cli):
    cli.store = None
    assert cli("exec", "--", "true").code == 0


# ---- break-glass everywhere

GLASS = {
    "add": lambda tmp: added(tmp, "--issue"),
    "exec": lambda tmp: PROGRAMS["exec"],
    "env": lambda tmp: PROGRAMS["env"],
    "apply": lambda tmp: ("apply", "--yes"),
    "import --update": lambda tmp: ("import", "--update", "list.csv", "--yes"),
    "offboard": lambda tmp: ("offboard", "kim", "--to", "alex", "--owner-to", "audio", "--yes"),
}


@pytest.mark.parametrize("line", GLASS.values(), ids=GLASS)
def test_break_glass_goes_first_and_opens_one_review(cli, tmp_path, line):
    cli.add(NAME, "--owner", "kim", "--made-by", "kim")
    cli.add("a/b/prod/other")
    words = line(tmp_path)
    written(tmp_path, f"{NAME}: {{owner: audio, consumers: []}}")
    (tmp_path / "list.csv").write_text(f"name,owner\n{NAME},audio\n")
    refused = cli(*words)
    assert refused.code in {3, 125}, refused
    assert cli.wiring().second_person.reviews() == ()
    glass = ("--break-glass", "the deputy is asleep")
    at = 1 if words[0] in {"exec", "env"} else len(words)
    done = cli(*words[:at], *glass, *words[at:])
    assert done.code == 0, done
    reviews = cli.wiring().second_person.reviews()
    assert len(reviews) == 1
    waiting = cli("request", "--format", "json").document["requests"]
    assert [each["break_glass"] for each in waiting] == ["the deputy is asleep"], "what was forced waits no more"
    (review,) = reviews
    assert (review.by, review.reason) == ("user:alice", "the deputy is asleep")
    findings = cli("check", "--inventory-only")
    assert (findings.code, review.digest in findings.out) == (1, True), findings
    approve(cli, review.digest)
    assert cli.wiring().second_person.reviews() == ()
    assert cli("audit", "verify").code == 0


MANY = {
    "apply": lambda tmp: ("apply", "--yes"),
    "offboard": lambda tmp: ("offboard", "kim", "--to", "alex", "--owner-to", "audio", "--yes"),
    "import --update": lambda tmp: ("import", "--update", "list.csv", "--yes"),
}


@pytest.fixture(params=MANY.values(), ids=MANY)
def many(request, cli, tmp_path):
    """A command that changes the owner of two tokens."""
    names = ("a/b/prod/one", "a/b/prod/two")
    for name in names:
        cli.add(name, "--owner", "kim")
    written(tmp_path, *(f"{name}: {{owner: audio, consumers: []}}" for name in names))
    (tmp_path / "list.csv").write_text("name,owner\n" + "".join(f"{name},audio\n" for name in names))
    return request.param(tmp_path)


def test_a_command_on_several_tokens_needs_one_approval(cli, many):
    assert cli(*many).code == cli(*many).code == 3
    requests = cli("request", "--format", "json").document["requests"]
    assert [len(each["operations"]) for each in requests] == [2]
    approve(cli, requests[0]["digest"])
    assert cli(*many).code == 0
    assert {cli.store.find(token_name(f"a/b/prod/{each}")).document.record.owner for each in ("one", "two")} == {
        "audio"
    }


def test_a_command_on_several_tokens_opens_one_review(cli, many):
    assert cli(*many, "--break-glass", "the deputy is asleep").code == 0
    assert len({each.digest for each in cli.wiring().second_person.reviews()}) == 1
    (review,) = cli("request", "--format", "json").document["requests"]
    assert len(review["operations"]) == 2


# ---- a runner with a looser policy

LOOSE = "format: 1\nname: loose\nextends: default\n"


def pinned(cli, tmp_path, who="user:bob"):
    answer = as_person(cli, who, "policy", "pin", "--yes", "--reason", "one rule for all")
    assert answer.code == 0, answer
    (tmp_path / "policy.yaml").write_text(LOOSE)


def test_a_looser_policy_of_the_runner_does_not_skip_the_pinned_rule(cli, tmp_path, words):
    pinned(cli, tmp_path)
    assert cli(*words).code == 3
    approve(cli, requested(cli, *words))
    assert cli(*words).code == 0
    assert cli("audit", "verify").code == 0


def test_a_stricter_policy_of_the_runner_still_counts(cli, tmp_path):
    cli.add()
    strict = (tmp_path / "policy.yaml").read_text()
    (tmp_path / "policy.yaml").write_text(LOOSE)
    assert as_person(cli, "user:bob", "policy", "pin", "--yes").code == 0
    (tmp_path / "policy.yaml").write_text(strict)
    assert cli("retire", NAME, "--yes").code == 3


def test_the_overrides_of_the_pinned_rule_hold(cli, tmp_path):
    cli.add("video/app/dev/upload", "--env", "dev")
    pinned(cli, tmp_path)
    assert cli("rotate", "video/app/dev/upload", "--compromised").code == 0
    assert cli("edit", "video/app/dev/upload", "--env", "prod", "--yes").code == 0
    assert cli("edit", "video/app/dev/upload", "--env", "dev", "--yes").code == 3


def test_a_pinned_rule_ends_only_where_approvers_write(cli, tmp_path):
    cli.add()
    pinned(cli, tmp_path)
    assert cli("policy", "pin", "--plan", "--format", "json").document["before"]["operations"][0] == "compromised"
    assert cli("retire", NAME, "--yes").code == 3
    cli.refused("policy", "pin", "--end", code=3)
    assert as_person(cli, "user:bob", "policy", "pin", "--end", "--yes").code == 0
    assert cli("retire", NAME, "--yes").code == 0
    told = [each.event.detail.get("rule") for each in cli.store.shared_items.trail(Item.APPROVALS)[1]]
    assert told == ["pinned", "ended"]


def test_an_approval_keeps_the_pinned_rule_and_a_rule_without_an_event_is_tampering(cli, tmp_path):
    cli.add()
    pinned(cli, tmp_path)
    approve(cli, requested(cli, "retire", NAME, "--yes"))
    shared, _ = cli.store.shared_items.trail(Item.APPROVALS)
    assert b"pinned" in shared.data
    cli.store.shared_items.write(Item.APPROVALS, with_rule(KeptApprovals(), ""), shared.revision, [])
    assert cli("retire", NAME, "--yes").code == 6


def test_pinning_the_same_rule_again_writes_nothing(cli, tmp_path):
    strict = (tmp_path / "policy.yaml").read_text()
    pinned(cli, tmp_path)
    (tmp_path / "policy.yaml").write_text(strict)
    before = cli.everything()
    assert as_person(cli, "user:bob", "policy", "pin", "--yes").code == 0
    assert as_person(cli, "user:bob", "policy", "pin", "--plan").code == 0
    assert cli.everything() == before


# ---- people


def test_requests_and_reviews_name_the_person_of_an_identity(cli, tmp_path):
    cli.add()
    (tmp_path / "people.csv").write_text("person,identity\nAlice Adams,user:alice\nBob Brown,user:bob\n")
    with (tmp_path / "config.toml").open("a") as config:
        config.write('[people]\nfile = "people.csv"\n')
    digest = requested(cli, "retire", NAME, "--yes")
    assert "Alice Adams (user:alice)" in cli("request").out
    assert "Alice Adams (user:alice)" in cli("request", "--", "retire", NAME, "--yes").out
    assert "approved by Bob Brown (user:bob)" in approve(cli, digest).out
    assert cli("rotate", NAME, "--compromised", "--break-glass", "published").code == 0
    findings = cli("check", "--inventory-only", "--format", "json").document["violations"]
    assert [each for each in findings if "by Alice Adams (user:alice) on" in each["text"]]
    assert cli("request", "--format", "json").document["requests"][0]["requested_by"] == "user:alice"


def test_two_identities_of_one_known_person_are_one_person(cli, tmp_path):
    cli.add()
    (tmp_path / "people.csv").write_text("person,identity\nAlice Adams,user:alice;user:alice-admin\nBob,user:bob\n")
    with (tmp_path / "config.toml").open("a") as config:
        config.write('[people]\nfile = "people.csv"\n')
    digest = requested(cli, "retire", NAME, "--yes")
    answer = as_person(cli, "user:alice-admin", "approve", digest, "--yes")
    assert (answer.code, "your own" in answer.err) == (2, True), answer
    approve(cli, digest)
    assert cli("retire", NAME, "--yes").code == 0


def test_a_file_of_people_that_cannot_be_read_stops_an_approval_before_it_is_written(cli, tmp_path):
    cli.add()
    digest = requested(cli, "retire", NAME, "--yes")
    (tmp_path / "people.csv").write_text("nobody\n")
    with (tmp_path / "config.toml").open("a") as config:
        config.write('[people]\nfile = "people.csv"\n')
    before = cli.everything()
    assert as_person(cli, "user:bob", "approve", digest, "--yes").code == 2
    cli.refused("request", "--", "rotate", NAME, "--compromised")
    assert cli.everything() == before


def test_the_reason_of_an_approval_holds_no_value(cli, monkeypatch):
    value = cli.add()
    digest = requested(cli, "retire", NAME, "--yes")
    for reason in (value, f"because {value}!"):
        assert as_person(cli, "user:bob", "approve", digest, "--yes", "--reason", reason).code == 2

    def denied(_value):
        raise Unreachable("the store refuses this", hint="an approver reads no fingerprint")

    monkeypatch.setattr(cli.store, "fingerprint", denied)
    assert as_person(cli, "user:bob", "approve", digest, "--yes", "--reason", secrets.token_urlsafe(40)).code == 2
    approve(cli, digest, "--reason", "replaced by the new service's own internationalisation")


# ---- bad input

REASONS = ["", "  ", "a\nb", "a\x1b[2Jb", "x" * 201, "a\u202eb"]


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_of_break_glass_is_one_plain_line(cli, reason):
    cli.add()
    before = cli.everything()
    cli.refused("retire", NAME, "--yes", "--break-glass", reason)
    assert cli.everything() == before


@pytest.mark.parametrize("line", GLASS.values(), ids=GLASS)
def test_break_glass_without_a_reason_is_refused_by_every_command(cli, tmp_path, line):
    words = line(tmp_path)
    answer = cli(words[0], "--break-glass", " ", *words[1:])
    assert answer.code == (125 if words[0] == "exec" else 2), answer
    assert "--break-glass needs a reason" in answer.err


def test_a_reason_of_break_glass_holds_no_value(cli):
    value = cli.add()
    before = cli.everything()
    cli.refused("retire", NAME, "--yes", "--break-glass", f"because of {value}")
    assert cli.everything() == before


PINS = {
    "stray": ("policy", "pin", "policy.yaml"),
    "control": ("policy", "pin", "--yes", "--reason", "a\x1bb"),
    "long": ("policy", "pin", "--yes", "--reason", "x" * 201),
    "a value": ("policy", "pin", "--yes", "--reason", "VALUE"),
}


@pytest.mark.parametrize("words", PINS.values(), ids=PINS)
def test_a_bad_pin_is_refused(cli, words):
    value = cli.add()
    before = cli.everything()
    cli.refused(*(value if each == "VALUE" else each for each in words))
    assert cli.everything() == before
