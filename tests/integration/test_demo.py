"""The README's first command: it runs, it holds, it leaves nothing behind, and it prints what the README shows."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tokenguard.cli.demo_stage import DemoStage

ROOT = Path(__file__).parents[2]
_SHOWN = re.compile(r"<!-- demo -->\n```text\n(.*?)```", re.DOTALL)
_VARYING = (
    (re.compile(r"\b[0-9a-f]{16}\b"), "ID"),
    (re.compile(r"\b([a-z]+-[a-z]+)-[a-z2-9]{8}-(\d)\b"), r"\1-NONCE-\2"),
    (re.compile(r"^\d+ entries in"), "N entries in"),
)


def settled(line):
    for pattern, name in _VARYING:
        line = pattern.sub(name, line)
    return line.strip()


def demo_command():
    return [sys.executable, "-P", "-m", "tokenguard", "demo"]


@pytest.fixture
def environment(tmp_path):
    # What a person has set must not reach the demo: these would all break it.
    hostile = {
        "TOKENGUARD_STORE": "local:///nowhere", "VAULT_ADDR": "http://127.0.0.1:9", "AWS_PROFILE": "nobody",
        "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(tmp_path), "GITLAB_CI": "true", "CI_DISPOSABLE_ENVIRONMENT": "true",
    }  # fmt: skip
    return {**os.environ, **hostile, "TMPDIR": str(tmp_path), "PYTHONWARNINGS": "error"}


def test_the_demo_holds_shows_what_the_readme_shows_and_leaves_nothing(environment, tmp_path):
    done = subprocess.run(
        demo_command(),
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    printed = {settled(line) for line in done.stdout.splitlines()}
    shown = [line for block in _SHOWN.findall((ROOT / "README.md").read_text()) for line in block.splitlines()]
    assert len(shown) > 15
    assert [line for line in shown if settled(line) not in printed] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("told", "colours"),
    [
        ({"TERM": "xterm"}, True),
        ({}, sys.platform == "win32"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_its_narrator_is_coloured_only_where_that_is_wanted(monkeypatch, told, colours):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    DemoStage.say(object.__new__(DemoStage), "a store of its own")
    assert ("\x1b[" in terminal.getvalue()) is colours


def test_an_interrupted_demo_cleans_up(environment, tmp_path):
    demo = subprocess.Popen(
        demo_command(), env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert demo.stdout is not None
    while b"tokenguard add" not in demo.stdout.readline():
        pass
    demo.send_signal(signal.SIGINT)
    _, error = demo.communicate(timeout=30)
    assert demo.returncode == 130
    assert error.count(b"error:") == 1
    for _ in range(50):
        if not list(tmp_path.iterdir()):
            break
        time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []
