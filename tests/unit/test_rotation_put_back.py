"""A store that is restored from a snapshot while an operation is open: told as that, with every token that it lacks."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.rotation_bench import Bench
from tokenguard.domain.journal import Mode
from tokenguard.domain.names import TokenId
from tokenguard.errors import Tampered, TokenguardError

_CONTENT = ("_documents", "_entries", "_slots", "_live")


def contents(bench: Bench) -> dict[str, Any]:
    """What the store holds now."""
    saved = {name: dict(getattr(bench.store, name)) for name in _CONTENT}
    saved["_entries"] = {chain: list(entries) for chain, entries in saved["_entries"].items()}
    return saved


def put_back_before_commit(bench: Bench, number: int, saved: dict[str, Any]) -> Callable[[], bool]:
    """Restore the store right before its commit of that number, counted from now; tells whether that happened."""
    commit, made = bench.store.commit, 0

    def committing(*arguments):
        nonlocal made
        made += 1
        if made == number:
            for name, content in saved.items():
                setattr(bench.store, name, content)
        return commit(*arguments)

    bench.store.commit = committing
    return lambda: made >= number


@pytest.mark.parametrize("mode", [Mode.PLANNED, Mode.COMPROMISED, Mode.RETIRE])
def test_whatever_lives_and_is_not_in_the_restored_store_is_named(mode):
    tried = 0
    for number in itertools.count(2):
        bench = Bench()
        bench.add("video/other/prod")  # the control of a retirement
        token, _ = bench.add()
        happened = put_back_before_commit(bench, number, contents(bench))
        error = ended(bench, token, mode)
        if not happened():
            break
        tried += 1
        assert isinstance(error, Tampered), (number, error)
        assert "earlier state" in error.message
        assert bench.record().name in error.hint
        stored = {str(snapshot.document.record.label) for snapshot in bench.store.scan()}
        assert all(made.label in stored or made.label in error.hint for made in bench.world.living()), number
    assert tried >= 3
    assert error is None


def ended(bench: Bench, token: TokenId, mode: Mode) -> TokenguardError | None:
    try:
        if mode is Mode.RETIRE:
            bench.engine.retire(token)
        else:
            bench.engine.rotate(token, compromised=mode is Mode.COMPROMISED)
    except TokenguardError as error:
        return error
    return None


def test_a_first_token_that_the_restored_store_lacks_is_named():
    bench = Bench()
    bench.add("video/other/prod")
    happened = put_back_before_commit(bench, 4, contents(bench))
    with pytest.raises(Tampered) as caught:
        bench.engine.issue(bench.record())
    assert happened()
    (lost,) = [made.label for made in bench.world.living() if "other" not in made.label]
    assert lost in caught.value.hint


@pytest.mark.parametrize("identified", [True, False])
def test_a_store_that_lost_the_token_names_the_old_one_too(identified):
    bench = Bench()
    empty = contents(bench)
    bench.guided = not identified  # then its id is not on record
    token, old = bench.add()
    bench.guided = False
    happened = put_back_before_commit(bench, 8, empty)
    with pytest.raises(Tampered) as caught:
        bench.engine.rotate(token)
    assert happened()
    assert all(made.label in caught.value.hint for made in bench.world.living())
    assert old.label in caught.value.hint
    assert (old.id in caught.value.hint) is identified
    assert "(id )" not in caught.value.hint


def test_another_runner_that_took_over_is_still_told_as_that():
    bench = Bench()
    token, _ = bench.add()
    second, commit = bench.runner("two"), bench.store.commit
    state = {"made": 0}

    def committing(*arguments):
        state["made"] += 1
        if state["made"] == 5:
            second.resume(token)
        return commit(*arguments)

    bench.store.commit = committing
    with pytest.raises(TokenguardError) as caught:
        bench.engine.rotate(token)
    assert not isinstance(caught.value, Tampered)
