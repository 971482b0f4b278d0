"""Each rule: a token that keeps it, one that violates it, the boundary between, and where nobody can say."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenguard.domain.document import Document
from tokenguard.domain.journal import (
    Attempt,
    AttemptState,
    Handover,
    HandoverLevel,
    Journal,
    Mode,
    OldValue,
    Quarantined,
    Stage,
)
from tokenguard.domain.leak import Exposure, Spread
from tokenguard.domain.liveness import DeathGrade, DeathProof, Observation, ScopeVerdict, Verdict
from tokenguard.domain.names import Label, token_name
from tokenguard.domain.people import Directory, Person
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, Custody, Location, Record, RecordState
from tokenguard.frozen import replace
from tokenguard.policy.catalogue import CATALOGUE
from tokenguard.policy.context import InventoryContext, ProviderFacts, place_of
from tokenguard.policy.evaluation import assess
from tokenguard.policy.loader import default_policy
from tokenguard.policy.model import Override, PolicyWaiver, RuleSelector, Severity
from tokenguard.policy.rule_answer import NotEvaluable, Question, Violated
from tokenguard.policy.rules.token_rules import CHECKS
from tokenguard.ports.provider import Capabilities, Method, ProviderToken

POLICY = default_policy()
NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
SCOPE = Scope("drive", "d1")
APP = Consumer(ConsumerKind.PERSON, "ops")
SEEN = Observation(verdict=Verdict.ALIVE, at=NOW, reason="http-200", scope=SCOPE, scope_verdict=ScopeVerdict.RIGHT)
GOOD = Record(
    name=token_name("video/app/upload"), provider="fake", state=RecordState.ACTIVE, scope=SCOPE, environment="prod",
    purpose="uploads", owner="video", made_by="ann", deputy="ben", consumers=(APP,), rotated_at=NOW - 10 * DAY,
    fingerprint="a" * 32, provider_id="id1", seen=SEEN, permissions=("posts:read",),
    label="Video upload",
)  # fmt: skip
CAN = Capabilities(
    mint=Method.API, revoke=Method.API, probe=True, lists=True, verifies_scope=True, last_used=True, max_active=10
)
ROW = ProviderToken(
    provider_id="id1", label="", created_at=NOW - 200 * DAY, last_used_at=NOW - DAY, expires_at=NOW + DAY
)
STAFF = Directory(
    (
        Person(name="ann", aliases=("ann@video.example",)),
        Person(name="ben"),
        Person(name="kim", aliases=("kim@video.example",), left=True),
    ),
    complete=True,
)
PROOF = DeathProof(grade=DeathGrade.PROVISIONAL, first_at=NOW, last_at=NOW, samples=3, control=True)
OLD = OldValue(label=Label("old"), live_version=1, fingerprint=None)
DONE = Journal(
    id="0" * 32, mode=Mode.PLANNED, stage=Stage.DONE, epoch=1, holder="h/1/x", opened_at=NOW, updated_at=NOW, old=OLD,
    proof=PROOF, handovers=(Handover(consumer=APP, level=HandoverLevel.CONFIRMED, at=NOW),),
)  # fmt: skip
NEVER, GONE = NotEvaluable, Violated
OTHER = replace(GOOD, name=token_name("video/other/upload"), fingerprint="b" * 32, purpose="other", provider_id="id2")
PARAMETERS = {
    "person-left": {"people": ("zoe",)},
    "least-privilege": {"permissions": {"uploads": ("posts:read", "posts:write")}},
    "tokens-per-scope": {"most": 2},
    "one-drive-per-context": {"contexts": {"media": ("owner:video", "clips"), "tests": ("env:dev", "video/lab/")}},
}


def asked(
    rule_id,
    record=GOOD,
    *,
    journal=DONE,
    quarantine=(),
    others=(),
    can=CAN,
    rows=(ROW,),
    parameters=None,
    read_at=None,
    people=None,
    check=None,
    words=False,
    fixes=False,
    advice="",
):
    policy = POLICY
    rule = policy.rule(rule_id)
    own = PARAMETERS.get(rule_id, {}) if parameters is None else parameters
    rule = replace(rule, parameters={**rule.parameters, **own}, fix=advice or rule.fix)
    document = Document(record=record, journal=journal, quarantine=quarantine)
    facts = ProviderFacts(capabilities=can, listed=rows, read_at=read_at)
    around = InventoryContext(
        [document, *(Document(record=each) for each in others)], NOW, {place_of(record): facts}, people=people
    )
    answer = (check or CHECKS[rule_id])(Question(rule=rule, document=document, around=around, policy=policy))
    if fixes:
        return answer.fix
    if words:
        return answer.text if isinstance(answer, Violated) else answer.reason
    return type(answer) if answer is not None else None


@pytest.mark.parametrize("rule", CHECKS)
def test_a_token_in_order_keeps_every_rule(rule):
    assert asked(rule, others=(OTHER,), rows=(ROW, replace(ROW, provider_id="id2"))) is None


def seen(**changes):
    return replace(GOOD, seen=replace(SEEN, **changes))


UNSEEN = replace(GOOD, seen=None)
GRANT = replace(GOOD, kind=CredentialKind.OAUTH_GRANT, seen=None, fingerprint=None, consumers=None)
SESSION = replace(GOOD, kind=CredentialKind.SESSION, consumers=())
CASES = [
    ("maximum-age", {"record": replace(GOOD, rotated_at=NOW - 90 * DAY + INSTANT)}, None),
    ("maximum-age", {"record": replace(GOOD, rotated_at=NOW - 90 * DAY)}, GONE),
    ("maximum-age", {"record": replace(GOOD, due_at=NOW)}, GONE),
    ("maximum-age", {"record": replace(GOOD, due_at=NOW + INSTANT)}, None),
    ("maximum-age", {"record": replace(GOOD, rotated_at=None)}, NEVER),
    ("maximum-age", {"record": GRANT}, None),
    ("age-unknown", {"record": replace(GOOD, rotated_at=None)}, GONE),
    ("age-unknown", {"record": replace(GOOD, rotated_at=None, added_at=NOW)}, GONE),
    ("age-unknown", {"record": replace(GOOD, rotated_at=None, created_at=NOW)}, None),
    ("age-unknown", {"record": GOOD}, None),
    ("age-unknown", {"record": replace(GOOD, rotated_at=None, state=RecordState.PENDING)}, None),
    ("age-unknown", {"record": replace(GRANT, rotated_at=None)}, None),
    ("leaked", {"record": GOOD.with_leak(Exposure(since=NOW, reach=Spread.PUSHED, where="x", by="user:a"))}, GONE),
    ("leaked", {"record": GOOD}, None),
    ("late-due-date", {"record": replace(GOOD, due_at=NOW + 80 * DAY)}, None),
    ("late-due-date", {"record": replace(GOOD, due_at=NOW + 80 * DAY + INSTANT)}, GONE),
    ("late-due-date", {"record": replace(GOOD, due_at=NOW, rotated_at=None)}, NEVER),
    *(("required-fields", {"record": replace(GOOD, **{name: None if name == "scope" else ""})}, GONE)
      for name in ("owner", "scope", "purpose", "environment")),
    ("responsible-people", {"record": replace(GOOD, made_by="")}, GONE),
    ("responsible-people", {"record": replace(GOOD, deputy="")}, GONE),
    ("person-left", {"record": replace(GOOD, made_by="zoe")}, GONE),
    ("person-left", {"record": replace(GOOD, account="zoe")}, GONE),
    ("person-left", {"record": replace(GOOD, deputy="zoe")}, GONE),
    ("person-left", {"record": replace(GOOD, made_by="zoey")}, None),
    ("person-left", {"record": replace(GOOD, made_by="")}, NEVER),
    ("person-left", {"parameters": {"people": ()}}, NEVER),
    ("person-left", {"people": STAFF, "parameters": {"people": ()}}, None),
    ("person-left", {"people": STAFF, "parameters": {"people": ()}, "record": replace(GOOD, made_by="kim")}, GONE),
    ("person-left", {"people": STAFF, "record": replace(GOOD, account="kim@video.example")}, GONE),
    ("person-left", {"people": STAFF, "record": replace(GOOD, made_by="not in it")}, GONE),
    ("person-left", {"people": STAFF, "record": replace(GOOD, account="shared login")}, None),
    ("person-left", {"people": STAFF, "record": replace(GOOD, account="ann@video.example", deputy="")}, None),
    ("descriptive-name", {"record": replace(GOOD, name=token_name("video/app"))}, None),
    ("descriptive-name", {"record": replace(GOOD, name=token_name("video"))}, GONE),
    ("descriptive-name", {"record": replace(GOOD, name=token_name("video/token"))}, GONE),
    ("descriptive-name", {"record": replace(GOOD, name=token_name("token/video"))}, None),
    *(("descriptive-name", {"record": replace(GOOD, label=label)}, GONE) for label in (
        "test", "Token", "API token", "my-token", "token 2", "1", "---", "untitled_2", "upload", "new key upload", "日",
        "upload-abcd2345-1")),
    *(("descriptive-name", {"record": replace(GOOD, label=label)}, None) for label in (
        "Production automation", "CI pipeline", "video_upload", "prod-upload-abcd2345-1", "test upload prod", "日 本")),
    ("descriptive-name", {"record": replace(GOOD, label="")}, NEVER),
    ("descriptive-name", {"record": replace(GRANT, label="")}, None),
    ("one-drive-per-context", {"others": (OTHER,)}, None),
    ("one-drive-per-context", {"others": (replace(OTHER, owner="qa", environment="dev"),)}, GONE),
    ("one-drive-per-context", {"others": (replace(OTHER, owner="qa", name=token_name("video/lab/x")),)}, GONE),
    ("one-drive-per-context", {"others": (replace(OTHER, owner="qa", name=token_name("video/laboratory/x")),)}, None),
    ("one-drive-per-context", {"others": (replace(OTHER, owner="qa", name=token_name("clips/x")),)}, None),
    ("one-drive-per-context", {"others": (replace(OTHER, owner="qa"),)}, None),
    ("one-drive-per-context",
     {"others": (replace(OTHER, owner="qa", environment="dev", scope=Scope("drive", "d2")),)}, None),
    ("one-drive-per-context",
     {"others": (replace(OTHER, owner="qa", environment="dev", state=RecordState.RETIRED),)}, None),
    ("one-drive-per-context", {"record": replace(GOOD, owner="qa"), "others": (OTHER,)}, NEVER),
    ("one-drive-per-context", {"parameters": {"contexts": {}}}, NEVER),
    ("one-drive-per-context", {"record": replace(GOOD, scope=None)}, None),
    ("one-drive-per-context", {"record": replace(GOOD, scope=Scope("org", "d1")),
     "others": (replace(OTHER, owner="qa", environment="dev", scope=Scope("org", "d1")),)}, None),
    ("one-purpose", {"others": (replace(OTHER, purpose="uploads"),)}, GONE),
    ("one-purpose", {"others": (replace(OTHER, purpose="uploads", environment="dev"),)}, None),
    ("one-purpose", {"others": (replace(OTHER, purpose="uploads", state=RecordState.RETIRED),)}, None),
    ("one-purpose", {"record": replace(GOOD, purpose="")}, NEVER),
    ("shared-value", {"others": (replace(OTHER, fingerprint="a" * 32),)}, GONE),
    ("shared-value", {"record": replace(GOOD, fingerprint=None)}, NEVER),
    ("shared-value", {"record": GRANT}, None),
    ("shared-across-environments", {"others": (replace(OTHER, fingerprint="a" * 32),)}, None),
    ("shared-across-environments", {"others": (replace(OTHER, fingerprint="a" * 32, environment="dev"),)}, GONE),
    ("shared-across-environments", {"record": replace(GOOD, fingerprint=None)}, NEVER),
    ("tokens-per-scope", {"others": (OTHER,)}, None),
    ("tokens-per-scope", {"others": (OTHER, replace(OTHER, name=token_name("c/d")))}, GONE),
    ("tokens-per-scope", {"record": replace(GOOD, scope=None)}, NEVER),
    ("concurrency-limit", {"others": (OTHER,), "can": replace(CAN, max_active=3)}, None),
    ("concurrency-limit", {"parameters": {"percent": 10}}, GONE),
    ("concurrency-limit", {"parameters": {"percent": 11}}, None),
    ("concurrency-limit", {"can": replace(CAN, max_active=None)}, NEVER),
    ("never-verified", {"record": UNSEEN}, GONE),
    ("never-verified", {"record": UNSEEN, "can": replace(CAN, probe=False)}, NEVER),
    ("never-verified", {"record": GRANT}, None),
    ("verified-lately", {"record": seen(at=NOW - 30 * DAY)}, None),
    ("verified-lately", {"record": seen(at=NOW - 30 * DAY - INSTANT)}, GONE),
    ("verified-lately", {"record": UNSEEN}, NEVER),
    ("value-alive", {"record": seen(verdict=Verdict.DEAD)}, GONE),
    ("value-alive", {"record": seen(verdict=Verdict.UNKNOWN)}, NEVER),
    ("value-alive", {"record": UNSEEN}, NEVER),
    ("right-scope", {"record": seen(scope_verdict=ScopeVerdict.WRONG)}, GONE),
    ("right-scope", {"record": seen(scope_verdict=ScopeVerdict.UNVERIFIED)}, NEVER),
    ("right-scope", {"record": UNSEEN}, NEVER),
    ("scope-verified", {"record": seen(scope_verdict=ScopeVerdict.WRONG)}, None),
    ("scope-verified", {"record": seen(scope_verdict=ScopeVerdict.UNVERIFIED)}, GONE),
    ("right-scope", {"record": replace(UNSEEN, scope=None)}, NEVER),
    ("scope-verified", {"record": replace(UNSEEN, scope=None)}, NEVER),
    ("scope-verified", {"record": UNSEEN, "can": replace(CAN, verifies_scope=False)}, NEVER),
    ("unused", {"rows": (replace(ROW, last_used_at=NOW - 90 * DAY),)}, None),
    ("unused", {"rows": (replace(ROW, last_used_at=NOW - 90 * DAY - INSTANT),)}, GONE),
    ("unused", {"rows": (replace(ROW, last_used_at=None), replace(ROW, provider_id="id2"))}, NEVER),
    ("unused", {"rows": (replace(ROW, last_used_at=None),), "record": UNSEEN}, NEVER),
    ("unused", {"rows": (replace(ROW, last_used_at=None), replace(ROW, provider_id="id2")), "record": UNSEEN}, GONE),
    ("unused", {"rows": (replace(ROW, last_used_at=None, created_at=None), replace(ROW, provider_id="id2")), "record": UNSEEN}, NEVER),
    ("unused", {"rows": None}, NEVER),
    ("unused", {"rows": ()}, NEVER),
    ("unused", {"can": replace(CAN, last_used=False)}, NEVER),
    ("expiry-missing", {"rows": (replace(ROW, expires_at=None), replace(ROW, provider_id="x"))}, GONE),
    ("expiry-missing", {"rows": (replace(ROW, expires_at=None),)}, NEVER),
    ("expiry-missing", {"rows": ()}, NEVER),
    ("expiry-missing", {"rows": None}, NEVER),
    ("least-privilege", {"record": replace(GOOD, permissions=("posts:read", "posts:write"))}, None),
    ("least-privilege", {"record": replace(GOOD, permissions=("posts:read", "kb:write"))}, GONE),
    ("least-privilege", {"record": replace(GOOD, permissions=())}, NEVER),
    *(("least-privilege", {"record": replace(GOOD, permissions=(each,)), "parameters": parameters}, GONE)
      for each in ("*", "posts:*")
      for parameters in ({"permissions": {}}, {"permissions": {"uploads": ("*", "posts:*")}})),
    ("least-privilege", {"parameters": {"permissions": {}}}, NEVER),
    ("session-kept", {"record": SESSION}, GONE),
    ("session-kept", {"record": replace(SESSION, consumers=(APP,), fingerprint=None)}, GONE),
    ("session-kept", {"record": replace(SESSION, fingerprint=None)}, None),
    ("session-kept", {"record": replace(SESSION, location=Location(Custody.UNREADABLE, "x"))}, None),
    ("consumers-declared", {"record": replace(GOOD, consumers=None)}, GONE),
    ("consumers-declared", {"record": replace(GOOD, consumers=())}, None),
    ("consumers-declared", {"record": replace(GOOD, consumers=None, kind=CredentialKind.PROVIDER_ADMIN)}, None),
    ("no-consumer", {"record": replace(GOOD, consumers=())}, GONE),
    ("no-consumer", {"record": replace(GOOD, consumers=None)}, NEVER),
    ("no-consumer", {"record": replace(GOOD, consumers=(), kind=CredentialKind.PROVIDER_ADMIN)}, None),
    ("consumers-confirmed", {"journal": replace(DONE, handovers=())}, GONE),
    ("consumers-confirmed",
     {"journal": replace(DONE, handovers=(Handover(consumer=APP, level=HandoverLevel.PUSHED, at=NOW),))}, GONE),
    ("consumers-confirmed", {"record": replace(GOOD, consumers=()), "journal": replace(DONE, handovers=())}, None),
    ("consumers-confirmed", {"journal": None}, NEVER),
    ("consumers-confirmed", {"journal": replace(DONE, stage=Stage.ABORTED)}, NEVER),
    ("rotation-stuck", {"journal": replace(DONE, stage=Stage.STORED, updated_at=NOW - 2 * DAY)}, None),
    ("rotation-stuck", {"journal": replace(DONE, stage=Stage.STORED, updated_at=NOW - 2 * DAY - INSTANT)}, GONE),
    ("rotation-stuck", {"journal": replace(DONE, updated_at=NOW - 99 * DAY)}, None),
    ("old-token-dead", {"journal": replace(DONE, stage=Stage.REVOKE_INTENDED)}, GONE),
    ("old-token-dead", {"journal": replace(DONE, stage=Stage.REVOKED)}, GONE),
    ("old-token-dead", {"journal": replace(DONE, stage=Stage.CONSUMED, proof=None)}, None),
    ("old-token-dead", {"journal": replace(DONE, proof=None)}, GONE),
    ("old-token-dead", {"journal": replace(DONE, proof=None, mode=Mode.ADD)}, None),
    ("old-token-dead", {"journal": replace(DONE, proof=replace(PROOF, grade=DeathGrade.ASSERTED))}, GONE),
    ("old-token-dead", {"journal": replace(DONE, stage=Stage.ABORTED, proof=None)}, None),
    ("old-token-dead", {"quarantine": (Quarantined(
        label=Label("old"), fingerprint=None, provider_id="", provider_label="", proof=PROOF, probe_due_at=NOW,
        alive_again=True),)}, GONE),
]  # fmt: skip


FOUR = tuple(replace(OTHER, name=token_name(f"video/{n}/x"), fingerprint="a" * 32) for n in "abcd")
ENTERED = {"read_at": NOW, "can": replace(CAN, last_used=False)}
LEAK = Exposure(since=NOW, reach=Spread.PUSHED, where="x", by="user:a")
UNVERIFIED = {"scope_verdict": ScopeVerdict.UNVERIFIED}
SAID = DeathProof(grade=DeathGrade.ASSERTED, first_at=NOW, last_at=NOW, samples=0, control=False, said_by="ada")
KEPT = Quarantined(
    label=Label("old"), fingerprint="c" * 32, provider_id="", provider_label="upload", proof=SAID, probe_due_at=NOW
)
UPDATES = replace(CAN, updates=("label", "permissions"))
POSTS = replace(GOOD, permissions=("posts:read", "kb:write"))
FIXES = [
    ("required-fields", {"record": replace(GOOD, owner="")}, f"tokenguard edit {GOOD.name} --owner TEAM"),
    ("required-fields", {"record": replace(GOOD, owner="", purpose="")},
     f"tokenguard edit {GOOD.name} --owner TEAM --purpose TEXT"),
    ("required-fields", {"record": replace(GOOD, owner=""), "advice": "ask the platform team"}, ""),
    ("required-fields", {"record": replace(GOOD, owner="", fingerprint=None),
                         "parameters": {"fields": ("owner", "fingerprint")}}, ""),
    ("descriptive-name", {"record": replace(GOOD, label="token-2")}, ""),
    ("descriptive-name", {"record": replace(GOOD, label="token-2"), "can": None}, ""),
    ("descriptive-name", {"record": replace(GOOD, label="token-2"), "can": UPDATES},
     f"tokenguard edit {GOOD.name} --label LABEL --at-provider"),
    ("least-privilege", {"record": POSTS}, ""),
    ("least-privilege", {"record": POSTS, "can": None}, ""),
    ("least-privilege", {"record": replace(POSTS, permissions=("kb:write",)), "can": UPDATES}, ""),
    ("least-privilege", {"record": POSTS, "can": UPDATES},
     f"tokenguard edit {GOOD.name} --permission posts:read --at-provider"),
]  # fmt: skip
"""The command that a rule prints; empty where the policy's own advice stands."""
WORDS = [
    ("leaked", {"record": GOOD.with_leak(LEAK)}, f"since {NOW:%Y-%m-%d}, pushed: x"),
    ("leaked", {"record": replace(GOOD, leaks=(replace(LEAK, fingerprint="a" * 32),))},
     f"since {NOW:%Y-%m-%d}, pushed: x"),
    ("leaked", {"record": replace(GOOD, leaks=(replace(LEAK, fingerprint="c" * 32),))},
     f"an older value, since {NOW:%Y-%m-%d}, pushed: x"),
    ("scope-verified", {"record": UNSEEN}, "its scope was never verified"),
    ("scope-verified", {"record": seen(**UNVERIFIED)}, "the last check did not report its scope"),
    ("scope-verified", {"record": seen(verdict=Verdict.DEAD, **UNVERIFIED)},
     f"its scope could not be verified on {SEEN.at:%Y-%m-%d}: the provider did not accept it"),
    ("scope-verified", {"record": seen(verdict=Verdict.UNKNOWN, **UNVERIFIED)},
     f"its scope could not be verified on {SEEN.at:%Y-%m-%d}: there was no clear answer"),
    ("old-token-dead", {"quarantine": (KEPT,)}, "the revocation of upload is asserted by ada, not proven"),
    ("old-token-dead", {"quarantine": (replace(KEPT, provider_label=""),)},
     "the revocation of old is asserted by ada, not proven"),
    ("right-scope", {"record": seen(scope_verdict=ScopeVerdict.WRONG)}, "it belongs to drive:d1; its record says drive:d1"),
    ("right-scope", {"record": replace(seen(scope_verdict=ScopeVerdict.WRONG, scope=None), scope=None)},
     "it belongs to another scope; its record says none"),
    ("shared-value", {"others": FOUR[:3]}, "same value as video/a/x, video/b/x, video/c/x"),
    ("shared-value", {"others": FOUR}, "same value as video/a/x, video/b/x, video/c/x and 1 more"),
    ("person-left", {"people": STAFF, "record": replace(GOOD, made_by="kim", deputy="not in it")},
     "has left: the person who created it; not in the people file, which is complete: a deputy"),
    ("unused", {"rows": (), **ENTERED}, "the provider's list does not contain it"),
    ("unused", {"rows": (replace(ROW, last_used_at=None),), **ENTERED}, "the provider does not report when a token was used"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "how", "expected"), FIXES)
