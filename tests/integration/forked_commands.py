"""The real program many times over: one process loads it, and forks for each command, which is then a process of its own.

A command that is refused costs some milliseconds instead of a start of Python. The child has the arguments, environment,
directory, streams and limit of memory that a shell would give it, and enters by the console script.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
_COMMANDS = (
    "add agent apply baseline check importing init list_ plan policy_lint provider respond rotate scan setup verify"
)
"""Modules of commands that are loaded beforehand; a command loads what else it needs."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class ForkedCommands:
    """`with ForkedCommands(environ) as run:` gives a function that runs one command line."""

    def __init__(self, environ: Mapping[str, str], *, data: int = 700 << 20) -> None:
        self._environ = dict(environ)
        self._data = data

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            cwd=ROOT,
            env={**self._environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def __call__(
        self, arguments: Sequence[str], at: Path, stdin: bytes = b"", environ: Mapping[str, str] | None = None
    ) -> Ended:
        """Run one command in the directory `at`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory(prefix="tg") as folder:
            (Path(folder) / "0").write_bytes(stdin)
            request = {
                "arguments": list(arguments), "at": str(at), "environ": {**self._environ, **(environ or {})},
                "streams": folder, "data": self._data,
            }  # fmt: skip
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            out, err = ((Path(folder) / name).read_text("utf-8", "replace") for name in "12")
        return Ended(code, out, err)


def _serve() -> None:
    """Load the program, and fork for each request."""
    import importlib

    for name in _COMMANDS.split():
        importlib.import_module(f"tokenguard.cli.{name}")
    requests, answers = os.dup(0), os.dup(1)
    with os.fdopen(requests, "rb") as asked:
        while line := asked.readline():
            child = os.fork()
            if not child:
                _become(json.loads(line))
            _, status = os.waitpid(child, 0)
            os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(request: dict[str, Any]) -> None:
    """Be the command; does not return."""
    import resource

    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["at"])
    for descriptor, name in enumerate("012"):
        flags = os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT
        opened = os.open(f"{request['streams']}/{name}", flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.closerange(3, 64)
    resource.setrlimit(resource.RLIMIT_DATA, (request["data"], request["data"]))
    sys.argv = ["tokenguard", *request["arguments"]]
    code: object = 0
    try:
        from tokenguard_entry import command

        command()
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve()
