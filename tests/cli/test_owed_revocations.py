"""P3 for a batch: while a revocation is owed, `rotate --due` never exits 0; nothing is begun that cannot be ended."""

from datetime import timedelta

import pytest

from tests.fakes.command_line import FakeTty
from tests.fakes.world import FakeIssuer
from tokenguard.domain.journal import Mode, Stage
from tokenguard.domain.names import token_name

NAME = "video/app/prod/upload"
A_YEAR = timedelta(days=400).total_seconds()


def document(cli, name=NAME):
    return cli.store.find(token_name(name)).document


@pytest.fixture
def owed(cli):
    """A revoke that has no effect, however long one waits."""
    cli.add(NAME)
    cli.world.revoke_lag = 10**9
    return cli


@pytest.mark.parametrize("how", [(), ("--compromised",)], ids=["planned", "compromised"])
@pytest.mark.parametrize("late", [False, True], ids=["young", "due"])
def test_due_exits_5_with_the_resume_line_while_a_revocation_is_owed(owed, how, late):
    if late:
        owed.clock.sleep(A_YEAR)
    assert owed("rotate", NAME, *how).code == 5
    for _ in range(2):
        answer = owed("rotate", "--due", "--no-input")
        assert answer.code == 5, answer
        assert f"tokenguard rotate {NAME} --resume" in answer.out + answer.err
    assert len(owed.world.made) == 2, "nothing further was made"
    owed.world.revoke_lag = 0
    assert owed("rotate", NAME, "--resume").code == 0
    assert owed("rotate", "--due", "--no-input").code == 0


def test_a_revocation_that_is_confirmed_and_not_proven_is_owed_too(cli, monkeypatch):
    cli.add(NAME)
    revoke = FakeIssuer.revoke

    def then_a_storm(issuer, provider_id):
        revoke(issuer, provider_id)
        issuer.world.unknown = 10**6

    monkeypatch.setattr(FakeIssuer, "revoke", then_a_storm)
    assert cli("rotate", NAME).code == 5
    assert document(cli).journal.revoked_by
    assert cli("rotate", "--due", "--no-input").code == 5
    cli.world.unknown = 0
    assert cli("rotate", NAME, "--resume").code == 0
    assert cli("rotate", "--due", "--no-input").code == 0


def test_a_retirement_that_is_not_ended_is_owed_too(owed):
    assert owed("retire", NAME, "--yes").code == 5
    assert owed("rotate", "--due").code == 5


def test_an_old_token_that_is_accepted_again_is_owed(owed):
    owed.world.revoke_lag = 0
    assert owed("rotate", NAME).code == 0
    owed.world.made["id1"].revoked_at = None
    owed.clock.sleep(timedelta(days=2).total_seconds())
    assert owed("verify", NAME).code == 5
    assert document(owed).journal.mode is Mode.REVOKE_AGAIN
    assert owed("rotate", "--due").code == 5


def test_a_due_date_moves_only_when_the_operation_is_over(owed):
    owed.clock.sleep(A_YEAR)
    before = document(owed).record
    assert owed("rotate", NAME).code == 5
    record = document(owed).record
    assert (record.rotated_at, record.created_at, record.due_at) == (
        before.rotated_at,
        before.created_at,
        before.due_at,
    )
    assert owed("list", "--due", "--format", "json").document["tokens"][0]["overdue"]
    owed.world.revoke_lag = 0
    assert owed("rotate", NAME, "--resume").code == 0
    assert document(owed).record.rotated_at is not None
    assert document(owed).record.created_at != before.created_at
    assert not owed("list", "--format", "json").document["tokens"][0]["overdue"]


def test_an_explicit_due_date_is_cleared_by_a_proven_death_alone(owed):
    assert owed("edit", NAME, "--due", "2026-11-02").code == 0
    owed.clock.sleep(timedelta(days=3).total_seconds())
    assert owed("rotate", NAME).code == 5
    assert document(owed).record.due_at is not None
    owed.world.revoke_lag = 0
    assert owed("rotate", NAME, "--resume").code == 0
    assert document(owed).record.due_at is None


