"""P3: what the controls of a death say together: a token refused beside it, the admin credential and the list."""

from datetime import datetime, timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.world import DRIVE, OTHER_DRIVE, Made
from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import Stage
from tokenguard.domain.liveness import DeathControl, DeathGrade, DeathProof, DeathWindow, Observation, Verdict
from tokenguard.domain.names import TokenId
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.errors import NotProvenDead, Unfinished, Unreachable
from tokenguard.frozen import replace
from tokenguard.inventory.verification import verify
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.ports.provider import Method, TokenList
from tokenguard.rotation import control_search, sampling
from tokenguard.rotation.control_search import ControlResult
from tokenguard.rotation.proof_of_death import RefusalSeries

A_DAY = 25 * 3600


def refuse(bench: Bench, monkeypatch: pytest.MonkeyPatch, *refused: Made) -> None:
    """The servers that answer probes refuse these tokens, or all; the list is answered by another one."""
    probe, values = bench.provider.probe, [Value.of(made.value) for made in refused]

    def look(value: Value, scope: Scope | None) -> Observation:
        if not values or value in values:
            return Observation(verdict=Verdict.DEAD, at=bench.clock.now(), reason="http-401")
        return probe(value, scope)

    monkeypatch.setattr(bench.provider, "probe", look)


def search_of(bench: Bench, token: TokenId) -> control_search.ControlSearch:
    snapshot = bench.store.load(token)
    record = snapshot.document.record
    return control_search.ControlSearch(bench.store, record, bench.vendors.of(record), own=snapshot)


def test_the_admin_credential_is_no_control_while_a_token_accepted_before_is_refused(monkeypatch):
    bench = Bench()
    token, made = bench.add()
    bench.add("video/upload/dev")
    assert search_of(bench, token).look([]).holds
    refuse(bench, monkeypatch)
    result = search_of(bench, token).look([Value.of(made.value)])
    assert (result.doubt, result.holds) == (True, False)
    controls = sampling.Controls(bench.store, bench.vendors, bench.clock)
    assert not controls.hold(bench.document(token).record, Value.of(made.value))
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token, compromised=True)
    assert bench.journal(token).proof is None


@pytest.mark.parametrize("scope", [DRIVE, OTHER_DRIVE], ids=str)
def test_while_its_own_live_value_is_refused_only_a_token_of_the_same_scope_is_a_control(monkeypatch, scope):
    bench = Bench()
    token, made = bench.add()
    other = bench.world.create("other", scope)
    value = Value.of(other.value)
    bench.engine.add(
        replace(bench.record("video/upload/dev"), scope=scope), value, seen=bench.provider.probe(value, scope)
    )
    refuse(bench, monkeypatch, made)
    result = search_of(bench, token).look([])
    assert result.holds == (scope == DRIVE)
    assert result.doubt != result.holds


def test_no_acceptance_outweighs_a_refusal_of_what_was_accepted_before(monkeypatch):
    bench = Bench(guided=True)
    token, made = bench.add()
    _, accepted = bench.add("video/upload/dev")
    bench.clock.sleep(60)
    _, refused = bench.add("video/upload/test")  # seen alive last, so it is asked first
    refuse(bench, monkeypatch, refused)
    search = search_of(bench, token)
    for _ in range(3):
        result = search.look([Value.of(made.value)])
        assert (result.holds, result.doubt, result.refused) == (False, True, True)
    monkeypatch.undo()
    refuse(bench, monkeypatch, accepted)  # the other way round: one recovers, the other is refused
    assert search.look([Value.of(made.value)]).refused, "a moment ago it was refused"
    assert search.look([Value.of(made.value)]).holds


def test_a_refused_control_restarts_the_count(monkeypatch):
    bench = Bench()
    token, _ = bench.add()
    _, other = bench.add("video/upload/dev")
    sleep, waited = bench.clock.sleep, list[datetime]()

    def outage_at_the_second_sample(seconds: float) -> None:
        sleep(seconds)
        waited.append(bench.clock.now())
        refuse(bench, monkeypatch, other) if len(waited) == 1 else monkeypatch.undo()

    bench.clock.sleep = outage_at_the_second_sample
    bench.engine.retire(token)
    proof, window = bench.journal(token).proof, bench.provider.capabilities.death_window
    assert proof.samples == window.samples
    assert proof.first_at > waited[0], "the sample before the outage does not count"


