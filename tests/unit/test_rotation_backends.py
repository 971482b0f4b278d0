"""P3: where two servers answer in turn, and one has not heard of the revoke, the old token is not called dead."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import product
from random import Random

import pytest

from tests.fakes.world import Made
from tests.unit.rotation_bench import Bench
from tokenguard.domain.liveness import DeathGrade, DeathProof, Observation, Verdict
from tokenguard.domain.names import TokenId
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.errors import NotProvenDead, Unreachable
from tokenguard.inventory.verification import VerificationResult, verify
from tokenguard.ports.provider import CreatedToken, Method, TokenRequest
from tokenguard.rotation.sampling import Controls

A_DAY = 25 * 3600


def in_turn(bench: Bench, monkeypatch: pytest.MonkeyPatch, made: Made, *, first: bool) -> None:
    """Two servers answer probes in turn; one of them still accepts `made`."""
    stale(bench, monkeypatch, made, Turn((first, not first)))


class Turn:
    """Servers that answer in turn; true: this one is told of nothing, or is the only healthy one."""

    def __init__(self, servers: Sequence[bool], phase: int = 0, *, besides: int = 0) -> None:
        self.servers, self.place, self.besides = servers, phase, besides

    def __call__(self) -> bool:
        self.place += 1
        return self.servers[(self.place - 1) % len(self.servers)]

    def others_ask(self) -> None:
        """Other clients' requests, between two samples."""
        self.place += self.besides


def stale(bench: Bench, monkeypatch: pytest.MonkeyPatch, made: Made, turn: Callable[[], bool]) -> None:
    """Some servers still accept `made`, for ever."""
    probe = bench.provider.probe

    def look(value: Value, scope: Scope | None) -> Observation:
        if turn() and value == Value.of(made.value):
            return Observation(verdict=Verdict.ALIVE, at=bench.clock.now(), reason="http-200")
        return probe(value, scope)

    monkeypatch.setattr(bench.provider, "probe", look)


def mostly_down(bench: Bench, monkeypatch: pytest.MonkeyPatch, turn: Callable[[], bool]) -> None:
    """Some servers refuse every credential."""
    probe = bench.provider.probe

    def look(value: Value, scope: Scope | None) -> Observation:
        if turn():
            return probe(value, scope)
        return Observation(verdict=Verdict.DEAD, at=bench.clock.now(), reason="http-401")

    monkeypatch.setattr(bench.provider, "probe", look)


@pytest.mark.parametrize("first", [True, False])
def test_a_server_that_still_accepts_the_old_token_is_met(monkeypatch, first):
    bench = Bench(guided=True)
    token, made = bench.add()

    def revokes() -> str:
        bench.world.revoke(made.id)
        in_turn(bench, monkeypatch, made, first=first)
        return "ada"

    bench.operator.answers.extend([None, revokes])
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    assert bench.journal(token).proof is None
    monkeypatch.undo()
    bench.engine.resume(token)
    assert bench.journal(token).proof.proven


@pytest.mark.parametrize("first", [True, False])
def test_a_server_that_accepts_a_kept_value_again_is_met_before_it_is_destroyed(monkeypatch, first):
    bench = Bench(guided=True)
    token, made = bench.add()
    bench.add("video/upload/dev")
    bench.engine.retire(token)
    bench.clock.sleep(A_DAY)
    in_turn(bench, monkeypatch, made, first=first)
    with pytest.raises(NotProvenDead, match="accepted again"):
        bench.look_again(token)


def test_two_refusals_of_one_round_are_one_sample(monkeypatch):
    bench = Bench(guided=True)
    token, made = bench.add()
    bench.add("video/upload/dev")
    probe, asked = bench.provider.probe, list[Value]()
    monkeypatch.setattr(bench.provider, "probe", lambda value, scope: asked.append(value) or probe(value, scope))
    bench.engine.retire(token)
    proof = bench.journal(token).proof
    assert (proof.grade, proof.samples) == (DeathGrade.PROVISIONAL, 3)
    window = bench.provider.capabilities.death_window
    assert proof.last_at - proof.first_at >= window.length
    assert asked.count(Value.of(made.value)) == 1 + 15, "one when the person said revoked, then 1, 3 and 11 of a sample"
    assert len(asked) == 1 + 15 + 15, "the control as often as the value"


# several servers behind one address

PERIODS = range(2, 9)


def retires(bench: Bench, token: TokenId, begins: Callable[[], None], turn: Turn) -> DeathProof | None:
    """A person says revoked, from when on the servers differ, and leaves it if asked again; the proof, if there is one."""
    sleep = bench.clock.sleep
    bench.clock.sleep = lambda seconds: (turn.others_ask(), sleep(seconds))[1]
    bench.operator.answers.extend([lambda: begins() or "ada", ""])
    with suppress(NotProvenDead):
        bench.engine.retire(token)
    return bench.journal(token).proof