@pytest.fixture
def undeclared(cli):
    """A token whose consumers are not known."""
    value = cli.world.create(NAME).value
    fields = ("--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "p")
    assert cli("add", NAME, *fields, "--stdin", stdin=value).code == 0
    return cli


def test_without_a_person_undeclared_consumers_stop_it_before_anything_is_made(undeclared):
    before = undeclared.everything()
    answer = undeclared("rotate", NAME, "--no-input")
    assert answer.code == 3
    assert undeclared.everything() == before
    assert len(undeclared.world.made) == 1


def test_with_an_outage_accepted_or_consumers_declared_it_goes_on(undeclared):
    assert undeclared("rotate", NAME, "--accept-outage").code == 0
    assert undeclared("edit", NAME, "--no-consumers").code == 0
    assert undeclared("rotate", NAME).code == 0


def test_a_person_may_begin_it_and_declare_them_later(undeclared):
    undeclared.tty = FakeTty()
    assert undeclared("rotate", NAME).code == 3
    assert document(undeclared).journal.stage is Stage.CONSUMED


def test_a_quiet_provider_rules_them_out(undeclared):
    undeclared.vendors.fake.capabilities = undeclared.vendors.fake.capabilities.__class__(
        mint="api", revoke="api", probe=True, lists=True, verifies_scope=True, last_used=True
    )
    token = undeclared.store.find(token_name(NAME))
    assert undeclared("edit", NAME, "--provider-id", "id1").code in {0, 2}
    undeclared.world.made["id1"].last_used_at = undeclared.clock.now()
    undeclared.clock.sleep(timedelta(days=8).total_seconds())
    plan = undeclared("rotate", NAME, "--plan", "--format", "json").document["plan"][0]
    wanted = token.document.record.provider_id == "id1"
    assert (undeclared("rotate", NAME).code == 0) is (not plan["blocked"]) is wanted


def test_the_plan_predicts_what_would_stop_it(undeclared):
    assert "not declared" in undeclared("rotate", NAME, "--plan", "--format", "json").document["plan"][0]["blocked"]
    accepted = undeclared("rotate", NAME, "--plan", "--accept-outage", "--format", "json").document["plan"][0]
    assert accepted["blocked"] == ""


def test_the_plan_says_that_a_revocation_is_owed(owed):
    assert owed("rotate", NAME).code == 5
    (plan,) = owed("rotate", "--due", "--plan", "--format", "json").document["plan"]
    assert f"rotate {NAME} --resume" in plan["blocked"]
    assert plan["needs_person"] is plan["seconds"] is None, "that depends on what is left"


def test_an_open_operation_counts_for_no_duration_of_a_plan(owed, words):
    other = "video/app/dev/upload"
    owed.add(other)
    assert owed("rotate", NAME).code == 5
    words(owed("rotate", NAME, other, "--plan"))


def test_a_line_of_a_batch_has_its_hint(owed):
    owed.add("video/app/dev/upload")
    answer = owed("rotate", "--all-of", "drive:d1")
    lines = [line for line in answer.err.splitlines() if line.startswith("!")]
    assert any(f"tokenguard rotate {NAME} --resume" in line for line in lines), answer


@pytest.mark.parametrize("arguments", [("rotate", NAME), ("rotate", NAME, "--compromised"), ("retire", NAME, "--yes")])
def test_a_clock_that_the_stores_own_times_contradict_begins_nothing(cli, arguments):
    cli.add(NAME)
    cli.clock.elapsed -= 86_400
    cli.refused(*arguments)


def test_a_clock_that_the_stores_own_times_contradict_resumes_nothing(owed):
    assert owed("rotate", NAME).code == 5
    before = document(owed)
    owed.clock.elapsed -= 86_400
    assert owed("rotate", NAME, "--resume").code == 5
    assert document(owed) == before
