"""The promises of rotation, over a fake world: order, proof, refusals, undoing."""

from contextlib import nullcontext

import pytest

from tests.fakes.world import OTHER_DRIVE, AbsentOperator, ScriptedOperator, canary
from tests.unit.rotation_bench import APP, Bench
from tokenguard.domain.journal import AttemptState, Mode, Stage
from tokenguard.domain.liveness import DeathGrade, Verdict
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer, ConsumerKind, CredentialKind, RecordState
from tokenguard.errors import (
    Conflict,
    Fenced,
    InputError,
    NeedsPerson,
    NotProvenDead,
    Unfinished,
    Unreachable,
)
from tokenguard.frozen import replace
from tokenguard.ports.operator import TokenTraceAnswer
from tokenguard.ports.provider import Ambiguous, CreateRefused
from tokenguard.ports.store import Tombstone


def test_add_takes_a_value_into_custody_and_delivers_it():
    bench = Bench()
    token, made = bench.add()
    record = bench.document(token).record
    assert bench.live_value(token) == made.value
    assert (record.state, record.label) == (RecordState.ACTIVE, made.label)
    assert bench.deliveries.delivery.held[APP] == made.value
    assert bench.journal(token).stage is Stage.DONE


def test_issue_makes_a_first_value_by_api():
    bench = Bench()
    snapshot = bench.engine.issue(bench.record())
    assert [made.value for made in bench.world.living()] == [bench.live_value(snapshot.id)]
    assert snapshot.document.record.label == bench.world.living()[0].label


@pytest.mark.parametrize("guided", [False, True], ids=["api", "guided"])
def test_planned_rotation_keeps_the_order_of_p4(guided):
    bench = Bench(guided=guided)
    token, old = bench.add()
    before = len(bench.store.history(token))
    snapshot = bench.engine.rotate(token)
    ops = bench.ops(token)[before:]
    wanted = ["open:fact", "mint:intent", "store:outcome", "accept:fact", "publish:intent", "publish:outcome",
              "deliver:intent", "deliver:outcome", "deliver:outcome", "revoke:intent", "revoke:outcome", "death:fact", "done:fact"]  # fmt: skip
    assert [op for op in ops if op in set(wanted)] == wanted
    assert not bench.world.alive(old)
    assert [made.value for made in bench.world.living()] == [bench.live_value(token)]
    assert bench.deliveries.delivery.held[APP] == bench.live_value(token)
    (item,) = snapshot.document.quarantine
    assert item.proof.grade is DeathGrade.PROVISIONAL
    assert item.proof.control


@pytest.mark.parametrize("guided", [False, True], ids=["api", "guided"])
def test_compromised_revokes_before_anything_is_made(guided):
    bench = Bench(guided=guided)
    token, old = bench.add()
    bench.engine.rotate(token, compromised=True, reason="posted in a ticket")
    new = bench.world.of_value(bench.live_value(token))
    assert old.revoked_at is not None
    assert new is not None
    ops = bench.ops(token)
    assert ops.index("revoke:intent") < ops.index("revoke:outcome") < ops.index("mint:intent") < ops.index("death:fact")


def test_unknown_consumers_block_before_the_revoke_intent(words):
    bench = Bench(consumers=None)
    token, old = bench.add()
    with pytest.raises(Unfinished) as caught:
        bench.engine.rotate(token)
    words(caught.value)
    assert bench.world.alive(old)
    assert bench.journal(token).stage is Stage.CONSUMED
    assert "revoke:intent" not in bench.ops(token)


def test_unknown_consumers_go_on_once_declared_or_accepted_on_record():
    bench = Bench(consumers=None)
    token, old = bench.add()
    with pytest.raises(Unfinished):
        bench.engine.rotate(token)
    with pytest.raises(Unfinished):
        bench.engine.resume(token)
    bench.engine.resume(token, accept_outage=True)
    assert not bench.world.alive(old)
    assert bench.journal(token).accept_outage


