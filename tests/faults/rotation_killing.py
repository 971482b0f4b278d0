"""A small real world for kill -9: a store, a sandbox, a `.env`, and the launcher that runs command lines."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from tests.faults.rotation_homes import Home, LocalHome
from tokenguard.domain.names import token_name
from tokenguard.sandbox.sandbox_server import Sandbox
from tokenguard.sandbox.world import Issued

NAME = "video/upload/prod"
CLEAN = -1
"""No failpoint."""


@dataclass(frozen=True)
class Ran:
    code: int
    effects: tuple[str, ...]
    stopped: int = 0
    """The process that stands still before the effect it was told to; `Launcher.go_on` lets it run."""


class Launcher:
    """The warm process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.rotation_launcher"]
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:  # fmt: skip
        try:
            self._process.communicate(timeout=10)
        finally:
            self._process.kill()  # a command that hangs must not outlive the tests

    def run(self, job: dict[str, object]) -> Ran:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(job), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        return Ran(answer["code"], tuple(answer["effects"]), answer["stopped"])

    def go_on(self, stopped: int) -> Ran:
        """Let a process that stands still run to its end."""
        return self.run({"go_on": stopped})


class RealWorld:
    """One token at one provider, delivered to one file; made anew for every kill."""

    def __init__(self, launcher: Launcher, directory: Path, provider: str, home: Home | None = None) -> None:
        self._launcher = launcher
        self._directory = directory
        self._provider = provider
        directory.mkdir(mode=0o700)
        self._home = home or LocalHome(directory)
        self.sandbox = Sandbox()

    def __enter__(self) -> Self:
        self.sandbox.start()
        self._prepare()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:  # fmt: skip
        self.sandbox.stop()

    def run(self, *arguments: str, index: int = CLEAN, how: str = "", lines: bool = False) -> Ran:
        """A real command line in a process of its own, killed at effect number `index` if there is one.

        With `lines`, what it shows of its progress counts as effects too.
        """
        return self._launcher.run(
            {
                "arguments": arguments,
                "environ": self._environ | ({"LINES": "1"} if lines else {}),
                "index": index,
                "how": how,
                "output": str(self._directory / "output"),
            }
        )

    def go_on(self, stopped: int) -> Ran:
        """Let a process that was stopped at an effect run to its end."""
        return self._launcher.go_on(stopped)

    @property
    def by_hand(self) -> bool:
        """Whether a person creates and revokes the tokens."""
        return self._provider == "descript"

    def reconcile(self) -> Ran:
        """Record the whole list of the provider's page."""
        listed = self._directory / "listed"
        listed.write_text("".join(f"{each.name}\n" for each in self.living()))
        return self.run("verify", "--reconcile", self._provider, "--from-file", str(listed))

    def living(self) -> tuple[Issued, ...]:
        """What the provider accepts now."""
        world = self.sandbox.world
        return world.tokens() if self._provider == "descript" else world.keys()

    def accepted(self, value: str) -> bool:
        return self.sandbox.world.alive(value)

    def delivered(self, name: str = NAME) -> str:
        return self._dotenv(name).read_text().partition("TOKEN=")[2].strip()

    def output(self) -> str:
        """Everything that was printed."""
        return (self._directory / "output").read_text()

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """A handle of our own on the store."""
        with patch.dict(os.environ, self._environ), closing(self._home.opened()) as store:
            yield store

    def read(self) -> "Seen":
        """What the store says, through a handle of its own."""
        with self.opened() as store:
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
        (at / "config.toml").write_text(
            self._home.configuration + f'[providers.descript]\nbase_url = "{info.descript_url}"\n'
            f'[providers.autoposting]\nbase_url = "{info.autoposting_url}"\nadmin = "env:ADMIN"\n'
        )
        (at / "config.toml").chmod(0o600)
        self._environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(at),
            "TOKENGUARD_CONFIG": str(at / "config.toml"),
            "TOKENGUARD_STORE": self._home.url,
            "SETTINGS_URL": info.settings_url,
            "ADMIN": info.admin_key,
            "PASTED": "",
            **self._home.environ,
        }
        self._home.make()
        self.add(NAME)

    def add(self, name: str) -> None:
        """Add a token, delivered to a file of its own."""
        dotenv = self._dotenv(name)
        dotenv.parent.mkdir(mode=0o700, parents=True)
        dotenv.write_text("TOKEN=\n")
        dotenv.chmod(0o600)
        added = self.run("add", name, *self._made(), "--env", "prod", "--owner", "video", "--purpose", "upload",
                         "--deliver", f"dotenv:{dotenv}#TOKEN")  # fmt: skip
        assert added.code == 0, self.output()

    def _dotenv(self, name: str) -> Path:
        return self._directory / "app" / name.replace("/", "-") / ".env"

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
