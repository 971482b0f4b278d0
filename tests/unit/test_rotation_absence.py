"""What a list must show before a lost token is called gone: its end, and a token that is known to be alive."""

import pytest

from tests.unit.rotation_bench import Bench, finished
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.ports.provider import Ambiguous

GONE = "is discarded"


@pytest.fixture
def bench():
    return Bench()


def lose_a_create(bench, monkeypatch, work):
    """Have one create take effect whose answer is lost; returns what was made."""
    create = bench.issuer.create

    def lost(wanted):
        create(wanted)
        raise Ambiguous("no answer", hint="resume")

    with monkeypatch.context() as patch:
        patch.setattr(bench.issuer, "create", lost)
        with pytest.raises(TokenguardError) as caught:
            work()
    assert caught.value.exit_code == ExitCode.UNREACHABLE, caught.value
    return list(bench.world.made.values())[-1]


def unknown(bench, token):
    """Resume, which must say that it cannot be known, and end nothing."""
    with pytest.raises(TokenguardError) as caught:
        bench.engine.resume(token)
    assert caught.value.exit_code == ExitCode.UNREACHABLE, caught.value
    assert f"tokenguard rotate {bench.document(token).record.name} --resume" in caught.value.hint
    assert not any(GONE in line for line in bench.progress.lines)


def converges(bench, token, *lost):
    assert finished(bench.engine.resume(token))
    assert not any(bench.world.alive(made) for made in lost)
    assert len([made for made in bench.world.living() if made.value == bench.live_value(token)]) == 1


def test_a_list_with_a_gap_says_of_no_token_that_it_is_gone(bench, monkeypatch):
    """Even if it holds the token in use: the lost one may be on the page that is missing."""
    token, _ = bench.add()
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.rotate(token))
    bench.world.unlisted.add(lost.id)
    bench.world.list_gap = "it says that there are 71 tokens, and gives 50"
    unknown(bench, token)
    assert bench.world.alive(lost)
    bench.world.unlisted.clear()
    bench.world.list_gap = ""
    converges(bench, token, lost)


@pytest.mark.parametrize("known_by", ["id", "label", "hint"])
def test_a_complete_list_that_lacks_the_token_in_use_says_nothing_either(bench, monkeypatch, known_by):
    token, live = bench.add()
    if known_by != "id":
        label = live.label if known_by == "label" else "typed otherwise"
        edit(bench, token, provider_id="", label=label)
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.rotate(token))
    bench.world.unlisted |= {lost.id, live.id}
    unknown(bench, token)
    assert bench.world.alive(lost)
    bench.world.unlisted.clear()
    converges(bench, token, lost)


def test_a_list_with_the_token_in_use_says_that_another_is_gone(bench, monkeypatch):
    token, live = bench.add()
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.rotate(token))
    bench.world.revoke(lost.id)
    converges(bench, token, lost, live)
    assert any(GONE in line for line in bench.progress.lines)


def test_a_first_token_is_compared_with_the_others_of_its_place(bench, monkeypatch):
    _, other = bench.add("video/other/prod")
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.issue(bench.record("video/first/prod")))
    token = bench.store.find("video/first/prod").id
    bench.world.unlisted |= {lost.id, other.id}
    unknown(bench, token)
    assert bench.world.alive(lost)
    bench.world.unlisted.clear()
    converges(bench, token, lost)


def test_a_token_that_is_dead_need_not_be_listed(bench, monkeypatch):
    """Otherwise one that somebody revoked would leave everything unknown for ever."""
    token, live = bench.add()
    lost = lose_a_create(bench, monkeypatch, lambda: bench.engine.rotate(token))
    bench.world.revoke(live.id)
    bench.world.revoke(lost.id)
    converges(bench, token, lost, live)


def test_twins_on_a_page_that_is_missing_keep_the_operation_open(bench, monkeypatch):
    token, _ = bench.add()
    create = bench.issuer.create
    twins = []

    def doubled(wanted):
        twins.append(bench.world.create(wanted.label))
        bench.world.unlisted.add(twins[-1].id)
        return create(wanted)

    with monkeypatch.context() as patch:
        patch.setattr(bench.issuer, "create", doubled)
        bench.world.list_gap = "it says that there are more"
        with pytest.raises(TokenguardError) as caught:
            bench.engine.rotate(token)
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert bench.world.alive(twins[0])
    bench.world.list_gap = ""
    bench.world.unlisted.clear()
    converges(bench, token, twins[0])


def edit(bench, token, **fields):
    from tokenguard.frozen import replace

    snapshot = bench.store.load(token)
    document = replace(snapshot.document, record=replace(snapshot.document.record, **fields))
    bench.store.commit(snapshot.id, snapshot.version, document, [])
