"""What runs without a person rotates in steps: a canary per provider, so many a day, within windows, outside freezes."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenguard.domain.document import Document, Snapshot
from tokenguard.domain.journal import Journal, Mode, Stage
from tokenguard.domain.leak import Exposure, Spread
from tokenguard.domain.names import TokenId, token_name
from tokenguard.domain.token import CredentialKind, Record, RecordState
from tokenguard.frozen import replace
from tokenguard.policy.loader import default_policy, load_policy
from tokenguard.policy.model import Override, RuleSelector, is_due
from tokenguard.rotation.unattended import HoldReason, choose, is_open_to_rotation, mode_of

NOW = datetime(2026, 12, 2, 3, 0, tzinfo=UTC)  # a Wednesday
OLD = NOW - timedelta(days=400)
RULE = "unattended-rotation"


def token(number, *, provider="fake", journal=None, **fields):
    fields = {
        "created_at": OLD + timedelta(minutes=number),
        "environment": "prod",
        "state": RecordState.ACTIVE,
        **fields,
    }
    record = Record(name=token_name(f"video/app/t{number}"), provider=provider, **fields)
    return Snapshot(id=TokenId(f"{number:032x}"), version=1, document=Document(record=record, journal=journal))


def policy(**parameters):
    return replace(
        default_policy(), overrides=(Override(rule=RULE, match=RuleSelector(token="*"), parameters=parameters),)
    )


def journal(stage=Stage.DONE, *, ago=timedelta(hours=1), mode=Mode.PLANNED):
    at = NOW - ago
    return Journal(id="0" * 32, mode=mode, stage=stage, epoch=1, holder="h/1/x", opened_at=at, updated_at=at)


def names(snapshots):
    return [each.document.record.name.rpartition("/")[2] for each in snapshots]


def held(rollout):
    return {names([each.snapshot])[0]: each.hold for each in rollout.held}


def test_forty_freshly_imported_tokens_are_left_to_people():
    due = [token(number, created_at=None) for number in range(40)]
    assert all(is_due(each.document.record, default_policy(), NOW) for each in due)
    rollout = choose(due, due, default_policy(), NOW)
    assert rollout.chosen == ()
    assert set(held(rollout).values()) == {HoldReason.AGE_UNKNOWN}


def test_one_canary_for_each_provider_comes_first_and_the_others_wait_for_it():
    due = [token(1), token(2, environment="dev"), token(3, provider="other"), token(4), token(5, provider="other")]
    rollout = choose(due, due, default_policy(), NOW)
    assert set(names(rollout.first)) == {"t2", "t3"}
    assert {names([each])[0]: rollout.canary_of(each).rpartition("/")[2] for each in rollout.rest} == {
        "t1": "t2", "t4": "t2", "t5": "t3",
    }  # fmt: skip
    assert all(rollout.canary_of(each) is None for each in rollout.first)


def test_no_more_than_the_policy_allows_are_begun_within_24_hours():
    due = [token(number) for number in range(10)]
    rollout = choose(due, due, policy(most=3), NOW)
    assert names(rollout.chosen) == ["t0", "t1", "t2"]
    assert set(held(rollout).values()) == {HoldReason.ENOUGH}


def test_what_was_begun_before_counts_for_24_hours_whoever_began_it():
    due = [token(number) for number in range(5)]
    before = [
        token(20, journal=journal()),
        token(21, journal=journal(ago=timedelta(hours=25))),
        token(22, journal=journal(mode=Mode.ADD)),
    ]
    rollout = choose(due, [*due, *before], policy(most=3), NOW)
    assert names(rollout.chosen) == ["t0", "t1"]


def test_an_open_operation_is_continued_and_takes_no_place_of_another():
    begun = token(1, journal=journal(Stage.MINT, ago=timedelta(hours=30)))
    rollout = choose([begun, token(2)], [begun, token(2)], policy(most=1), NOW)
    assert (names(rollout.begun), names(rollout.first)) == (["t1"], ["t2"])


@pytest.mark.parametrize(
    ("parameters", "hold"),
    [
        ({"freezes": ("2026-12-02",)}, HoldReason.FROZEN),
        ({"freezes": ("2026-12-01..2026-12-31",)}, HoldReason.FROZEN),
        ({"freezes": ("2026-12-03..2026-12-31",)}, None),
        ({"windows": ("never",)}, HoldReason.CLOSED),
        ({"windows": ("sat-sun 02:00-05:00",)}, HoldReason.CLOSED),
        ({"windows": ("wed 02:00-03:00",)}, HoldReason.CLOSED),
        ({"windows": ("wed 03:00-04:00",)}, None),
        ({"windows": ("tue 22:00-03:01",)}, None),
        ({"windows": ("mon 02:00-05:00", "02:59-05:00")}, None),
        ({"windows": ("fri-wed 00:00-24:00",)}, None),
    ],
)
def test_windows_and_freezes_say_when(parameters, hold):
    rollout = choose([token(1)], [token(1)], policy(**parameters), NOW)
    assert held(rollout) == ({"t1": hold} if hold else {})


def test_a_leak_waits_for_no_window_number_or_canary_and_is_revoked_first_where_it_got_far():
    leak = Exposure(since=NOW, reach=Spread.PUSHED, by="user:a")
    near = token(1, created_at=NOW)
    near = replace(near, document=replace(near.document, record=near.document.record.with_leak(leak)))
    far = near.document.record.with_leak(replace(leak, reach=Spread.PUBLIC))
    assert is_due(near.document.record, default_policy(), NOW)
    frozen = policy(most=1, windows=("never",), freezes=("2026-12-02",))
    assert names(choose([near, token(2)], [near, token(2)], frozen, NOW).chosen) == ["t1"]
    assert mode_of(near.document.record, default_policy()) is Mode.PLANNED
    assert mode_of(far, default_policy()) is Mode.COMPROMISED
    assert mode_of(token(2).document.record, default_policy()) is Mode.PLANNED


def test_without_the_rule_only_what_is_of_unknown_age_is_held():
    without = replace(default_policy(), rules=tuple(each for each in default_policy().rules if each.id != RULE))
    due = [token(number) for number in range(60)] + [token(99, created_at=None)]
    rollout = choose(due, due, without, NOW)
    assert len(rollout.chosen) == 60
    assert held(rollout) == {"t99": HoldReason.AGE_UNKNOWN}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"state": RecordState.RETIRED}, False),
        ({"state": RecordState.PENDING}, False),
        ({"state": RecordState.PENDING, "journal": journal(Stage.MINT)}, True),
        ({"kind": CredentialKind.OAUTH_GRANT}, False),
    ],
)
def test_only_what_has_a_value_can_be_rotated(fields, expected):
    assert is_open_to_rotation(token(1, **fields)) is expected


def test_parameters_of_the_rule_are_read():
    text = b"""format: 1
name: ours
extends: default
rules:
  - id: unattended-rotation
    most: 5
    windows: ["mon-thu 02:00-05:00"]
    freezes: ["2026-12-20..2027-01-05"]
"""
    rule = load_policy(text, source="p.yaml").rule(RULE)
    assert (rule.number("most"), rule.words("windows")) == (5, ("mon-thu 02:00-05:00",))
    assert rule.words("freezes") == ("2026-12-20..2027-01-05",)


@pytest.mark.parametrize(("of", "due"), [("0" * 32, True), (None, True), ("1" * 32, False)])
def test_only_a_leak_of_the_live_value_or_of_one_unknown_makes_a_token_due(of, due):
    leak = Exposure(since=NOW, reach=Spread.PUBLIC, by="user:a", fingerprint=of)
    record = token(1, created_at=NOW, fingerprint="0" * 32).document.record.with_leak(leak)
    assert is_due(record, default_policy(), NOW) is due
    assert (mode_of(record, default_policy()) is Mode.COMPROMISED) is due
    assert (record.live_leak is None, record.older_leak is None) == (not due, due)
