"""Kills real command lines from outside, at random moments and random lines of progress; the provider's list is the judge.

Nothing of tokenguard is imported: programs are started, their groups get SIGKILL, and what is said afterwards comes from
other programs, from the consumers' files, and from the provider's own process.
"""

import json
import os
import random
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.fakes.key_service import ORG, SETTLES, Judge, Key
from tests.integration.forked_commands import program

ROOT = Path(__file__).parents[2]
TOKENGUARD = (sys.executable, "-P", "-m", "tokenguard")
NAMES = ("video/one/prod", "video/two/prod")
MANIFEST = """\
version: 1
defaults: {{provider: autoposting, owner: video, environment: prod, scope: "org:{org}", purpose: posting}}
tokens:
{tokens}"""
_WAIT = 30.0
"""Seconds for a request that was announced."""
_TRIES = 6
"""How often a resume may have no clear answer yet: the provider's list lags by 0.3 seconds."""


@dataclass(frozen=True)
class Command:
    """What is killed, and what brings its operation to an end."""

    kind: str
    begin: tuple[str, ...]
    resume: tuple[str, ...]
    names: tuple[str, ...]
    ends: bool = False
    """Whether no token of these names is to be left."""
    gap: bool = False
    """Whether a consumer may be without a live token meanwhile."""


