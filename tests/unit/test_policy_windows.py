"""Windows and freezes: what is not a time is refused, and what two of them allow together is never more than either."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.policy.loader import default_policy, load_policy
from tokenguard.policy.model import Override, RuleSelector
from tokenguard.policy.repository_overrides import read_tightening, tightened
from tokenguard.policy.windows import check_freeze, check_window, common, frozen_at, open_at, within

MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
HALF_HOURS = [MONDAY + timedelta(minutes=30 * number) for number in range(7 * 48)]
SETS = [
    (),
    ("never",),
    ("02:00-05:00",),
    ("mon-fri 02:00-05:00",),
    ("fri 22:00-06:00", "mon 01:00-02:30"),
    ("sat-mon 23:00-01:00",),
    ("sun 00:00-24:00",),
]


@pytest.mark.parametrize(
    "text",
    ["", "mon", "02:00", "2:00-5:00", "mon 02:00", "02:00-02:00", "25:00-26:00", "24:00-25:00", "02:60-03:00",
     "mon,tue 02:00-05:00", "foo 02:00-05:00", "mon-foo 02:00-05:00", "mon 02:00-05:00 ", "MON 02:00-05:00",
     "mon 02:00-24:01", "٠٢:00-05:00", "never mon"],
)  # fmt: skip
def test_what_is_no_window_is_refused(text):
    with pytest.raises(InputError):
        check_window(text)


@pytest.mark.parametrize(
    "text",
    ["", "2026", "20261224", "2026-12-32", "2026-12-24..", "..2026-12-24", "2026-12-24..2026-12-20",
     "2026-01-01..2028-01-01", "2026-12-24 - 2026-12-25", "2026-W52-1"],
)  # fmt: skip
def test_what_is_no_freeze_is_refused(text):
    with pytest.raises(InputError):
        check_freeze(text)


def test_a_freeze_holds_from_the_first_to_the_last_of_its_days_in_utc():
    freeze = ("2026-12-20..2026-12-21",)
    first, after = datetime(2026, 12, 20, tzinfo=UTC), datetime(2026, 12, 22, tzinfo=UTC)
    assert frozen_at(freeze, first)
    assert frozen_at(freeze, after - timedelta(seconds=1))
    assert not frozen_at(freeze, first - timedelta(seconds=1))
    assert not frozen_at(freeze, after)


@pytest.mark.parametrize("one", SETS, ids=str)
@pytest.mark.parametrize("other", SETS, ids=str)
def test_two_sets_of_windows_allow_together_what_both_allow(one, other):
    both = common(one, other)
    assert [open_at(both, at) for at in HALF_HOURS] == [open_at(one, at) and open_at(other, at) for at in HALF_HOURS]
    assert within(one, other) == all(open_at(other, at) for at in HALF_HOURS if open_at(one, at)) or (
        not one and within(("mon-sun 00:00-24:00",), other)
    )
    assert tuple(map(check_window, both)) == both


OURS = b"""format: 1
name: ours
extends: default
rules:
  - {id: unattended-rotation, most: 5, windows: ["mon-fri 02:00-05:00"], freezes: ["2026-12-24"]}
"""


@pytest.mark.parametrize(
    ("wish", "allowed"),
    [
        ("most = 4", True),
        ("most = 6", False),
        ('windows = ["tue 02:00-04:00"]', True),
        ('windows = ["never"]', True),
        ('windows = ["tue 02:00-05:01"]', False),
        ("windows = []", False),
        ('freezes = ["2027-01-01"]', True),
    ],
)
def test_a_repository_may_only_ask_for_less(wish, allowed):
    policy = load_policy(OURS, source="p.yaml")
    wanted = read_tightening(f"[policy.rules.unattended-rotation]\n{wish}\n".encode())
    if allowed:
        rule = tightened(policy, wanted).rule("unattended-rotation")
        assert "2026-12-24" in rule.words("freezes")
        assert within(rule.words("windows"), policy.rule("unattended-rotation").words("windows"))
    else:
        with pytest.raises(InputError):
            tightened(policy, wanted)


def test_an_override_is_held_to_a_tightening_even_if_nothing_is_left():
    override = Override(
        rule="unattended-rotation", match=RuleSelector(environment="dev"), parameters={"windows": ("sat 02:00-05:00",)}
    )
    wanted = read_tightening(b'[policy.rules.unattended-rotation]\nwindows = ["mon 02:00-05:00"]\n')
    policy = tightened(replace(default_policy(), overrides=(override,)), wanted)
    assert policy.overrides[0].parameters["windows"] == ("never",)


@pytest.mark.parametrize(
    "line",
    ['windows: ["mon"]', 'freezes: ["x"]', "windows: mon", "most: 0"],
)
def test_a_policy_with_a_wrong_time_is_refused_with_its_place(line):
    text = f"format: 1\nname: ours\nextends: default\nrules:\n  - id: unattended-rotation\n    {line}\n".encode()
    with pytest.raises(InputError) as refused:
        load_policy(text, source="p.yaml")
    assert refused.value.message.startswith("p.yaml:6:")


def test_a_reach_that_is_none_is_refused():
    text = b"format: 1\nname: ours\nextends: default\nrules:\n  - id: leaked\n    revoke_first: [everywhere]\n"
    with pytest.raises(InputError):
        load_policy(text, source="p.yaml")
