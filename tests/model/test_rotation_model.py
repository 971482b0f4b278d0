"""The rotation machine against everything two runners can do to each other; and against each way to build it wrong."""

from dataclasses import replace

import pytest

from tests.model.explore import explore
from tests.model.model import Flaw, Model
from tokenguard.domain.journal import Mode, Stage
from tokenguard.rotation.machine import ORDER

P, C, R, IP = Mode.PLANNED, Mode.COMPROMISED, Mode.RETIRE, Mode.IN_PLACE

SMALL = {
    "planned": Model(),
    "compromised": Model(modes=(C,)),
    "planned, with undoing": Model(takeovers=1, aborts=1),
    "planned, wrong scope": Model(takeovers=1, wrong=1),
    "compromised, wrong scope": Model(modes=(C,), takeovers=1, wrong=1),
    "planned twice": Model(modes=(P, P), attempts=1),
    "compromised, then planned": Model(modes=(C, P), attempts=1),
    "planned twice, with undoing": Model(modes=(P, P), attempts=1, takeovers=0, aborts=1),
    "nobody says who the consumer is": Model(declared=False),
    "planned, in an outage": Model(takeovers=1, outages=1, mistakes=1, looks=True),
    "planned, in an outage, with undoing": Model(attempts=1, takeovers=1, aborts=1, outages=1, mistakes=1),
    "planned, with a mistyped paste": Model(takeovers=1, mistyped=1, mistakes=1),
    "planned, with a mistyped paste, with undoing": Model(attempts=1, takeovers=1, aborts=1, mistyped=1, mistakes=1),
    "compromised, in an outage": Model(modes=(C,), takeovers=1, outages=1, mistakes=1, looks=True),
    "compromised, with undoing": Model(modes=(C,), attempts=1, takeovers=1, aborts=1, outages=1, mistakes=1),
    "retired, in an outage": Model(modes=(R,), outages=2, mistakes=1, looks=True, spare=True),
    "retired, with nothing to compare": Model(modes=(R,), outages=2, mistakes=1, looks=True),
    "planned, and the provider agrees and does nothing": Model(attempts=1, takeovers=1, aborts=1, api=True, idle=2),
    "compromised, and the provider agrees and does nothing": Model(modes=(C,), takeovers=1, aborts=1, api=True, idle=2),
    "retired, and the provider agrees and does nothing": Model(
        modes=(R,), aborts=1, outages=1, api=True, idle=2, spare=True
    ),
    "planned, by the API, in an outage": Model(attempts=1, takeovers=1, outages=1, api=True, idle=1, looks=True),
    "in place": Model(modes=(IP,)),
    "in place, with undoing": Model(modes=(IP,), takeovers=1, aborts=1),
    "in place, in an outage": Model(modes=(IP,), takeovers=1, outages=1, looks=True),
    "in place, then planned": Model(modes=(IP, P), attempts=1),
    "retired, with undoing": Model(modes=(R,), aborts=1, outages=1, mistakes=1, spare=True),
}

FULL = {
    "planned": Model(attempts=3, takeovers=4),
    "compromised": Model(modes=(C,), attempts=3, takeovers=3),
    "planned, with undoing": Model(takeovers=2, aborts=1),
    "planned, wrong scope": Model(attempts=3, takeovers=2, wrong=1),
    "planned twice": Model(modes=(P, P), attempts=2, takeovers=2),
    "planned, then compromised": Model(modes=(P, C), attempts=2, takeovers=2),
    "compromised, then planned": Model(modes=(C, P), attempts=2, takeovers=2),
    "planned twice, with undoing": Model(modes=(P, P), attempts=1, takeovers=2, aborts=1),
    "planned twice, in an outage": Model(modes=(P, P), attempts=1, takeovers=1, outages=1, mistakes=1, looks=True),
    "compromised, in two outages": Model(modes=(C,), takeovers=2, outages=2, mistakes=1, looks=True),
    "planned, by the API": Model(takeovers=2, aborts=1, api=True, idle=2),
    "compromised, by the API, in an outage": Model(modes=(C,), takeovers=2, aborts=1, outages=1, api=True, idle=2),
    "in place": Model(modes=(IP,), attempts=3, takeovers=3),
    "in place twice, in an outage": Model(modes=(IP, IP), attempts=2, takeovers=1, outages=1, looks=True),
    "in place, with undoing": Model(modes=(IP,), takeovers=2, aborts=1, outages=1),
    "three times": Model(modes=(P, C, P), attempts=1, takeovers=2),
}

TWICE = Model(modes=(P, P), attempts=1)
REVOKES_FIRST = {**ORDER, P: (Stage.OPEN, Stage.MINT, Stage.STORED, Stage.VERIFIED, Stage.REVOKE_INTENDED,
                              Stage.REVOKED, Stage.PUBLISHED, Stage.CONSUMED, Stage.DEAD, Stage.DONE)}  # fmt: skip
MINTS_FIRST = {**ORDER, C: ORDER[P]}
INTENDS_LATE = (Stage.OPEN, Stage.MINT, Stage.STORED, Stage.VERIFIED, Stage.PUBLISHED, Stage.CONSUMED,
                Stage.REVOKE_INTENDED, Stage.DEAD, Stage.DONE)  # fmt: skip

