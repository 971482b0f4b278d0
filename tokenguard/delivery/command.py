"""Delivery through a command of the runner's own config: the value on stdin, an empty environment, no shell.

A store record only names the command, so that write access to the store does not allow running programs. What the
command prints is thrown away, because it may echo the value; its exit code is all that is reported.
"""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tokenguard.delivery.payload import as_stdin
from tokenguard.domain.secret import Value
from tokenguard.domain.token import Consumer
from tokenguard.errors import InputError, Unreachable
from tokenguard.files import shown
from tokenguard.ports.delivery import ConsumerVerdict
from tokenguard.process import refuse_limit
from tokenguard.text import safe_text

FIXED_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED_ON = ("HOME", "LANG", "TZ")
_REAP = 5.0
_SAYS_OTHER = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    """`[commands.NAME]` of the runner's config."""

    argv: tuple[str, ...]
    """Takes the value on stdin; exit 0 means that it was taken."""
    verify_argv: tuple[str, ...] | None = None
    """Takes the value on stdin; exit 0: the consumer holds it, 1: it holds another, anything else: unknown."""
    timeout: float = 60.0
    """Seconds."""


class CommandDelivery:
    """Implements `ports.delivery.Delivery` for `command:NAME`."""

    def __init__(self, commands: Mapping[str, CommandSettings]) -> None:
        self._commands = commands

    def check(self, consumer: Consumer) -> None:
        """Refuse an unknown name, and a program that is missing or writable by every user."""
        settings = self._settings(consumer)
        _program(consumer.target, settings.argv)
        if settings.verify_argv is not None:
            _program(consumer.target, settings.verify_argv)

    def push(self, consumer: Consumer, value: Value) -> None:
        """Run the command; Unreachable unless it exits 0 in time."""
        settings = self._settings(consumer)
        code = _run(consumer.target, settings.argv, value, settings.timeout)
        if code != 0:
            raise Unreachable(
                f"the command {consumer.target!r} {_ending(code)}",
                hint="its output is never shown, since it may hold the value; run it by hand with a made-up value",
            )

    def verify(self, consumer: Consumer, value: Value) -> ConsumerVerdict:
        """Run the verifying command, if there is one."""
        settings = self._settings(consumer)
        if settings.verify_argv is None:
            return ConsumerVerdict.UNKNOWN
        answers: dict[int | None, ConsumerVerdict] = {
            0: ConsumerVerdict.EXPECTED,
            _SAYS_OTHER: ConsumerVerdict.DIFFERENT,
        }
        return answers.get(
            _run(consumer.target, settings.verify_argv, value, settings.timeout), ConsumerVerdict.UNKNOWN
        )

    def check_command(self, name: str) -> None:
        """Refuse an unknown name, and a program that is missing or writable by every user."""
        _program(name, self._named(name).argv)

    def run_command(self, name: str) -> str:
        """Run a command that needs no value; returns how it failed, empty text if it exits 0 in time."""
        settings = self._named(name)
        code = _run(name, settings.argv, None, settings.timeout)
        return "" if code == 0 else _ending(code)

    def _settings(self, consumer: Consumer) -> CommandSettings:
        return self._named(consumer.target)

    def _named(self, name: str) -> CommandSettings:
        try:
            return self._commands[name]
        except KeyError:
            name = safe_text(name, one_line=True, limit=80)
            raise InputError(
                f"this machine's configuration has no command {name!r}",
                hint=f"add [commands.{name}] with argv to the configuration of the machine that rotates",
            ) from None


def _program(name: str, argv: tuple[str, ...]) -> str:
    """The absolute path of the program: as configured, or found in fixed places, never in the working directory."""
    first = argv[0] if argv else ""
    found = first if first.startswith("/") else shutil.which(first, path=FIXED_PATH) if "/" not in first else None
    if not found or not os.access(found, os.X_OK) or not Path(found).is_file():
        is_there = first.startswith("/") and Path(first).exists()
        raise InputError(
            f"the program of command {name!r} {'is not an executable file' if is_there else 'does not exist'}",
            hint="give its absolute path as the first element of argv, and make it executable",
        )
    if Path(found).stat().st_mode & stat.S_IWOTH:
        raise InputError(f"every user can change the program {shown(Path(found))}", hint="chmod o-w it")
    return found


def _run(name: str, argv: tuple[str, ...], value: Value | None, timeout: float) -> int | None:
    """The exit code (negative: the signal that ended it), or None after a timeout."""
    program = _program(name, argv)
    try:
        process = subprocess.Popen(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL if value is None else subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        refuse_limit(f"the command {name!r}", error)
        raise Unreachable(f"the command {name!r} could not be started", hint="run it by hand") from None
    try:
        process.communicate(None if value is None else as_stdin(value), timeout=timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole session if its leader still runs (a timeout, or Ctrl-C, which does not reach it by itself)."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_REAP)
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _environment() -> dict[str, str]:
    return {"PATH": FIXED_PATH} | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _ending(code: int | None) -> str:
    if code is None:
        return "did not end in time"
    return f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
