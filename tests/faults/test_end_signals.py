"""SIGTERM and SIGHUP end a command as Ctrl-C does: with the way to go on, without half a file, a lock or a child."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import cycle
from pathlib import Path

import pytest

from tests.fakes.loopback import Loopback
from tests.integration.forked_commands import Ended
from tests.integration.limited_machine import LimitedMachine
from tokenguard.sandbox.sandbox_server import Sandbox

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: looks for children in /proc"),
    pytest.mark.usefixtures("unmeasured"),
]
PROGRAM = Path(sys.executable).with_name("tokenguard")
HOOK = Path(sys.executable).with_name("tokenguard-hook")
NAME = "video/clips/prod/render"
FACTS = ("--env", "prod", "--owner", "video", "--purpose", "clips", "--permission", "posts:read")


@dataclass
class StallingProxy(Loopback):
    """Before the practice provider; does not pass on requests of one method, and says when one has come."""

    target: str
    stalls: str = ""
    came: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if f"{self.command} {self.path}".startswith(proxy.stalls or "-"):
                    proxy.came.set()
                    proxy.released.wait(20)
                    return  # the reply is lost, and the request did nothing
                headers = {
                    name: text for name, text in self.headers.items() if name.lower() not in {"host", "connection"}
                }
                asked = urllib.request.Request(proxy.target + self.path, body or None, headers, method=self.command)
                try:
                    answer = urllib.request.urlopen(asked)
                except urllib.error.HTTPError as error:
                    answer = error
                with answer:
                    data = answer.read()
                    self.send_response(answer.status)
                    self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            do_POST = do_DELETE = do_PATCH = do_GET  # noqa: N815 - the names of http.server

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@dataclass
class World:
    """A store with a token of the practice provider, and a program `deliver` that hands values on."""

    machine: LimitedMachine
    at: Path
    proxy: StallingProxy
    sandbox: Sandbox
    environ: dict[str, str]

    def run(self, *arguments: str) -> Ended:
        return self.machine.run(
            ["--config", str(self.at / "config.toml"), "--no-input", *arguments], self.at, b"", self.environ
        )

    def start(self, *arguments: str, program: Path = PROGRAM, **streams: object) -> subprocess.Popen[str]:
        """Start a program in a session of its own; the command line gets the configuration as well."""
        given = ("--config", str(self.at / "config.toml"), "--no-input") if program == PROGRAM else ()
        return subprocess.Popen(
            [program, *given, *arguments], env={**os.environ, **self.environ}, text=True,
            start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **{"cwd": self.at, "stdin": subprocess.DEVNULL, **streams},
        )  # fmt: skip


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> LimitedMachine:
    return LimitedMachine(tmp_path_factory.mktemp("signals"))


@pytest.fixture
def world(machine: LimitedMachine, tmp_path: Path) -> Iterator[World]:
    with Sandbox() as sandbox, StallingProxy(sandbox.info.autoposting_url.rpartition("/")[0]) as proxy:
        environ = {
            "TOKENGUARD_STORE": f"local://{tmp_path}/store", "TOKENGUARD_KEY_FILE": str(machine.home / "key"),
            "TOKENGUARD_STATE_DIR": str(tmp_path / "state"), "ADMIN": sandbox.info.admin_key, "HOME": str(tmp_path),
        }  # fmt: skip
        program = tmp_path / "deliver"
        program.write_text(
            f"#!/bin/sh\necho $$ > {tmp_path}/child\n[ ! -e {tmp_path}/hang ] || exec sleep 60\ncat >/dev/null\n"
        )
        program.chmod(0o700)
        config = tmp_path / "config.toml"
        config.write_text(
            f"[providers.autoposting]\nbase_url = '{proxy.url}/api-proxy'\nadmin = 'env:ADMIN'\n"
            f"[commands.app]\nargv = ['{program}']\nverify_argv = ['/bin/true']\n"
        )
        config.chmod(0o600)
        made = World(machine, tmp_path, proxy, sandbox, environ)
        assert made.run("init").code == 0
        done = made.run(
            "add", NAME, "--provider", "autoposting", "--scope", f"org:{sandbox.info.org_id}", *FACTS, "--issue",
            "--deliver", "command:app",
        )  # fmt: skip
        assert done.code == 0, done.err
        (tmp_path / "child").unlink()
        yield made
        proxy.released.set()


def ended(process: subprocess.Popen[str], number: int) -> tuple[str, str]:
    """Send a signal to the program alone, as a supervisor does; what it said. Its session is empty afterwards."""
    os.kill(process.pid, number)
    try:
        out, err = process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(("it did not end", process.communicate())) from None
    assert _gone(lambda: _session(process.pid) == []), _session(process.pid)
    return out, err


def _gone(check: object, within: float = 3.0) -> bool:
    until = time.monotonic() + within
    while not check():  # type: ignore[operator]
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _session(leader: int) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        if int(rest.split()[3]) == leader:
            found.append(name.partition("(")[2])
    return found


SIGNALS = [signal.SIGTERM, signal.SIGHUP]
MANIFEST = """\
version: 1
tokens:
  video/clips/prod/more:
    {provider: autoposting, scope: 'org:ORG', environment: prod, owner: video, purpose: clips, consumers: [], issue: true}