@pytest.mark.parametrize("besides", [0, 1, 3])
@pytest.mark.parametrize("admin", [False, True], ids=["beside-a-token", "beside-the-admin-credential"])
@pytest.mark.parametrize("period", PERIODS)
def test_no_turn_of_servers_hides_one_that_still_accepts_the_old_token(period, admin, besides):
    for phase in range(period):
        bench = Bench(guided=not admin, capabilities={"revoke": Method.PERSON} if admin else {})
        token, made = bench.add()
        if not admin:
            bench.add("video/upload/dev")
        turn = Turn([True, *[False] * (period - 1)], phase, besides=besides)
        with pytest.MonkeyPatch.context() as patch:
            begins = partial(stale, bench, patch, made, turn)
            proof = retires(bench, token, partial(_revoked_and, bench, made, begins), turn)
            assert proof is None, f"false death in phase {phase}"


def _revoked_and(bench: Bench, made: Made, begins: Callable[[], None]) -> None:
    bench.world.revoke(made.id)
    begins()


@pytest.mark.parametrize("others", [2, 5])
@pytest.mark.parametrize("period", PERIODS)
def test_no_turn_of_servers_that_refuse_everything_makes_a_living_token_dead(period, others):
    for servers in mixtures(period):
        bench = Bench(guided=True)
        token, _ = bench.add()
        for number in range(others):
            bench.add(f"video/upload/n{number}")
        turn = Turn(servers)
        with pytest.MonkeyPatch.context() as patch:
            proof = retires(bench, token, partial(mostly_down, bench, patch, turn), turn)
            assert proof is None, f"false death with {servers}"


class Chance:
    """Each request meets a healthy server by chance."""

    def __init__(self, seed: int, refusing: float) -> None:
        self.random, self.refusing = Random(seed), refusing

    def __call__(self) -> bool:
        return self.random.random() >= self.refusing


@pytest.mark.parametrize("others", [1, 3, 5])
@pytest.mark.parametrize("refusing", [0.3, 0.67, 0.9])
def test_refusals_at_random_make_no_living_token_dead(refusing, others):
    for seed in range(40):
        bench = Bench(guided=True)
        token, _ = bench.add()
        for number in range(others):
            bench.add(f"video/upload/n{number}")
        with pytest.MonkeyPatch.context() as patch:
            begins = partial(mostly_down, bench, patch, Chance(seed, refusing))
            assert retires(bench, token, begins, Turn((True,))) is None, f"false death with seed {seed}"


def test_a_death_is_proven_where_all_servers_refuse_the_old_token_alone():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.add("video/upload/dev")
    bench.engine.retire(token)
    assert bench.journal(token).proof.proven


# a single refusal says nothing, of a token in use and of a new one


def mixtures(period: int) -> Iterator[tuple[bool, ...]]:
    return (each for each in product((False, True), repeat=period) if any(each))


@pytest.mark.parametrize("period", PERIODS)
def test_verify_calls_no_living_token_dead(period):
    for servers in mixtures(period):
        bench = Bench(guided=True)
        tokens = [bench.add(f"video/upload/n{number}")[0] for number in range(3)]
        with pytest.MonkeyPatch.context() as patch:
            mostly_down(bench, patch, Turn(servers))
            controls = Controls(bench.store, bench.vendors, bench.clock)
            for token in tokens:
                provider = lambda record: bench.provider  # noqa: E731, B023 - used at once
                look = verify(bench.store, bench.clock, provider, bench.store.load(token), controlled=controls.hold)
                assert look.result in {VerificationResult.ALIVE, VerificationResult.UNKNOWN}, servers
                assert bench.document(token).record.seen.verdict is not Verdict.DEAD


def test_verify_calls_a_token_dead_that_is_refused_beside_one_that_is_accepted():
    bench = Bench(guided=True)
    token, made = bench.add()
    bench.add("video/upload/dev")
    bench.world.revoke(made.id)
    controls = Controls(bench.store, bench.vendors, bench.clock)
    provider = lambda record: bench.provider  # noqa: E731 - used at once
    look = verify(bench.store, bench.clock, provider, bench.store.load(token), controlled=controls.hold)
    assert look.result is VerificationResult.DEAD


@pytest.mark.parametrize("first", [True, False])
def test_no_rotation_begins_while_servers_disagree_about_the_token_in_use(monkeypatch, first):
    bench = Bench()
    token, _ = bench.add()
    bench.add("video/upload/dev")
    mostly_down(bench, monkeypatch, Turn((first, not first), phase=int(first)))
    with pytest.raises(Unreachable):
        bench.engine.rotate(token)
    assert not bench.document(token).busy
    assert not any("down" in line for line in bench.progress.lines)


def test_a_new_token_is_not_discarded_while_servers_disagree_about_it(monkeypatch):
    bench = Bench()
    token, _ = bench.add()
    bench.add("video/upload/dev")
    create = bench.issuer.create

    def then_in_turn(wanted: TokenRequest) -> CreatedToken:
        made = create(wanted)
        mostly_down(bench, monkeypatch, Turn((False, True)))
        return made

    with monkeypatch.context() as patch:
        patch.setattr(bench.issuer, "create", then_in_turn)
        with pytest.raises(Unreachable):
            bench.engine.rotate(token)
    monkeypatch.undo()
    bench.engine.resume(token)
    assert len(bench.journal(token).attempts) == 1
    assert bench.journal(token).proof.proven
