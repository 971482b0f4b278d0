"""The test of the tests: each flaw, built into the real engine on purpose, is caught with one fault or none."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes.memory_store import MemoryStore
from tests.faults.rotation_faults import Fault, Plan
from tests.faults.rotation_promises import Broken
from tests.faults.rotation_scenario import LateRevokes, RevokedByPeople, Scenario, Unlisted, one_fault_plans
from tokenguard.domain.event import Op, Phase
from tokenguard.domain.journal import Attempt, Stage
from tokenguard.domain.liveness import DeathControl, DeathGrade, DeathProof, Verdict
from tokenguard.domain.names import new_label
from tokenguard.errors import NotProvenDead
from tokenguard.frozen import replace
from tokenguard.ports.store import Tombstone
from tokenguard.rotation import cleanup, create, handover, preconditions, reprobe, revoke
from tokenguard.rotation import publish as accepting
from tokenguard.rotation.control_search import ControlResult, ControlSearch
from tokenguard.rotation.session import TokenSession


def skips_the_intent(patch: pytest.MonkeyPatch) -> None:
    """The label is in memory only until the token is stored."""

    def begin(held: TokenSession) -> None:
        attempts = (*held.journal.attempts, Attempt(label=new_label(held.record.name, 1)))
        journal = replace(held.journal, stage=Stage.MINT, attempts=attempts)
        held.snapshot = replace(held.snapshot, document=replace(held.snapshot.document, journal=journal))

    patch.setattr(create, "begin_attempt", begin)


def skips_the_sweep(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(revoke, "discard_superseded", lambda held: None)


def revokes_early(patch: pytest.MonkeyPatch) -> None:
    publish = accepting.publish

    def early(held: TokenSession) -> None:
        held.issuer.revoke(held.journal.old.provider_id)
        publish(held)

    patch.setattr(accepting, "publish", early)


def revokes_what_is_current(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(preconditions, "_target_id", lambda held, issuer: held.record.provider_id)


def takes_unknown_for_dead(patch: pytest.MonkeyPatch) -> None:
    prove = revoke.prove_dead

    def gullible(held: TokenSession, value: Any, **options: Any) -> Any:
        look = held.provider.probe(value, None)
        if look.verdict is Verdict.UNKNOWN:
            return DeathProof(grade=DeathGrade.PROVISIONAL, first_at=look.at, last_at=look.at, samples=1, control=True)
        return prove(held, value, **options)

    for room in (preconditions, revoke):
        patch.setattr(room, "prove_dead", gullible)


def takes_a_word_for_a_proof(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(revoke, "prove", lambda held: held.advance())


def does_not_read_back(patch: pytest.MonkeyPatch) -> None:
    put = lambda held, label, value: held.context.store.put_candidate(held.snapshot.id, label, value)  # noqa: E731 - one line says it
    patch.setattr(create, "_put", put)


def says_stored_before_it_is(patch: pytest.MonkeyPatch) -> None:
    put, stored = create._put, create._stored

    def later(held: TokenSession, label: Any, value: Any, **details: str) -> None:
        stored(held, label, value, **details)
        put(held, label, value)

    patch.setattr(create, "_put", lambda held, label, value: None)
    patch.setattr(create, "_stored", later)


def leaves_dead_slots_open(patch: pytest.MonkeyPatch) -> None:
    """No tombstone fences a late writer: not before the reaping, and not after it."""
    destroy = MemoryStore.destroy

    def only_values(store: MemoryStore, token: Any, label: Any) -> None:
        if store.read_candidate(token, label) is not None:
            destroy(store, token, label)

    patch.setattr(cleanup, "fence", lambda held, label: None)
    patch.setattr(MemoryStore, "destroy", only_values)


def writes_over_whoever_took_over(patch: pytest.MonkeyPatch) -> None:
    commit = TokenSession.commit

    def unfenced(held: TokenSession, *events: Any, **changes: Any) -> None:
        held.snapshot = replace(held.snapshot, version=held.context.store.load(held.snapshot.id).version)
        commit(held, *events, **changes)

    patch.setattr(TokenSession, "commit", unfenced)


def publishes_without_a_pin(patch: pytest.MonkeyPatch) -> None:
    publish = MemoryStore.publish

    def blind(store: MemoryStore, token: Any, label: Any, pinned: int) -> int:
        live = store.read_live(token)
        return publish(store, token, label, live.version if live else pinned)

    patch.setattr(MemoryStore, "publish", blind)


def counts_a_delivery_before_it_is_confirmed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(handover, "deliver_to_consumers", lambda held: held.advance())
    patch.setattr(preconditions, "deliver_missing", lambda held: None)
    patch.setattr(preconditions, "unconfirmed", lambda record, journal: ())


def keeps_what_was_rejected(patch: pytest.MonkeyPatch) -> None:
    """The slot of an attempt that is gone still holds its value."""
    patch.setattr(MemoryStore, "destroy", lambda store, token, label: None)
    patch.setattr(cleanup, "fence", lambda held, label: held.context.store.put_candidate(held.snapshot.id, label, Tombstone(reason="reaped")))  # fmt: skip


def counts_refusals_without_a_control(patch: pytest.MonkeyPatch) -> None:
    """Neither another token nor the live value of the token itself is looked at."""
    look = ControlSearch.look
    patch.setattr(ControlSearch, "refuses_live_value", lambda held, token, dying: False)
    patch.setattr(ControlSearch, "look", lambda held, dying: replace(look(held, dying), by=DeathControl.TOKEN))


def passes_over_what_was_accepted_before(patch: pytest.MonkeyPatch) -> None:
    look = ControlSearch.look
    patch.setattr(ControlSearch, "look", lambda held, dying: replace(look(held, dying), doubt=False))


def lets_the_admin_outvote_a_token_accepted_before(patch: pytest.MonkeyPatch) -> None:
    look = ControlSearch.look

    def outvoted(held: ControlSearch, dying: Any) -> ControlResult:
        found = look(held, dying)
        return ControlResult(by=DeathControl.ADMIN, listed=held._vendor.issuer.listed()) if found.doubt else found

    patch.setattr(ControlSearch, "look", outvoted)


def ignores_that_the_list_names_the_dying_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ControlResult, "about", lambda control, provider_id: control)


def confirms_at_a_single_refusal(patch: pytest.MonkeyPatch) -> None:
    def run(held: Any) -> Any:
        for key, sample in (yield from held._round()).items():
            at = sample.seen.at
            proof = DeathProof(grade=DeathGrade.PROVISIONAL, first_at=at, last_at=at, samples=1, control=True)
            yield held._settled(held._pending.pop(key), proof)

    patch.setattr(reprobe._Looks, "run", run)


def destroys_what_is_only_said(patch: pytest.MonkeyPatch) -> None:
    finish = revoke.finish

    def finished(held: TokenSession) -> None:
        finish(held)
        held.context.store.destroy(held.snapshot.id, held.journal.old.label)
        held.commit(held.event(Op.DESTROY, Phase.OUTCOME), quarantine=())

    patch.setattr(revoke, "finish", finished)


def never_sends_a_revoke_again(patch: pytest.MonkeyPatch) -> None:
    def stays(held: TokenSession, what: str) -> None:
        raise NotProvenDead(what, hint="-")

    patch.setattr(revoke, "_revoke_at_next_resume", stays)
    patch.setattr(revoke, "repeat_if_accepted", lambda held: None)


Mutant = Callable[[pytest.MonkeyPatch], None]

CAUGHT: list[tuple[Mutant, str, str]] = [
    (skips_the_intent, "planned", "P2|P6"),
    (skips_the_intent, "compromised", "P2|P6"),
    (skips_the_sweep, "planned", "P8"),
    (revokes_early, "planned", "P4|P6"),
    (revokes_what_is_current, "planned", "P1"),
    (takes_unknown_for_dead, "planned", "P3"),
    (takes_unknown_for_dead, "compromised", "P3"),
    (takes_a_word_for_a_proof, "planned", "P3"),
    (takes_a_word_for_a_proof, "retire", "P3"),
    (does_not_read_back, "planned", "P4"),
    (says_stored_before_it_is, "planned", "P4"),
    (leaves_dead_slots_open, "planned", "P8"),
    (writes_over_whoever_took_over, "planned", "P7"),
    (publishes_without_a_pin, "planned", "P1"),
    (counts_a_delivery_before_it_is_confirmed, "planned", "P4"),
    (keeps_what_was_rejected, "abort", "P4"),
]


@pytest.mark.parametrize(("mutant", "action", "promises"), CAUGHT, ids=lambda part: getattr(part, "__name__", None))
def test_each_flaw_is_caught(mutant: Mutant, action: str, promises: str):
    said = next(_told(mutant, action), "nothing")
    assert said[:2] in promises.split("|"), said


IN_OUTAGES: list[tuple[Mutant, str]] = [
    (counts_refusals_without_a_control, "planned"),
    (counts_refusals_without_a_control, "compromised"),
    (counts_refusals_without_a_control, "retire"),
    (passes_over_what_was_accepted_before, "planned"),
    (passes_over_what_was_accepted_before, "compromised"),
    (confirms_at_a_single_refusal, "planned"),
    (confirms_at_a_single_refusal, "retire"),
    (destroys_what_is_only_said, "retire"),
]


@pytest.mark.parametrize(("mutant", "action"), IN_OUTAGES, ids=lambda part: getattr(part, "__name__", None))
def test_each_flaw_that_an_outage_brings_to_light_is_caught(mutant: Mutant, action: str):
    plans = [plan for plan in one_fault_plans(action, guided=True) if set(plan.values()) == {Fault.OUTAGE}]
    said = list(_told_in(mutant, action, plans))
    assert "P3" in {each[:2] for each in said}, said


IN_HALF_OUTAGES: list[tuple[Mutant, str, type[Scenario]]] = [
    (lets_the_admin_outvote_a_token_accepted_before, "planned", LateRevokes),
    (ignores_that_the_list_names_the_dying_token, "retire", RevokedByPeople),
]


@pytest.mark.parametrize(
    ("mutant", "action", "kind"), IN_HALF_OUTAGES, ids=lambda part: getattr(part, "__name__", None)
)
def test_each_flaw_that_an_outage_of_the_probes_brings_to_light_is_caught(
    mutant: Mutant, action: str, kind: type[Scenario]
):
    plans = one_fault_plans(action, guided=False, kind=kind)
    half = [plan for plan in plans if set(plan.values()) == {Fault.HALF_OUTAGE}]
    said = list(_told_in(mutant, action, half, kind, guided=False))
    assert "P3" in {each[:2] for each in said}, said


@pytest.mark.parametrize("action", ["planned", "compromised", "retire"])
def test_a_revoke_that_is_never_sent_again_is_caught(action: str):
    plans = [
        plan for plan in one_fault_plans(action, guided=False, kind=Unlisted) if set(plan.values()) == {Fault.FORGOTTEN}
    ]
    said = list(_told_in(never_sends_a_revoke_again, action, plans, Unlisted, guided=False))
    assert "P8" in {each[:2] for each in said}, said


def _told_in(
    mutant: Mutant, action: str, plans: list[Plan], kind: type[Scenario] = Scenario, *, guided: bool = True
) -> Iterator[str]:
    """What the watchers say of a person's mistake in an outage, also a day later."""
    for plan in plans:
        scenario = kind(action, plan, guided=guided)
        with pytest.MonkeyPatch.context() as patch:
            mutant(patch)
            try:
                scenario.run().look_later()
            except Broken as broken:
                yield str(broken)


def _plans(action: str) -> Iterator[Plan]:
    """No fault; then the ones that stop or mislead a runner; then all."""
    yield {}
    plans = list(one_fault_plans(action, guided=False))
    yield from sorted(
        plans, key=lambda plan: set(plan.values()) <= {Fault.CRASH_BEFORE, Fault.REPLY_LOST, Fault.REFUSED}
    )


def _told(mutant: Mutant, action: str) -> Iterator[str]:
    """What the watchers say, plan after plan; the old token stays accepted for a while after its revoke."""
    for plan in _plans(action):
        scenario = Scenario(action, plan, guided=False, revoke_lag=90)
        with pytest.MonkeyPatch.context() as patch:
            mutant(patch)
            try:
                scenario.run()
            except Broken as broken:
                yield str(broken)
