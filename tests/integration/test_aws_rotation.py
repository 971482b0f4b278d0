"""Rotations on AWS that are hit by a fault at every single call: they stop with 3, 4 or 5, and `--resume` converges."""

import pytest

from tests.fakes.secrets_manager.command_line import NAME, AwsCommandLine, accepted
from tests.fakes.secrets_manager.stores import CREDENTIALS

WRITES = ("PutSecretValue", "UpdateSecretVersionStage", "TagResource")


@pytest.fixture
def cli(fake_aws, sandbox, tmp_path, capfd, monkeypatch) -> AwsCommandLine:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    cli = AwsCommandLine(fake_aws, sandbox, tmp_path, capfd, monkeypatch)
    assert cli("init", "--sandbox").code == 0
    assert cli.issue().code == 0
    return cli


def interrupted(cli, sandbox, *, mode: tuple[str, ...], operation: str, after: int, code: str, **how) -> bool:
    """One rotation with one fault; False if it was over before the fault came."""
    old = cli.live()
    fault = cli.aws.fail(operation, code, after=after, **how)
    answer = cli("rotate", NAME, *mode)
    came = not fault.times
    fault.times = 0
    assert "tgcanary-foreign-text" not in answer.out + answer.err
    if answer.code:
        assert answer.code in {3, 4, 5}, answer.err
        assert answer.hint, answer.err
        if not mode and answer.code in {3, 4}:
            assert accepted(sandbox, cli.live()), "planned: consumers were left without a token that works"
        resumed = cli("rotate", NAME, "--resume")
        assert resumed.code == 0, (answer, resumed)
        if cli.live() == old:  # the fault came before anything was written down
            assert accepted(sandbox, old)
            assert cli("rotate", NAME, *mode).code == 0
    new = cli.live()
    assert new != old, (operation, after, code)
    assert (accepted(sandbox, new), accepted(sandbox, old)) == (True, False), (operation, after, code)
    return came


@pytest.mark.parametrize("operation", WRITES)
def test_a_denied_call_anywhere_in_a_planned_rotation_is_made_good_by_resuming(cli, sandbox, operation):
    for after in range(0, 40, 9):
        if not interrupted(cli, sandbox, mode=(), operation=operation, after=after, code="AccessDeniedException"):
            break
    assert cli("audit", "verify").code == 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", [(), ("--compromised",)], ids=["planned", "compromised"])
@pytest.mark.parametrize("operation", [*WRITES, "GetSecretValue", "DescribeSecret"])
@pytest.mark.parametrize(
    "how",
    [{"code": "AccessDeniedException"}, {"code": "DecryptionFailure"}, {"code": "", "acts": True, "drops": True}],
    ids=["denied", "kms", "reply-lost"],
)
def test_a_fault_at_every_single_call_is_made_good_by_resuming(cli, sandbox, mode, operation, how):
    for after in range(60):
        cli.aws.service.versions_per_secret = 100_000
        if not interrupted(cli, sandbox, mode=mode, operation=operation, after=after, **how):
            break
    else:
        pytest.fail("a rotation has more calls than this test thought")
    assert cli("audit", "verify").code == 0


def test_a_session_that_expires_in_the_middle_stops_with_4_and_a_hint(cli):
    fault = cli.aws.fail("*", "ExpiredTokenException", after=20, times=1000)
    answer = cli("rotate", NAME)
    fault.times = 0
    assert answer.code == 4
    assert "session has expired" in answer.error
    assert "--resume" in answer.hint
    assert cli("rotate", NAME, "--resume").code == 0


def test_a_rotation_on_readers_that_lag_comes_to_its_end(cli, sandbox):
    cli.aws.service.shelf.lag = 2
    old = cli.live()
    answer = cli("rotate", NAME)
    while answer.code in {3, 4, 5}:
        answer = cli("rotate", NAME, "--resume")
    assert answer.code == 0, answer.err
    cli.aws.service.shelf._before.clear()
    assert accepted(sandbox, cli.live())
    assert not accepted(sandbox, old)


def test_a_rotation_takes_few_requests(cli):
    cli.aws.requests.clear()
    assert cli("rotate", NAME).code == 0
    counts = cli.aws.counts
    assert counts["PutSecretValue"] <= 16, "six rotations fit into the hundred versions of a day"
    assert sum(counts[operation] for operation in (*WRITES, "UntagResource")) <= 45, counts
    assert sum(counts.values()) <= 70, counts