FLAWED = [
    (Flaw.NO_WRITE_AHEAD, Model(), "P2"),
    (Flaw.NO_WRITE_AHEAD, Model(modes=(C,)), "P2"),
    (Flaw.NO_WRITE_AHEAD, Model(modes=(IP,)), "P2"),
    (Flaw.JOURNAL_BEFORE_STORE, Model(), "P4"),
    (Flaw.JOURNAL_BEFORE_STORE, Model(modes=(IP,)), "P4"),
    (Flaw.REVOKE_FIRST, Model(order=REVOKES_FIRST), "P1|P4"),
    (Flaw.REVOKE_WHAT_IS_CURRENT, Model(), "P1"),
    (Flaw.NO_FENCE_ON_JOURNAL, Model(), "P7"),
    (Flaw.NO_TOMBSTONE, Model(), "P4"),
    (Flaw.UNKNOWN_IS_DEAD, Model(), "P3"),
    (Flaw.UNKNOWN_IS_DEAD, Model(modes=(C,)), "P3"),
    (Flaw.UNKNOWN_IS_DEAD, Model(modes=(IP,)), "P3"),
    (Flaw.MINT_BEFORE_REVOKE, Model(modes=(IP,), order={**ORDER, IP: INTENDS_LATE}), "P4"),
    (Flaw.MINT_BEFORE_REVOKE, Model(modes=(C,), order=MINTS_FIRST), "P4"),
    (Flaw.PUBLISH_BLINDLY, TWICE, "P1"),
    (Flaw.PUBLISH_ON_FRESH_READ, TWICE, "P1"),
    (Flaw.SWEEP_BY_PREFIX, TWICE, "P1"),
    (Flaw.UNDECLARED_IS_CONFIRMED, Model(declared=False), "P1"),
    (Flaw.REVOKE_ON_DOUBT, Model(), "P1"),
    (Flaw.REAP_UNDECIDED, Model(), "P4"),
    (Flaw.UNDO_WITHOUT_A_NEW_PIN, Model(takeovers=1, aborts=1), "P1"),
    (Flaw.UNCONTROLLED_DEATH_COUNTS, Model(outages=1, mistakes=1), "P3"),
    (Flaw.UNCONTROLLED_DEATH_COUNTS, Model(modes=(C,), outages=1, mistakes=1), "P3"),
    (Flaw.UNCONTROLLED_DEATH_COUNTS, Model(modes=(R,), outages=1, mistakes=1), "P3"),
    (Flaw.REFUSED_CONTROL_IS_NONE, Model(outages=1), "P3"),
    (Flaw.REFUSED_CONTROL_IS_NONE, Model(modes=(R,), outages=1, spare=True), "P3"),
    (Flaw.SINGLE_REFUSAL_CONFIRMS, Model(modes=(R,), outages=1, mistakes=1, looks=True), "P3"),
    (Flaw.REFUSED_PASTE_IS_DEAD, Model(mistyped=1, mistakes=1, takeovers=1), "P9"),
    (Flaw.ABORT_AFTER_INTENT, Model(takeovers=1, aborts=1), "P1|P4"),
    (Flaw.ABORT_AFTER_INTENT, Model(takeovers=1, aborts=1, api=True, idle=1), "P1|P4"),
    (Flaw.ABORT_AFTER_INTENT, Model(modes=(IP,), takeovers=1, aborts=1), "P1|P4|P8"),
    (Flaw.NEVER_SENT_AGAIN, Model(attempts=1, takeovers=1, api=True, idle=1), "P8"),
    (Flaw.NEVER_SENT_AGAIN, Model(modes=(C,), attempts=1, takeovers=1, api=True, idle=1), "P8"),
    (Flaw.NEVER_SENT_AGAIN, Model(modes=(R,), api=True, idle=1, spare=True), "P8"),
]


@pytest.mark.parametrize("name", SMALL)
def test_every_promise_holds_in_every_reachable_state(name):
    result = explore(SMALL[name])
    assert not result.why, result


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", FULL)
def test_every_promise_holds_further_out(name):
    result = explore(FULL[name])
    assert not result.why, result


@pytest.mark.parametrize(
    ("flaw", "model", "promise"), FLAWED, ids=lambda part: part.value if isinstance(part, Flaw) else ""
)
def test_each_way_to_build_it_wrong_is_found(flaw, model, promise):
    result = explore(replace(model, flaw=flaw), converges=promise == "P8")
    assert result.why[:2] in promise.split("|"), result


def test_the_list_of_flaws_is_complete():
    assert {flaw for flaw, _, _ in FLAWED} == set(Flaw)


def test_a_flaw_in_the_order_is_a_flaw_of_the_order_alone():
    """With the code's own order the mutant that mints first survives: the model has no second opinion on the order."""
    assert not explore(Model(modes=(C,), takeovers=1, flaw=Flaw.MINT_BEFORE_REVOKE)).why


def test_the_order_is_the_one_that_the_engine_runs():
    assert Model().order is ORDER


def test_a_stopped_runner_that_revokes_after_an_abort_is_the_known_gap():
    """A revoke cannot be fenced: a runner that slept between its intent and the request ends what was made live again."""
    kept = explore(Model(attempts=1, takeovers=1, aborts=1))
    slept = explore(Model(attempts=1, takeovers=1, aborts=1, late_revokes=True), converges=False)
    assert not kept.why, kept
    assert slept.why[:2] in {"P1", "P4"}, slept


def test_a_stopped_runner_that_asks_for_a_value_in_place_is_the_known_gap():
    """That request cannot be fenced: a runner that slept before it ends the value that is in use by then."""
    kept = explore(Model(modes=(IP,), takeovers=1))
    slept = explore(Model(modes=(IP,), takeovers=1, late_revokes=True), converges=False)
    assert not kept.why, kept
    assert slept.why[:2] == "P8", slept


def test_a_stopped_runner_that_delivers_after_another_rotation_is_the_known_gap():
    """Deliveries cannot be fenced: the model names the gap, and shows that nothing smaller than that opens it."""
    one = explore(Model(late_pushes=True))
    two = explore(replace(TWICE, late_pushes=True), converges=False)
    assert not one.why, one
    assert "the consumer does not hold the new token" in two.why, two
