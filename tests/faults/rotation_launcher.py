"""A warm process that runs real command lines in forked children, which kill or stop themselves where they are told to.

Started by `rotation_killing` as `python -m tests.faults.rotation_launcher`: one job a line on stdin, one result a line
on stdout. The ports of the child pass through a gate that counts effects; nothing of this is in the package. What a child
had to import is imported here when it has ended, so that the next one starts with it.
"""

import gc
import importlib
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from tests.fakes.clock import SwiftClock
from tests.fakes.secrets_manager import stores as aws_stores
from tests.faults.rotation_faults import EFFECTS, LINES, MOVING, PEOPLE
from tokenguard.cli.demo_person import DemoPerson
from tokenguard.cli.error_handler import run
from tokenguard.domain.secret import Secret
from tokenguard.errors import TokenguardError, Unreachable
from tokenguard.ports.operator import Creator, StrayToken, Task, TokenTrace, TokenTraceAnswer
from tokenguard.ports.provider import Ambiguous, Vendor
from tokenguard.shell.clock import SystemClock
from tokenguard.shell.config import read_settings
from tokenguard.shell.wiring import Wiring
from tokenguard.stores.aws.layout import AwsPlace


class Gate:
    """Counts effects; at the chosen one the process is killed before or after it, stopped, or told that no reply came."""

    def __init__(self, index: int, how: str, report: int) -> None:
        self._index = index
        self._how = how
        self._report = report
        self._met = 0

    def call(self, call: str, effect: Callable[[], Any]) -> Any:
        here = self._met == self._index
        self._met += 1
        os.write(self._report, f"{call}\n".encode())  # at once: a killed process tells how far it came
        if here and self._how == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if here and self._how == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        answer = effect()
        if here and self._how == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        if here and self._how == "no reply":
            if call in PEOPLE:
                raise KeyboardInterrupt
            raise (Ambiguous if call.startswith("issuer.") else Unreachable)("no answer", hint="resume")
        return answer


class GatedPort:
    """A port whose effects pass the gate."""

    def __init__(self, name: str, inner: Any, gate: Gate) -> None:
        self._name, self._inner, self._gate = name, inner, gate

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._inner, attribute)
        call = f"{self._name}.{attribute}"
        if call == "end.shared_items":
            return GatedPort("shared_items", value, self._gate)
        if call not in EFFECTS | PEOPLE | MOVING | LINES | {"place.replace"}:
            return value
        return lambda *arguments, **options: self._gate.call(call, lambda: value(*arguments, **options))


class GatedRegistry:
    """Vendors and deliveries, whose findings are gated."""

    def __init__(self, inner: Any, gated: Callable[[Any], Any]) -> None:
        self._inner, self._gated = inner, gated

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._inner, attribute)

    def of(self, subject: Any) -> Any:
        return self._gated(self._inner.of(subject))


class SettingsPerson:
    """The person at the sandbox's settings page, who does what the task says."""

    def __init__(self, settings_url: str) -> None:
        self._person = DemoPerson()
        self._person.settings_url = settings_url

    def paste(self, task: Task, *, retry: str = "") -> Secret:
        steps = "\n".join(task.steps)
        label, drive = re.search(r"exactly this name: (\S+)", steps), re.search(r"\(drive:([^)]+)\)", steps)
        assert label is not None
        assert drive is not None
        return Secret(self._person.create(label[1], drive[1]))

    def created_now(self, stray: StrayToken) -> bool:
        return True

    def done(self, task: Task, *, retry: str = "") -> str | None:
        named = re.search(r"the token named (\S+)", "\n".join(task.steps))
        if named is not None:
            with suppress(TokenguardError):  # it is off the page already
                self._person.revoke(named[1])
        return "ada"

    def hand_over(self, leaves: Callable[[str], bool], successor: Creator) -> None:
        pass

    def creator(self, provider: str, recorded: Creator | None) -> Creator:
        return Creator("ada", recorded.account if recorded is not None else "")

    def ask_outcome(self, task: Task) -> TokenTrace:
        named = re.search(r"named exactly (\S+)", task.steps[0])
        assert named is not None
        try:
            self._person.revoke(named[1])
        except TokenguardError:
            return TokenTrace(TokenTraceAnswer.ABSENT, "ada")
        return TokenTrace(TokenTraceAnswer.REVOKED, "ada")


