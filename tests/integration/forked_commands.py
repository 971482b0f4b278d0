"""The real programs many times over: one process loads each, and forks for each command, which is then a process of its own.

A command costs some milliseconds instead of a start of Python. It has the arguments, environment, directory, streams and
limit of memory that a shell would give it, and enters by the console script. `program` gives a file to be started, for
scripts and for programs that start ours: it hands its command line and its streams to the loaded process. `ForkedCommands`
hands them over without starting anything.

How a program starts is tested with the program itself: `tests/integration/test_hook_start.py`, `test_install_paths.py`.
"""

import array
import atexit
import gc
import importlib
import marshal
import os
import resource
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
from typing import BinaryIO, NoReturn

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "tokenguard": ("tokenguard_entry", "command"), "tokenguard-hook": ("tokenguard_entry", "hook"),
    "pre_commit": ("pre_commit.main", "main"),
}  # fmt: skip
"""Module and function of each entry point."""
KILLED = 137
"""The exit code of a command that went without one."""
_UNLIMITED = -1
_HEAD = 4
"""Bytes that say how long a request is."""

_FILE = """\
#!{python} -IS
import _socket, marshal, os, sys
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
server.connect({socket!r})
mask = os.umask(0)
request = marshal.dumps((sys.argv, dict(os.environ), os.getcwd(), mask, {unlimited}))
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
server.sendmsg([len(request).to_bytes({head}, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
server.sendall(request)
code = server.recv(1)
os._exit(code[0] if code else {killed})
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class ForkedCommands:
    """Runs one command line of `tokenguard` at a time, with little memory.

    Args:
        environ: the environment of each command.
        data: bytes of memory that a command may have.
    """

    environ: Mapping[str, str]
    data: int = 700 << 20

    def __call__(
        self, arguments: Sequence[str], at: Path, stdin: bytes = b"", environ: Mapping[str, str] | None = None
    ) -> Ended:
        """Run one command in the directory `at`."""
        command = (["tokenguard", *arguments], {**self.environ, **(environ or {})}, str(at), 0o022, self.data)
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin)
            given.seek(0)
            code = _asked(program("tokenguard").parent / "socket", marshal.dumps(command), (given, out, err))
            said = (_text(out), _text(err))
        return Ended(code, *said)


def _asked(place: Path, request: bytes, streams: Sequence[BinaryIO]) -> int:
    """The exit code of a command that the process which listens at `place` runs."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(str(place))
        socket.send_fds(server, [len(request).to_bytes(_HEAD, "big")], [stream.fileno() for stream in streams])
        server.sendall(request)
        code = server.recv(1)
    return code[0] if code else KILLED


def _text(stream: BinaryIO) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", "replace")


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
    file.write_text(
        _FILE.format(
            python=sys.executable, socket=str(directory / "socket"), unlimited=_UNLIMITED, head=_HEAD, killed=KILLED
        )
    )
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
    if name.startswith("tokenguard"):
        _build_tables()
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


def _build_tables() -> None:
    """Have what every scan with a candidate builds first: it takes a tenth of a second, and is the same each time."""
    from tokenguard.scanning.content import Blob
    from tokenguard.scanning.scanner import scan

    scan([Blob(path="a.py", data=f"connect('sk-social-{os.urandom(32).hex()}')\n".encode())])


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
    head, ancillary, _, _ = connection.recvmsg(_HEAD, socket.CMSG_LEN(12))
    with connection.makefile("rb") as body:
        arguments, environ, at, mask, data = marshal.loads(body.read(int.from_bytes(head, "big")))
    for target, source in enumerate(array.array("i", ancillary[0][2])):
        os.dup2(source, target)
        os.close(source)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(at)
    os.umask(mask)
    if data != _UNLIMITED:
        resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    sys.argv = [arguments[0], *(each for each in arguments[1:] if each != "-mpre_commit")]

    def leave(code: int) -> NoReturn:
        os.set_blocking(telling, False)
        new = " ".join(each for each in set(sys.modules) - known if not each.startswith("tests"))
        with suppress(BlockingIOError):
            os.write(telling, f"{new} ".encode()[:4096].rpartition(b" ")[0] + b" ")
        with suppress(OSError):  # who started it is gone
            connection.sendall(bytes([code & 255]))
        os._exit(code)

    _end_with(command, leave)


def _end_with(command: Callable[[], object], leave: Callable[[int], NoReturn]) -> NoReturn:
    """Run a program's entry point, and leave with its exit code."""
    code: object = 1
    try:
        code = command() or 0
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            leave(code if isinstance(code, int) else 1)
    os._exit(1)


if __name__ == "__main__":
    _answer(*sys.argv[1:])
