"""A world in which each command is traced: what it prints, writes, starts and sends is searched for every value."""

import base64
import gzip
import json
import os
import pty
import random
import resource
import secrets
import select
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from tests.fakes.git_repository import Repository
from tests.fakes.key_service import ORG, Judge

ROOT = Path(__file__).parents[2]
TRACER = ROOT / "tests" / "fakes" / "tracing"
ISSUED, GIVEN, LEAKED = "video/one/prod", "video/given/prod", "video/leaked/prod"
NEW = "video/new/prod"
HALF = 16
"""Characters of a value that must not be found in a row."""


def forms(value: str) -> list[bytes]:
    """Both ends of a value, raw and as programs encode it."""
    found = []
    for part in (value[:HALF], value[-HALF:]):
        data = part.encode()
        found += [data, data.hex().encode(), data.hex().upper().encode(), quote(part, safe="").encode(), data[::-1]]
        found += [part.encode("utf-16-le"), json.dumps(part)[1:-1].encode(), repr(part)[1:-1].encode()]
        found.append("".join(f"\\u{ord(char):04x}" for char in part).encode())
    whole = value.encode()
    for cut in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(whole[cut:])
            found += [text[: HALF + 4], text.rstrip(b"=")[-HALF - 4 : -2]]
        found.append(base64.b32encode(whole[cut:])[: HALF + 8])
    return found


@dataclass(frozen=True)
class Traced:
    """What one command did."""

    code: int
    output: bytes
    events: list[dict[str, Any]]


