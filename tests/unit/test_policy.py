"""Policies: known rules only, each with its reason; and when a token is due."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenguard.domain.names import token_name
from tokenguard.domain.token import CredentialKind, Record, RecordState
from tokenguard.errors import InputError
from tokenguard.frozen import replace
from tokenguard.policy.catalogue import CATALOGUE
from tokenguard.policy.loader import default_policy, load_policy, packaged_policy, read_policy
from tokenguard.policy.model import Policy, age_unknown, due_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
RECORD = Record(name=token_name("a/b"), provider="manual", state=RecordState.ACTIVE, environment="prod", rotated_at=NOW)
RULE = """\
  - id: maximum-age
    severity: error
    why: reasons
    source: somewhere
    fix: rotate
    days: {prod: 30}
    otherwise: 10
    warn: [7, 14]
"""
GOOD = f"format: 1\nname: mine\nrules:\n{RULE}"


def test_the_default_policy_says_why_and_where_from():
    policy = default_policy()
    assert [rule.id for rule in policy.rules] == list(CATALOGUE)
    assert all(rule.why and rule.source and rule.fix for rule in policy.rules)
    age = policy.rule("maximum-age")
    assert {env: age.limit(env).days for env in ("prod", "staging", "dev", "x")} == {
        "prod": 90,
        "staging": 180,
        "dev": 365,
        "x": 90,
    }
    assert [each.days for each in age.warnings] == [30, 14, 7, 1]
    assert policy.quiet_period == timedelta(days=7)
    assert policy.rule("required-fields").words("fields") == ("owner", "scope", "purpose", "environment")


def test_a_team_s_own_policy_is_read(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD)
    policy = read_policy(path)
    assert (policy.name, policy.rule("maximum-age").limit("x")) == ("mine", timedelta(days=10))
    assert policy.rule("maximum-age").warnings == (timedelta(days=14), timedelta(days=7))
    assert policy.quiet_period is None


BAD = {
    "empty": "",
    "a list": "[]",
    "no format": GOOD.replace("format: 1\n", ""),
    "another format": GOOD.replace("format: 1", "format: 2"),
    "no name": GOOD.replace("name: mine\n", ""),
    "unknown key": GOOD + "extra: 1\n",
    "rules missing": "format: 1\nname: x\n",
    "extends misspelt": "format: 1\nname: x\nextnds: default\n",
    "rules a mapping": "format: 1\nname: x\nrules: {}\n",
    "rule is text": "format: 1\nname: x\nrules: [x]\n",
    "unknown rule": GOOD.replace("maximum-age", "maximal-age"),
    "rule twice": GOOD + RULE,
    "no reason": GOOD.replace("    why: reasons\n", ""),
    "empty reason": GOOD.replace("why: reasons", "why: ''"),
    "no source": GOOD.replace("    source: somewhere\n", ""),
    "severity": GOOD.replace("severity: error", "severity: fatal"),
    "unknown parameter": GOOD + "    grace: 3\n",
    "missing parameter": GOOD.replace("    otherwise: 10\n", ""),
    "days zero": GOOD.replace("prod: 30", "prod: 0"),
    "days negative": GOOD.replace("prod: 30", "prod: -1"),
    "days fraction": GOOD.replace("prod: 30", "prod: 1.5"),
    "days huge": GOOD.replace("prod: 30", "prod: 9999999999"),
    "days words": GOOD.replace("prod: 30", "prod: never"),
    "days other digits": GOOD.replace("prod: 30", "prod: \u0663"),
    "days a list": GOOD.replace("{prod: 30}", "[30]"),
    "environment": GOOD.replace("prod: 30", "Prod Two: 30"),
    "warn a number": GOOD.replace("[7, 14]", "7"),
    "fields": "format: 1\nname: x\nrules:\n  - {id: required-fields, severity: error, why: a, source: b, fix: c, fields: [value]}\n",
    "anchor": GOOD.replace("name: mine", "name: &x mine"),
    "duplicate": GOOD + "name: other\n",
}  # fmt: skip


def test_a_misspelt_key_is_told_as_that_and_not_as_what_is_missing_because_of_it():
    with pytest.raises(InputError, match=r"bad.yaml:3:1: unknown key"):
        load_policy(BAD["extends misspelt"].encode(), source="bad.yaml")


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_policy_that_is_not_understood_is_refused(text):
    with pytest.raises(InputError, match=r"^p\.yaml"):
        load_policy(text.encode(), source="p.yaml")


@given(st.text(max_size=80))
def test_any_text_is_a_policy_or_refused(text):
    with contextlib.suppress(InputError):
        assert isinstance(load_policy(f"format: 1\n{text}".encode("utf-8", "replace"), source="p"), Policy)


@pytest.mark.parametrize("name", ["missing", "../default", "default.yaml/../default", ""])
def test_a_packaged_policy_is_a_plain_name(name):
    with pytest.raises(InputError):
        packaged_policy(name)


def test_a_policy_file_must_be_there(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        read_policy(tmp_path / "none.yaml")


class TestDue:
    policy = default_policy()

    def test_age_counts_from_the_last_rotation(self):
        due = due_of(replace(RECORD, added_at=NOW - timedelta(days=50)), self.policy)
        assert due.at == NOW + timedelta(days=90)

    def test_without_a_rotation_from_when_it_was_made(self):
        record = replace(RECORD, rotated_at=None, created_at=NOW - timedelta(days=5))
        assert due_of(record, self.policy).at == NOW + timedelta(days=85)

    def test_when_it_was_made_is_its_age_whatever_was_written_when_it_was_taken_in(self):
        record = replace(RECORD, rotated_at=NOW, created_at=NOW - timedelta(days=99))
        assert due_of(record, self.policy).at == NOW - timedelta(days=9)

    def test_when_it_was_taken_in_says_nothing_of_its_age(self):
        record = replace(RECORD, rotated_at=None, added_at=NOW - timedelta(days=5))
        assert due_of(record, self.policy) is None
        assert age_unknown(record, self.policy)

    @pytest.mark.parametrize(
        "record",
        [
            replace(RECORD, rotated_at=None, due_at=NOW),
            replace(RECORD, rotated_at=None, state=RecordState.RETIRED),
            replace(RECORD, rotated_at=None, state=RecordState.PENDING),
            replace(RECORD, rotated_at=None, kind=CredentialKind.OAUTH_GRANT),
            RECORD,
        ],
    )
    def test_of_some_no_age_is_asked(self, record):
        assert not age_unknown(record, self.policy)

    def test_an_own_date_wins(self):
        due = due_of(replace(RECORD, due_at=NOW), self.policy)
        assert (due.at, due.explicit) == (NOW, True)

    @pytest.mark.parametrize(
        "record",
        [
            replace(RECORD, state=RecordState.RETIRED, due_at=NOW),
            replace(RECORD, rotated_at=None),
            replace(RECORD, kind=CredentialKind.OAUTH_GRANT),
        ],
    )
    def test_some_are_never_due(self, record):
        assert due_of(record, self.policy) is None

    def test_without_a_rule_only_own_dates_count(self):
        assert due_of(RECORD, Policy(name="none")) is None
        assert due_of(replace(RECORD, due_at=NOW), Policy(name="none")).at == NOW

    @pytest.mark.parametrize(
        ("left", "days", "soon"),
        [
            (timedelta(days=90), 90, False),
            (timedelta(days=30, seconds=1), 31, False),
            (timedelta(days=30), 30, True),
            (timedelta(seconds=1), 1, True),
            (timedelta(0), 0, True),
            (timedelta(seconds=-1), 0, True),
            (timedelta(days=-3), -3, True),
        ],
    )
    def test_days_left_at_the_edges(self, left, days, soon):
        due = due_of(RECORD, self.policy)
        now = due.at - left
        assert (due.days_left(now), due.soon(now)) == (days, soon)
