"""Local stores of a chosen size, for measuring."""

import base64
import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.sidebyside import run_once
from tokenguard.domain.document import Document
from tokenguard.domain.event import Actor, Event, Op
from tokenguard.domain.fingerprint import Fingerprint
from tokenguard.domain.names import new_token_id, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.token import Record, RecordState
from tokenguard.shell.clock import SystemClock
from tokenguard.shell.local_store import open_local
from tokenguard.stores.local.store import LocalStore


def ours(*arguments: str) -> list[str]:
    """Our command line in a fresh interpreter."""
    return [sys.executable, "-P", "-c", "from tokenguard.cli import main; main()", *arguments]


def make_store(place: Path) -> dict[str, str]:
    """Make an empty store below `place`; returns the environment that opens it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOKENGUARD_")}
    place.chmod(0o700)
    key = place / "key"
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    key.chmod(0o600)
    environment |= {
        "TOKENGUARD_KEY_FILE": str(key),
        "TOKENGUARD_STATE_DIR": str(place / "state"),
        "TOKENGUARD_STORE": f"local://{place / 'store'}",
        "XDG_CONFIG_HOME": str(place / "config"),
    }
    run_once(ours("init", "--no-input"), environment)
    return environment


def fill(place: Path, environment: dict[str, str], count: int) -> None:
    """Commit `count` ordinary records."""
    os.environ["TOKENGUARD_STATE_DIR"] = environment["TOKENGUARD_STATE_DIR"]  # where this process keeps its anchor
    store = open_local(place / "store", environment, SystemClock(), None)
    for number in range(count):
        _commit_one(store, number)
    store.close()


def ordinary(number: int, actor: Actor) -> tuple[Document, Event]:
    """An ordinary document of that number, and the event of its making."""
    now = datetime.now(UTC)
    record = Record(
        name=token_name(f"team{number % 40}/service{number}/prod/purpose"),
        provider="descript",
        state=RecordState.ACTIVE,
        scope=Scope("drive", secrets.token_hex(8)),
        environment="prod",
        purpose="purpose",
        owner=f"team{number % 40}",
        consumers=(),
        added_at=now,
        rotated_at=now,
        fingerprint=Fingerprint(secrets.token_hex(16)),
    )
    return Document(record=record), Event(at=now, op=Op.ADD, actor=actor, name=record.name)


def _commit_one(store: LocalStore, number: int) -> None:
    document, event = ordinary(number, store.actor())
    store.commit(new_token_id(), 0, document, [event])
