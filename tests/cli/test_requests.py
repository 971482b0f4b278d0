"""`request`: what an operation asks a second person for can be asked beforehand, in one request, and nothing is done."""

import os
from datetime import timedelta

import pytest

from tests.cli.manifests import written
from tests.cli.test_second_person import NAME, approve, as_person, requested, team_line
from tests.fakes.command_line import FakeTty
from tokenguard.domain.event import Op
from tokenguard.domain.names import token_name
from tokenguard.ports.shared_item import Item

OTHER = "video/app/prod/other"


@pytest.fixture
def cli(monkeypatch, capfd, tmp_path):
    return team_line(monkeypatch, capfd, tmp_path)


def requests(cli):
    return cli("request", "--format", "json").document["requests"]


def leaked(cli):
    value = cli.add()
    cli.add(OTHER)
    assert cli("respond", "--stdin", "--reach", "public", "--no-input", stdin=value).code == 1
    return ("rotate", "--due"), ("rotate", "--due", "--no-input")


def leaver(cli):
    cli.add()
    cli.add(OTHER)
    words = ("offboard", "video", "--owner-to", "audio")
    return words, (*words, "--yes")


def changed_owners(cli):
    cli.add()
    cli.add(OTHER)
    written(cli.home, "".join(f"{name}: {{owner: audio, consumers: []}}\n  " for name in (NAME, OTHER)))
    return ("apply",), ("apply", "--yes")


def destinations(cli):
    cli.add()
    rows = [
        f"video/app/prod/new{n},{cli.world.create(str(n)).value},fake,drive:d1,prod,video,uploads,"
        f"dotenv:{cli.home}/new{n}.env#B"
        for n in range(2)
    ]
    file = cli.home / "list.csv"
    file.write_text("name,value,provider,scope,environment,owner,purpose,consumers\n" + "\n".join(rows) + "\n")
    return ("import", "list.csv"), ("import", "list.csv")


BEFOREHAND = {
    "due rotations of a leaked token": (leaked, 1),
    "an offboarding": (leaver, 2),
    "a manifest": (changed_owners, 2),
    "an import": (destinations, 2),
}


@pytest.mark.parametrize(("prepare", "operations"), BEFOREHAND.values(), ids=BEFOREHAND)
@pytest.mark.parametrize("person", [False, True])
def test_a_command_on_several_tokens_is_requested_as_a_whole(cli, tmp_path, prepare, operations, person):
    cli.home = tmp_path
    words, run = prepare(cli)
    living, tokens = cli.world.living(), len(list(cli.store.scan()))
    cli.tty = FakeTty() if person else None
    digest = requested(cli, *words)
    cli.tty = None
    assert (cli.world.living(), len(list(cli.store.scan()))) == (living, tokens)
    (found,) = requests(cli)
    assert (found["digest"], len(found["operations"])) == (digest, operations)
    assert cli(*run).code == 3, "it is not approved yet"
    assert len(requests(cli)) == 1
    approve(cli, digest)
    assert cli(*run).code == 0
    assert sum(each.op is Op.REQUEST for each in requested_events(cli)) == operations, "one event for each, once"


def requested_events(cli):
    _, entries = cli.store.shared_items.trail(Item.REQUESTS)
    return [each.event for each in entries]


@pytest.mark.parametrize("approved", [False, True])
def test_a_manifest_whose_plan_is_what_waits_says_so(cli, tmp_path, approved):
    cli.add()
    written(tmp_path, f"{NAME}: {{consumers: [dotenv:{tmp_path}/new.env#A]}}")
    plan = cli("plan", "--format", "json").document["digest"]
    if approved:
        approve(cli, plan)
    else:
        (tmp_path / "policy.yaml").write_text("format: 1\nname: team\nextends: default\n")
    refused = cli("request", "--", "apply")
    assert refused.code == (2 if approved else 3)
    assert approved or f"tokenguard approve {plan}" in refused.err
    assert requests(cli) == []


