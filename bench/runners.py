"""Runners that share `rotate --due` on one OpenBao: eight processes against one, on the same work."""

import tempfile
from pathlib import Path

from bench.sidebyside import report
from tests.faults.rotation_homes import VaultHome
from tests.integration.openbao import OpenBao, running
from tests.integration.runners import Fleet
from tokenguard.sandbox.fault_settings import FaultSettings
from tokenguard.sandbox.sandbox_server import Sandbox

_TOKENS, _RUNNERS, _LATENCY = 200, 8, 0.02


def main() -> None:
    """Throughput of 8 runners over 200 due tokens, and how often each token was rotated."""
    with running() as server:
        alone, _ = _measured(server, 1)
        together, most = _measured(server, _RUNNERS)
    work = f"{_TOKENS} due tokens, {_RUNNERS} runners"
    report(work, "one runner", f"{alone / together:.1f}x the throughput", "at least 4x")
    report(work, "rotations of one token", str(most), "exactly 1")


def _measured(server: OpenBao, runners: int) -> tuple[float, int]:
    """Seconds, and how often the token was rotated that was rotated most; at an organisation with no other keys."""
    knobs = FaultSettings(latency=_LATENCY, per_minute=1_000_000)
    with tempfile.TemporaryDirectory() as directory, Sandbox(knobs=knobs) as sandbox:
        fleet = Fleet(VaultHome([server.url], server.root_token), sandbox, Path(directory), _TOKENS)
        seconds, ended = fleet.work(runners)
        if any(each.code for each in ended):
            raise SystemExit(f"a runner failed: {next(each.errors for each in ended if each.code)[-400:]}")
        openings = fleet.openings().values()
        if min(openings) < 1:
            raise SystemExit("a token was not rotated")
        return seconds, max(openings)
