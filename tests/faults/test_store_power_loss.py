"""Power loss under the embedded store's real traffic: never corrupt, never half a commit, nothing acknowledged lost."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.local_stores import KEY, everything, made, opened
from tests.faults.power_loss import Disk, Recorder, Step
from tests.faults.store_traffic import TRAFFIC
from tokenguard.errors import Tampered, TokenguardError
from tokenguard.stores.local import database
from tokenguard.stores.local.anchor import Anchor, AnchoredState
from tokenguard.stores.local.store import LocalStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What happened to the disk, and what the store held after each acknowledged commit."""

    steps: list[Step]
    database: bytes
    anchor: bytes
    states: list[list[object]]


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOKENGUARD_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def record(home: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """Run the traffic, and at its end a rekey, on a recorded disk."""
    fresh = made(home)
    fresh.close()
    recorder, write = Recorder(), Anchor.write
    anchor = anchor_file(fresh)
    before = (home / "store.db").read_bytes(), anchor.read_bytes()

    def recorded(self: Anchor, seen: AnchoredState) -> None:
        write(self, seen)
        recorder.steps.append(Step("anchor", data=anchor.read_bytes()))

    with monkeypatch.context() as patched:
        patched.setattr(Anchor, "write", recorded)
        patched.setattr(database, "connect", recorder.connect)
        store = opened(home)
        states = [everything(store)]
        for act in (*TRAFFIC, lambda store: store.rekey([KEY])):
            act(store)
            recorder.steps.append(Step("ack"))
            states.append(everything(store))
        store.close()
    recorder.unregister()
    return Recording(steps=recorder.steps, database=before[0], anchor=before[1], states=states)


def anchor_file(store: LocalStore) -> Path:
    from tokenguard.stores.local.layout import anchor_directory

    return anchor_directory() / store.store_id


def images(recording: Recording, rounds: float, seed: int) -> Iterator[tuple[Disk, dict[str, bytes]]]:
    """Disks after a power loss at any moment; `rounds` random ones per step, and the strictest at every ack."""
    rng = random.Random(seed)
    disk = Disk({"store.db": recording.database}, recording.anchor)
    for step in recording.steps:
        disk.put(step)
        if step.what == "ack" or rounds >= 1:
            yield disk, disk.after_power_loss("none", rng)
            yield disk, disk.after_power_loss("all", rng)
        for _ in range(int(rounds) + (rng.random() < rounds % 1)):
            yield disk, disk.after_power_loss("some", rng)


def verdict(home: Path, anchor: Path, recording: Recording, disk: Disk, image: dict[str, bytes]) -> str:
    """Start the store on one image, as the next process would."""
    for old in home.iterdir():
        old.unlink()
    for name, data in image.items():
        (home / name).write_bytes(data)
        (home / name).chmod(0o600)
    anchor.write_bytes(disk.anchor)
    possible = recording.states[disk.acknowledged : disk.acknowledged + 2]
    try:
        store = opened(home)
        found, problems = everything(store), list(store.check())
        store.close()
    except Tampered:
        return "acknowledged, then lost or damaged"
    except TokenguardError as error:
        return f"does not open: {error.message}"
    if problems:
        return "corrupt"
    return "fine" if found in possible else "half a commit"


def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, rounds: float, seed: int = 1) -> Counter[str]:
    home = tmp_path / "store"
    recording = record(home, monkeypatch)
    anchor = anchor_file(opened(home))
    verdicts: Counter[str] = Counter()
    for disk, image in images(recording, rounds, seed):
        verdicts[verdict(home, anchor, recording, disk, image)] += 1
    return verdicts


def test_power_loss_at_any_moment_loses_nothing_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    verdicts = campaign(tmp_path, monkeypatch, rounds=0.6)
    assert set(verdicts) == {"fine"}
    assert verdicts.total() > 250


def test_the_default_of_sqlite_is_caught_losing_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The test of the test: with synchronous=FULL the journal's unlink may come back and undo the commit."""
    monkeypatch.setitem(database.PRAGMAS, "synchronous", ("FULL", 2))
    verdicts = campaign(tmp_path, monkeypatch, rounds=0)
    assert verdicts["acknowledged, then lost or damaged"] > 0


def test_no_syncing_at_all_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(database.PRAGMAS, "synchronous", ("OFF", 0))
    verdicts = campaign(tmp_path, monkeypatch, rounds=0)
    assert set(verdicts) != {"fine"}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fifteen_thousand_power_losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    verdicts = campaign(tmp_path, monkeypatch, rounds=36)
    print(f"power-loss images: {dict(verdicts)}")
    assert set(verdicts) == {"fine"}
    assert verdicts.total() >= 15_000