def test_consumers_declared_as_none_are_not_unknown():
    bench = Bench(consumers=())
    token, old = bench.add()
    bench.engine.rotate(token)
    assert not bench.world.alive(old)


def test_a_quiet_provider_stands_in_for_unknown_consumers():
    bench = Bench(consumers=None, capabilities={"last_used": True})
    token, old = bench.add()
    old.last_used_at = bench.clock.now()
    with pytest.raises(Unfinished):
        bench.engine.rotate(token)
    bench.clock.sleep(8 * 86400)
    bench.engine.resume(token)
    assert not bench.world.alive(old)


@pytest.mark.parametrize("elsewhere", [True, False], ids=["kept-for-another-token", "kept-for-no-token"])
@pytest.mark.parametrize("checked", [True, False], ids=["accepted-on-record", "never-checked"])
def test_no_date_of_use_is_no_quiet_period(elsewhere, checked):
    """Only where the provider keeps the dates, and no use is known, does a token count as never used."""
    bench = Bench(consumers=None, capabilities={"last_used": True})
    token, old = bench.add()
    _, other = bench.add("video/upload/dev")
    other.last_used_at = bench.clock.now() if elsewhere else None
    if not checked:
        snapshot = bench.store.load(token)
        record = replace(snapshot.document.record, seen=None, accepted_at=None)
        bench.store.commit(token, snapshot.version, replace(snapshot.document, record=record), [])
    bench.clock.sleep(8 * 86400)
    if elsewhere and not checked:
        bench.engine.rotate(token)
    else:
        with pytest.raises(Unfinished):
            bench.engine.rotate(token)
    assert bench.world.alive(old) != (elsewhere and not checked)


def test_an_acceptance_on_record_is_a_use():
    bench = Bench(consumers=None, capabilities={"last_used": True})
    token, old = bench.add()
    old.last_used_at = bench.clock.now()
    bench.clock.sleep(8 * 86400)
    snapshot = bench.store.load(token)
    look = bench.provider.probe(Value.of(old.value), None)
    record = snapshot.document.record.with_look(look)
    bench.store.commit(token, snapshot.version, replace(snapshot.document, record=record), [])
    with pytest.raises(Unfinished):
        bench.engine.rotate(token)
    assert bench.world.alive(old)


def test_a_consumer_that_does_not_hold_the_new_value_stops_before_the_revoke(words):
    bench = Bench()
    token, old = bench.add()
    bench.deliveries.delivery.deaf = True
    with pytest.raises(Unfinished) as caught:
        bench.engine.rotate(token)
    words(caught.value)
    assert bench.world.alive(old)
    bench.deliveries.delivery.deaf = False
    bench.engine.resume(token)
    assert not bench.world.alive(old)


def test_lagging_revocation_is_waited_for_and_then_proven():
    bench = Bench(revoke_lag=90)
    token, _ = bench.add()
    bench.engine.rotate(token)
    proof = bench.journal(token).proof
    assert proof is not None
    assert proof.samples >= 3
    assert (proof.last_at - proof.first_at).total_seconds() >= 180
    assert any("still accepts" in line for line in bench.progress.lines)


def test_a_revoke_that_never_takes_effect_is_exit_5_and_resumable():
    bench = Bench()
    token, _ = bench.add()
    bench.world.revoke_lag = 10**9
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    assert bench.journal(token).stage is Stage.REVOKE_INTENDED
    bench.world.revoke_lag = 0
    bench.engine.resume(token)
    assert bench.journal(token).stage is Stage.DONE


def test_a_global_401_outage_never_proves_a_death():
    bench = Bench()
    token, _ = bench.add()

    class Outage(type(bench.issuer)):
        def revoke(self, provider_id):
            super().revoke(provider_id)
            self.world.outage = True

    bench.vendors.issuer = Outage(bench.world)
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    assert bench.journal(token).proof is None
    bench.world.outage = False
    bench.engine.resume(token)
    assert bench.journal(token).proof is not None