def test_break_glass_says_that_it_covers_no_plan(cli, tmp_path):
    cli.add()
    written(tmp_path, f"{NAME}: {{consumers: [dotenv:{tmp_path}/new.env#A]}}")
    refused = cli("apply", "--yes", "--break-glass", "the deputy is asleep")
    assert (refused.code, "--break-glass does not cover the approval of a plan" in refused.err) == (3, True), refused
    assert requests(cli) == []


INSTEAD = {
    "respond": (("respond", "--stdin", "--reach", "public"), "recording a leak needs no approval"),
    "triage": (("triage",), "requests approval for the rest"),
    "upkeep": (("upkeep",), "`apply FILE`"),
    "a planned rotation": (("rotate", NAME), "a planned rotation"),
    "a record": (("show", NAME), "--reveal"),
    "the state of a migration": (("migrate",), "--to URL"),
    "the pinned rule": (("policy", "pin"), "an approver runs it"),
    "an open rotation": (("rotate", NAME, "--compromised", "--resume"), "has begun"),
    "an open retirement": (("retire", NAME, "--resume"), "has begun"),
    "an abort": (("retire", NAME, "--abort"), "has begun"),
}


@pytest.mark.parametrize(("words", "hint"), INSTEAD.values(), ids=INSTEAD)
def test_what_cannot_be_requested_says_what_to_run(cli, words, hint):
    value = cli.add()
    refused = cli.refused("request", "--", *words, stdin=value)
    assert hint in refused.answer.err


def test_a_request_continues_no_operation_that_would_revoke(cli, monkeypatch):
    cli.add()
    cli.add(OTHER)
    approve(cli, requested(cli, "retire", NAME))
    monkeypatch.setattr(cli.world, "revoke", lambda id_: None)
    assert cli("retire", NAME, "--yes").code == 5
    monkeypatch.undo()
    living = cli.world.living()
    cli.refused("request", "--", "retire", NAME, "--resume")
    assert cli.world.living() == living
    assert cli.store.find(token_name(NAME)).document.busy


@pytest.mark.parametrize("tokens", [(), ("-t", f"{NAME}=TOKEN")])
def test_a_request_starts_no_program(cli, tmp_path, tokens):
    """Not even one without tokens, or with tokens that nobody is asked for."""
    cli.add()
    (tmp_path / "policy.yaml").write_text("format: 1\nname: team\nextends: default\n")
    cli.refused("request", "--", "exec", *tokens, "--", "touch", f"{tmp_path}/ran")
    assert not (tmp_path / "ran").exists()


def test_bad_usage_of_a_requested_program_is_bad_usage(cli):
    """125 is about a program that was to be started."""
    cli.refused("request", "--", "exec", "-t", f"{NAME}=TOKEN")


@pytest.mark.parametrize("program", [os.fsdecode(b"a\xff"), "a\nb", "\u202e"])
def test_a_program_of_any_name_is_requested(cli, program):
    """The review shows it escaped; what is approved is the digest of the command line."""
    cli.add()
    requested(cli, "exec", "-t", f"{NAME}=TOKEN", "--", program)


@pytest.mark.parametrize("option", ["--resume", "--abort", "--plan", "--dry-run"])
def test_the_options_of_a_requested_program_are_its_own(cli, option):
    cli.add()
    requested(cli, "exec", "-t", f"{NAME}=TOKEN", "--", "deploy", option)


@pytest.mark.parametrize(
    "words", [("retire", NAME, "--plan"), ("rotate", "--due", "--plan"), ("import", "a.csv", "--dry-run")]
)
def test_a_plan_is_not_requested(cli, words):
    """It would say that nothing waits, of a command that would wait."""
    cli.add()
    assert words[-1] in cli.refused("request", "--", *words).answer.err


def nothing_due(cli):
    cli.add()
    return "rotate", "--due"


def nothing_changed(cli):
    cli.add()
    written(cli.home, f"{NAME}: {{consumers: []}}")
    return ("apply",)


