"""A pasted token that belongs elsewhere and was not created for the rotation: left as it is, and not kept."""

import pytest

from tests.fakes.world import OTHER_DRIVE
from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import AttemptState, Stage
from tokenguard.domain.secret import Value
from tokenguard.errors import NeedsPerson, NotProvenDead
from tokenguard.ports.operator import TokenTraceAnswer


def guided(*answers):
    bench = Bench(guided=True)
    token, old = bench.add()
    bench.operator.knows_strays = True
    bench.operator.answers.extend(answers)
    return bench, token, old, bench.world.create("another-teams-token", OTHER_DRIVE)


def kinds(bench):
    return [kind for kind, _, _ in bench.operator.asked]


def holds(bench, token, value):
    """Whether the store has the value under any label of the operation, or its fingerprint on record."""
    document, print_ = bench.store.load(token).document, bench.store.fingerprint(Value.of(value))
    labels = [*(each.label for each in bench.journal(token).attempts), *(each.label for each in document.quarantine)]
    return print_ in document.fingerprints or any(
        bench.store.read_candidate(token, label) == Value.of(value) for label in labels
    )


def test_another_token_is_asked_about_refused_and_asked_for_again():
    bench, token, old, other = guided()
    bench.operator.answers.extend([other.value, False])
    bench.engine.rotate(token)
    assert kinds(bench) == ["paste", "stray", "paste", "done"]
    assert "stays as it is" in [retry for _, _, retry in bench.operator.asked][2]
    assert (bench.world.alive(other), bench.world.alive(old)) == (True, False)
    (attempt,) = bench.journal(token).attempts
    assert attempt.state is AttemptState.STORED
    assert not holds(bench, token, other.value)
    assert not bench.store.load(token).document.quarantine[1:]


def test_one_that_was_created_in_the_wrong_place_is_revoked():
    bench, token, _, other = guided()
    bench.operator.answers.extend([other.value, True, lambda: bench.world.revoke(other.id) or "ada"])
    bench.engine.rotate(token)
    assert kinds(bench) == ["paste", "stray", "done", "paste", "done"]
    assert not bench.world.alive(other)
    assert [attempt.state for attempt in bench.journal(token).attempts] == [AttemptState.GONE, AttemptState.STORED]


def rejected(bench, token, other):
    """An operation that stopped at the revocation of a token that belongs elsewhere, as one of an earlier version."""
    bench.operator.knows_strays = False
    bench.operator.answers.extend([other.value, ""])
    with pytest.raises(NeedsPerson):
        bench.engine.rotate(token)
    assert holds(bench, token, other.value)
    bench.operator.knows_strays = True
    bench.operator.answers.clear()
    bench.operator.asked.clear()


@pytest.mark.parametrize("end", ["abort", "resume"])
def test_an_operation_that_holds_another_token_ends_without_a_revocation_of_it(end):
    bench, token, old, other = guided()
    rejected(bench, token, other)
    bench.operator.answers.extend([False, TokenTraceAnswer.ABSENT])
    with pytest.raises(NotProvenDead, match="asserted by ada"):  # that none has the label is a statement
        getattr(bench.engine, end)(token)
    assert kinds(bench)[:2] == ["stray", "trace"]
    assert bench.journal(token).stage is (Stage.ABORTED if end == "abort" else Stage.DONE)
    assert bench.world.alive(other)
    assert bench.world.alive(old) is (end == "abort")
    assert not holds(bench, token, other.value)


def test_that_it_is_another_token_is_asked_once(monkeypatch):
    """A crash between the record of the answer and the end of the stored copy."""
    bench, token, _, other = guided()
    rejected(bench, token, other)
    real, stopped = bench.store.destroy, []

    def stops_once(*where):
        if not stopped:
            stopped.append(where)
            raise KeyboardInterrupt
        real(*where)

    monkeypatch.setattr(bench.store, "destroy", stops_once)
    bench.operator.answers.extend([False, TokenTraceAnswer.ABSENT])
    with pytest.raises(KeyboardInterrupt):
        bench.engine.abort(token)
    with pytest.raises(NotProvenDead, match="asserted by ada"):
        bench.engine.abort(token)
    assert kinds(bench) == ["stray", "trace"]
    assert bench.world.alive(other)
    assert not holds(bench, token, other.value)


def test_what_the_attempt_created_besides_must_be_looked_for():
    bench, token, _, other = guided()
    rejected(bench, token, other)
    bench.operator.answers.extend([False, TokenTraceAnswer.UNKNOWN])
    with pytest.raises(NeedsPerson):
        bench.engine.abort(token)
    assert bench.journal(token).stage is Stage.ABORTING
    bench.operator.answers.extend([TokenTraceAnswer.ABSENT])
    with pytest.raises(NotProvenDead, match="asserted by ada"):
        bench.engine.abort(token)
    assert kinds(bench) == ["stray", "trace", "trace"]
    assert bench.journal(token).stage is Stage.ABORTED