def test_unknown_answers_are_neither_dead_nor_alive():
    bench = Bench()
    token, old = bench.add()
    bench.world.unknown = 10**6
    with pytest.raises(Unreachable):
        bench.engine.rotate(token)
    assert bench.journal(token).stage is Stage.DONE  # still that of the add: nothing was begun
    assert bench.world.alive(old)


def test_an_old_token_that_is_dead_already_needs_no_revoke_only_the_proof():
    bench = Bench(guided=True)
    token, old = bench.add()
    bench.world.revoke(old.id)
    bench.engine.rotate(token)
    assert [kind for kind, _, _ in bench.operator.asked] == ["paste"]
    assert bench.journal(token).proof is not None
    assert "revoke:intent" not in bench.ops(token)


def test_a_wrong_drive_token_is_stored_rejected_revoked_and_replaced():
    bench = Bench(guided=True)
    token, _ = bench.add()
    wrong: list[str] = []

    def paste_wrong():
        label = bench.journal(token).attempts[-1].label
        wrong.append(bench.world.create(label, OTHER_DRIVE).value)
        return wrong[0]

    bench.operator.answers.append(paste_wrong)
    bench.engine.rotate(token)
    journal = bench.journal(token)
    assert [attempt.state for attempt in journal.attempts] == [AttemptState.GONE, AttemptState.STORED]
    made = bench.world.of_value(wrong[0])
    assert made is not None
    assert not bench.world.alive(made)
    assert isinstance(bench.store.read_candidate(token, journal.attempts[0].label), Tombstone)


def test_an_api_that_makes_tokens_for_the_wrong_place_is_asked_once(words):
    """Twenty keys made and ended at a vendor in one run would be an incident of its own."""
    bench = Bench()
    token, old = bench.add()
    real = bench.issuer.create
    bench.issuer.create = lambda wanted: real(replace(wanted, scope=OTHER_DRIVE))
    with pytest.raises(Unfinished) as caught:
        bench.engine.rotate(token)
    words(caught.value)
    (attempt,) = bench.journal(token).attempts
    assert attempt.state is AttemptState.GONE
    assert bench.world.living() == [old]
    bench.issuer.create = real
    bench.engine.resume(token)
    assert bench.journal(token).stage is Stage.DONE


def test_an_outage_does_not_prove_a_rejected_token_dead():
    bench = Bench(guided=True)
    token, _ = bench.add()
    wrong = []

    def paste_wrong():
        wrong.append(bench.world.create(bench.journal(token).attempts[-1].label, OTHER_DRIVE))
        return wrong[0].value

    def say_done_during_an_outage():
        bench.world.outage = True
        return "ada"

    bench.operator.answers.extend([paste_wrong, say_done_during_an_outage])
    with pytest.raises(Unfinished):
        bench.engine.rotate(token)
    assert bench.journal(token).attempts[0].state is AttemptState.REJECTED
    bench.world.outage = False
    bench.engine.resume(token)
    assert not bench.world.alive(wrong[0])


def test_the_old_token_pasted_as_the_new_one_is_refused_before_it_is_stored():
    bench = Bench(guided=True)
    token, old = bench.add()
    bench.operator.answers.append(old.value)
    bench.engine.rotate(token)
    retries = [retry for kind, _, retry in bench.operator.asked if kind == "paste"]
    assert retries == ["", "that is the old token, the one to be replaced; paste the new one"]


def test_a_value_unlike_the_providers_tokens_is_asked_for_again_and_taken_when_it_is_pasted_twice(monkeypatch):
    """A shape is observed and not documented: the provider decides in the end."""
    bench = Bench(guided=True)
    token, _ = bench.add()
    monkeypatch.setattr(
        bench.provider, "warnings", lambda value: ("not like theirs",) if "xyz" in value.token.reveal() else ()
    )

    def made() -> str:
        return bench.world.create(bench.journal(token).attempts[-1].label, value=f"xyz{canary()}").value

    bench.operator.answers.extend(["xyz-something-else", made, lambda: bench.world.living()[-1].value])
    bench.engine.rotate(token)
    retries = [retry for kind, _, retry in bench.operator.asked if kind == "paste"]
    again = "not like theirs; paste the new token, or the same value again to use it"
    assert retries == ["", again, again]
    assert bench.live_value(token).startswith("xyz")
    assert "! not like theirs" in bench.progress.lines


