"""A value handed to a field of another Vault or AWS entry: that field alone, and not over somebody's shoulder."""

import pytest

from tests.fakes.memory_places import SERVER, MemoryPlaces
from tests.fakes.world import canary
from tokenguard.delivery.field import PlaceDelivery
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, ConsumerKind
from tokenguard.errors import Conflict, InputError, Unreachable
from tokenguard.ports.delivery import ConsumerVerdict

ENTRY = "vault://kv/team/app"
CONSUMER = Consumer(ConsumerKind.VAULT, "//kv/team/app#token", SERVER)


@pytest.fixture
def places():
    places = MemoryPlaces()
    places.put(ENTRY, token=canary(), other="theirs")
    return places


@pytest.fixture
def delivery(places):
    return PlaceDelivery(places.of)


def test_one_field_is_replaced_and_taken_back_and_the_others_stay(places, delivery):
    old, new = canary(), canary()
    for text in (old, new, old, old):
        delivery.push(CONSUMER, Value.of(text))
        assert places.fields(ENTRY) == {"token": text, "other": "theirs"}
        assert delivery.verify(CONSUMER, Value.of(text)) is ConsumerVerdict.EXPECTED
    assert delivery.verify(CONSUMER, Value.of(new)) is ConsumerVerdict.DIFFERENT


def test_pushing_what_is_there_makes_no_version(places, delivery):
    value = Value.of(canary())
    delivery.push(CONSUMER, value)
    before = places.version(ENTRY)
    delivery.push(CONSUMER, value)
    assert places.version(ENTRY) == before


def test_a_stranger_who_writes_another_field_meanwhile_loses_nothing(places, delivery):
    changes = iter(range(2))
    places.interlude = lambda: places.change(ENTRY, other=f"newer {n}") if (n := next(changes, None)) is not None else 0
    value = Value.of(canary())
    delivery.push(CONSUMER, value)
    assert places.fields(ENTRY) == {"token": value.token.reveal(), "other": "newer 1"}


def test_an_entry_that_never_rests_is_given_up(places, delivery):
    places.interlude = lambda: places.change(ENTRY, other=canary())
    with pytest.raises(Conflict):
        delivery.push(CONSUMER, Value.of(canary()))


def test_a_field_that_is_not_there_is_refused_before_a_rotation(places, delivery, words):
    missing = Consumer(ConsumerKind.VAULT, "//kv/team/app#missing", SERVER)
    for act in (lambda: delivery.check(missing), lambda: delivery.push(missing, Value.of(canary()))):
        with pytest.raises(InputError) as caught:
            act()
        words(caught.value)
    assert delivery.verify(missing, Value.of(canary())) is ConsumerVerdict.DIFFERENT


def test_on_another_server_nothing_is_looked_at_or_written(places, delivery):
    elsewhere = Consumer(CONSUMER.kind, CONSUMER.target, "https://vault.elsewhere:8200")
    value = Value.of(canary())
    for act in (
        lambda: delivery.check(elsewhere),
        lambda: delivery.push(elsewhere, value),
        lambda: delivery.verify(elsewhere, value),
    ):
        with pytest.raises(InputError):
            act()
    assert (places.calls, places.version(ENTRY)) == ([], 1)


def test_a_denied_place_says_so(places, delivery):
    places.denied = True
    with pytest.raises(Unreachable):
        delivery.check(CONSUMER)