@dataclass
class TracedWorld:
    """A local store with three tokens, one of which is in a repository; put back before each command."""

    directory: Path
    values: dict[str, str] = field(default_factory=dict)
    _digest: str = ""
    _scan_key: str = ""

    def __enter__(self) -> Self:
        self.provider = Judge().__enter__()
        self.at, self._kept, self._trace = self.directory / "world", self.directory / "kept", self.directory / "trace"
        self.at.mkdir(mode=0o700, parents=True)
        leaked = f"tgcanary_{secrets.token_hex(18)}"
        self.values = {
            "admin": self.provider.admin,
            "key": base64.b64encode(secrets.token_bytes(32)).decode(),
            GIVEN: f"tgcanary_p+w/9=&'\"{secrets.token_hex(16)}%x",
            LEAKED: leaked,
            NEW: f"tgcanary_{secrets.token_hex(18)}",
        }
        self._prepare()
        shutil.copytree(self.at, self._kept, symlinks=True)
        self._keys = self.provider.made()
        return self

    def __exit__(self, *_: object) -> None:
        self.provider.__exit__()

    def restore(self) -> None:
        """The world as it was made."""
        shutil.rmtree(self.at)
        shutil.copytree(self._kept, self.at, symlinks=True)
        self.provider.restore(self._keys)
        self._trace.unlink(missing_ok=True)

    def run(self, arguments: tuple[str, ...], mode: "Mode", *, stdin: str = "") -> Traced:
        """Run one command, from its beginning to its end in this mode."""
        words = [word.format(at=self.at, digest=self._digest) for word in arguments]
        code, output = mode(
            self, [sys.executable, *_DEV.get(mode.name, ()), "-P", "-m", "tokenguard", *mode.words, *words], stdin
        )
        lines = self._trace.read_text().splitlines() if self._trace.exists() else []
        whole = [line for line in lines if line.endswith("}")]  # a full disk is full for the trace too
        return Traced(code, output, [json.loads(line) for line in whole])

    def text(self, name: str) -> str:
        """What a command reads that reads this: a value, or a file of the world."""
        return (self.at / "event.json").read_text() if name == "event" else self.values.get(name, name)

    def environ(self, **more: str) -> dict[str, str]:
        at = self.at
        return {
            "PATH": "/usr/bin:/bin", "HOME": str(at), "TMPDIR": str(at / "tmp"), "PYTHONPATH": f"{TRACER}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1", "TRACE": str(self._trace), "ADMIN": self.provider.admin,
            "TOKENGUARD_CONFIG": str(at / "config.toml"), "TOKENGUARD_STORE": f"local://{at}/store",
            "TOKENGUARD_KEY_FILE": str(at / "key"), "TOKENGUARD_STATE_DIR": str(at / "state"),
            "TOKENGUARD_SCAN_KEY": self._scan_key, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "TERM": "xterm", **more,
        }  # fmt: skip

    def seen(self, done: Traced, *, asked: tuple[str, ...] = ()) -> list[str]:
        """Where a value is and was not asked for; `asked` are outputs and files that may have one."""
        places = []
        if "output" not in asked:
            places += [f"{name} in the output" for name in self._values_in(done.output)]
        for event in done.events:
            environ = event.pop("environ", {})
            places += [f"{name} in {event['event']}" for name in self._values_in(json.dumps(event).encode())]
            if "environ" not in asked:
                places += [
                    f"{name} in the environment of {event['argv']}"
                    for name in self._values_in(json.dumps(environ).encode())
                ]
        for path in self.at.rglob("*"):
            where = str(path.relative_to(self.at))
            if path.is_file() and not path.is_symlink() and not where.startswith((*_HOLD_VALUES, *asked)):
                places += [
                    f"{name} in {where}" for data in _unpacked(path.read_bytes()) for name in self._values_in(data)
                ]
        return places

    def elsewhere(self, done: Traced) -> list[str]:
        """Addresses other than the provider's, files written outside of this world, and programs that were started."""
        host = self.provider.url.partition("//")[2].partition("/")[0]
        ours = [[host.partition(":")[0], int(host.partition(":")[2])], host.partition(":")[0]]
        sent = [str(each["address"]) for each in done.events if "address" in each and each["address"] not in ours]
        written = [str(each["path"]) for each in done.events if each["event"] == "open"]
        allowed = (str(self.at), "/dev/null", "/dev/tty", "/dev/full", "/dev/pts/", "/dev/ptmx")
        written = [path for path in written if path.startswith("/") and not path.startswith(allowed)]
        started = [
            str(each["argv"])
            for each in done.events
            if each.get("argv", ["git"])[0] not in {"/usr/bin/git", "git", "sh"}
        ]
        return sent + written + started

    def _values_in(self, data: bytes) -> list[str]:
        values = {**self.values, **{key.name: key.value for key in self.provider.made()}}
        return [name for name, value in values.items() if any(form in data for form in forms(value))]

    def _prepare(self) -> None:
        at = self.at
        (at / "tmp").mkdir()
        repository = Repository(at / "repo")
        repository.write("README.md", "hello\n")
        repository.commit("first")
        repository.write("leak.py", f'TOKEN = "{self.values[LEAKED]}"\n')
        repository.git("add", "leak.py")
        private = {
            "config.toml": f'[providers.autoposting]\nbase_url = "{self.provider.url}"\nadmin = "env:ADMIN"\n',
            "key": self.values["key"] + "\n",
            "wrong-key": base64.b64encode(bytes(32)).decode() + "\n",
            "given": self.values[NEW] + "\n",
            "import.env": f"UPLOAD_TOKEN={self.values[NEW]}\n",
            "app/.env": "TOKEN=\n",
            "tokens.yaml": MANIFEST,
            "policy.yaml": POLICY,
            "event.json": json.dumps(
                {"hook_event_name": "UserPromptSubmit", "prompt": f"use {self.values[LEAKED]}", "session_id": "1"}
            ),
        }
        for name, text in private.items():
            (at / name).parent.mkdir(exist_ok=True, mode=0o700)
            (at / name).write_text(text)
            (at / name).chmod(0o600)
        self._made("init", "--no-input")
        facts = ("--env", "prod", "--owner", "video", "--purpose", "posting", "--made-by", "alex")
        self._made("add", ISSUED, "--provider", "autoposting", "--scope", f"org:{ORG}", "--permission", "posts:read", "--issue",
                   "--deliver", f"dotenv:{at}/app/.env#TOKEN", *facts)  # fmt: skip
        for name in (GIVEN, LEAKED):
            self._made("add", name, "--provider", "manual", "--scope", "org:x", "--no-consumers", "--no-verify", "--stdin", *facts,
                       stdin=self.values[name])  # fmt: skip
        published = self._made(
            "fingerprints",
            "publish",
            "--key-file",
            str(at / "signing"),
            "--create-key",
            "--public-code",
            str(at / "config.toml"),
            "--to-store",
            str(at / "bundle"),
        )
        self._made("fingerprints", "pull", "--from", "store")
        self._made("store", "backup", str(at / "backup"))
        self._made("--store", f"local://{at}/other", "init", "--no-input")
        self._scan_key = published.partition("TOKENGUARD_SCAN_KEY=")[2].split()[0]
        self._made("policy", "publish", str(at / "policy.yaml"))
        self._digest = json.loads(self._made("plan", str(at / "tokens.yaml"), "--format", "json"))["digest"]
        self._made("approve", self._digest, str(at / "tokens.yaml"), "--yes")

    def _made(self, *arguments: str, stdin: str = "") -> str:
        done = self.run(arguments, MODES["plain"], stdin=stdin)
        assert done.code == 0, (arguments, done.output)
        return done.output.decode()