def counted(series: RefusalSeries, clock: FakeClock, *pauses: float) -> DeathProof | None:
    """What is proven after one refused sample at the end of each pause, with a control each time."""
    proof = None
    for pause in pauses:
        assert proof is None
        clock.sleep(pause)
        series.turns()
        proof = series.refused(clock.now(), ControlResult(by=DeathControl.TOKEN))
    return proof


def test_a_window_is_not_full_with_too_few_samples_however_long_it_was():
    """A machine was suspended between two of them."""
    clock = FakeClock()
    series = RefusalSeries(clock, DeathWindow(length=timedelta(seconds=60)))
    assert counted(series, clock, 0, 3600) is None
    assert counted(series, clock, 1).samples == 3


def test_no_refusal_before_an_acceptance_counts():
    clock = FakeClock()
    series = RefusalSeries(clock, DeathWindow(length=timedelta(seconds=60)))
    assert counted(series, clock, 0, 50) is None
    series.accepted()
    assert counted(series, clock, 10, 30, 40, 40) is None
    again = clock.now()
    proof = counted(series, clock, 10)
    assert (proof.samples, proof.last_at - proof.first_at) == (5, timedelta(seconds=120))
    assert proof.last_at > again


@pytest.mark.parametrize("guided", [True, False])
def test_an_acceptance_after_the_revoke_doubles_the_window(guided):
    bench = Bench(guided=guided, revoke_lag=1, capabilities={"revoke_lag": timedelta(0)})
    token, _ = bench.add()
    bench.add("video/upload/dev")
    bench.engine.retire(token)
    proof, window = bench.journal(token).proof, bench.provider.capabilities.death_window
    assert proof.samples == 2 * window.samples - 1
    assert proof.last_at - proof.first_at >= 2 * window.length


def test_a_list_that_names_the_refused_token_contradicts_its_death(monkeypatch):
    bench = Bench()
    token, made = bench.add()
    refuse(bench, monkeypatch)
    value = Value.of(made.value)
    result = search_of(bench, token).look([value])
    assert result.holds
    assert result.about(made.id).doubt
    controls = sampling.Controls(bench.store, bench.vendors, bench.clock)
    assert not controls.hold(bench.document(token).record, value)
    bench.world.revoke(made.id)
    assert controls.hold(bench.document(token).record, value)


def test_nothing_is_destroyed_while_the_live_value_of_its_token_is_refused(monkeypatch):
    bench = Bench()
    token, _ = bench.add()
    bench.add("video/upload/dev")
    bench.engine.rotate(token)
    bench.clock.sleep(A_DAY)
    new = bench.world.of_value(bench.live_value(token))
    assert new is not None
    refuse(bench, monkeypatch, new)
    assert bench.look_again(token) == [None]
    (item,) = bench.document(token).quarantine
    assert isinstance(bench.store.read_candidate(token, item.label), Value)


def revoked_by_people() -> Bench:
    """The provider lists its tokens, and a person revokes them."""
    return Bench(capabilities={"revoke": Method.PERSON})


def says_done_and_lies(bench: Bench, monkeypatch: pytest.MonkeyPatch, made: Made) -> None:
    """A person says that it is revoked; the servers that answer probes refuse it from then on, and it is listed."""
    bench.operator.answers.append(lambda: refuse(bench, monkeypatch, made) or "ada")


def test_a_list_that_names_the_old_token_contradicts_its_death_also_where_the_new_one_is_accepted(monkeypatch):
    bench = revoked_by_people()
    token, made = bench.add()
    says_done_and_lies(bench, monkeypatch, made)
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    assert bench.journal(token).proof is None
    assert "! fake refuses the old token but still lists it" in bench.progress.lines
    bench.world.revoke(made.id)
    bench.engine.resume(token)
    assert bench.journal(token).proof.controlled_by is DeathControl.TOKEN


def test_a_list_that_names_a_kept_value_contradicts_its_death_also_where_another_token_is_accepted(monkeypatch):
    bench = Bench()
    token, made = bench.add()
    bench.engine.rotate(token)
    bench.clock.sleep(A_DAY)
    made.revoked_at = None
    refuse(bench, monkeypatch, made)
    assert bench.look_again(token) == [None]
    (item,) = bench.document(token).quarantine
    assert item.proof.grade is DeathGrade.PROVISIONAL
    bench.world.revoke(made.id)
    assert bench.look_again(token) == [DeathGrade.CONFIRMED]