@pytest.mark.parametrize("prepare", [nothing_due, nothing_changed])
def test_what_needs_no_second_person_is_one_answer(cli, tmp_path, prepare):
    cli.home = tmp_path
    cli.refused("request", "--", *prepare(cli))


@pytest.mark.parametrize("options", [(), ("--owner", "video")])
def test_a_request_for_nothing_says_that_alone(cli, options):
    """Notices of the command, such as that nothing is to do, would be a second answer beside the error."""
    cli.add()
    answer = cli.refused("request", "--", "rotate", "--due", *options, "--no-input").answer
    assert len(answer.err.splitlines()) == 2, answer


# ---- what an approval would be of no use for


RETIRE = ("retire", NAME, "--yes")
MEANWHILE = {
    "renamed": ("edit", NAME, "--rename", f"{NAME}-2", "--yes"),
    "another owner": ("edit", NAME, "--owner", "audio", "--yes"),
    "another consumer": ("edit", NAME, "--deliver", "person:ops", "--yes"),
    "retired": RETIRE,
    "another value": ("rotate", NAME, "--accept-outage", "--no-input"),
}


@pytest.mark.parametrize("change", MEANWHILE.values(), ids=MEANWHILE)
def test_a_request_whose_token_has_changed_waits_no_longer_and_is_not_approved(cli, change):
    cli.add()
    digest = requested(cli, "rotate", NAME, "--compromised")
    needs = () if change[0] == "rotate" else ("--break-glass", "in a hurry")
    assert cli(*change, *needs).code == 0
    assert [each for each in requests(cli) if not each["break_glass"]] == []
    assert not [each for each in cli.wiring().second_person.waiting() if not each.forced]
    approvals = cli.store.shared_items.trail(Item.APPROVALS)
    refused = as_person(cli, "user:bob", "approve", digest, "--yes")
    assert refused.code == 2
    assert NAME in refused.err
    assert cli.store.shared_items.trail(Item.APPROVALS) == approvals


def test_a_request_of_several_waits_while_one_of_them_fits(cli):
    cli.add()
    cli.add(OTHER)
    digest = requested(cli, "offboard", "video", "--owner-to", "audio")
    assert cli("edit", NAME, "--owner", "audio", "--yes", "--break-glass", "in a hurry").code == 0
    assert digest in {each["digest"] for each in requests(cli)}
    assert as_person(cli, "user:bob", "approve", digest, "--yes").code == 0


def test_the_request_for_a_new_token_waits_until_the_token_exists(cli):
    cli.add(OTHER)
    new = (
        "add",
        NAME,
        "--provider",
        "fake",
        "--scope",
        "drive:d1",
        "--env",
        "prod",
        "--owner",
        "video",
        "--purpose",
        "p",
    )
    digest = requested(cli, *new, "--issue", "--deliver", "person:ops")
    assert [each["digest"] for each in requests(cli)] == [digest]
    cli.add()
    assert requests(cli) == []
    assert as_person(cli, "user:bob", "approve", digest, "--yes").code == 2


def test_a_review_waits_also_when_its_token_is_retired(cli):
    cli.add()
    assert cli(*RETIRE, "--break-glass", "in a hurry").code == 0
    (review,) = requests(cli)
    assert as_person(cli, "user:bob", "approve", review["digest"], "--yes").code == 0
    assert requests(cli) == []


def test_a_request_is_approved_once_and_only_what_is_asked_again_is_approved_again(cli):
    cli.add()
    words = ("exec", "-t", NAME, "--", "true")
    digest = requested(cli, *words)
    approve(cli, digest)
    approvals = cli.store.shared_items.trail(Item.APPROVALS)
    for who in ("user:bob", "user:carol"):
        assert as_person(cli, who, "approve", digest, "--yes").code == 2
    assert cli.store.shared_items.trail(Item.APPROVALS) == approvals
    assert cli(*words).code == 0
    assert as_person(cli, "user:carol", "approve", digest, "--yes").code == 2, "nobody asked again"
    cli.clock.sleep(1)
    assert cli(*words).code == 125
    approve(cli, digest, who="user:carol")
    assert cli(*words).code == 0


