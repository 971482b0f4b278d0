"""A batch that is stopped with Ctrl-C names what is left, with the command for it."""

import pytest

from tests.fakes.world import FakeIssuer
from tokenguard.usecases import rotation_jobs

NAMES = tuple(f"video/app/{each}/upload" for each in ("a", "b", "c", "d"))


@pytest.fixture
def batch(cli, monkeypatch):
    """Four tokens; the program is stopped at the given call of the provider."""
    for name in NAMES:
        cli.add(name)
        assert cli("edit", name, "--no-consumers").code == 0

    def stops_at(step, number):
        real, calls = getattr(FakeIssuer, step), []

        def interrupted(self, *arguments):
            calls.append(arguments)
            if len(calls) == number:
                raise KeyboardInterrupt
            return real(self, *arguments)

        monkeypatch.setattr(FakeIssuer, step, interrupted)
        return cli

    return stops_at


def the_hint(answer) -> str:
    assert answer.code == 130
    return next(line for line in answer.err.splitlines() if line.startswith("hint:"))


def test_an_interrupted_compromised_batch_names_the_rest(batch):
    cli = batch("create", 2)
    answer = cli("rotate", *NAMES, "--compromised", "--reason", "laptop stolen")
    _, b, c, d = NAMES
    assert the_hint(answer) == (
        f"hint: continue with `tokenguard rotate {b} --resume`; "
        f"2 tokens left: `tokenguard rotate {c} {d} --compromised --reason 'laptop stolen'`"
    )
    for again in ((b, "--resume"), (c, d, "--compromised", "--reason", "laptop stolen")):
        assert cli("rotate", *again).code == 0
    assert len(cli.world.living()) == len(NAMES)


def test_a_batch_that_is_stopped_between_two_tokens_does_not_say_to_repeat_it(batch, monkeypatch):
    cli = batch("create", 9)
    _, b, c, d = NAMES
    sleep, waits = cli.clock.sleep, []

    def between(seconds):
        waits.append(seconds)
        if len(waits) == 1:
            raise KeyboardInterrupt
        sleep(seconds)

    job_of = rotation_jobs.BatchJob
    monkeypatch.setattr(rotation_jobs, "BatchJob", lambda **fields: job_of(**{**fields, "pause": 7.0}))
    monkeypatch.setattr(type(cli.clock), "sleep", lambda self, s: between(s) if s == 7.0 else sleep(s))
    hint = the_hint(cli("rotate", *NAMES, "--compromised"))
    assert hint == f"hint: 3 tokens left: `tokenguard rotate {b} {c} {d} --compromised`"


def test_the_last_token_of_an_interrupted_batch_leaves_no_rest(batch):
    cli = batch("create", len(NAMES))
    hint = the_hint(cli("rotate", *NAMES))
    assert hint == f"hint: nothing is lost; continue with `tokenguard rotate {NAMES[-1]} --resume`"


def test_each_token_of_a_batch_is_counted_and_a_single_one_is_not(cli):
    for name in NAMES[:2]:
        cli.add(name)
        assert cli("edit", name, "--no-consumers").code == 0
    said = cli("rotate", *NAMES[:2], "--compromised", "--reason", "laptop stolen").err
    assert said.index(f"1 of 2: {NAMES[0]}") < said.index(f"2 of 2: {NAMES[1]}")
    assert "1 of 1" not in cli("rotate", NAMES[0]).err
