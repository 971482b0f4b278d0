"""P3: no death without a positive control; without one the end is asserted, and nothing is destroyed."""

from collections.abc import Callable

import pytest

from tests.fakes.world import Made
from tests.unit.rotation_bench import Bench
from tokenguard.domain.document import as_written, decode, encode
from tokenguard.domain.journal import Mode, Stage
from tokenguard.domain.liveness import DeathControl, DeathGrade, DeathProof, Verdict
from tokenguard.domain.names import TokenId
from tokenguard.domain.secret import Value
from tokenguard.domain.token import RecordState
from tokenguard.errors import NotProvenDead, Unreachable
from tokenguard.frozen import replace
from tokenguard.ports.store import Tombstone
from tokenguard.rotation import control_search

A_DAY = 25 * 3600


def lone(**capabilities: object) -> tuple[Bench, TokenId, Made]:
    """The provider's only token, made and revoked by hand: nothing can be a control."""
    bench = Bench(guided=True, capabilities=capabilities)
    token, made = bench.add()
    return bench, token, made


def retired_on_a_word(bench: Bench, token: TokenId, *, lied: bool = True) -> None:
    """A person says that it is revoked, in an outage; `lied`: it is not."""

    def says_done() -> str | None:
        bench.world.outage = True
        return "ada" if lied else None

    bench.operator.answers.append(says_done)
    with pytest.raises(NotProvenDead):
        bench.engine.retire(token)


def kept(bench: Bench, token: TokenId) -> list[Value]:
    held = [bench.store.read_candidate(token, item.label) for item in bench.document(token).quarantine]
    return [value for value in held if isinstance(value, Value)]


def test_without_any_control_the_end_is_asserted_by_name_with_exit_5_once():
    bench, token, _ = lone()
    retired_on_a_word(bench, token)
    proof, record = bench.journal(token).proof, bench.document(token).record
    assert (proof.grade, proof.said_by, proof.control) == (DeathGrade.ASSERTED, "ada", False)
    assert bench.journal(token).stage is Stage.DONE
    assert record.state is RecordState.RETIRED
    assert record.seen is None, "nothing is known of it"
    assert len(kept(bench, token)) == 1
    bench.engine.resume(token)  # recorded once, and no longer owed


@pytest.mark.parametrize("accepts", [lambda record, others: True, lambda record, others: others == 0])
def test_where_the_policy_accepts_an_assertion_it_is_exit_0(accepts):
    bench, token, made = lone()
    context = replace(bench.engine._context, accepts_assertion=accepts)
    bench.engine._context = context
    bench.engine.retire(token)
    assert bench.journal(token).proof.words == "asserted by ada"
    assert kept(bench, token), "accepted is not proven: the value is kept"
    assert not bench.world.alive(made)


def test_what_was_accepted_before_and_is_refused_now_is_an_outage_and_no_missing_control():
    bench, token, _ = lone()
    other, _ = bench.add("video/upload/dev")
    retired_on_a_word(bench, token)
    assert bench.journal(token).proof is None
    assert bench.journal(token).stage is Stage.REVOKED
    bench.world.outage = False
    bench.operator.answers.extend([None])
    bench.engine.resume(token)
    assert bench.journal(token).proof.controlled_by is DeathControl.TOKEN
    assert bench.document(other).record.state is RecordState.ACTIVE


def test_the_admin_credential_is_a_control():
    bench = Bench()
    token, _ = bench.add()
    bench.engine.retire(token)
    proof = bench.journal(token).proof
    assert (proof.grade, proof.controlled_by) == (DeathGrade.PROVISIONAL, DeathControl.ADMIN)


def test_another_record_of_the_same_value_is_no_control():
    """Nor is it evidence of an outage: it dies with it."""
    bench, token, made = lone()
    twin = replace(bench.record("video/upload/twin"), consumers=())
    bench.engine.add(twin, Value.of(made.value), seen=bench.provider.probe(Value.of(made.value), None))
    with pytest.raises(NotProvenDead):
        bench.engine.retire(token)
    assert bench.journal(token).proof.grade is DeathGrade.ASSERTED