@dataclass
class KillWorld:
    """A store, its tokens delivered to files, a provider in another process, and the command line on them."""

    directory: Path
    url: str = ""
    configuration: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1
    kills: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    """Resumes that ended without a clear answer, and had to be repeated."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.provider = Judge()
        self._made = 0
        self._ended = False
        self._takes: dict[str, float] = {}
        self._lines: dict[str, int] = {}

    def __enter__(self) -> Self:
        self.provider.__enter__()
        at = self.directory
        at.mkdir(mode=0o700)
        (at / "config.toml").write_text(
            f'{self.configuration}[providers.autoposting]\nbase_url = "{self.provider.url}"\nadmin = "env:ADMIN"\n'
        )
        (at / "config.toml").chmod(0o600)
        self._environ = {
            "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(at), "ADMIN": self.provider.admin, "TOKENGUARD_STATE_DIR": str(at / "state"),
            "TOKENGUARD_CONFIG": str(at / "config.toml"), "TOKENGUARD_STORE": self.url or f"local://{at}/store",
            **{name: text for name, text in os.environ.items() if name.startswith("COV")}, **self.environ,
        }  # fmt: skip
        if not self.url:
            (at / "key").write_bytes(b"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
            (at / "key").chmod(0o600)
            self._environ["TOKENGUARD_KEY_FILE"] = str(at / "key")
        self.run("init", *(["--sandbox"] if self.url else []), "--no-input")
        for name in NAMES:
            self.run(*self._add(name))
        return self

    def __exit__(self, *_: object) -> None:
        self.provider.__exit__()

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """A command line that nobody kills."""
        done = subprocess.run(
            [program("tokenguard"), *arguments], cwd=self.directory, env=self._environ, capture_output=True, text=True,
            check=False, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._check_output(done.stdout + done.stderr)
        assert done.returncode in codes, (arguments, done.returncode, done.stdout, done.stderr, self.kills[-4:])
        return done

    def command(self, kind: str) -> Command:
        """A command of this kind, on a world that it finds something to do in."""
        name = self.random.choice(NAMES)
        resume = ("rotate", "--resume")
        match kind:
            case "planned":
                return Command(kind, ("rotate", name), resume, (name,))
            case "compromised":
                begin = ("rotate", name, "--compromised", "--reason", "seen in a ticket")
                return Command(kind, begin, resume, (name,), gap=True)
            case "retire":
                name, self._ended = self._new_name("retire"), True
                self.run(*self._add(name))
                return Command(
                    kind, ("retire", name, "--yes", "--reason", "over"), resume, (name,), ends=True, gap=True
                )
            case "add":
                name = self._new_name("add")
                return Command(kind, self._add(name), resume, (name,), gap=True)
            case "apply":
                names = (self._new_name("apply"), self._new_name("apply"))
                tokens = "".join(f"  {each}: {{issue: true, consumers: [{self._consumer(each)}]}}\n" for each in names)
                (self.directory / "declared.yaml").write_text(MANIFEST.format(org=ORG, tokens=tokens))
                digest = json.loads(self.run("plan", "declared.yaml", "--format", "json").stdout)["digest"]
                self.run("approve", digest, "declared.yaml", "--yes")
                apply = ("apply", "declared.yaml", "--yes")
                return Command(kind, apply, apply, names, gap=True)
            case "upkeep":
                self.run("edit", *NAMES, "--due", "2026-10-01", "--yes")
                return Command(kind, ("upkeep",), ("upkeep",), NAMES)
        raise AssertionError(kind)

    def kill_one(self, kind: str, *, more: int = 0, at: str = "") -> None:
        """Kill a command, and up to `more` of what is to complete it; see all well after each death and after the end.

        With `at`, which it says before it asks for a new token, the first dies when that is made, without the reply.
        """
        command = self.command(kind)
        arguments = command.begin
        for number in range(1 + more):
            if not self._killed(command, arguments, "" if number else at):
                arguments = command.resume
                break
            time.sleep(SETTLES)
            arguments = self.check_after_kill(command)
        self._complete(command, arguments)
        self.check_at_end(command)

    def check_after_kill(self, command: Command) -> tuple[str, ...]:
        """P1 and P2, before anything is resumed: each living token has a name in the trail, and consumers are served.

        Returns what a person, or a schedule, runs then: what was not begun is begun again.
        """
        living, trail = self.provider.living(), self._trail()
        unknown = {key.name for key in living} - {entry["detail"].get("label") for entry in trail}
        assert not unknown, (self.kills[-4:], f"no record names {unknown}")
        if not command.gap:
            values = {key.value for key in living}
            for name in command.names:
                assert self._delivered(name) in values, (self.kills[-4:], f"the consumer of {name} has a dead token")
        begun = {entry["name"] for entry in trail}.issuperset(command.names)
        return command.resume if begun or command.kind in {"apply", "upkeep"} else command.begin

    def check_at_end(self, command: Command) -> None:
        """At most one living token for each record, nothing lost, nothing unknown, and a trail that is whole."""
        where, records = self.kills[-4:], self._records()
        if command.ends and any(records[name]["state"] != "retired" for name in command.names):
            self.run(*command.begin)  # it died before its intent was on record
            records = self._records()
        labels = {record["label"]: name for name, record in records.items()}
        of_record: dict[str, list[Key]] = {name: [] for name in records}
        for key in self.provider.living():
            assert key.name in labels, (where, f"{key.name} lives, and is not a record's token")
            of_record[labels[key.name]].append(key)
        for name, record in records.items():
            values, owed = [key.value for key in of_record[name]], record["possibly_alive"]
            assert (owed, record["operation"]) == ([], None), (where, name, "it is not over after exit 0")
            if record["state"] == "retired":
                assert not values, (where, name, "it lives")
            else:
                assert values == [self._delivered(name)], (where, name, f"{len(values)} live, or the value is lost")
        for name in command.names:
            assert (records[name]["state"] == "retired") is command.ends, (where, name, records[name]["state"])
        self.run("audit", "verify")

    def check_served(self) -> None:
        """The store serves each living value: read by a program under `exec`, which keeps it in a file."""
        records = [name for name, record in self._records().items() if record["state"] == "active"]
        tokens = [part for number, name in enumerate(records) for part in ("-t", f"{name}=T{number}")]
        code = "import os, json; json.dump({k: v for k, v in os.environ.items()}, open('served', 'w'))"
        self.run("exec", *tokens, "--", sys.executable, "-S", "-c", code)
        served = json.loads((self.directory / "served").read_text())
        (self.directory / "served").unlink()
        values = sorted(key.value for key in self.provider.living())
        assert sorted(served[f"T{number}"] for number in range(len(records))) == values

    def _killed(self, command: Command, arguments: tuple[str, ...], at: str) -> bool:
        """Start it, and end its group at a random moment, or a moment after a random line, or at once after `at`."""
        kind = command.kind
        lines, pause = (
            self.random.randint(1, self._lines.get(kind, 8)),
            self.random.choice((0, self.random.uniform(0, 0.06))),
        )
        moment = self.random.uniform(0.15, self._takes.get(kind, 0.7))
        by_line = self.random.random() < 0.6 or bool(at)
        before = len(self.provider.made()) if at else 0
        self.provider.hold(replies=bool(at))
        started = time.monotonic()
        process = subprocess.Popen(
            [*TOKENGUARD, *arguments], cwd=self.directory, env=self._environ, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said = _read(process, until=None if by_line else started + moment, lines=0 if at else lines, at=at.encode())
        if at:
            self._wait_for_a_key(before)
        elif by_line:
            time.sleep(pause)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        said += process.communicate()[0]
        self.provider.hold(replies=False)
        self._check_output(said.decode())
        took, shown = time.monotonic() - started, said.decode().splitlines()
        assert at.encode() in said, (at, said)  # else it died, if at all, elsewhere
        if process.returncode != -signal.SIGKILL:
            self._takes[kind], self._lines[kind] = took, max(len(shown), 1)
            assert process.returncode in {0, 3, 4, 5}, (arguments, process.returncode, said)
            return False
        last = shown[-1].strip() if shown else "nothing"
        self.kills.append(f"{kind}: {' '.join(arguments[:2])}: {took:.3f} s, after {last!r}")
        return True

    def _wait_for_a_key(self, before: int) -> None:
        """Until the provider has made one more."""
        ends = time.monotonic() + _WAIT
        while len(self.provider.made()) == before:
            assert time.monotonic() < ends, "no key was made"
            time.sleep(0.01)

    def _complete(self, command: Command, arguments: tuple[str, ...]) -> None:
        for _ in range(_TRIES):
            done = self.run(*arguments, codes=(0, 3, 4, 5))
            if done.returncode == 0:
                break
            self.unclear.append(f"{self.kills[-1:]}: exit {done.returncode}: {done.stdout[-1500:]}")
            time.sleep(0.4)
        else:
            raise AssertionError((self.kills[-4:], self.unclear[-_TRIES:]))

    def _records(self) -> dict[str, dict[str, Any]]:
        states = ((), ("--state", "retired")) if self._ended else ((),)
        lists = [json.loads(self.run("list", "--format", "json", *state).stdout) for state in states]
        return {record["name"]: record for listed in lists for record in listed["tokens"]}

    def _trail(self) -> list[dict[str, Any]]:
        return json.loads(self.run("audit", "log", "--format", "json").stdout)["entries"]

    def _check_output(self, text: str) -> None:
        for value in (self.provider.admin, *(key.value for key in self.provider.made())):
            assert value not in text, "a value was printed"

    def _new_name(self, kind: str) -> str:
        self._made += 1
        return f"video/{kind}-{self._made}/prod"

    def _add(self, name: str) -> tuple[str, ...]:
        return ("add", name, "--provider", "autoposting", "--scope", f"org:{ORG}", "--permission", "posts:read", "--issue",
                "--env", "prod", "--owner", "video", "--purpose", "posting", "--deliver", self._consumer(name))  # fmt: skip

    def _consumer(self, name: str) -> str:
        file = self._dotenv(name)
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True)
            file.write_text("TOKEN=\n")
            file.chmod(0o600)
        return f"dotenv:{file}#TOKEN"

    def _dotenv(self, name: str) -> Path:
        return self.directory / "app" / name.replace("/", "-") / ".env"

    def _delivered(self, name: str) -> str:
        return self._dotenv(name).read_text().partition("TOKEN=")[2].strip().strip("'\"")


def _read(process: subprocess.Popen[bytes], *, until: float | None, lines: int, at: bytes) -> bytes:
    """What it says until then: a time, or a number of lines, or a text; or until it ends."""
    assert process.stdout is not None
    said = b""
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while True:
            left = None if until is None else until - time.monotonic()
            met = at in said if at else said.count(b"\n") >= lines
            if (met and left is None) or (left is not None and left <= 0):
                return said
            if ready.select(left):
                part = os.read(process.stdout.fileno(), 65536)
                if not part:
                    return said
                said += part