"""
STALLED = {
    "add --issue": (("add", "new/a", "--provider", "autoposting", "--scope", "org:ORG", *FACTS, "--issue", "--no-consumers"), "POST", "--resume"),
    "rotate, while it creates": (("rotate", NAME), "POST", "--resume"),
    "rotate, while it revokes": (("rotate", NAME), "DELETE", "--resume"),
    "rotate several": (("rotate", "--provider", "autoposting", "--all-of", "org:ORG"), "POST", "--resume"),
    "retire": (("retire", NAME, "--yes"), "DELETE", "--resume"),
    "verify": (("verify", NAME), "GET", "again"),
    "apply": (("apply", "--yes"), "POST", "the same command again"),
    "upkeep": (("upkeep",), "GET", ""),
    "import": (("import", "--from", "provider:autoposting"), "GET", ""),
}  # fmt: skip
"""The command, the request that never comes back, and the hint."""


IN_EACH_RUN = {"rotate, while it revokes", "apply"}
CASES = [
    pytest.param(case, number, id=case, marks=() if case in IN_EACH_RUN else pytest.mark.slow)
    for case, number in zip(STALLED, cycle(SIGNALS), strict=False)
]


@pytest.mark.parametrize(("case", "number"), CASES)
def test_a_command_that_waits_for_a_provider(world: World, case: str, number: int):
    arguments, world.proxy.stalls, hint = STALLED[case]
    (world.at / "tokens.yaml").write_text(MANIFEST.replace("ORG", world.sandbox.info.org_id))
    if case == "apply":
        (digest,) = set(re.findall("sha256:[0-9a-f]{64}", world.run("plan").out))
        assert world.run("approve", digest, "--yes").code == 0
    process = world.start(*(each.replace("ORG", world.sandbox.info.org_id) for each in arguments))
    assert world.proxy.came.wait(15), process.communicate()
    _, err = ended(process, number)
    assert process.returncode == 130, err
    assert "error: interrupted" in err
    assert hint in err.partition("hint: ")[2], err
    world.proxy.stalls = ""
    world.proxy.released.set()
    done = world.run("rotate", "--resume")
    assert done.code == 0, done.err
    assert world.run("audit", "verify").code == 0
    assert not list(world.at.rglob("*.tmp*"))


def test_a_delivery_that_hangs_ends_as_well(world: World):
    """Its program has a session of its own, which no signal to us reaches."""
    (world.at / "hang").touch()
    process = world.start("rotate", NAME)
    assert _gone(lambda: (world.at / "child").exists() and (world.at / "child").read_text().strip(), 15)
    child = int((world.at / "child").read_text())
    _, err = ended(process, signal.SIGTERM)
    assert (process.returncode, "--resume" in err) == (130, True), err
    assert _gone(lambda: not Path(f"/proc/{child}").exists())
    (world.at / "hang").unlink()
    assert world.run("rotate", "--resume").code == 0


def test_a_command_that_waits_for_the_lock_of_another(world: World):
    lock = world.at / "store" / "lock"
    with lock.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = world.start("edit", NAME, "--purpose", "other")
        time.sleep(1.5)
        assert process.poll() is None, process.communicate()
        _, err = ended(process, signal.SIGTERM)
    assert process.returncode == 130, err
    assert "other" not in world.run("show", NAME).out


def test_a_second_signal_does_not_stop_the_clean_up(world: World):
    """As some supervisors send them: one after another, and another kind."""
    world.proxy.stalls = "POST"
    process = world.start("rotate", NAME)
    assert world.proxy.came.wait(15)
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP):
        os.kill(process.pid, number)
    _, err = ended(process, signal.SIGTERM) if process.poll() is None else process.communicate()
    assert process.returncode == 130, err
    assert err.count("error: interrupted") == 1
    assert "Traceback" not in err


@pytest.mark.slow
def test_under_nohup_a_hangup_is_nothing(world: World):
    world.proxy.stalls = "GET"
    process = subprocess.Popen(
        ["sh", "-c", f"trap '' HUP; exec {PROGRAM} --config {world.at}/config.toml --no-input verify {NAME}"],
        env={**os.environ, **world.environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, text=True,
    )  # fmt: skip
    assert world.proxy.came.wait(15)
    os.kill(process.pid, signal.SIGHUP)
    world.proxy.stalls = ""
    world.proxy.released.set()
    _, err = process.communicate(timeout=30)
    assert process.returncode in {0, 4}, err


def _large(at: Path) -> None:
    """A repository whose scan takes seconds, in two processes where there are two processors."""
    subprocess.run(["git", "init", "-q", at / "large"], check=True)
    for number in range(40):
        lines = (f"value_{n} = connect('{n:032x}', token={n})" for n in range(number * 20_000, (number + 1) * 20_000))
        (at / "large" / f"f{number}.py").write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        pytest.param(PROGRAM, ("scan", "--output", "found.txt", "."), id="scan"),
        pytest.param(HOOK, (), id="hook", marks=pytest.mark.slow),
    ],
)
def test_a_scan_leaves_no_child_and_no_half_a_file(world: World, program: Path, arguments: tuple[str, ...]):
    _large(world.at)
    if program == HOOK:
        subprocess.run(["git", "add", "."], cwd=world.at / "large", check=True)
    process = world.start(*arguments, program=program, cwd=world.at / "large")
    assert _gone(lambda: len(_session(process.pid)) > 1 or process.poll() is not None, 20), "one process only"
    time.sleep(0.5)
    assert process.poll() is None, process.communicate()
    _, err = ended(process, signal.SIGTERM)
    assert process.returncode == 130, err
    assert not (world.at / "large" / "found.txt").exists()


def test_a_program_of_exec_is_told(world: World):
    process = world.start("exec", "-t", NAME, "--", "sleep", "60")
    assert _gone(lambda: "sleep" in _session(process.pid), 15)
    ended(process, signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("arguments", "code", "ready"),
    [
        pytest.param(("redact",), 130, "", id="redact", marks=pytest.mark.slow),
        pytest.param(("sandbox",), 0, "admin_key", id="sandbox", marks=pytest.mark.slow),
        pytest.param(("demo",), 130, "", id="demo"),
    ],
)
def test_a_command_that_runs_for_long(world: World, arguments: tuple[str, ...], code: int, ready: str):
    reading, writing = os.pipe()
    with os.fdopen(writing, "w"), os.fdopen(reading) as stdin:
        process = world.start(*arguments, stdin=stdin)
        assert process.stdout is not None
        assert ready in (process.stdout.readline() if ready else "")
        if not ready:
            time.sleep(1.5)
        assert process.poll() is None, process.communicate()
        _, err = ended(process, signal.SIGTERM)
    assert process.returncode == code, err
    assert "Traceback" not in err


def test_an_agent_s_hook_refuses_what_it_has_not_searched(world: World):
    reading, writing = os.pipe()
    with os.fdopen(writing, "w"), os.fdopen(reading) as stdin:
        process = subprocess.Popen(
            [PROGRAM, "agent", "hook", "claude-code"], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **world.environ}, text=True, start_new_session=True,
        )  # fmt: skip
        time.sleep(1)
        assert process.poll() is None
        _, err = ended(process, signal.SIGTERM)
    assert (process.returncode, "Nothing was let through" in err) == (2, True), err
