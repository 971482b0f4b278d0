"""P3, P9: a list that never showed a token does not show its end; many list the tokens of one's own login only."""

import pytest

from tests.unit.rotation_bench import Bench, finished
from tests.unit.test_rotation_absence_control import failed
from tokenguard.domain.liveness import DeathControl, DeathGrade
from tokenguard.errors import ExitCode
from tokenguard.ports.provider import Ambiguous


@pytest.fixture
def bench():
    """A provider whose tokens cannot be probed; the list holds another token of the inventory."""
    bench = Bench(capabilities={"probe": False})
    bench.add("video/other/prod")
    return bench


def hide(bench, monkeypatch, made):
    """Another login's token: it is not listed, and to revoke it is answered like a token that is not there."""
    bench.world.unlisted.add(made.id)
    revoke = bench.issuer.revoke
    monkeypatch.setattr(bench.issuer, "revoke", lambda each: None if each in bench.world.unlisted else revoke(each))


@pytest.mark.parametrize("mode", ["rotate", "retire", "compromised"])
def test_a_token_that_the_list_never_showed_is_not_called_dead(bench, monkeypatch, mode):
    token, made = bench.add()
    hide(bench, monkeypatch, made)
    work = {
        "rotate": lambda: bench.engine.rotate(token),
        "retire": lambda: bench.engine.retire(token),
        "compromised": lambda: bench.engine.rotate(token, compromised=True, reason="leaked"),
    }[mode]
    assert failed(work).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert bench.world.alive(made)
    assert bench.journal(token).proof.grade is DeathGrade.ASSERTED
    assert bench.look_again(token) == [None]
    assert bench.document(token).possibly_alive
    bench.world.unlisted.clear()  # with the login of the person who created it
    assert failed(lambda: bench.look_again(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert finished(bench.engine.resume(token))
    assert not bench.world.alive(made)


def test_a_token_that_was_listed_before_its_revoke_is_dead_by_the_list_also_after_a_lost_answer(bench, monkeypatch):
    token, made = bench.add()
    revoke = bench.issuer.revoke

    def lost(provider_id):
        revoke(provider_id)
        raise Ambiguous("no answer", hint="resume")

    with monkeypatch.context() as patch:
        patch.setattr(bench.issuer, "revoke", lost)
        assert failed(lambda: bench.engine.rotate(token)).exit_code == ExitCode.NOT_PROVEN_DEAD
    assert finished(bench.engine.resume(token))
    assert not bench.world.alive(made)
    assert bench.journal(token).proof.controlled_by is DeathControl.LIST
