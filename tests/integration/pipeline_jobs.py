"""Runs the jobs of a pipeline file as its CI system would: their own shell, their own variables, one after another."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integration.forked_commands import program

_EXPRESSION = re.compile(r"\$\{\{ *([A-Za-z_.-]+) *\}\}")
_INPUT = re.compile(r"\$\[\[ *inputs\.([a-z]+) *\]\]")


_FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH", "GITHUB_ENV")


@dataclass
class Ran:
    code: int
    out: str
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Runner:
    """A machine of the CI, with tokenguard installed already and nothing of ours in its environment."""

    repository: Path
    directory: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    hosted: bool = True
    """Whether the CI's owner runs it and throws it away afterwards, and not the team."""
    variables: dict[str, str] = field(default_factory=dict)
    """What the CI's settings hold, which no file of the repository can change."""
    event: dict[str, str] = field(default_factory=dict)
    """What GitHub says of the event that started the workflow."""
    log: list[str] = field(default_factory=list)
    """Everything that any job printed or left as its summary, output or artefact."""

    @property
    def _github(self) -> Mapping[str, str]:
        kind = "github-hosted" if self.hosted else "self-hosted"
        return {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(self.repository), "RUNNER_ENVIRONMENT": kind}

    def github(self, job: str, needs: Mapping[str, str] | None = None, **inputs: str) -> Ran:
        """A job of the workflow; `needs` are outputs of earlier jobs, as `plan.outputs.digest`."""
        workflow = yaml.safe_load((self.repository / ".github/workflows/tokens.yml").read_text())
        known = {
            "github.workspace": str(self.repository),
            **{f"needs.{name}": each for name, each in (needs or {}).items()},
            **{f"inputs.{name}": each for name, each in inputs.items()},
            **{f"vars.{name}": each for name, each in self.variables.items()},
            **{f"github.event.{name}": each for name, each in self.event.items()},
        }
        ran = Ran(0, "")
        made = workflow["jobs"][job]
        exported: dict[str, str] = {}
        for step in made["steps"]:
            if "uses" in step or step["name"] == "unpack":
                continue
            environ = {**self._github, **workflow["env"], **made.get("env", {}), **exported, **step.get("env", {})}
            done = self.shell(step["run"], self._filled(environ, known), ["bash", "-e", "-o", "pipefail"])
            exported |= self._exported()
            ran = Ran(done.code, ran.out + done.out, {**ran.outputs, **done.outputs})
            if done.code:
                break
        return ran

    def action(self, file: Path, **inputs: str) -> Ran:
        """The last step of the composite action, which is all but its installation."""
        made = yaml.safe_load(file.read_text())
        given = {name: each.get("default", "") for name, each in made["inputs"].items()} | inputs
        known = {
            "github.workspace": str(self.repository),
            **{f"inputs.{name}": each for name, each in given.items()},
            **{f"github.event.{name}": each for name, each in self.event.items()},
        }
        step = made["runs"]["steps"][-1]
        environ = self._filled({**self._github, **step["env"]}, known)
        return self.shell(step["run"], environ, ["bash", "-e", "-o", "pipefail"])

    def gitlab(self, job: str, inputs: Mapping[str, str], **variables: str) -> Ran:
        """A job of the component, in GitLab's shell; its installation is left out."""
        text = (self.repository / ".gitlab/tokens.yml").read_text()
        head, body = yaml.safe_load_all(text)
        given = {name: each.get("default") for name, each in head["spec"]["inputs"].items()} | dict(inputs)
        filled = yaml.safe_load(_INPUT.sub(lambda found: given[found[1]], yaml.safe_dump(body)))
        made = filled[job]
        base = filled[".tokenguard"] if "extends" in made else {"variables": {}, "before_script": []}
        environ = {"CI_PROJECT_DIR": str(self.repository), "CI": "true", "GITLAB_CI": "true", **variables}
        if self.hosted:
            environ["CI_DISPOSABLE_ENVIRONMENT"] = "true"
        for name, each in {**base["variables"], **made.get("variables", {})}.items():
            environ[name] = re.sub(r"\$(\w+)", lambda found: environ[found[1]], each)
        environ |= self.variables  # those of the project count more than those of its files
        prepare = [line for line in base["before_script"] if "/tmp/tokenguard" not in line]
        return self.shell("\n".join([*prepare, *made["script"]]), environ, ["sh", "-e"])

    def shell(self, script: str, environ: Mapping[str, str], shell: list[str]) -> Ran:
        """Run a script; what it wrote into the runner's files counts as printed."""
        files = {name: self.directory / name for name in _FILES}
        for file in files.values():
            file.write_text("")
        path = f"{program('tokenguard').parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            [*shell, "-c", script], capture_output=True, text=True, check=False, cwd=self.repository, timeout=60,
            env={
                "PATH": path, "HOME": str(self.directory), "CI": "true", "RUNNER_TEMP": str(self.directory),
                **{name: str(file) for name, file in files.items()}, **self.environ, **environ,
            },
        )  # fmt: skip
        written = "".join(file.read_text() for file in files.values())
        self.log += [done.stdout, done.stderr, written]
        outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        return Ran(done.returncode, done.stdout + done.stderr + written, outputs)

    def _exported(self) -> dict[str, str]:
        """What the step before has set for those after it."""
        return dict(line.split("=", 1) for line in (self.directory / "GITHUB_ENV").read_text().splitlines())

    def _filled(self, environ: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
        return {
            name: _EXPRESSION.sub(lambda found: known.get(found[1], ""), str(each)) for name, each in environ.items()
        }
