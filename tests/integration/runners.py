"""Many tokens that are due, in one shared store, and processes that work through them at the same time."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.faults.rotation_homes import Home
from tokenguard.domain.document import Document
from tokenguard.domain.event import Event, Op
from tokenguard.domain.names import Label, new_token_id, token_name
from tokenguard.domain.scope import Scope
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Record, RecordState
from tokenguard.ports.store import Store
from tokenguard.sandbox.sandbox_server import Sandbox

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How one runner ended."""

    code: int
    results: tuple[dict[str, Any], ...]
    errors: str


class Fleet:
    """A store of `count` tokens at the sandbox's Autoposting, all of them overdue and nobody's consumers waiting."""

    def __init__(self, home: Home, sandbox: Sandbox, directory: Path, count: int) -> None:
        self._home, self._sandbox, self._directory = home, sandbox, directory
        self._runners: list[subprocess.Popen[bytes]] = []
        home.make()
        self._fill(count)
        self._config = self._configured()

    def work(self, many: int, *more: str) -> tuple[float, tuple[Ended, ...]]:
        """Let `many` processes run `rotate --due`; seconds until the last one ended, and how each did."""
        began = time.monotonic()
        for _ in range(many):
            self.start("--due", *more)
        ended = tuple(self.ended(number) for number in range(many))
        return time.monotonic() - began, ended

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A runner of its own that begins to rotate."""
        code = "from tokenguard.cli import main; main()"
        number = len(self._runners)
        with self._file(number, "out").open("wb") as out, self._file(number, "err").open("wb") as err:
            runner = subprocess.Popen(
                [sys.executable, "-P", "-c", code, "--format", "json", "--no-input", "rotate", *arguments],
                env=self._environ(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip
        self._runners.append(runner)
        return runner

    def ended(self, number: int) -> Ended:
        """Wait until runner `number` has ended."""
        code = self._runners[number].wait(timeout=300)
        out, errors = self._file(number, "out").read_text(), self._file(number, "err").read_text()
        return Ended(code, tuple(json.loads(out)["results"]) if out else (), errors)

    def openings(self) -> dict[str, int]:
        """How often each token's rotation was opened, by what the store has on record."""
        with closing(self._home.opened()) as store:
            return {
                each.document.record.name: sum(
                    entry.event.op is Op.OPEN for entry in store.history(each.id)
                )
                for each in store.scan()
            }  # fmt: skip

    def busy(self) -> list[str]:
        """Whose rotation is open."""
        with closing(self._home.opened()) as store:
            return [each.document.record.name for each in store.scan() if each.document.busy]

    def served(self) -> list[str]:
        """What consumers read."""
        with closing(self._home.opened()) as store:
            live = [store.read_live(each.id) for each in store.scan()]
        return sorted(each.value.token.reveal() for each in live if each is not None)

    def _fill(self, count: int) -> None:
        def fill(part: Sequence[int]) -> None:
            with closing(self._home.opened()) as store:
                for number in part:
                    self._add(store, number)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(fill, [range(part, count, 4) for part in range(4)]))

    def _add(self, store: Store, number: int) -> None:
        now, label = datetime.now(UTC), Label(f"made-{number}")
        key = self._sandbox.world.create_key(label, ["posts:read"])
        value = Value.of(key.secret.reveal())
        record = Record(
            name=token_name(f"team/service{number}/prod/post"), provider="autoposting", state=RecordState.ACTIVE,
            scope=Scope("org", self._sandbox.info.org_id), permissions=("posts:read",), environment="prod",
            purpose="posting", owner="team", consumers=(), base_url=self._sandbox.info.autoposting_url,
            added_at=now - timedelta(days=400), rotated_at=now - timedelta(days=400), due_at=now - timedelta(days=1),
            fingerprint=store.fingerprint(value), label=label, provider_id=key.id, hint=key.hint,
        )  # fmt: skip
        token = new_token_id()
        event = Event(at=now, op=Op.ADD, actor=store.actor(), name=record.name)
        store.commit(token, 0, Document(record=record), [event])
        store.put_candidate(token, label, value)
        store.publish(token, label, 0)

    def _configured(self) -> Path:
        config, policy = self._directory / "config.toml", self._directory / "team.yaml"
        policy.write_text("format: 1\nname: team\nextends: default\nrules: [{id: unattended-rotation, most: 1000}]\n")
        config.write_text(
            f'[store]\nurl = "{self._home.url}"\n{self._home.configuration}'
            f'[providers.autoposting]\nbase_url = "{self._sandbox.info.autoposting_url}"\nadmin = "env:ADMIN"\n'
            f'[policy]\nfile = "{policy}"\n'
        )
        config.chmod(0o600)
        return config

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""), "HOME": str(self._directory), "PYTHONPATH": str(ROOT),
            "TOKENGUARD_CONFIG": str(self._config), "ADMIN": self._sandbox.info.admin_key, **self._home.environ,
            **{name: each for name, each in os.environ.items() if name.startswith("COVERAGE_")},
        }  # fmt: skip

    def _file(self, number: int, kind: str) -> Path:
        return self._directory / f"runner{number}.{kind}"