# ---- what was not done in time


WEEK = 7 * 86_400


def expired(cli):
    return cli("request", "--format", "json").document["expired"]


def violations(cli):
    found = cli("check", "--inventory-only", "--format", "json").document["violations"]
    return [each for each in found if each["rule"] == "second-person"]


def test_a_request_that_nobody_approves_expires_and_that_is_said(cli):
    cli.add()
    digest = requested(cli, *RETIRE)
    cli.clock.sleep(WEEK - 1)
    assert ([each["digest"] for each in requests(cli)], expired(cli), violations(cli)) == ([digest], [], [])
    cli.clock.sleep(1)
    assert requests(cli) == []
    assert [(each["digest"], each["name"], each["approved"]) for each in expired(cli)] == [(digest, NAME, False)]
    listed = cli("request").out
    assert "it was not approved" in listed
    assert "run the command again" in listed
    found = violations(cli)
    assert [(each["severity"], each["token"]) for each in found] == [("warning", NAME)]
    assert "it was not approved" in found[0]["text"]
    approvals = cli.store.shared_items.trail(Item.APPROVALS)
    refused = as_person(cli, "user:bob", "approve", digest, "--yes")
    assert (refused.code, "expired on" in refused.err, "runs the command again" in refused.err) == (2, True, True)
    assert cli.store.shared_items.trail(Item.APPROVALS) == approvals


def test_a_request_that_expired_is_asked_again_under_the_same_digest(cli):
    cli.add()
    digest = requested(cli, *RETIRE)
    cli.clock.sleep(WEEK)
    assert requested(cli, *RETIRE) == digest
    assert ([each["digest"] for each in requests(cli)], expired(cli)) == ([digest], [])
    approve(cli, digest)
    assert cli(*RETIRE).code == 0
    cli.clock.sleep(WEEK + 1)
    assert expired(cli) == [], "its approval was used"


@pytest.mark.parametrize(("until", "days"), [((), 7), (("--until", "30"), 30)])
def test_an_approval_that_is_not_used_in_time_is_said(cli, until, days):
    cli.add()
    cli.add(OTHER)
    digest = requested(cli, *RETIRE)
    cli.clock.sleep(86_400)
    end = (cli.clock.now() + timedelta(days=days)).date().isoformat()
    approve(cli, digest, *(("--until", end) if until else ()))
    assert requests(cli) == expired(cli) == []
    cli.clock.sleep((days - 1) * 86_400)
    requested(cli, "retire", OTHER)  # a further request puts none of those away
    assert expired(cli) == []
    cli.clock.sleep(2 * 86_400)
    found = {each["digest"]: each["approved"] for each in expired(cli)}
    assert found.get(digest) is True
    assert "its approval was not used" in cli("request").out
    assert cli(*RETIRE).code == 3


def test_what_expired_is_said_for_a_week_and_then_left_to_the_audit_trail(cli):
    cli.add()
    cli.add(OTHER)
    requested(cli, *RETIRE)
    cli.clock.sleep(2 * WEEK - 1)
    requested(cli, "retire", OTHER)
    assert [each["name"] for each in expired(cli)] == [NAME]
    cli.clock.sleep(1)
    assert expired(cli) == violations(cli) == []
    requested(cli, "rotate", OTHER, "--compromised")
    assert len(cli.wiring().second_person.requests()) == 2
    asked = [each.event for each in cli.store.shared_items.trail(Item.REQUESTS)[1] if each.event.op is Op.REQUEST]
    assert [each.name for each in asked] == [NAME, OTHER, OTHER]


def test_a_request_that_no_longer_fits_does_not_expire(cli):
    cli.add()
    requested(cli, "rotate", NAME, "--compromised")
    assert cli("edit", NAME, "--rename", f"{NAME}-2", "--yes", "--break-glass", "in a hurry").code == 0
    cli.clock.sleep(WEEK)
    assert expired(cli) == []
