"""A provider that asks for fewer requests is waited for when it says how long; what it refused is sent again, no more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.clock import FakeClock
from tokenguard.domain.liveness import Observation, Verdict
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Secret, Value
from tokenguard.errors import Unreachable
from tokenguard.http.address import Address
from tokenguard.http.answer import Answer, Failure, Outcome, TransportFailure
from tokenguard.http.client import Credential, Request
from tokenguard.ports.provider import CreateRefused, Issuer, TokenRequest
from tokenguard.providers.autoposting import Autoposting
from tokenguard.providers.paced import PacedClient
from tokenguard.providers.provider_settings import ProviderSettings
from tokenguard.providers.write_result import answered
from tokenguard.sandbox.fault_settings import FaultBurst, FaultSettings
from tokenguard.sandbox.sandbox_server import Sandbox


def answer(status: int, retry_after: float | None = None) -> Answer:
    return Answer(status=status, headers={}, body=b"{}", retry_after=retry_after)


class Scripted:
    """A client that answers as it is told, and counts."""

    base = Address.parse("http://127.0.0.1:1")

    def __init__(self, *outcomes: Outcome) -> None:
        self.left = list(outcomes)
        self.sent = 0

    def send(self, request: Request) -> Outcome:
        self.sent += 1
        return self.left.pop(0)


@pytest.mark.parametrize(
    ("outcomes", "ends", "waited"),
    [
        ([answer(200)], 200, 0),
        ([answer(429, 7), answer(201)], 201, 7),
        ([answer(429, 60), answer(201)], 201, 60),
        ([answer(429, 61)], 429, 0),
        ([answer(429, 366 * 86_400)], 429, 0),
        ([answer(429, 7), answer(429, 5), answer(429, 0), answer(204)], 204, 12),
        ([answer(429, 60)] * 5, 429, 180),
        ([answer(429)], 429, 0),
        ([answer(503, 7)], 503, 0),
        ([answer(403, 7)], 403, 0),
        ([answer(429, 7), answer(500)], 500, 7),
    ],
)
def test_only_a_429_that_says_how_long_is_sent_again(outcomes: list[Outcome], ends: int, waited: float):
    clock = FakeClock()
    assert PacedClient(Scripted(*outcomes), clock).send(Request()).status == ends
    assert clock.elapsed == waited


@pytest.mark.parametrize(("wait", "told"), [(None, False), (0.0, False), (0.4, False), (90.0, True)])
def test_a_wait_of_no_time_is_not_told(wait: float | None, told: bool):
    look = Observation(
        at=datetime(2026, 11, 1, tzinfo=UTC), verdict=Verdict.UNKNOWN, reason="http-429", retry_after=wait
    )
    with pytest.raises(Unreachable) as refused:
        answered(answer(429, wait), "list")
    assert [" s" in look.explained, " s" in refused.value.hint] == [told, told]


@pytest.mark.parametrize(("wait", "lines"), [(30, 1), (0.2, 0)])
def test_a_wait_that_a_person_notices_is_told(wait: float, lines: int):
    told = list[str]()
    PacedClient(Scripted(answer(429, wait), answer(200)), FakeClock(), told.append).send(Request())
    assert len(told) == lines
    assert not lines or "30 s" in told[0]


@pytest.mark.parametrize("skew", [600, -600])
def test_a_reset_is_read_by_the_providers_own_clock(skew: float):
    clock = FakeClock()
    theirs = clock.now() + timedelta(seconds=skew)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(theirs.timestamp() + 20)}
    client = PacedClient(Scripted(Answer(status=200, headers=headers, body=b"{}", date=theirs), answer(200)), clock)
    client.send(Request())
    client.send(Request())
    assert clock.elapsed == pytest.approx(20, abs=0.01)


def test_a_request_that_had_no_answer_is_not_sent_again():
    client = Scripted(Failure(cause=TransportFailure.TIMEOUT, sent=True), answer(200))
    assert isinstance(PacedClient(client, FakeClock()).send(Request()), Failure)
    assert client.sent == 1


def nothing_left(seconds: float, clock: FakeClock) -> Answer:
    reset = str(clock.now().timestamp() + seconds)
    return Answer(status=200, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}, body=b"{}")


@pytest.mark.parametrize(("seconds", "waited"), [(30, 30), (60, 60), (61, 0), (-5, 0)])
def test_a_batch_is_paced_before_it_meets_the_limit(seconds: float, waited: float):
    """A reset that is further away than a command waits is left to the provider's own 429, which names its time."""
    clock = FakeClock()
    client = PacedClient(Scripted(nothing_left(seconds, clock), answer(200), answer(200)), clock)
    one, other = (Request(credential=Credential(secret=Secret(f"tgcanary-{each}"))) for each in ("one", "other"))
    client.send(one)
    client.send(other)
    assert clock.elapsed == 0, "limits are each credential's own"
    client.send(one)
    assert clock.elapsed == pytest.approx(waited, abs=0.01)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def limited(clock: FakeClock) -> Iterator[Sandbox]:
    """Its clock is the one that is waited on."""
    with Sandbox(knobs=FaultSettings(per_minute=6), clock=clock) as sandbox:
        yield sandbox


def issuer_at(sandbox: Sandbox, clock: FakeClock) -> Issuer:
    settings = ProviderSettings(base_url=sandbox.info.autoposting_url)
    return Autoposting(settings, clock).issuer(Value.of(sandbox.info.admin_key), None)


def test_many_keys_are_made_within_the_limit_each_once(limited: Sandbox, clock: FakeClock):
    issuer = issuer_at(limited, clock)
    for number in range(20):
        issuer.create(
            TokenRequest(label=f"key-{number}", scope=Scope("org", limited.info.org_id), permissions=("posts:read",))
        )
    assert sorted(key.name for key in limited.world.keys()) == sorted(f"key-{number}" for number in range(20))  # noqa: SIM118 - no mapping
    assert clock.elapsed >= 120, "twenty requests take three windows of six"


def test_a_limit_that_says_nothing_of_its_end_is_told(limited: Sandbox, clock: FakeClock):
    limited.knobs.status_storm = FaultBurst(status=429, count=99)
    with pytest.raises(CreateRefused, match="429"):
        issuer_at(limited, clock).create(TokenRequest(label="key", scope=None, permissions=()))
    assert clock.elapsed == 0