def test_another_token_of_the_inventory_pasted_as_the_new_one_is_refused_and_stays_alive():
    """One value has one name: else ending this one later would end that one, and a wrong Drive would have it revoked."""
    bench = Bench(guided=True)
    token, _ = bench.add()
    _, other = bench.add("video/upload/dev")
    bench.operator.answers.append(other.value)
    bench.engine.rotate(token)
    retries = [retry for kind, _, retry in bench.operator.asked if kind == "paste"]
    assert retries == ["", "that token is already in use as video/upload/dev; paste the new one"]
    assert bench.world.alive(other)


def test_half_a_pair_is_refused_with_the_reason_and_asked_again():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator.answers.append("dx_bearer_tgcanary-tgcanary")
    bench.engine.rotate(token)
    assert "one half" in bench.operator.asked[1][2]


def test_said_to_be_revoked_but_was_not_is_asked_again_until_the_person_gives_up():
    bench = Bench(guided=True)
    token, old = bench.add()
    new = bench.world.create("new")
    bench.operator.answers.extend([new.value, "ada", "ada", ""])
    bench.operator.world = None
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    retries = [retry for kind, _, retry in bench.operator.asked if kind == "done"]
    assert len(retries) == 3
    assert retries[0] == ""
    assert all("still accepts" in retry for retry in retries[1:])
    assert bench.world.alive(old)


def test_ctrl_c_at_each_question_is_resumed_to_one_live_token():
    for question in range(2):
        bench = Bench(guided=True)
        token, old = bench.add()
        bench.operator.answers.extend([None] * question + [KeyboardInterrupt()])
        with pytest.raises(KeyboardInterrupt):
            bench.engine.rotate(token)
        with pytest.raises(NotProvenDead) if question == 0 else nullcontext():  # "absent" is what a person says
            bench.engine.resume(token)
        assert not bench.world.alive(old)
        assert [made.value for made in bench.world.living()] == [bench.live_value(token)]


def test_nobody_to_ask_is_exit_3_before_the_revoke_intent_and_5_after():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator = AbsentOperator()
    with pytest.raises(NeedsPerson):
        bench.runner("cron").rotate(token)
    with pytest.raises(NeedsPerson):
        bench.runner("cron").resume(token)
    bench.operator = ScriptedOperator(bench.world, None, None, NeedsPerson("x", hint="y"))
    with pytest.raises(NotProvenDead):
        bench.runner("person").resume(token)
    assert bench.journal(token).stage is Stage.REVOKE_INTENDED


def test_an_ambiguous_create_is_never_repeated_and_the_orphan_is_ended():
    bench = Bench()
    token, _ = bench.add()
    labels: list[str] = []

    class Lossy(type(bench.issuer)):
        def create(self, wanted):
            created = super().create(wanted)
            labels.append(wanted.label)
            if len(labels) == 1:
                raise Ambiguous("no reply", hint="-")
            return created

    bench.vendors.issuer = Lossy(bench.world)
    with pytest.raises(Ambiguous):
        bench.engine.rotate(token)
    assert len(bench.world.living()) == 2
    bench.engine.resume(token)
    assert len(labels) == len(set(labels)) == 2
    assert [made.value for made in bench.world.living()] == [bench.live_value(token)]


