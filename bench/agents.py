"""The hook of coding agents: 20 KB of tool output, against the pre-commit hook on a staged file of that size."""

import json
import os
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from unittest.mock import patch

from bench.sidebyside import compare, report
from tests.fakes.known_fingerprints import known_value, pulled
from tokenguard.agents.agent_registry import AGENTS

_SIZE, _KNOWN = 20_480, 200
_GOAL = "at most 1.2x"


def main() -> None:
    """One line an agent."""
    text = (Path(sysconfig.get_path("stdlib")) / "argparse.py").read_text()[:_SIZE]
    with (
        tempfile.TemporaryDirectory() as place,
        patch.dict(os.environ, {"HOME": place, "GIT_CONFIG_GLOBAL": os.devnull}),
    ):
        os.environ.pop("XDG_STATE_HOME", None)
        environment = {**os.environ, **pulled(*(known_value() for _ in range(_KNOWN)))}
        repository = Path(place, "repository")
        subprocess.run(["git", "init", "-q", repository], check=True)
        (repository / "output.py").write_text(text)
        subprocess.run(["git", "add", "-A"], check=True, cwd=repository)
        programs = Path(sysconfig.get_path("scripts"))
        peer = ["sh", "-c", f"cd {repository} && exec {programs}/tokenguard-hook"]
        for name in AGENTS:
            event, given = _output(name, text)
            path = Path(place, f"{name}.json")
            path.write_text(json.dumps(event))
            hook = ["sh", "-c", f"exec {programs}/tokenguard agent hook {name} {given} < {path}"]
            work = f"{name}, {_SIZE:,} bytes of output, {_KNOWN} tokens"
            report(work, "tokenguard-hook", compare(hook, peer, environment=environment), _GOAL)


def _output(name: str, text: str) -> tuple[dict[str, object], str]:
    """An event with the output of a tool, and the event's name where the command says it."""
    match name:
        case "cursor":
            output = json.dumps({"output": text, "exitCode": 0})
            return {
                "hook_event_name": "postToolUse",
                "cursor_version": "3",
                "tool_name": "Shell",
                "tool_output": output,
            }, ""
        case "copilot":
            result = {"resultType": "success", "textResultForLlm": text}
            return {"toolName": "bash", "toolArgs": {}, "toolResult": result}, "postToolUse"
        case _:
            response = {"stdout": text, "stderr": "", "interrupted": False, "isImage": False}
            return {"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_response": response}, ""
