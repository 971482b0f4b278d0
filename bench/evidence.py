"""Evidence at size: the independent verifier on a bundle of 100,000 entries, beside `audit verify` on the store."""

import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.sidebyside import compare, report
from bench.stores import make_store, ours
from tokenguard.domain.event import Actor, Event, Op
from tokenguard.shell.clock import SystemClock
from tokenguard.shell.local_store import open_local

_EVENTS, _AT_ONCE, _RUNS = 100_000, 1_000, 3
_NAME = "bench/evidence/prod/token"
_VERIFIER = Path(__file__).parents[1] / "docs" / "spec" / "verify_evidence.py"


def main() -> None:
    """One token with all of the events, in a local store."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        directory = Path(place)
        environment = make_store(directory)
        _fill(directory, environment)
        bundle, key = directory / "bundle.json", directory / "evidence.key"
        command = ours("audit", "bundle", _NAME, "--key-file", str(key), "--output", str(bundle))
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        (verifier_key,) = re.findall(r"verify with (\S+)", done.stderr)
        verify = [sys.executable, str(_VERIFIER), str(bundle), "--key", verifier_key]
        measured = compare(verify, ours("audit", "verify"), runs=_RUNS, environment=environment)
        report(f"verify_evidence.py, {_EVENTS:,} entries", "tokenguard audit verify", measured, "at most 1x")


def _fill(directory: Path, environment: dict[str, str]) -> None:
    """What an inventory of years has, written as a store writes it."""
    command = ours(
        "add", _NAME, "--provider", "manual", "--env", "prod", "--owner", "bench", "--purpose", "bench",
        "--scope", "org:bench", "--no-consumers", "--from-env", "VALUE", "--no-verify",
    )  # fmt: skip
    subprocess.run(command, env=environment | {"VALUE": "tgcanary-evidence-1"}, capture_output=True, check=True)
    os.environ["TOKENGUARD_STATE_DIR"] = environment["TOKENGUARD_STATE_DIR"]  # where this process keeps its anchor
    store = open_local(directory / "store", environment, SystemClock(), None)
    (snapshot,) = store.scan()
    event = Event(at=datetime.now(UTC), op=Op.VERIFY, actor=Actor(id="user:bench"), name=snapshot.document.record.name)
    while (left := _EVENTS - snapshot.document.chain.seq) > 0:
        snapshot = store.commit(snapshot.id, snapshot.version, snapshot.document, [event] * min(left, _AT_ONCE))
    store.close()