def test_a_refused_create_leaves_nothing_behind_and_can_be_resumed():
    bench = Bench()
    token, _ = bench.add()

    class Refusing(type(bench.issuer)):
        def create(self, wanted):
            raise CreateRefused("forbidden", hint="-")

    good, bench.vendors.issuer = bench.issuer, Refusing(bench.world)
    with pytest.raises(CreateRefused):
        bench.engine.rotate(token)
    assert bench.journal(token).attempts[-1].state is AttemptState.GONE
    bench.vendors.issuer = good
    bench.engine.resume(token)
    assert bench.journal(token).stage is Stage.DONE


def test_twins_from_a_repeated_delivery_are_both_ended():
    bench = Bench()
    token, _ = bench.add()

    class Doubling(type(bench.issuer)):
        def create(self, wanted):
            super().create(wanted)
            return super().create(wanted)

    bench.vendors.issuer = Doubling(bench.world)
    bench.engine.rotate(token)
    assert [made.value for made in bench.world.living()] == [bench.live_value(token)]


@pytest.mark.parametrize("created", ["before", "after"])
def test_a_late_runner_is_fenced_and_ends_what_it_made(created):
    bench = Bench()
    token, _ = bench.add()
    second = bench.runner("two")

    class Slow(type(bench.issuer)):
        def create(self, wanted):
            late = super().create(wanted) if created == "before" else None
            bench.vendors.issuer = good
            second.resume(token)  # another runner takes over and finishes while this one is paused
            return late or super().create(wanted)

    good, bench.vendors.issuer = bench.issuer, Slow(bench.world)
    with pytest.raises((Fenced, Conflict)):
        bench.engine.rotate(token)
    assert [made.value for made in bench.world.living()] == [bench.live_value(token)]
    assert bench.journal(token).stage is Stage.DONE
    assert bench.journal(token).holder.endswith("two")


@pytest.mark.parametrize("stop_at", ["mint", "accept", "publish", "deliver"])
@pytest.mark.parametrize("guided", [False, True], ids=["api", "guided"])
def test_abort_before_the_revoke_intent_restores_exactly_what_was(guided, stop_at):
    bench = Bench(guided=guided)
    token, old = bench.add()
    record = bench.document(token).record
    bench.clock.sleep(60)
    real, stops = bench.store.commit, [stop_at]

    def failing(token_, expected, document, events):
        if stops and any(event.op.value == stops[0] for event in events):
            stops.clear()
            if stop_at != "mint":
                real(token_, expected, document, events)
            raise KeyboardInterrupt
        return real(token_, expected, document, events)

    bench.store.commit = failing
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    bench.engine.abort(token)
    assert bench.journal(token).stage is Stage.ABORTED
    assert bench.live_value(token) == old.value
    assert bench.world.living() == [old]
    assert bench.deliveries.delivery.held[APP] == old.value
    after = bench.document(token).record
    assert after.seen is None or after.seen == record.seen, (
        "a look at the token that is gone says nothing of the old one"
    )
    assert replace(after, seen=record.seen) == record


def test_an_aborted_add_forgets_the_value_and_never_revokes_it():
    bench = Bench()
    bench.deliveries.delivery.deaf = True
    with pytest.raises(Unfinished):
        bench.add()
    token = next(iter(bench.store.scan())).id
    bench.engine.abort(token)
    assert len(bench.world.living()) == 1
    assert bench.store.read_live(token) is None
    assert isinstance(bench.store.read_candidate(token, bench.journal(token).attempts[0].label), Tombstone)


@pytest.mark.parametrize("issued", [False, True], ids=["given", "issued"])
def test_an_aborted_beginning_tells_the_truth_and_leaves_the_value_free_for_another_name(issued):
    """Nobody is told of an old token or a previous value that never was; a forgotten value can be added again."""
    bench = Bench()
    bench.deliveries.delivery.deaf = True
    with pytest.raises(Unfinished):
        bench.engine.issue(bench.record()) if issued else bench.add()
    token = next(iter(bench.store.scan())).id
    known = bench.document(token).fingerprints
    bench.engine.abort(token)
    told = " ".join(bench.progress.lines)
    assert "previous value again" not in told
    assert "old token" not in told
    assert "the new value is still there" in told
    if not issued:
        assert not any(bench.store.holders(each) for each in known)


