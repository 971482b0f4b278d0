"""A small real world for kill -9: an embedded store, a sandbox, a `.env`, and the launcher that runs command lines."""

import base64
import json
import os
import secrets
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from unittest.mock import patch

from tokenguard.domain.names import token_name
from tokenguard.sandbox.server import Sandbox
from tokenguard.sandbox.world import Issued
from tokenguard.shell.clock import SystemClock
from tokenguard.shell.local import make_local, open_local

NAME = "video/upload/prod"
CLEAN = -1
"""No failpoint."""


@dataclass(frozen=True)
class Ran:
    code: int
    effects: tuple[str, ...]


class Launcher:
    """The warm process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.rotation_launcher"]
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:  # fmt: skip
        self._process.communicate(timeout=10)

    def run(self, job: dict[str, object]) -> Ran:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(job), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        return Ran(answer["code"], tuple(answer["effects"]))


class RealWorld:
    """One token at one provider, delivered to one file; made anew for every kill."""

    def __init__(self, launcher: Launcher, directory: Path, provider: str) -> None:
        self._launcher = launcher
        self._directory = directory
        self._provider = provider
        directory.mkdir(mode=0o700)
        self.sandbox = Sandbox()

    def __enter__(self) -> Self:
        self.sandbox.start()
        self._prepare()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:  # fmt: skip
        self.sandbox.stop()

    def run(self, *arguments: str, index: int = CLEAN, how: str = "") -> Ran:
        """A real command line in a process of its own, killed at effect number `index` if there is one."""
        return self._launcher.run(
            {
                "arguments": arguments,
                "environ": self._environ,
                "index": index,
                "how": how,
                "output": str(self._directory / "output"),
            }
        )

    def living(self) -> tuple[Issued, ...]:
        """What the provider accepts now."""
        world = self.sandbox.world
        return world.tokens() if self._provider == "descript" else world.keys()

    def accepted(self, value: str) -> bool:
        return self.sandbox.world.alive(value)

    def delivered(self) -> str:
        return self._dotenv.read_text().partition("TOKEN=")[2].strip()

    def output(self) -> str:
        """Everything that was printed."""
        return (self._directory / "output").read_text()

    def read(self) -> "Seen":
        """What the store says, through a handle of its own."""
        with (
            patch.dict(os.environ, self._environ),
            closing(open_local(self._directory / "store", self._environ, SystemClock(), None)) as store,
        ):
            snapshot = store.find(token_name(NAME))
            assert snapshot is not None
            live, journal = store.read_live(snapshot.id), snapshot.document.journal
            said = {str(entry.event.detail.get("label", "")) for entry in store.history(snapshot.id)}
            old = journal.old.provider_label if journal is not None and journal.old is not None else ""
            return Seen(
                live="" if live is None else live.value.token.reveal(),
                labels={*said, snapshot.document.record.label, old},
            )

    def _prepare(self) -> None:
        at, info = self._directory, self.sandbox.info
        (at / "key").write_bytes(base64.b64encode(secrets.token_bytes(32)))
        (at / "key").chmod(0o600)
        (at / "config.toml").write_text(
            f'[providers.descript]\nbase_url = "{info.descript_url}"\n'
            f'[providers.autoposting]\nbase_url = "{info.autoposting_url}"\nadmin = "env:ADMIN"\n'
        )
        (at / "config.toml").chmod(0o600)
        self._dotenv = at / "app" / ".env"
        self._dotenv.parent.mkdir(mode=0o700)
        self._dotenv.write_text("TOKEN=\n")
        self._dotenv.chmod(0o600)
        self._environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(at),
            "TOKENGUARD_KEY_FILE": str(at / "key"),
            "TOKENGUARD_CONFIG": str(at / "config.toml"),
            "TOKENGUARD_STATE_DIR": str(at / "state"),
            "TOKENGUARD_STORE": f"local://{at / 'store'}",
            "SETTINGS_URL": info.settings_url,
            "ADMIN": info.admin_key,
            "PASTED": "",
        }
        with patch.dict(os.environ, self._environ):
            make_local(at / "store", self._environ, SystemClock(), None, ()).close()  # without the slow recovery code
        added = self.run("add", NAME, *self._made(), "--env", "prod", "--owner", "video", "--purpose", "upload",
                         "--deliver", f"dotenv:{self._dotenv}#TOKEN")  # fmt: skip
        assert added.code == 0, self.output()

    def _made(self) -> tuple[str, ...]:
        if self._provider == "autoposting":
            return ("--provider", "autoposting", "--scope", f"org:{self.sandbox.info.org_id}",
                    "--permission", "posts:read", "--issue")  # fmt: skip
        drive_id, drive_name = self.sandbox.info.drives[0]
        made = self.sandbox.world.create_token("made-by-hand", drive_id)
        self._environ["PASTED"] = made.secret.reveal()
        return ("--provider", "descript", "--scope", f"drive:{drive_id}", "--scope-name", drive_name,
                "--label", "made-by-hand", "--from-env", "PASTED")  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What is durable."""

    live: str
    labels: set[str]
