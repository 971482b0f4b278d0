"""While two tokens are alive `show` names both; and an operation is undone as long as the old one lives."""

import pytest

from tests.fakes.command_line import FakeTty

NAME = "video/app/prod/upload"


@pytest.fixture
def stopped(cli):
    """Published, and stopped before the consumer holds it: both tokens work."""
    cli.add(NAME)
    assert cli("edit", NAME, "--deliver", "person:ops").code == 0
    cli.tty = FakeTty()
    assert cli("rotate", NAME).code == 130
    cli.tty = None
    return cli


def test_show_names_both_by_label_id_hint_and_since(stopped):
    found = stopped("show", NAME, "--format", "json").document["operation"]["living"]
    assert [each["which"] for each in found] == ["old", "new"]
    text = stopped("show", NAME).out
    for each, made in zip(found, stopped.world.made.values(), strict=True):
        assert (each["label"], each["provider_id"]) == (made.label, made.id) or each["which"] == "old"
        assert all(str(part) in text for part in (each["label"], each["provider_id"], each["hint"]) if part)
    assert found[1]["hint"]
    assert found[1]["since"]


def test_a_dead_old_token_is_named_no_longer(stopped):
    stopped.tty = FakeTty("done ops")
    assert stopped("rotate", NAME, "--resume").code == 0
    assert stopped("show", NAME, "--format", "json").document["last_operation"]["living"] == []


def test_a_compromised_rotation_of_one_asks_as_that_of_many(cli):
    value = cli.add(NAME)
    cli.tty = FakeTty("no")
    cli.refused("rotate", NAME, "--compromised", code=3)
    assert cli.world.alive(cli.world.of_value(value))
    cli.tty = FakeTty("1")
    assert cli("rotate", NAME, "--compromised").code == 0
    assert not cli.world.alive(cli.world.of_value(value))