MANIFEST = f"""\
version: 1

defaults:
  provider: autoposting
  environment: prod
  owner: video
  scope: org:{ORG}

tokens:
  video/declared/prod:
    purpose: posting
    consumers: []
    issue: true
"""
POLICY = """\
format: 1
name: team
extends: default
"""
_HOLD_VALUES = (
    "key",
    "event.json",
    "given",
    "import.env",
    "app/.env",
    "repo/leak.py",
    "repo/.git/objects/",
    "declared",
)
"""Files in which the test itself, or a person who asked for it, put a value."""


def _unpacked(data: bytes) -> Iterator[bytes]:
    yield data
    for unpack in (gzip.decompress, zlib.decompress):
        try:
            yield unpack(data)
        except (OSError, EOFError, zlib.error):
            continue


@dataclass(frozen=True)
class Mode:
    """How a command is run, and how it ends."""

    name: str
    how: Callable[..., tuple[int, bytes]]
    words: tuple[str, ...] = ()

    def __call__(self, world: TracedWorld, command: list[str], stdin: str) -> tuple[int, bytes]:
        return self.how(world, command, stdin)


def _piped(world: TracedWorld, command: list[str], stdin: str, **more: Any) -> tuple[int, bytes]:
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": world.environ(), **more}
    done = subprocess.run(command, input=stdin.encode(), cwd=world.at / "repo", timeout=60, check=False, **how)
    return done.returncode, done.stdout or b""


def _wrong_key(world: TracedWorld, command: list[str], stdin: str) -> tuple[int, bytes]:
    return _piped(world, command, stdin, env=world.environ(TOKENGUARD_KEY_FILE=str(world.at / "wrong-key")))


def _no_admin(world: TracedWorld, command: list[str], stdin: str) -> tuple[int, bytes]:
    return _piped(world, command, stdin, env=world.environ(ADMIN="tgcanary-not-accepted"))


def _full_output(world: TracedWorld, command: list[str], stdin: str) -> tuple[int, bytes]:
    with Path("/dev/full").open("wb") as full:
        return _piped(world, command, stdin, stdout=full, stderr=subprocess.PIPE)


def _full_disk(world: TracedWorld, command: list[str], stdin: str) -> tuple[int, bytes]:
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # noqa: E731 - runs in the child
    return _piped(world, command, stdin, preexec_fn=limit)


def _closed(world: TracedWorld, command: list[str], _stdin: str) -> tuple[int, bytes]:
    return _piped(world, ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command], "")


def _signalled(world: TracedWorld, command: list[str], stdin: str, number: signal.Signals) -> tuple[int, bytes]:
    process = subprocess.Popen(
        command, cwd=world.at / "repo", env=world.environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(stdin.encode(), timeout=random.uniform(0.12, 0.6))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, number)
        said, _ = process.communicate(timeout=60)
    return process.returncode, said


def _interrupted(world: TracedWorld, command: list[str], stdin: str) -> tuple[int, bytes]:
    return _signalled(world, command, stdin, signal.SIGINT)


def _crashed(world: TracedWorld, command: list[str], stdin: str) -> tuple[int, bytes]:
    return _signalled(world, command, stdin, signal.SIGABRT)


def _terminal(world: TracedWorld, command: list[str], stdin: str) -> tuple[int, bytes]:
    """On a terminal: what is asked gets the value, which must not be echoed, then Ctrl-D and Ctrl-C."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(world.at / "repo")
        os.execve(command[0], command, world.environ())
    keys = iter([*([stdin.encode() + b"\n", b"\x04"] if stdin else []), b"\x03"])
    said, last = b"", time.monotonic()
    while True:
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            if not part:
                break
            said, last = said + part, time.monotonic()
        elif time.monotonic() - last > (0.4 if said else 5):  # it waits: before that, the terminal itself would show it
            os.write(terminal, next(keys, b"\x03"))
            last = time.monotonic()
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


_DEV = {"development": ("-X", "dev"), "crash": ("-X", "dev")}
MODES = {
    each.name: each
    for each in (
        Mode("plain", _piped),
        Mode("json", _piped, ("--format", "json")),
        Mode("verbose", _piped, ("-v",)),
        Mode("development", _piped, ("-v",)),
        Mode("wrong key", _wrong_key),
        Mode("no admin", _no_admin),
        Mode("full output", _full_output),
        Mode("full disk", _full_disk),
        Mode("closed streams", _closed),
        Mode("interrupt", _interrupted),
        Mode("crash", _crashed),
        Mode("terminal", _terminal),
    )
}
