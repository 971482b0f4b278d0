"""Which version of a coding agent is installed, by its own word."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping

from tokenguard.agents.contract import Agent
from tokenguard.errors import InputError

_NUMBER = re.compile(r"\d{1,6}\.\d{1,6}(?:\.\d{1,6})?")
_PATIENCE = 10.0
_PASSED_ON = ("HOME", "LANG")


def check_version(agent: Agent, environ: Mapping[str, str]) -> str:
    """Refuse an agent that is older than its contract; returns what the user must know, if it cannot be told.

    Raises:
        InputError: it is older than the first version with what the contract relies on.
    """
    if not agent.oldest:
        return ""
    needed = ".".join(map(str, agent.oldest))
    version = _version(agent.program, environ)
    if not version:
        return f"the version of {agent.title} is unknown; the hook needs {needed} or newer"
    if tuple(map(int, version.split("."))) < agent.oldest:
        raise InputError(
            f"{agent.title} {version} is too old: the hook needs {needed} or newer",
            hint=f"update {agent.title}, then run the command again; nothing was written",
        )
    return ""


def _version(program: str, environ: Mapping[str, str]) -> str:
    """What `PROGRAM --version` says; empty if it cannot be run, or says nothing like one."""
    folders = [folder for folder in environ.get("PATH", "").split(os.pathsep) if os.path.isabs(folder)]  # noqa: PTH117
    path = os.pathsep.join(folders)
    found = shutil.which(program, path=path)
    if found is None:
        return ""
    environment = {name: environ[name] for name in _PASSED_ON if name in environ} | {"PATH": path}
    try:
        done = subprocess.run(
            [found, "--version"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=_PATIENCE,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    number = _NUMBER.search(done.stdout.decode("utf-8", "replace"))
    return number[0] if number else ""