def test_abort_is_refused_after_the_revoke_intent():
    bench = Bench()
    token, _ = bench.add()
    bench.world.revoke_lag = 10**9
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    with pytest.raises(InputError, match="cannot be undone"):
        bench.engine.abort(token)


def test_publish_is_pinned_to_what_was_live_when_it_opened(words):
    bench = Bench()
    token, _ = bench.add()
    real = bench.store.publish

    def stranger_first(token_, label, pinned):
        bench.store.publish = real
        other = bench.world.create("stranger")
        bench.store.put_candidate(token, "stranger", Value.of(other.value))
        real(token, "stranger", pinned)
        return real(token_, label, pinned)

    bench.store.publish = stranger_first
    with pytest.raises(Conflict) as caught:
        bench.engine.rotate(token)
    words(caught.value)
    assert "revoke:intent" not in bench.ops(token)


def test_publish_is_pinned_also_where_another_value_was_live_before_it_looked():
    bench = Bench()
    token, old = bench.add()
    create = bench.issuer.create

    def meanwhile_another_is_published(wanted):
        other = Value.of(bench.world.create("stranger").value)
        bench.store.put_candidate(token, "stranger", other)
        bench.store.publish(token, "stranger", bench.store.read_live(token).version)
        return create(wanted)

    bench.issuer.create = meanwhile_another_is_published
    with pytest.raises(Conflict):
        bench.engine.rotate(token)
    assert bench.store.read_live(token).label == "stranger"
    assert bench.world.alive(old)


def test_retire_revokes_proves_and_leaves_a_tombstone():
    bench = Bench()
    token, old = bench.add()
    bench.engine.retire(token, reason="project ended")
    assert not bench.world.alive(old)
    assert bench.store.read_live(token) is None
    record = bench.document(token).record
    assert record.state is RecordState.RETIRED
    assert record.seen is not None
    assert record.seen.verdict is Verdict.DEAD, "a list must not call it alive"


def test_an_open_operation_that_cannot_be_undone_is_not_said_to_be():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.retire(token)
    with pytest.raises(NotProvenDead) as caught:
        bench.engine.retire(token)
    assert "--abort" not in caught.value.hint


def test_a_first_value_is_not_begun_without_what_makes_it(words):
    """Bad configuration is found before anything is written, as for a rotation."""
    bench = Bench()
    bench.vendors.issuer = None
    with pytest.raises(InputError) as caught:
        bench.engine.issue(bench.record())
    words(caught.value)
    assert list(bench.store.scan()) == []


def test_a_grant_without_a_value_cannot_be_rotated_and_is_retired_on_a_persons_word(words):
    bench = Bench()
    record = replace(bench.record(), kind=CredentialKind.OAUTH_GRANT, state=RecordState.ACTIVE)
    from tokenguard.domain.document import Document
    from tokenguard.domain.names import new_token_id

    token = new_token_id()
    bench.store.commit(token, 0, Document(record=record), [])
    with pytest.raises(InputError) as caught:
        bench.engine.rotate(token)
    words(caught.value)
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.retire(token)
    assert bench.ops(token) == ["revoke:intent"], "P6: on record before anybody is asked to do it"
    with pytest.raises(NotProvenDead):  # only said
        bench.engine.retire(token)
    assert bench.document(token).record.state is RecordState.RETIRED
    assert bench.journal(token).proof.words == "asserted by ada"


def test_a_provider_without_a_probe_never_exits_0_on_a_persons_word():
    bench = Bench(guided=True, capabilities={"probe": False})
    token, _ = bench.add()
    with pytest.raises(NotProvenDead):
        bench.engine.rotate(token)
    journal = bench.journal(token)
    assert journal.stage is Stage.DONE
    assert journal.proof is not None
    assert (journal.proof.grade, journal.proof.said_by) == (DeathGrade.ASSERTED, "ada")
    (item,) = bench.document(token).quarantine
    assert isinstance(bench.store.read_candidate(token, item.label), Value)
    bench.engine.resume(token)  # recorded, and no longer owed


