"""The real program many times over: one process loads it, and forks for each command, which is then a process of its own.

A command that is refused costs some milliseconds instead of a start of Python. The child has the arguments, environment,
directory, streams and limit of memory that a shell would give it, and enters by the console script. For scripts, and for
programs that start ours, there are files to be started: each hands its command line and its streams to such a process.
"""

import array
import atexit
import gc
import importlib
import json
import marshal
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, Self

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
    from tokenguard_entry import command

    _end_with(command, os._exit)


def _end_with(command: Callable[[], object], leave: Callable[[int], object]) -> NoReturn:
    """Run a program's entry point, and leave with its exit code."""
    code: object = 1
    try:
        code = command() or 0
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        leave(code if isinstance(code, int) else 1)
        os._exit(1)


PROGRAMS = {"tokenguard": ("tokenguard_entry", "command"), "pre_commit": ("pre_commit.main", "main")}
_FILE = """\
#!{python} -IS
import _socket, marshal, os, sys
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
server.connect({socket!r})
mask = os.umask(0)
request = marshal.dumps((sys.argv, dict(os.environ), os.getcwd(), mask))
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
server.sendmsg([len(request).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
server.sendall(request)
code = server.recv(1)
os._exit(code[0] if code else 137)
"""


@cache
def program(name: str) -> Path:
    """A file to start instead of a program of this environment: no signal that it gets reaches the command.

    What a command had to import is imported for the next one.
    """
    directory = Path(tempfile.mkdtemp(prefix="tg"))
    process = subprocess.Popen(
        [sys.executable, "-P", __file__, str(directory / "socket"), name],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    file = directory / name
    file.write_text(_FILE.format(python=sys.executable, socket=str(directory / "socket")))
    file.chmod(0o700)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(process.communicate, timeout=20)
    return file


def _answer(place: str, name: str) -> None:
    """Load the program, and fork for each of its files that is started, until standard input ends."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(place)
    listening.listen(64)
    command = getattr(importlib.import_module(PROGRAMS[name][0]), PROGRAMS[name][1])
    news, telling = os.pipe()
    os.set_blocking(news, False)
    os.write(1, b"ready\n")
    while listening in (select.select([listening, 0], [], [])[0]):
        _learn(news)
        connection, _ = listening.accept()
        if not os.fork():
            os.close(news)
            _be_started(connection, command, telling)
        connection.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _learn(news: int) -> None:
    """Import what commands had to import."""
    with suppress(BlockingIOError):
        for each in os.read(news, 1 << 16).decode().split():
            with suppress(Exception):  # what is not for this machine fails as it did there, in any way
                importlib.import_module(each)
        gc.freeze()


def _be_started(connection: socket.socket, command: Callable[[], object], telling: int) -> NoReturn:
    """Be the command; does not return."""
    known = set(sys.modules)
    head, ancillary, _, _ = connection.recvmsg(4, socket.CMSG_LEN(12))
    with connection.makefile("rb") as body:
        arguments, environ, at, mask = marshal.loads(body.read(int.from_bytes(head, "big")))
    for target, source in enumerate(array.array("i", ancillary[0][2])):
        os.dup2(source, target)
        os.close(source)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(at)
    os.umask(mask)
    sys.argv = [arguments[0], *(each for each in arguments[1:] if each != "-mpre_commit")]

    def leave(code: int) -> None:
        os.set_blocking(telling, False)
        new = " ".join(each for each in set(sys.modules) - known if not each.startswith("tests"))
        with suppress(BlockingIOError):
            os.write(telling, f"{new} ".encode()[:4096].rpartition(b" ")[0] + b" ")
        with suppress(OSError):  # who started it is gone
            connection.sendall(bytes([code & 255]))
        os._exit(code)

    _end_with(command, leave)


if __name__ == "__main__":
    _answer(*sys.argv[1:]) if sys.argv[1:] else _serve()
