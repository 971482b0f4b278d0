"""P4 and P8 where nobody may be asked: nothing is begun that a person must end, and what leaks is ended all the same."""

import pytest

from tokenguard.domain.journal import Stage
from tokenguard.domain.names import token_name
from tokenguard.ports.provider import Method

NAME = "video/app/prod/upload"
FIELDS = ("--provider", "fake", "--scope", "drive:d1", "--env", "prod", "--owner", "video", "--purpose", "uploads",
          "--no-consumers")  # fmt: skip


def by_hand(cli, **ways):
    able = type(cli.vendors.fake.capabilities)
    cli.vendors.fake.capabilities = able(
        **{"mint": Method.API, "revoke": Method.API, "probe": True, "lists": True, **ways}
    )


@pytest.mark.parametrize(
    ("ways", "needed"),
    [
        ({"mint": Method.PERSON}, "create a token at fake"),
        ({"revoke": Method.PERSON}, "revoke a token at fake"),
        ({"mint": Method.PERSON, "revoke": Method.PERSON}, "create a token at fake"),
    ],
)
def test_a_planned_rotation_that_needs_a_person_is_refused_before_it_is_opened(cli, ways, needed, words):
    cli.add(NAME)
    by_hand(cli, **ways)
    error = cli.refused("rotate", NAME, "--no-input", code=3)
    words(error)
    assert len(cli.world.living()) == 1


def test_so_is_one_whose_consumer_is_a_person(cli, words):
    cli.add(NAME)
    assert cli("edit", NAME, "--deliver", "person:ops").code == 0
    words(cli.refused("rotate", NAME, "--no-input", code=3))


def test_so_is_a_first_token_that_a_person_must_make(cli, words):
    by_hand(cli, mint=Method.PERSON)
    words(cli.refused("add", NAME, *FIELDS, "--issue", "--no-input", code=3))
    assert cli.store.find(token_name(NAME)) is None


def test_in_a_batch_what_needs_nobody_is_rotated(cli, monkeypatch):
    cli.add(NAME, "--due", "2026-11-02")
    old = cli.add("video/app/prod/other", "--due", "2026-11-02")
    assert cli("edit", NAME, "--deliver", "person:ops").code == 0
    cli.clock.sleep(2 * 86_400)
    answer = cli("rotate", "--due", "--no-input")
    assert answer.code == 3, answer
    assert cli.world.of_value(old) not in cli.world.living()
    assert not cli.store.find(token_name(NAME)).document.busy


def test_what_has_leaked_is_revoked_by_api_although_a_person_must_make_the_next_one(cli):
    leaked = cli.add(NAME)
    by_hand(cli, mint=Method.PERSON)
    waits = cli("rotate", NAME, "--compromised", "--no-input")
    assert waits.code == 3, "the death is proven already: what is owed is a person"
    assert cli.world.of_value(leaked) not in cli.world.living()
    assert cli.store.find(token_name(NAME)).document.busy


def test_what_has_leaked_and_only_a_person_can_revoke_is_an_alarm_on_record(cli):
    cli.add(NAME)
    by_hand(cli, mint=Method.PERSON, revoke=Method.PERSON)
    assert cli("rotate", NAME, "--compromised", "--no-input").code == 5
    assert cli.store.find(token_name(NAME)).document.busy


def test_a_person_who_revokes_is_asked_first_although_an_id_is_on_record(cli):
    """A provider that only replaces in place has an issuer, too."""
    cli.add(NAME)
    assert cli("rotate", NAME).code == 0
    assert cli.store.find(token_name(NAME)).document.record.provider_id
    by_hand(cli, revoke=Method.PERSON)
    assert cli("rotate", NAME, "--compromised", "--no-input").code == 5
    assert cli.store.find(token_name(NAME)).document.journal.stage is Stage.OPEN, "no person was asked to revoke it"
