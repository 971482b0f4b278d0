"""A provider that asks for fewer requests is waited for when it says how long; what it refused is sent again, no more."""

from collections.abc import Iterator

import pytest

from tests.fakes.clock import FakeClock
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.http.answer import Answer, Failure, Outcome, Trouble
from tokenguard.ports.provider import Issuer, Refused, Wanted
from tokenguard.providers.autoposting import Autoposting
from tokenguard.providers.effects import when_there_is_room
from tokenguard.providers.settings import ProviderSettings
from tokenguard.sandbox.knobs import Knobs, Storm
from tokenguard.sandbox.server import Sandbox


def answer(status: int, retry_after: float | None = None) -> Answer:
    return Answer(status=status, headers={}, body=b"{}", retry_after=retry_after)


@pytest.mark.parametrize(
    ("outcomes", "ends", "waited"),
    [
        ([answer(200)], 200, 0),
        ([answer(429, 7), answer(201)], 201, 7),
        ([answer(429, 7), answer(429, 5), answer(429, 0), answer(204)], 204, 12),
        ([answer(429, 60)] * 5, 429, 180),
        ([answer(429)], 429, 0),
        ([answer(503, 7)], 503, 0),
        ([answer(403, 7)], 403, 0),
        ([answer(429, 7), answer(500)], 500, 7),
    ],
)
def test_only_a_429_that_says_how_long_is_sent_again(outcomes: list[Outcome], ends: int, waited: float):
    clock, left = FakeClock(), iter(outcomes)
    assert when_there_is_room(lambda: next(left), clock).status == ends
    assert clock.elapsed == waited


def test_a_request_that_had_no_answer_is_not_sent_again():
    sent = []

    def send() -> Outcome:
        sent.append(1)
        return Failure(trouble=Trouble.TIMEOUT, sent=True)

    assert isinstance(when_there_is_room(send, FakeClock()), Failure)
    assert len(sent) == 1


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def limited(clock: FakeClock) -> Iterator[Sandbox]:
    """Its clock is the one that is waited on."""
    with Sandbox(knobs=Knobs(per_minute=6), clock=clock) as sandbox:
        yield sandbox


def issuer_at(sandbox: Sandbox, clock: FakeClock) -> Issuer:
    settings = ProviderSettings(base_url=sandbox.info.autoposting_url)
    return Autoposting(settings, clock).issuer(Value.of(sandbox.info.admin_key))


def test_many_keys_are_made_within_the_limit_each_once(limited: Sandbox, clock: FakeClock):
    issuer = issuer_at(limited, clock)
    for number in range(20):
        issuer.create(
            Wanted(label=f"key-{number}", scope=Scope("org", limited.info.org_id), permissions=("posts:read",))
        )
    assert sorted(key.name for key in limited.world.keys()) == sorted(f"key-{number}" for number in range(20))  # noqa: SIM118 - no mapping
    assert clock.elapsed >= 120, "twenty requests take three windows of six"


def test_a_limit_that_says_nothing_of_its_end_is_told(limited: Sandbox, clock: FakeClock):
    limited.knobs.status_storm = Storm(status=429, count=99)
    with pytest.raises(Refused, match="429"):
        issuer_at(limited, clock).create(Wanted(label="key", scope=None, permissions=()))
    assert clock.elapsed == 0
