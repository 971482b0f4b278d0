"""`import --from provider:NAME`: what a provider lists and nobody wrote down becomes a record, without a value."""

import json
from datetime import timedelta

import pytest

from tests.fakes.world import FakeProvider

NAME = "video/app/prod/upload"


def listed(cli):
    return {each["name"]: each for each in json.loads(cli("list", "--format", "json").out)["tokens"]}


def test_what_the_provider_lists_and_the_inventory_lacks_is_recorded_once(cli):
    issued = cli(
        "add", NAME, "--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video",
        "--purpose", "uploads", "--no-consumers", "--issue",
    )  # fmt: skip
    assert issued.code == 0, issued
    stray = cli.world.create("Old upload key")
    answer = cli("import", "--from", "provider:fake", "--owner", "video")
    assert answer.code == 0, answer
    assert "1 added, 1 duplicate" in answer.out
    assert "nothing was asked" not in answer.err
    assert set(listed(cli)) == {NAME, "fake/old-upload-key"}
    record = cli.store.find("fake/old-upload-key").document.record
    assert (record.provider_id, record.label, record.state, record.owner) == (
        stray.id, "Old upload key", "unclaimed", "video",
    )  # fmt: skip
    assert record.location.custody == "unreadable"
    assert stray.value not in answer.out + answer.err
    again = cli("import", "--from", "provider:fake")
    assert "0 added, 2 duplicate" in again.out
    assert cli("audit", "verify").code == 0


def test_a_token_that_may_be_one_of_ours_is_not_recorded_twice(cli):
    """`add` of a value whose id the provider does not tell: a row of the list could be it."""
    cli.add(NAME)
    answer = cli("import", "--from", "provider:fake")
    assert "0 added, 0 duplicate, 1 skipped" in answer.out
    assert "may be in the inventory already: 1 token" in answer.out
    assert set(listed(cli)) == {NAME}


def test_two_of_one_name_at_the_provider_are_told_apart(cli):
    for _ in range(3):
        cli.world.create("upload")
    assert cli("import", "--from", "provider:fake", "--prefix", "video/found").code == 0
    assert set(listed(cli)) == {"video/found/upload", "video/found/upload-id2", "video/found/upload-id3"}


@pytest.mark.parametrize("label", ["", "日本語", "../../etc", "x" * 300, "A B\tC"])
def test_whatever_it_is_called_there_it_gets_a_name_here(cli, label):
    cli.world.create(label)
    assert cli("import", "--from", "provider:fake").code == 0
    assert len(listed(cli)) == 1


def test_a_dry_run_records_nothing(cli):
    cli.world.create("stray")
    answer = cli("import", "--from", "provider:fake", "--dry-run")
    assert (answer.code, listed(cli)) == (0, {})
    assert "nothing was written" in answer.out


@pytest.mark.parametrize(
    ("address", "why"),
    [("provider:manual", "no API to list"), ("provider:nobody", "unknown"), ("provider:", "unknown")],
)
def test_a_provider_without_a_list_is_refused(cli, address, why):
    assert why in cli.refused("import", "--from", address)


@pytest.mark.parametrize(
    ("more", "why"),
    [(("--provider", "manual"), "--provider"), (("--scope", "workspace:w1"), "have the scope drive:ID"),
     (("--scope", "nothing"), "its scope")],
)  # fmt: skip
def test_what_cannot_be_true_of_the_providers_tokens_is_refused(cli, more, why):
    cli.vendors.fake = FakeProvider(cli.world, scope_kind="drive")
    cli.world.create("stray")
    assert why in cli.refused("import", "--from", "provider:fake", *more)


ISSUED = (
    "add", NAME, "--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads",
    "--no-consumers", "--issue",
)  # fmt: skip


def test_a_list_with_a_gap_is_recorded_and_is_not_called_all(cli):
    assert cli(*ISSUED).code == 0
    cli.world.create("Old upload key")
    cli.world.list_gap = "it says that there are 71 tokens, and gives 50"
    answer = cli("import", "--from", "provider:fake")
    assert answer.code == 4
    assert "1 added, 1 duplicate" in answer.out
    assert "71 tokens" in answer.err
    cli.world.list_gap = ""
    again = cli("import", "--from", "provider:fake")
    assert (again.code, "0 added, 2 duplicate" in again.out) == (0, True)


def test_a_list_without_the_token_in_use_is_not_called_all(cli):
    """Of another account, or only its first page: nothing in it says so but the token that it lacks."""
    assert cli(*ISSUED).code == 0
    cli.world.create("Old upload key")
    cli.world.unlisted.add(cli.store.find(NAME).document.record.provider_id)
    answer = cli("import", "--from", "provider:fake")
    assert (answer.code, "1 added" in answer.out) == (4, True)


def test_a_list_without_one_of_several_living_tokens_is_not_called_all(cli):
    assert cli(*ISSUED).code == 0
    assert cli(ISSUED[0], "video/prod/second", *ISSUED[2:]).code == 0
    number = cli.store.find(NAME).document.record.provider_id
    cli.world.unlisted.add(number)
    answer = cli("import", "--from", "provider:fake")
    assert (answer.code, f"it lacks {NAME}" in answer.err) == (4, True), answer
    cli.world.unlisted.clear()
    cli.world.revoke(number)
    assert cli("import", "--from", "provider:fake").code == 0, "a dead token is missing from a complete list"


def test_a_creation_date_to_come_is_an_unknown_age(cli):
    assert cli(*ISSUED).code == 0
    made = cli.world.create("Key of tomorrow")
    made.created_at = cli.clock.now() + timedelta(days=400)
    assert "1 added" in cli("import", "--from", "provider:fake").out
    (found,) = [each.document.record for each in cli.store.scan() if each.document.record.provider_id == made.id]
    assert found.created_at is None