def test_the_command_that_mends_it(rule, how, expected):
    assert asked(rule, fixes=True, **how) == expected


@pytest.mark.parametrize(("rule", "how", "expected"), WORDS)
def test_what_is_said_of_it(rule, how, expected):
    assert asked(rule, words=True, **how) == expected


def test_a_day_that_a_person_copied_counts():
    assert asked("unused", rows=(replace(ROW, last_used_at=NOW - 91 * DAY),), **ENTERED) is GONE


@pytest.mark.parametrize(("rule", "how", "expected"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)])
def test_every_rule_at_its_edges(rule, how, expected):
    assert asked(rule, **how) is expected


def test_every_rule_of_the_catalogue_is_answered_by_somebody_and_has_a_violating_case():
    checked = {name for name, about in CATALOGUE.items() if about.checked and not about.repository}
    assert checked == {*CHECKS, "orphan", "second-person"}
    assert {rule for rule, _, expected in CASES if expected is GONE} == set(CHECKS)


class TestAssessment:
    document = Document(record=replace(GOOD, rotated_at=NOW - 100 * DAY), journal=DONE)

    def made(self, policy, documents=None, facts=None):
        return assess(policy, InventoryContext(documents or [self.document], NOW, facts))

    def rules(self, assessment):
        return {each.rule: each.severity for each in assessment.violations}

    def test_without_a_list_an_orphan_is_not_evaluable(self):
        unknown = self.made(default_policy()).not_evaluable
        assert unknown["orphan", "the provider was not contacted for its list"] == 1

    @pytest.mark.parametrize(
        ("record", "listed", "unknown"),
        [
            ({}, [ROW], False),
            ({}, [], True),
            ({"state": RecordState.PENDING}, [], True),
            ({"state": RecordState.PENDING}, [replace(ROW, provider_id="id9", label="other")], True),
            ({"state": RecordState.UNCLAIMED}, [ROW], False),
            ({"kind": CredentialKind.PROVIDER_ADMIN}, [ROW], True),
        ],
    )
    def test_a_list_without_any_known_token_does_not_say_that_there_is_no_orphan(self, record, listed, unknown):
        facts = {place_of(GOOD): ProviderFacts(capabilities=CAN, listed=listed)}
        found = self.made(default_policy(), [Document(record=replace(GOOD, **record))], facts)
        assert ("orphan" in {rule for rule, _ in found.not_evaluable}) == unknown

    def test_a_token_in_two_lists_is_one_orphan(self):
        facts = ProviderFacts(capabilities=CAN, listed=[ROW, replace(ROW, provider_id="id9")])
        lists = {place_of(GOOD): facts, ("fake", "", "drive:d2"): facts}
        orphans = [each for each in self.made(default_policy(), facts=lists).violations if each.rule == "orphan"]
        assert [each.path for each in orphans] == ["fake:drive:d1/id9"]

    def test_a_token_that_is_being_made_is_no_orphan(self):
        journal = replace(DONE, attempts=(Attempt(label=Label("new-1")),))
        facts = {place_of(GOOD): ProviderFacts(listed=[replace(ROW, provider_id="id9", label="new-1")])}
        found = self.made(default_policy(), [Document(record=GOOD, journal=journal)], facts)
        assert "orphan" not in self.rules(found)

    @pytest.mark.parametrize(
        ("stage", "row", "orphan"),
        [
            (Stage.DONE, {"provider_id": "id7"}, True),  # discarded
            (Stage.ABORTED, {"provider_id": "id9", "label": "new-1"}, True),
            (Stage.DONE, {"provider_id": "id8"}, True),  # the old token
            (Stage.DONE, {"provider_id": "id9", "label": "old name"}, True),
            (Stage.CONSUMED, {"provider_id": "id7"}, False),
            (Stage.CONSUMED, {"provider_id": "id8"}, False),
            (Stage.CONSUMED, {"provider_id": "id9", "label": "old name"}, False),
        ],
    )
    def test_what_an_operation_has_ended_is_an_orphan_where_it_is_listed(self, stage, row, orphan):
        gone = Attempt(label=Label("new-1"), state=AttemptState.GONE, provider_id="id7")
        old = replace(OLD, provider_id="id8", provider_label="old name")
        journal = replace(DONE, stage=stage, old=old, attempts=(gone,))
        facts = {place_of(GOOD): ProviderFacts(listed=[ROW, replace(ROW, **row)])}
        found = self.made(default_policy(), [Document(record=GOOD, journal=journal)], facts)
        assert ("orphan" in self.rules(found)) == orphan

    def test_an_override_is_for_those_it_matches_and_the_last_one_counts(self):
        def with_overrides(*overrides):
            return self.rules(self.made(replace(default_policy(), overrides=overrides)))

        softer = Override(rule="maximum-age", match=RuleSelector(token="video/*"), severity=Severity.WARNING)
        assert with_overrides(softer)["maximum-age"] is Severity.WARNING
        assert with_overrides(replace(softer, match=RuleSelector(token="audio/*")))["maximum-age"] is Severity.ERROR
        longer = replace(softer, severity=None, parameters={"days": {"prod": 101}})
        assert "maximum-age" not in with_overrides(softer, longer)
        off = replace(softer, severity=Severity.OFF, match=RuleSelector(environment="prod", provider="fake"))
        assert "maximum-age" not in with_overrides(off)

    def test_a_rule_that_is_off_for_a_token_says_nothing_of_it(self):
        document = Document(record=replace(GOOD, deputy=""))
        off = Override(rule="responsible-people", match=RuleSelector(environment="prod"), severity=Severity.OFF)
        assert "responsible-people" in self.rules(self.made(default_policy(), [document]))
        found = self.made(replace(default_policy(), overrides=(off,)), [document])
        assert "responsible-people" not in self.rules(found)

    def test_of_two_lines_of_a_list_that_could_be_it_the_first_one_counts(self):
        second = replace(ROW, last_used_at=NOW - 200 * DAY)
        assert asked("unused", rows=(ROW, second)) is None
        named = replace(GOOD, provider_id="", label="x")
        assert asked("unused", named, rows=(replace(ROW, label="x"), replace(second, label="x"))) is None
        assert asked("unused", named, rows=(replace(second, label="x"), replace(ROW, label="x"))) is GONE

    @pytest.mark.parametrize(("left", "waived"), [(INSTANT, 1), (timedelta(0), 0), (-DAY, 0)])
    def test_a_waiver_ends_at_its_day(self, left, waived):
        waiver = PolicyWaiver(
            rule="maximum-age", match=RuleSelector(token=GOOD.name), owner="video", reason="x", until=NOW + left
        )
        found = self.made(replace(default_policy(), waivers=(waiver,)))
        assert len(found.waived) == waived
        assert ("maximum-age" in self.rules(found)) is not bool(waived)

    def test_a_waiver_is_for_one_rule_only(self):
        waiver = PolicyWaiver(
            rule="no-consumer", match=RuleSelector(token="*"), owner="video", reason="x", until=NOW + DAY
        )
        assert "maximum-age" in self.rules(self.made(replace(default_policy(), waivers=(waiver,))))

    def test_the_gravest_come_first(self):
        found = self.made(default_policy(), [self.document, Document(record=replace(OTHER, deputy="", purpose=""))])
        order = [list(Severity).index(each.severity) for each in found.violations]
        assert order == sorted(order)
        assert len(found.at_least(Severity.ERROR)) < len(found.at_least(Severity.NOTE)) == len(found.violations)