def test_a_token_that_is_being_revoked_too_is_no_evidence_of_an_outage():
    bench, token, _ = lone()
    other, _ = bench.add("video/upload/dev")
    bench.operator.answers.append("")
    with pytest.raises(NotProvenDead):
        bench.engine.retire(other)
    bench.world.revoke_label(bench.document(other).record.label)
    with pytest.raises(NotProvenDead):
        bench.engine.retire(token)
    assert bench.journal(token).proof.grade is DeathGrade.ASSERTED


def test_a_provider_whose_limits_delay_each_request_has_its_tokens_proven_dead(monkeypatch):
    """Thirty requests at six a minute take longer than four windows."""
    bench = Bench()
    bench.add("video/upload/dev")
    token, old = bench.add()
    probe = bench.provider.probe

    def paced(value, expected):
        bench.clock.sleep(10)
        return probe(value, expected)

    monkeypatch.setattr(bench.provider, "probe", paced)
    bench.engine.rotate(token)
    assert bench.journal(token).proof.grade is DeathGrade.PROVISIONAL
    assert not bench.world.alive(old)


def test_an_outage_is_not_answered_with_a_storm_of_probes(monkeypatch):
    bench, _, _ = lone()
    for number in range(12):
        bench.add(f"video/upload/n{number}")
    monkeypatch.setattr(control_search, "_MAX_PROBES", 3)
    probes: list[object] = []
    probe = bench.provider.probe
    monkeypatch.setattr(bench.provider, "probe", lambda value, scope: probes.append(value) or probe(value, scope))
    bench.world.outage = True
    search = control_search.ControlSearch(bench.store, bench.record(), bench.vendors.of(bench.record()))
    assert search.look([]).doubt
    assert len(probes) == 3


@pytest.mark.parametrize("compromised", [False, True], ids=["planned", "compromised"])
def test_a_good_new_token_that_is_refused_in_an_outage_is_neither_rejected_nor_ended(compromised):
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.add("video/upload/dev")

    def paste_in_an_outage() -> str:
        made = bench.world.create(bench.journal(token).attempts[-1].label)
        bench.world.outage = True
        return made.value

    bench.operator.answers.extend([*([None] if compromised else []), paste_in_an_outage])
    with pytest.raises((Unreachable, NotProvenDead)):
        bench.engine.rotate(token, compromised=compromised)
    assert len(bench.journal(token).attempts) == 1
    bench.world.outage = False
    bench.engine.resume(token)
    assert len(bench.journal(token).attempts) == 1


def test_a_page_instead_of_an_answer_is_not_called_a_refusal():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.add("video/upload/dev")
    bench.operator.answers.append(lambda: setattr(bench.world, "unknown", 10_000) or "ada")
    with pytest.raises(NotProvenDead) as caught:
        bench.engine.retire(token)
    said = " ".join([caught.value.message, caught.value.hint, *bench.progress.lines])
    assert "http-503" in said
    assert "refuses" not in said


# the later look


def test_a_single_refusal_confirms_nothing():
    bench = Bench()
    token, _ = bench.add()
    bench.engine.rotate(token)
    bench.clock.sleep(A_DAY)
    began = bench.clock.monotonic()
    assert bench.look_again(token) == [DeathGrade.CONFIRMED]
    window = bench.provider.capabilities.death_window
    assert bench.clock.monotonic() - began >= window.length.total_seconds()


def test_in_an_outage_the_later_look_concludes_nothing_and_destroys_nothing():
    bench = Bench()
    token, _ = bench.add()
    bench.engine.rotate(token)
    bench.clock.sleep(A_DAY)
    bench.world.outage = True
    assert bench.look_again(token) == [None]
    assert len(kept(bench, token)) == 1
    assert bench.journal(token).proof.grade is DeathGrade.PROVISIONAL


