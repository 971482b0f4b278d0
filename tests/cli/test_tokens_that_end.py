"""A token that its provider ends by itself is due before that, however long the policy lets its value live."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.world import FakeProvider
from tokenguard.domain.moment import moment_of
from tokenguard.domain.names import token_name
from tokenguard.domain.token import CredentialKind, Record, RecordState
from tokenguard.frozen import replace
from tokenguard.policy.loader import default_policy
from tokenguard.policy.model import due_of
from tokenguard.providers import provider_registry
from tokenguard.providers.provider_settings import ProviderSettings

NAME = "video/app/dev/upload"
LIFE = timedelta(days=90)
DAY = 86_400
ISSUED = (
    "--provider", "fake", "--scope", "drive:A", "--env", "dev", "--owner", "video", "--purpose", "uploads",
    "--no-consumers", "--issue",
)  # fmt: skip


@pytest.fixture
def ending(cli):
    cli.vendors.fake = FakeProvider(cli.world, lifetime=LIFE)
    return cli


def days_left(cli, name=NAME):
    (row,) = (each for each in cli("list", "--format", "json").document["tokens"] if each["name"] == name)
    return row["days_left"]


def test_an_issued_token_is_due_a_week_before_its_provider_ends_it(ending):
    assert ending("add", NAME, *ISSUED).code == 0
    assert days_left(ending) == 83
    end = (ending.clock.now() + LIFE).date().isoformat()
    assert [line.split()[-1] for line in ending("show", NAME).out.splitlines() if line.startswith("ends ")] == [end]
    ending.clock.sleep(82 * DAY)
    assert ending("rotate", "--due", "--no-input").code == 0
    assert days_left(ending) == 1
    ending.clock.sleep(2 * DAY)
    assert ending("rotate", "--due", "--no-input").code == 0
    assert days_left(ending) == 83
    assert ending("rotate", NAME, "--compromised", "--reason", "leaked", "--no-input").code == 0
    assert days_left(ending) == 83


def test_a_token_that_was_given_is_due_by_the_policy_until_it_is_rotated(ending):
    ending.add(NAME, "--env", "dev", "--created", ending.clock.now().date().isoformat())
    assert days_left(ending) > 300
    assert ending("rotate", NAME, "--no-input").code == 0
    assert days_left(ending) == 83


@pytest.mark.parametrize(("chosen", "left"), [(20, 20), (120, 83)])
def test_a_date_of_its_own_counts_if_it_is_earlier(ending, chosen, left):
    day = (ending.clock.now() + timedelta(days=chosen)).date().isoformat()
    assert ending("add", NAME, *ISSUED, "--due", day).code == 0
    assert days_left(ending) == left


def test_a_retired_token_and_one_without_an_end_are_as_before(cli):
    assert cli("add", NAME, *ISSUED).code == 0
    assert cli.store.find(token_name(NAME)).document.record.ends_at is None
    assert days_left(cli) == 365


@given(
    life=st.integers(1, 1_000),
    environment=st.sampled_from(["prod", "staging", "dev"]),
    chosen=st.none() | st.integers(1, 1_000),
)
def test_it_is_due_before_its_end_and_never_later_than_without_one(life, environment, chosen):
    since = moment_of("2026-11-01T09:00:00Z")
    record = Record(
        name=token_name(NAME), provider="fake", kind=CredentialKind.API_KEY, state=RecordState.ACTIVE, environment=environment,
        created_at=since, due_at=None if chosen is None else since + timedelta(days=chosen),
    )  # fmt: skip
    ends = since + timedelta(days=life)
    policy = default_policy()
    without, due = due_of(record, policy), due_of(replace(record, ends_at=ends), policy)
    assert since < due.at < ends
    assert due.at <= without.at


@pytest.mark.parametrize(
    ("name", "lifetimes"), [("gitlab", (LIFE, LIFE)), ("harbor", (LIFE, None)), ("cloudflare", (None, None))]
)
def test_a_file_says_how_long_new_values_live(name, lifetimes):
    able = provider_registry.build(name, ProviderSettings(), None).capabilities
    assert (able.lifetime, able.lifetime_in_place) == lifetimes