def test_a_list_that_names_a_discarded_attempt_contradicts_its_death(monkeypatch):
    bench = revoked_by_people()
    token, _ = bench.add()
    monkeypatch.setattr(bench.deliveries.delivery, "verify", lambda consumer, value: ConsumerVerdict.DIFFERENT)
    with pytest.raises(Unfinished):
        bench.engine.rotate(token)
    monkeypatch.undo()
    made = bench.world.of_value(bench.live_value(token))
    assert made is not None
    says_done_and_lies(bench, monkeypatch, made)
    with pytest.raises(Unfinished):
        bench.engine.abort(token)
    assert bench.document(token).busy
    bench.operator.answers.append(lambda: bench.world.revoke(made.id) or "ada")
    bench.engine.resume(token)
    assert bench.journal(token).stage is Stage.ABORTED


def test_a_list_that_cannot_be_read_contradicts_nothing_where_another_token_is_accepted(monkeypatch):
    bench = revoked_by_people()
    token, made = bench.add()

    def unreadable() -> TokenList:
        raise Unreachable("no answer", hint="-")

    bench.operator.answers.append(
        lambda: bench.world.revoke(made.id) or monkeypatch.setattr(bench.issuer, "listed", unreadable) or "ada"
    )
    with pytest.raises(Unreachable):
        bench.engine.rotate(token)  # the sweep of its attempts needs the list
    assert bench.journal(token).stage is Stage.DEAD


def verify_in(bench: Bench, token: TokenId, *, controlled: bool) -> None:
    verify(
        bench.store,
        bench.clock,
        lambda record: bench.provider,
        bench.store.load(token),
        controlled=lambda record, value: controlled,
    )


@pytest.mark.parametrize("controlled", [True, False], ids=["seen-dead", "seen-unknown"])
def test_a_later_look_does_not_erase_that_a_token_was_accepted(monkeypatch, controlled):
    bench = Bench()
    token, _ = bench.add()
    other, other_made = bench.add("video/upload/dev")
    accepted_at = bench.document(other).record.last_accepted
    refuse(bench, monkeypatch, other_made)
    for _ in range(2):
        bench.clock.sleep(60)
        verify_in(bench, other, controlled=controlled)
    assert bench.document(other).record.seen.verdict is not Verdict.ALIVE
    assert bench.document(other).record.last_accepted == accepted_at
    refuse(bench, monkeypatch)
    assert search_of(bench, token).look([]).doubt
    with pytest.raises(NotProvenDead):
        bench.engine.retire(token)


def test_that_a_token_was_accepted_is_remembered_for_its_value_alone():
    bench = Bench()
    token, _ = bench.add()
    bench.clock.sleep(60)
    bench.engine.rotate(token)
    record = bench.document(token).record
    assert (record.accepted_at, record.last_accepted) == (None, record.seen.at)


def test_an_abort_remembers_that_the_old_token_was_accepted(monkeypatch):
    bench = Bench()
    token, _ = bench.add()
    accepted_at = bench.document(token).record.last_accepted
    bench.clock.sleep(60)
    with monkeypatch.context() as patch:
        patch.setattr(bench.deliveries.delivery, "verify", lambda consumer, value: ConsumerVerdict.DIFFERENT)
        with pytest.raises(Unfinished):
            bench.engine.rotate(token)
    bench.engine.abort(token)
    assert bench.document(token).record.last_accepted == accepted_at


@pytest.mark.parametrize("reason", ["http-429", "timeout", "http-503"])
def test_no_clear_answer_about_the_tokens_own_live_value_is_not_called_a_refusal(monkeypatch, reason):
    bench = Bench()
    token, made = bench.add()
    bench.add("video/upload/dev")
    probe = bench.provider.probe

    def look(value: Value, scope: Scope | None) -> Observation:
        if value == Value.of(made.value):
            return Observation(verdict=Verdict.DEAD, at=bench.clock.now(), reason="http-401")
        return Observation(verdict=Verdict.UNKNOWN, at=bench.clock.now(), reason=reason)

    bench.engine.rotate(token)
    monkeypatch.setattr(bench.provider, "probe", look)
    result = search_of(bench, token).look([Value.of(made.value)])
    assert (result.doubt, result.refused, result.holds) == (True, False, False)
    monkeypatch.setattr(bench.provider, "probe", probe)
    assert search_of(bench, token).look([Value.of(made.value)]).holds