def test_quarantine_is_confirmed_later_and_the_old_value_destroyed():
    bench = Bench()
    token, _ = bench.add()
    bench.engine.rotate(token)
    (item,) = bench.document(token).quarantine
    bench.look_again(token)
    assert bench.document(token).quarantine == (item,)
    assert bench.journal(token).proof.grade is DeathGrade.PROVISIONAL
    bench.clock.sleep(25 * 3600)
    bench.look_again(token)
    assert bench.document(token).quarantine == ()
    assert bench.journal(token).proof == replace(item.proof, grade=DeathGrade.CONFIRMED)
    assert isinstance(bench.store.read_candidate(token, item.label), Tombstone)


def test_a_look_at_an_earlier_value_confirms_nothing_of_the_last_operation():
    bench = Bench()
    token, _ = bench.add()
    bench.engine.rotate(token)
    bench.clock.sleep(20 * 3600)
    bench.engine.rotate(token)
    bench.clock.sleep(5 * 3600)
    bench.look_again(token)
    assert len(bench.document(token).quarantine) == 1
    assert bench.journal(token).proof.grade is DeathGrade.PROVISIONAL


def test_a_dead_token_that_is_accepted_again_reopens_the_revoke(words):
    bench = Bench()
    token, old = bench.add()
    bench.engine.rotate(token)
    live = bench.live_value(token)
    old.revoked_at = None
    bench.clock.sleep(25 * 3600)
    with pytest.raises(NotProvenDead) as caught:
        bench.look_again(token)
    words(caught.value)
    assert bench.journal(token).mode is Mode.REVOKE_AGAIN
    bench.engine.resume(token)
    assert not bench.world.alive(old)
    assert bench.live_value(token) == live


def test_a_person_consumer_must_say_so_before_the_revoke():
    bench = Bench(consumers=(Consumer(ConsumerKind.PERSON, "ops"),))
    token, old = bench.add()
    bench.operator.answers.append("")
    with pytest.raises(NeedsPerson):
        bench.engine.rotate(token)
    assert bench.world.alive(old)
    bench.engine.resume(token)
    assert bench.journal(token).handovers[0].by == "ada"


def test_the_right_old_token_is_found_by_its_hint_when_its_id_is_not_on_record():
    bench = Bench()
    token, old = bench.add()
    snapshot = bench.store.load(token)
    bench.store.commit(
        token,
        snapshot.version,
        replace(snapshot.document, record=replace(snapshot.document.record, provider_id="")),
        [],
    )
    neighbour = bench.world.create("neighbour")
    bench.engine.rotate(token)
    assert not bench.world.alive(old)
    assert bench.world.alive(neighbour)


def test_a_manual_trace_of_an_interrupted_create_uses_what_is_still_on_screen():
    bench = Bench(guided=True)
    token, _ = bench.add()
    made: list[str] = []

    def create_then_interrupt():
        made.append(bench.world.create(bench.journal(token).attempts[-1].label).value)
        raise KeyboardInterrupt

    bench.operator.answers.append(create_then_interrupt)
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    bench.operator.answers.extend([TokenTraceAnswer.ON_SCREEN, made[0]])
    asked = len(bench.operator.asked)
    bench.engine.resume(token)
    assert bench.live_value(token) == made[0]
    creating, (kind, copying, _) = (next(task for _, task, _ in bench.operator.asked), bench.operator.asked[asked + 1])
    assert (kind, creating.where) == ("paste", copying.where)
    assert not set(creating.steps) & set(copying.steps), "it would have a second token created"


def test_no_value_is_in_any_document_event_or_progress_line():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator.answers.append(canary()[:-3] + "\n")
    bench.engine.rotate(token)
    from tokenguard.domain.document import encode

    text = encode(bench.document(token)).decode() + repr(bench.store.history(token)) + repr(bench.progress.lines)
    text += repr(bench.operator.asked)
    assert "tgcanary" not in text