def test_an_outage_that_begins_in_the_window_concludes_nothing():
    bench = Bench()
    token, _ = bench.add()
    bench.engine.rotate(token)
    bench.clock.sleep(A_DAY)
    sleep = bench.clock.sleep

    def then_an_outage(seconds: float) -> None:
        sleep(seconds)
        bench.world.outage = True

    bench.clock.sleep = then_an_outage
    assert bench.look_again(token) == [None]
    assert len(kept(bench, token)) == 1


def test_what_was_asserted_is_proven_when_there_is_a_control_and_destroyed_only_when_it_is_confirmed():
    bench, token, _ = lone()
    with pytest.raises(NotProvenDead):
        bench.engine.retire(token)
    assert bench.look_again(token) == [None], "no control yet"
    bench.add("video/upload/dev")
    assert bench.look_again(token) == [DeathGrade.PROVISIONAL]
    assert bench.journal(token).proof.grade is DeathGrade.PROVISIONAL
    assert bench.document(token).record.seen.verdict is Verdict.DEAD
    assert len(kept(bench, token)) == 1
    bench.clock.sleep(A_DAY)
    assert bench.look_again(token) == [DeathGrade.CONFIRMED]
    assert bench.document(token).quarantine == ()


def test_what_was_asserted_and_is_accepted_raises_the_alarm_and_opens_the_revoke():
    bench, token, made = lone()
    retired_on_a_word(bench, token)
    bench.world.outage = False
    with pytest.raises(NotProvenDead):
        bench.look_again(token)
    assert bench.journal(token).mode is Mode.REVOKE_AGAIN
    assert bench.document(token).record.seen is None
    bench.add("video/upload/dev")
    bench.engine.resume(token)
    assert not bench.world.alive(made)
    assert bench.journal(token).proof.grade is DeathGrade.PROVISIONAL


def test_all_values_of_a_provider_that_are_due_share_one_window():
    bench = Bench()
    tokens = [bench.add(f"video/upload/n{number}")[0] for number in range(5)]
    for token in tokens:
        bench.engine.rotate(token)
    bench.clock.sleep(A_DAY)
    began, window = bench.clock.monotonic(), bench.provider.capabilities.death_window.length.total_seconds()
    results = list(bench.engine.reprobe(*tokens))
    assert [result.outcome for result in results] == [DeathGrade.CONFIRMED] * 5
    assert bench.clock.monotonic() - began < 2 * window
    assert not any(kept(bench, token) for token in tokens)


def test_one_value_that_is_accepted_again_does_not_keep_the_others_from_their_look():
    bench = Bench()
    (first, made), (second, _) = bench.add("video/upload/a"), bench.add("video/upload/b")
    for token in (first, second):
        bench.engine.rotate(token)
    made.revoked_at = None
    bench.clock.sleep(A_DAY)
    results = {result.name: result for result in bench.engine.reprobe(first, second)}
    assert isinstance(results["video/upload/a"].error, NotProvenDead)
    assert results["video/upload/b"].outcome is DeathGrade.CONFIRMED


def test_the_later_look_leaves_an_open_operation_to_its_runner():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.engine.rotate(token)
    bench.clock.sleep(A_DAY)
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    before = bench.store.load(token)
    assert bench.look_again(token) == [None]
    assert bench.store.load(token) == before


# what earlier versions wrote


def _old_form(bench: Bench, token: TokenId, change: Callable[[bytes], bytes]) -> None:
    version, data = bench.store._documents[token]
    before_revisions = data.replace(b',"revision":1', b"")
    assert before_revisions != data
    bench.store._documents[token] = (version, change(before_revisions))


