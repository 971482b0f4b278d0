"""P2, P9: a provider that lists a token under another name than asked for is not said to have none."""

from datetime import timedelta

import pytest

from tests.unit.rotation_bench import Bench, finished
from tests.unit.test_rotation_absence import lose_a_create
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.frozen import replace
from tokenguard.rotation.renamed import may_be

RENAMED = {
    "cut": lambda label: label[:12],
    "upper case": str.upper,
    "underscores": lambda label: label.replace("-", "_"),
    "an addition": lambda label: f"{label} (API)",
    "a space": lambda label: f"{label} ",
    "none": lambda _label: "",
}


@pytest.fixture
def bench():
    return Bench()


def unclear(work) -> TokenguardError:
    with pytest.raises(TokenguardError) as caught:
        work()
    assert caught.value.exit_code == ExitCode.UNREACHABLE, caught.value
    return caught.value


def lose_as(bench, monkeypatch, work, renamed):
    """Have one create take effect under another name, whose answer is lost; returns what was made."""
    made = lose_a_create(bench, monkeypatch, work)
    made.label = renamed(made.label)
    return made


@pytest.mark.parametrize("how", RENAMED)
@pytest.mark.parametrize("work", ["issue", "rotate"])
def test_a_lost_token_that_is_listed_under_another_name_is_not_called_gone(bench, monkeypatch, how, work):
    token, live = bench.add()
    edit_label(bench, token, live, "first")  # a name that no such rule changes

    def begin():
        return bench.engine.issue(bench.record("video/first/prod")) if work == "issue" else bench.engine.rotate(token)

    lost = lose_as(bench, monkeypatch, begin, RENAMED[how])
    if work == "issue":
        token = bench.store.find("video/first/prod").id
    for _ in range(2):
        error = unclear(lambda: bench.engine.resume(token))
        assert lost.id in error.message
        assert "--resume" in error.hint
        assert not any("is discarded" in line for line in bench.progress.lines)
    assert bench.world.alive(lost)
    bench.world.revoke(lost.id)  # what the hint says
    assert finished(bench.engine.resume(token))


def test_a_token_that_somebody_else_has_on_record_is_not_taken_for_a_lost_one(bench, monkeypatch):
    token, _ = bench.add()
    lost = lose_as(bench, monkeypatch, lambda: bench.engine.rotate(token), str.upper)
    other, theirs = bench.add("video/other/prod")
    theirs.label = lost.label.title()
    edit_label(bench, other, theirs, theirs.label)
    bench.world.revoke(lost.id)
    assert finished(bench.engine.resume(token))
    assert bench.world.alive(theirs)


def test_a_token_that_is_older_than_the_lost_one_is_not_taken_for_it(bench, monkeypatch):
    older = bench.world.create("", value=None)
    token, _ = bench.add()
    bench.clock.sleep(timedelta(days=3).total_seconds())
    lost = lose_as(bench, monkeypatch, lambda: bench.engine.rotate(token), str)
    assert finished(bench.engine.resume(token))
    assert not bench.world.alive(lost)
    assert bench.world.alive(older)


@pytest.mark.parametrize("how", RENAMED)
def test_a_create_that_was_done_twice_under_another_name_is_not_called_complete(bench, monkeypatch, how):
    token, _ = bench.add()
    create, twins = bench.issuer.create, []

    def twice(wanted):
        made = create(wanted)
        twin = bench.world.create(wanted.label)
        for each in (twin, bench.world.made[made.provider_id]):
            each.label = RENAMED[how](each.label)
        twins.append(twin)
        return made

    monkeypatch.setattr(bench.issuer, "create", twice)
    error = unclear(lambda: bench.engine.rotate(token))
    assert twins[0].id in error.message
    bench.world.revoke(twins[0].id)
    assert finished(bench.engine.resume(token))
    assert len(bench.world.living()) == 1


def test_a_provider_that_renames_every_token_rotates_as_ever(bench, monkeypatch):
    token, _ = bench.add()
    create = bench.issuer.create

    def renaming(wanted):
        made = create(wanted)
        bench.world.made[made.provider_id].label = wanted.label.upper()[:14]
        return made

    monkeypatch.setattr(bench.issuer, "create", renaming)
    for _ in range(3):
        assert finished(bench.engine.rotate(token))
    assert len(bench.world.living()) == 1


def test_what_a_service_may_make_of_a_name():
    label = "video-app-prod-mk2ud3ix-1"
    for rename in RENAMED.values():
        assert may_be(rename(label), label)
    for other in ("videos", "vid", "video-app-prod-zzzzzzzz-1", "deploy key", "1"):
        assert not may_be(other, label), other


def edit_label(bench, token, made, label):
    made.label = label
    snapshot = bench.store.load(token)
    record = replace(snapshot.document.record, label=label)
    bench.store.commit(token, snapshot.version, replace(snapshot.document, record=record), [])
