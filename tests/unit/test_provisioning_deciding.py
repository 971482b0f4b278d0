"""One token at a time: what is decided of it, for every way it can stand."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.clock import FakeClock
from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.journal import Handover, HandoverLevel, Journal, Mode, Stage
from tokenguard.domain.names import TokenId, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, Custody, Location, Record, RecordState
from tokenguard.frozen import replace
from tokenguard.policy.loader import default_policy
from tokenguard.ports.provider import Capabilities, Method
from tokenguard.provisioning.decide import PlanContext, ProviderInfo, decide
from tokenguard.provisioning.manifest import Declared, DesiredState, Issue
from tokenguard.provisioning.plan_model import ActionType, Plan, Wait
from tokenguard.provisioning.review import reason_of, reviewed_actions
from tokenguard.rotation.lease import is_runner_dead_or_earlier

NOW = FakeClock().now()
NAME = token_name("a/b")
COMMAND, PERSON = Consumer(ConsumerKind.COMMAND, "c"), Consumer(ConsumerKind.PERSON, "p")
API = ProviderInfo(Capabilities(mint=Method.API, revoke=Method.API, probe=True), "https://api")
GUIDED = ProviderInfo(Capabilities(mint=Method.PERSON, revoke=Method.PERSON, probe=True), "https://guided")
MUTE = ProviderInfo(Capabilities(mint=Method.API, revoke=Method.API, probe=False), "https://mute")
SEES_USE = ProviderInfo(Capabilities(mint=Method.API, revoke=Method.API, probe=True, last_used=True), "https://api")
DRIVES = ProviderInfo(Capabilities(mint=Method.API, revoke=Method.API, probe=True, scope_kind="drive"), "https://api")
AROUND = PlanContext(
    now=NOW,
    policy=default_policy(),
    providers={"api": API, "guided": GUIDED, "mute": MUTE, "sees": SEES_USE, "drives": DRIVES, "odd": "it is odd"},
)
WANTED = Declared(name=NAME, provider="api", scope=Scope("drive", "d"), environment="prod", owner="o", purpose="p")
LIVE = Record(
    name=NAME, provider="api", scope=Scope("drive", "d"), environment="prod", owner="o", purpose="p",
    state=RecordState.ACTIVE, fingerprint=Fingerprint("f" * 32), base_url="https://api", consumers=(),
    added_at=NOW, rotated_at=NOW,
)  # fmt: skip


def stored(record=LIVE, *, mode=Mode.ADD, stage=Stage.DONE, sure=(), moved_to="", **journal):
    handovers = tuple(Handover(consumer=each, level=HandoverLevel.CONFIRMED, at=NOW) for each in sure)
    operation = Journal(
        id="0" * 32, mode=mode, stage=stage, epoch=1, holder="h/1/x", opened_at=NOW, updated_at=NOW,
        handovers=handovers, **journal,
    )  # fmt: skip
    return Snapshot(
        id=TokenId("1" * 32), version=3, document=Document(record=record, journal=operation, moved_to=moved_to)
    )


def told(declared, found):
    decision = decide(declared, found, AROUND)
    verbs = [str(verb) for verb in decision.action.verbs] if decision.action else []
    return verbs, [str(todo.wait) for todo in decision.todos], decision.blocked.reason if decision.blocked else ""


OLD = NOW - timedelta(days=400)
CASES = {
    "as declared": (WANTED, stored(), [], [], ""),
    "new, by API": (replace(WANTED, issue=Issue.API), None, ["issue"], [], ""),
    "new, by API and then by hand": (
        replace(WANTED, issue=Issue.API, consumers=(PERSON,)), None, ["declare"], ["value"], ""),
    "new, guided": (replace(WANTED, issue=Issue.GUIDED), None, ["declare"], ["value"], ""),
    "new, brought": (WANTED, None, ["declare"], ["value"], ""),
    "a grant": (replace(WANTED, kind=CredentialKind.OAUTH_GRANT), None, ["declare"], [], ""),
    "an unknown provider": (replace(WANTED, provider="nobody"), None, [], [], "provider cannot be used"),
    "an odd provider": (replace(WANTED, provider="odd"), None, [], [], "it is odd"),
    "another kind of scope": (replace(WANTED, provider="drives", scope=Scope("org", "x")), None, [], [], "have the scope drive:ID"),
    "no API to make it": (replace(WANTED, provider="guided", issue=Issue.API), None, [], [], "API to create tokens"),
    "retired on paper, never there": (replace(WANTED, state=DesiredState.RETIRED), None, [], [], ""),
    "retired on paper, alive": (replace(WANTED, state=DesiredState.RETIRED), stored(), ["retire"], [], ""),
    "retired on paper, and rotating": (
        replace(WANTED, state=DesiredState.RETIRED), stored(mode=Mode.PLANNED, stage=Stage.MINT), ["resume", "retire"], [], ""),
    "retired on paper, and retiring": (
        replace(WANTED, state=DesiredState.RETIRED), stored(mode=Mode.RETIRE, stage=Stage.REVOKED), ["resume"], [], ""),
    "retired on paper, by hand": (
        replace(WANTED, state=DesiredState.RETIRED), stored(replace(LIVE, provider="guided")), [], ["retire"], ""),
    "retired on paper, and nobody can prove it": (
        replace(WANTED, state=DesiredState.RETIRED), stored(replace(LIVE, provider="mute")), [], ["retire"], ""),
    "retired on paper, without a value": (
        replace(WANTED, state=DesiredState.RETIRED), stored(replace(LIVE, fingerprint=None)), [], ["retire"], ""),
    "retired on paper, of nobody": (
        replace(WANTED, state=DesiredState.RETIRED), stored(replace(LIVE, provider="odd")), [], [], "it is odd"),
    "retired in both": (replace(WANTED, state=DesiredState.RETIRED), stored(replace(LIVE, state=RecordState.RETIRED)), [], [], ""),
    "retired in the store": (WANTED, stored(replace(LIVE, state=RecordState.RETIRED)), [], [], "it is retired"),
    "moved": (WANTED, stored(moved_to="vault://x/y"), [], [], "migrated to another store"),
    "another scope": (replace(WANTED, scope=Scope("drive", "e")), stored(), [], [], "created for a different scope"),
    "another provider": (replace(WANTED, provider="sees"), stored(), [], [], "created for a different provider"),
    "another scope, no value": (
        replace(WANTED, scope=Scope("drive", "e")),
        stored(replace(LIVE, fingerprint=None, state=RecordState.PENDING), stage=Stage.ABORTED), ["change"], ["value"], ""),
    "another address": (WANTED, stored(replace(LIVE, base_url="https://old")), [], [], "provider address differs"),
    "another owner": (replace(WANTED, owner="else"), stored(), ["change"], [], ""),
    "unclaimed": (WANTED, stored(replace(LIVE, state=RecordState.UNCLAIMED, owner="")), ["change"], [], ""),
    "unclaimed, without a scope": (
        WANTED, stored(replace(LIVE, state=RecordState.UNCLAIMED, scope=None)), ["change"], [], ""),
    "a new consumer": (replace(WANTED, consumers=(COMMAND,)), stored(), ["change", "deliver"], [], ""),
    "an undelivered consumer": (
        replace(WANTED, consumers=(COMMAND,)), stored(replace(LIVE, consumers=(COMMAND,))), ["deliver"], [], ""),
    "a delivered consumer": (
        replace(WANTED, consumers=(COMMAND,)), stored(replace(LIVE, consumers=(COMMAND,)), sure=[COMMAND]), [], [], ""),
    "a person who has it not": (
        replace(WANTED, consumers=(PERSON,)), stored(replace(LIVE, consumers=(PERSON,))), [], ["hand-over"], ""),
    "due": (WANTED, stored(replace(LIVE, rotated_at=OLD)), ["rotate"], [], ""),
    "due and a new consumer": (
        replace(WANTED, consumers=(COMMAND,)), stored(replace(LIVE, rotated_at=OLD)), ["change", "rotate"], [], ""),
    "due, by hand": (replace(WANTED, provider="guided"),
                     stored(replace(LIVE, provider="guided", base_url="https://guided", rotated_at=OLD)), [], ["rotate"], ""),
    "due, nobody said who uses it": (WANTED, stored(replace(LIVE, consumers=None, rotated_at=OLD)), [], ["rotate"], ""),
    "due, and the provider sees who uses it": (
        replace(WANTED, provider="sees"), stored(replace(LIVE, provider="sees", consumers=None, rotated_at=OLD)),
        ["rotate"], [], ""),
    "due, held elsewhere": (
        WANTED, stored(replace(LIVE, fingerprint=None, rotated_at=OLD, location=Location(Custody.UNREADABLE, "x://y"))),
        [], [], ""),
    "interrupted": (WANTED, stored(mode=Mode.PLANNED, stage=Stage.MINT), ["resume"], [], ""),
    "interrupted while it was added": (WANTED, stored(mode=Mode.ADD, stage=Stage.STORED), [], ["resume"], ""),
    "interrupted, by hand": (
        replace(WANTED, provider="guided"), stored(replace(LIVE, provider="guided"), mode=Mode.PLANNED, stage=Stage.MINT),
        [], ["resume"], ""),
    "interrupted before a hand-over": (
        WANTED, stored(replace(LIVE, consumers=(PERSON,)), mode=Mode.PLANNED, stage=Stage.PUBLISHED), [], ["resume"], ""),
}  # fmt: skip


@pytest.mark.parametrize(("declared", "found", "verbs", "waits", "blocked"), CASES.values(), ids=CASES)
def test_what_is_decided(declared, found, verbs, waits, blocked):
    got = told(declared, found)
    assert got[:2] == (verbs, waits)
    assert (blocked in got[2]) if blocked else not got[2]


def test_only_the_end_of_a_value_counts_as_ending_a_live_one():
    ending = replace(WANTED, state=DesiredState.RETIRED)
    pending = stored(replace(LIVE, fingerprint=None, state=RecordState.PENDING))
    pending = replace(pending, document=replace(pending.document, journal=None))
    assert decide(ending, pending, AROUND).action.verbs == (ActionType.CLOSE,)
    assert not decide(ending, pending, AROUND).action.live
    assert decide(ending, stored(), AROUND).action.live


def test_what_an_admin_mints_waits_for_it_and_the_admin_does_not_wait_for_itself():
    waiting = replace(AROUND, waiting_admins={"api": token_name("a/admin")})
    made = replace(WANTED, issue=Issue.API)
    assert [todo.wait for todo in decide(made, None, waiting).todos] == [Wait.ADMIN]
    admin = replace(made, name=token_name("a/admin"), kind=CredentialKind.PROVIDER_ADMIN)
    assert decide(admin, None, waiting).action.verbs == (ActionType.ISSUE,)
    assert decide(admin, None, waiting).action.rank < decide(made, None, AROUND).action.rank


def test_a_declared_date_is_set_once():
    dated = replace(WANTED, due=datetime(2026, 12, 24, tzinfo=UTC))
    assert told(dated, stored())[0] == ["change"]
    assert told(dated, stored(replace(LIVE, due_at=dated.due)))[0] == []
    assert told(dated, stored(replace(LIVE, rotated_at=dated.due)))[0] == []


def test_a_foreign_digest_in_the_trail_is_not_taken_for_the_reviewed_one(words):
    plan = Plan(store="s", manifest="m", declared=1)
    other = reason_of("sha256:" + "0" * 64, "1" * 64)
    assert reviewed_actions(plan, plan.digest, {}, [], lambda _: pytest.fail("nothing is read")) == {}
    with pytest.raises(Exception) as caught:
        reviewed_actions(plan, "sha256:" + "1" * 64, {NAME: stored()}, [NAME], lambda _: [entry(other)])
    words(caught.value)


def entry(reason):
    from tokenguard.domain.event import Actor, ChainedEvent, Event, Op

    event = Event(at=NOW, op=Op.EDIT, actor=Actor(id="x"), detail={"reason": reason})
    return ChainedEvent(seq=1, prev="", hash="", event=event)


def test_a_runner_is_gone_only_if_this_machine_can_say_so():
    host = os.uname().nodename
    for holder, gone in {
        f"{host}/{os.getppid()}/y": False, f"{host}/1/y": False, f"{host}/{2**22 + 7}/y": True, f"{host}/x/y": False,
        "elsewhere/1/y": False, "": False, f"{host}/{os.getpid()}/old": True,
    }.items():  # fmt: skip
        assert is_runner_dead_or_earlier(holder) is gone, holder