class GatedWiring(Wiring):
    """The real wiring, its ports gated, its clock swift, and a person who is always there."""

    def __init__(self, environ: dict[str, str], gate: Gate, *, elsewhere: bool = False) -> None:
        super().__init__(environ=environ)
        self._gate = gate
        self._elsewhere = elsewhere

    @cached_property
    def holder(self) -> str:
        """From another machine, if a run beside it is to take over: one that is alive on this one is left alone."""
        return f"elsewhere/{os.getpid()}/{os.urandom(4).hex()}" if self._elsewhere else super().holder

    @cached_property
    def clock(self) -> Any:
        return SystemClock() if self.environ.get("REAL_TIME") else SwiftClock()

    @cached_property
    def store(self) -> Any:
        return GatedPort("store", super().store, self._gate)

    @cached_property
    def progress(self) -> Any:
        shown = super().progress
        return GatedPort("progress", shown, self._gate) if self.environ.get("LINES") else shown

    def open_end_of_move(self, url: str) -> Any:
        store = super().open_end_of_move(url)
        return GatedPort("end", store, self._gate) if self.environ.get("MOVING") else store

    @cached_property
    def places(self) -> Any:
        return GatedRegistry(super().places, lambda found: GatedPort("place", found, self._gate))

    @cached_property
    def operator(self) -> Any:
        return GatedPort("operator", SettingsPerson(self.environ["SETTINGS_URL"]), self._gate)

    @cached_property
    def vendors(self) -> Any:
        return GatedRegistry(super().vendors, self._gated_vendor)

    @cached_property
    def deliveries(self) -> Any:
        return GatedRegistry(super().deliveries, lambda found: found and GatedPort("delivery", found, self._gate))

    def _gated_vendor(self, vendor: Any) -> Any:
        return Vendor(vendor.provider, vendor.issuer and GatedPort("issuer", vendor.issuer, self._gate))


class Children:
    """The processes of this launcher; some of them may stand still."""

    def __init__(self) -> None:
        self._standing: dict[int, int] = {}

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """Run a new one, or let one go on; until it ends or stops."""
        if "go_on" in job:
            os.kill(job["go_on"], signal.SIGCONT)
            return self._wait(job["go_on"], self._standing.pop(job["go_on"]))
        _warm_up(job)
        gc.freeze()  # else the first collection of each child touches, and so copies, every page of this process
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(ours)
            _child(job, theirs)
        os.close(theirs)
        return self._wait(child, ours)

    def end(self) -> None:
        for child in self._standing:
            os.kill(child, signal.SIGKILL)

    def _wait(self, child: int, pipe: int) -> dict[str, Any]:
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            self._standing[child] = pipe
            return {"code": 0, "effects": [], "stopped": child}
        with os.fdopen(pipe) as file:
            *effects, modules = file.read().split("\n")
        for module in json.loads(modules or "[]"):
            with suppress(ImportError):  # some are made by what they are part of
                importlib.import_module(module)
        return {"code": os.waitstatus_to_exitcode(status), "effects": effects, "stopped": 0}


def main() -> None:
    # boto3 takes most of a second to make a client: it is made before the fork, once for each server
    importlib.import_module("tokenguard.shell.aws_store").AwsClient = lambda settings: _client(
        str(settings.endpoint), settings.region
    )
    children = Children()
    for line in sys.stdin:
        print(json.dumps(children.answer(json.loads(line))), flush=True)
    children.end()


def _warm_up(job: dict[str, Any]) -> None:
    environ = job["environ"]
    if environ["TOKENGUARD_STORE"].startswith("aws://"):
        with patch.dict(os.environ, environ):
            endpoint = read_settings(Path(environ["TOKENGUARD_CONFIG"])).aws.endpoint
            _client(endpoint, AwsPlace.parse(environ["TOKENGUARD_STORE"]).region)


def _client(url: str, region: str) -> Any:
    return aws_stores.client(cast("Any", SimpleNamespace(url=url, region=region)))


def _child(job: dict[str, Any], report: int) -> None:
    """Never returns."""
    code, warm = 70, set(sys.modules)
    try:
        output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.clear()
        os.environ.update(job["environ"])
        gate = Gate(job["index"], job["how"], report)
        code = run(job["arguments"], GatedWiring(job["environ"], gate, elsewhere=job["how"] == "stop"))
        modules = [name for name in sys.modules if name not in warm]
        os.write(report, json.dumps(modules).encode())
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
