"""The demo's stage: a temporary store, a loopback sandbox, a scrubbed environment, and real commands run on it."""

import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click

from tokenguard.cli.demo_person import DemoPerson
from tokenguard.delivery import throwaway
from tokenguard.errors import ExitCode, TokenguardError
from tokenguard.files import create_private
from tokenguard.shell.colour import wants_colour

_SCRUBBED = ("TOKENGUARD_", "VAULT_", "AWS_", "BAO_")
_COMMAND_SECONDS = 60


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command printed, stdout and stderr in the order they came, and its exit code."""

    output: str
    code: int


class DemoStage(AbstractContextManager["DemoStage"]):
    """Everything lives in one private temporary directory and is gone when the stage is left."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tokenguard-demo-"))
        self.environment = self._environment()
        self._sandbox: subprocess.Popen[str] | None = None
        self._shown: list[str] = []
        self.info: dict[str, Any] = {}
        self.person = DemoPerson()

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    @property
    def dotenv(self) -> Path:
        """The file of the demo's consumer."""
        return self.directory / "app" / ".env"

    def say(self, text: str) -> None:
        """The narrator."""
        _tell(f"\n# {text}", bold=True)

    def run(self, *arguments: str, expect: int = 0, env: Mapping[str, str] | None = None) -> CommandResult:
        """Run a real command, show it with its output, and check its exit code."""
        self._show_command(arguments)
        done = subprocess.run(
            [*_program(), *arguments],
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        click.echo(done.stdout, nl=False)
        return self._held(arguments, CommandResult(done.stdout, done.returncode), expect)

    def run_with_person(self, *arguments: str, expect: int = 0) -> CommandResult:
        """The same on a terminal, where the demo plays the person who clicks and pastes."""
        self._show_command(arguments)
        output, code = self.person.attend([*_program(), *arguments], self.environment)
        return self._held(arguments, CommandResult(output, code), expect)

    def hold(self, held: bool, what: str) -> None:
        """End the demo with an error if an expectation is not met."""
        if not held:
            raise TokenguardError(f"the demo failed: {what}", hint="please report this with the output above")
        _tell(f"  ok: {what}", fg="green")

    def no_value_was_shown(self) -> bool:
        """Whether none of the sandbox's values is in anything that was printed."""
        text = "".join(self._shown)
        return not any(part in text for value in self.person.values for part in value.split(":"))

    def _held(self, arguments: tuple[str, ...], ran: CommandResult, expect: int) -> CommandResult:
        self._shown.append(ran.output)
        if ran.code != expect:
            raise TokenguardError(
                f"the demo failed: `tokenguard {arguments[0]}` exited {ran.code}, not {expect}",
                hint="please report this with the output above",
            )
        if expect != ExitCode.OK:
            _tell(f"  (exit {ran.code}, as expected)", dim=True)
        return ran

    def _show_command(self, arguments: tuple[str, ...]) -> None:
        shown = " ".join(f"'{part}'" if " " in part or "#" in part else part for part in arguments)
        _tell(f"$ tokenguard {shown}".replace(str(self.directory), "."), fg="cyan")

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_SCRUBBED) and name not in throwaway.VARIABLES
        }
        at = self.directory
        return {
            **kept,
            "TOKENGUARD_KEY_FILE": str(at / "key"),
            "TOKENGUARD_CONFIG": str(at / "config.toml"),
            "TOKENGUARD_STATE_DIR": str(at / "state"),
            "TOKENGUARD_STORE": f"local://{at / 'store'}",
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
        }

    def _open(self) -> None:
        create_private(self.directory / "key", base64.b64encode(secrets.token_bytes(32)))
        self._sandbox = subprocess.Popen(
            [*_program(), "sandbox"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the demo, which then stops it
        )
        line = self._sandbox.stdout.readline() if self._sandbox.stdout else ""
        if not line:
            raise TokenguardError("the sandbox did not start", hint="try `tokenguard sandbox` by itself")
        self.info = json.loads(line)
        self.person.settings_url = self.info["settings_url"]
        self.person.values.add(self.info["admin_key"])
        config = (
            f'[providers.descript]\nbase_url = "{self.info["descript_url"]}"\n'
            f'[providers.autoposting]\nbase_url = "{self.info["autoposting_url"]}"\nadmin = "env:DEMO_ADMIN"\n'
        )
        create_private(self.directory / "config.toml", config.encode())
        self.environment["DEMO_ADMIN"] = self.info["admin_key"]
        self.dotenv.parent.mkdir(mode=0o700)

    def _close(self) -> None:
        if self._sandbox is not None:
            self._sandbox.terminate()
            self._sandbox.wait(timeout=10)
            if self._sandbox.stdout:
                self._sandbox.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def _tell(text: str, **style: Any) -> None:
    """In that style where colour is wanted."""
    click.echo(click.style(text, **style) if wants_colour(sys.stdout, os.environ) else text)


def _program() -> list[str]:
    return [sys.executable, "-P", "-m", "tokenguard"]