def test_a_second_rotation_is_refused_while_one_is_open():
    bench = Bench(guided=True)
    token, _ = bench.add()
    bench.operator.answers.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    with pytest.raises(Unfinished, match="is open"):
        bench.engine.rotate(token)


def test_resume_with_nothing_open_changes_nothing():
    bench = Bench()
    token, _ = bench.add()
    before = bench.store.load(token)
    assert bench.engine.resume(token) == before


def test_a_missing_admin_credential_is_found_before_the_first_effect(words):
    bench = Bench()
    token, _ = bench.add()
    bench.vendors.issuer = None
    before = bench.store.load(token)
    with pytest.raises(InputError) as caught:
        bench.engine.rotate(token)
    words(caught.value)
    assert bench.store.load(token) == before


@pytest.mark.parametrize("compromised", [False, True], ids=["planned", "compromised"])
def test_what_was_asked_for_and_not_done_can_be_aborted_while_the_old_token_lives(compromised):
    bench = Bench(guided=True)
    token, old = bench.add()
    bench.operator.answers.extend([*([] if compromised else [None]), KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token, compromised=compromised)
    assert bench.journal(token).stage is Stage.REVOKE_INTENDED
    bench.engine.abort(token, reason="it was another one's value")
    assert bench.journal(token).stage is Stage.ABORTED
    assert bench.live_value(token) == old.value
    assert bench.world.alive(old)


def test_once_a_person_has_said_revoked_there_is_no_way_back():
    bench = Bench(guided=True)
    token, old = bench.add()
    bench.operator.answers.extend([None, "ada", KeyboardInterrupt()])  # said so, and had not done it
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    assert bench.world.alive(old)
    assert bench.journal(token).revoked_by == "ada"
    with pytest.raises(InputError):
        bench.engine.abort(token)


@pytest.mark.parametrize("spoil", ["revoked", "lagging", "outage", "unclear"])
def test_an_old_token_that_may_be_revoked_is_never_made_live_again(spoil):
    bench = Bench(guided=True, revoke_lag=40 if spoil == "lagging" else 0)
    token, old = bench.add()
    bench.operator.answers.extend([None, KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        bench.engine.rotate(token)
    if spoil in {"revoked", "lagging"}:
        bench.world.revoke(old.id)
    bench.world.outage = spoil == "outage"
    bench.world.unknown = 10**6 if spoil == "unclear" else 0
    with pytest.raises(InputError):
        bench.engine.abort(token)
    assert bench.live_value(token) != old.value


def test_nothing_is_intended_where_the_revoke_could_not_be_sent():
    bench = Bench()
    token, _ = bench.add()
    snapshot = bench.store.load(token)
    record = replace(snapshot.document.record, provider_id="")
    bench.store.commit(token, snapshot.version, replace(snapshot.document, record=record), [])
    listed, bench.issuer.listed = bench.issuer.listed, lambda: (_ for _ in ()).throw(Unreachable("down", hint="-"))
    with pytest.raises(Unreachable):
        bench.engine.retire(token)
    assert bench.journal(token).stage is Stage.OPEN
    bench.issuer.listed = listed
    bench.engine.abort(token)
    assert bench.journal(token).stage is Stage.ABORTED


def test_a_runner_that_was_aborted_meanwhile_revokes_nothing():
    bench = Bench()
    token, old = bench.add()
    commit = bench.store.commit

    def then_aborted(token_, expected, document, events):
        done = commit(token_, expected, document, events)
        if document.journal.stage is Stage.REVOKE_INTENDED and document.journal.epoch == 1:
            bench.store.commit = commit
            bench.runner("two").abort(token)
        return done

    bench.store.commit = then_aborted
    with pytest.raises((Fenced, NotProvenDead)):
        bench.engine.rotate(token)
    assert bench.world.alive(old)
    assert bench.live_value(token) == old.value