@pytest.mark.parametrize("grade", ["provisional", "confirmed"])
def test_a_death_on_record_without_a_control_is_unproven_when_read_and_its_value_stays(grade):
    bench, token, _ = lone()
    bench.engine.rotate(token)
    assert bench.journal(token).proof.proven

    def as_before(data: bytes) -> bytes:
        data = data.replace(b'"control":true', b'"control":false').replace(b'"controlled_by":"token",', b"")
        return data.replace(b'"accepted":false,', b"").replace(b'"provisional"', f'"{grade}"'.encode())

    _old_form(bench, token, as_before)
    assert bench.journal(token).proof.grade is DeathGrade.UNPROVEN
    (item,) = bench.document(token).quarantine
    assert item.proof.grade is DeathGrade.UNPROVEN
    assert decode(encode(bench.document(token))) == as_written(bench.document(token))
    bench.clock.sleep(A_DAY)
    assert bench.look_again(token) == [DeathGrade.PROVISIONAL]
    assert len(kept(bench, token)) == 1
    bench.clock.sleep(A_DAY)
    assert bench.look_again(token) == [DeathGrade.CONFIRMED]
    assert isinstance(bench.store.read_candidate(token, item.label), Tombstone)


def test_a_control_on_record_without_its_kind_was_another_token():
    at = Bench().clock.now()
    proof = DeathProof(grade=DeathGrade.CONFIRMED, first_at=at, last_at=at, samples=3, control=True)
    assert (proof.grade, proof.controlled_by) == (DeathGrade.CONFIRMED, DeathControl.TOKEN)


def test_a_retired_token_whose_death_had_no_control_is_not_shown_as_dead():
    bench = Bench()
    token, _ = bench.add()
    bench.engine.retire(token)
    assert bench.document(token).record.seen.verdict is Verdict.DEAD
    _old_form(bench, token, lambda data: data.replace(b'"control":true', b'"control":false'))
    assert bench.document(token).record.seen is None


# the provider's own word


def unprobed() -> tuple[Bench, TokenId]:
    bench = Bench(capabilities={"probe": False})
    token, _ = bench.add()
    bench.add("video/upload/dev")
    return bench, token


def test_where_nothing_can_be_probed_a_complete_list_that_lacks_the_id_is_the_proof():
    bench, token = unprobed()
    bench.engine.rotate(token)
    proof = bench.journal(token).proof
    assert (proof.grade, proof.controlled_by) == (DeathGrade.PROVISIONAL, DeathControl.LIST)
    assert bench.look_again(token) == []
    bench.clock.sleep(A_DAY)
    assert bench.look_again(token) == [DeathGrade.CONFIRMED]


def test_a_list_that_lacks_it_is_no_proof_before_the_revoke_must_have_taken_effect():
    bench = Bench(revoke_lag=30, capabilities={"probe": False})
    token, made = bench.add()
    bench.add("video/upload/dev")
    began = bench.clock.monotonic()
    bench.engine.rotate(token)
    assert bench.clock.monotonic() - began >= 30
    assert not bench.world.alive(made)
    assert bench.journal(token).proof.controlled_by is DeathControl.LIST


def test_a_list_that_may_lack_tokens_confirms_nothing():
    bench, token = unprobed()
    bench.engine.rotate(token)
    bench.clock.sleep(A_DAY)
    bench.world.list_gap = "a page is missing"
    assert bench.look_again(token) == [None]
    assert len(kept(bench, token)) == 1


def test_what_the_list_names_again_raises_the_alarm():
    bench = Bench(capabilities={"probe": False})
    token, made = bench.add()
    bench.engine.rotate(token)
    made.revoked_at = None
    bench.clock.sleep(A_DAY)
    with pytest.raises(NotProvenDead):
        bench.look_again(token)
    assert bench.journal(token).mode is Mode.REVOKE_AGAIN


def test_a_provider_that_cannot_be_asked_does_not_keep_the_later_look_from_the_next():
    bench, token = unprobed()
    bench.engine.rotate(token)
    bench.clock.sleep(A_DAY)
    bench.world.outage = True
    (result,) = bench.engine.reprobe(token)
    assert isinstance(result.error, Unreachable)
    assert len(kept(bench, token)) == 1
